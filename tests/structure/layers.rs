//! Checks that each folder of `src` imports only the folders in its row of the table.

use std::collections::BTreeMap;

use crate::code::{Code, parse, product, root, sources};

/// Each folder and the folders that it can import. A folder can always import itself.
/// Lower layers come first.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("cli", &[]),
    ("scene", &["model"]),
    ("trails", &["model"]),
    ("tracker", &["model"]),
    ("paint", &["model", "scene"]),
    ("source", &["model"]),
    ("recording", &["model", "trails", "tracker"]),
    ("export", &["model", "recording", "tracker"]),
    ("chart", &["model", "trails", "scene"]),
    ("view", &["model", "scene", "chart"]),
    (
        "runtime",
        &[
            "model", "cli", "scene", "paint", "source", "export", "chart",
        ],
    ),
    (
        "recorder",
        &[
            "model",
            "trails",
            "tracker",
            "source",
            "recording",
            "runtime",
        ],
    ),
    (
        "replay",
        &[
            "model",
            "cli",
            "trails",
            "tracker",
            "recording",
            "export",
            "runtime",
        ],
    ),
    (
        "session",
        &[
            "model",
            "cli",
            "trails",
            "tracker",
            "source",
            "export",
            "recording",
            "runtime",
            "recorder",
            "replay",
        ],
    ),
    (
        "live",
        &[
            "model", "cli", "tracker", "scene", "paint", "source", "export", "chart", "view",
            "runtime", "recorder", "replay", "session",
        ],
    ),
    (
        "app",
        &[
            "model",
            "cli",
            "tracker",
            "scene",
            "paint",
            "source",
            "recording",
            "export",
            "chart",
            "view",
            "runtime",
            "recorder",
            "replay",
            "session",
            "live",
        ],
    ),
];

/// The first part of a path: the folder, or the file name of a file directly in `src`.
fn folder(name: &str) -> &str {
    name.split_once('/').map_or(name, |(folder, _)| folder)
}

/// Every import that the table does not allow.
fn violations(all: &BTreeMap<String, Code>, layers: &[(&str, &[&str])]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, code) in all {
        let own = folder(name);
        if ["lib.rs", "main.rs"].contains(&own) {
            continue;
        }
        let Some((_, allowed)) = layers.iter().find(|(folder, _)| *folder == own) else {
            wrong.push(format!("{name}: no row for the folder `{own}`"));
            continue;
        };
        for named in &code.named {
            if named.path.first().is_none_or(|root| root != "crate") {
                continue;
            }
            let Some(other) = named.path.get(1) else {
                wrong.push(format!("{name}:{}: imports the whole crate", named.line));
                continue;
            };
            if other != own && !allowed.contains(&other.as_str()) {
                wrong.push(format!(
                    "{name}:{}: `{}`: `{own}` must not import `{other}`",
                    named.line,
                    named.path.join("::")
                ));
            }
        }
    }
    wrong
}

#[test]
fn each_folder_names_only_those_below() {
    let files = sources(&root());
    let all = product(&files);
    assert!(all.len() > 200, "{} files", all.len());
    let wrong = violations(&all, LAYERS);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Checks that the table allows only imports that exist.
#[test]
fn nothing_is_allowed_in_vain() {
    let all = product(&sources(&root()));
    for (own, allowed) in LAYERS {
        let is_own = |(name, _): &(&String, &Code)| folder(name) == *own;
        let used: Vec<&str> = all
            .iter()
            .filter(is_own)
            .flat_map(|(_, code)| &code.named)
            .filter(|named| named.path[0] == "crate")
            .filter_map(|named| named.path.get(1).map(String::as_str))
            .collect();
        let vain: Vec<_> = allowed
            .iter()
            .filter(|other| !used.contains(other))
            .collect();
        assert!(
            vain.is_empty(),
            "`{own}` does not import {vain:?}, but the table allows it"
        );
    }
}

/// Checks that the table has no cycle: a row allows only folders of earlier rows.
#[test]
fn the_table_has_no_circle() {
    for (at, (own, allowed)) in LAYERS.iter().enumerate() {
        for other in *allowed {
            let place = LAYERS.iter().position(|(folder, _)| folder == other);
            assert!(
                place.is_some_and(|place| place < at),
                "`{own}` allows a later row: `{other}`"
            );
        }
    }
}

/// Checks that every spelling of a forbidden import is found, and that imports in test
/// code are ignored.
#[test]
fn a_forbidden_name_is_found() {
    let layers: &[(&str, &[&str])] = &[("tracker", &[]), ("chart", &[])];
    for bad in [
        "use crate::tracker::Past;",
        "use crate::{model::A, tracker::{self as t, Past}};",
        "use crate::tracker as t; fn f() { t::g() }",
        "use crate as c; fn f() { c::tracker::g() }",
        "use super::super::tracker::Past;",
        "fn f() -> crate::tracker::Past { loop {} }",
        "fn f() { let x = crate::tracker::g(); }",
        "fn f() { println!(\"{}\", crate::tracker::g()) }",
        "#[error(\"{}\", crate::tracker::g())] struct E;",
        "fn f() { use crate::tracker::g; g() }",
        "mod inner { fn f() { crate::tracker::g() } }",
        "#[cfg(test)] mod tests {} use crate::tracker::Past;",
        "pub(crate) use crate::tracker::Past;",
        "use crate::*;",
    ] {
        let all = BTreeMap::from([("chart/x.rs".to_owned(), parse("chart/x.rs", bad))]);
        let wrong = violations(&all, layers);
        let is_found = wrong
            .iter()
            .any(|wrong| wrong.contains("tracker") || wrong.contains("whole crate"));
        assert!(is_found, "{bad}: {wrong:?}");
    }
    for good in [
        "use super::y; use self::z; use std::fs;",
        "#[cfg(test)] mod tests { use crate::tracker::Past; }",
        "#[cfg(test)] use crate::tracker::Past;",
        "mod tracker {} fn f() { self::tracker::g() }",
    ] {
        let all = BTreeMap::from([("chart/x.rs".to_owned(), parse("chart/x.rs", good))]);
        let wrong = violations(&all, layers);
        assert!(wrong.is_empty(), "{good}: {wrong:?}");
    }
}

/// Checks that a file that its parent declares only for tests is not product code.
#[test]
fn test_files_are_left_out() {
    let files = [
        ("chart/mod.rs", "#[cfg(test)] mod golden; mod bar;"),
        ("chart/golden.rs", "use crate::tracker::Past;"),
        ("chart/bar.rs", ""),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let all = product(&files);
    let names: Vec<&String> = all.keys().collect();
    assert_eq!(names, ["chart/bar.rs", "chart/mod.rs"]);
}
