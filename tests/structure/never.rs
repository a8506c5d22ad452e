//! What ARCHITECTURE.md calls "never done": one test for each line of that list.

use std::collections::BTreeMap;

use crate::code::{Code, parse, product, root, sources};

type Files = BTreeMap<String, Code>;

fn all() -> Files {
    product(&sources(&root()))
}

fn fixture(name: &str, text: &str) -> Files {
    Files::from([(name.to_owned(), parse(name, text))])
}

fn is_in(name: &str, places: &[&str]) -> bool {
    places.iter().any(|place| name.starts_with(place))
}

/// Files that name a path whose beginning is in the list, outside of the allowed places.
fn names(all: &Files, beginnings: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, code) in all.iter().filter(|(name, _)| !is_in(name, allowed)) {
        for named in &code.named {
            let path = named.path.join("::");
            let is_bad = |beginning: &&str| {
                path == **beginning || path.starts_with(&format!("{beginning}::"))
            };
            if beginnings.iter().any(is_bad) {
                wrong.push(format!("{name}:{}: {path}", named.line));
            }
        }
    }
    wrong
}

/// Files whose tokens contain one of the texts, outside of the allowed places.
fn contains(all: &Files, texts: &[&str], allowed: &[(&str, &str)]) -> Vec<String> {
    let is_allowed = |name: &str| allowed.iter().any(|(place, _)| name.starts_with(place));
    let mut wrong = Vec::new();
    for (name, code) in all.iter().filter(|(name, _)| !is_allowed(name)) {
        for text in texts.iter().filter(|text| code.text.contains(**text)) {
            wrong.push(format!("{name}: {text}"));
        }
    }
    wrong
}

fn check(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Folders without files, clocks, environment, threads and output.
const PURE: &[&str] = &["model/", "tracker/", "trails/", "chart/", "scene/"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::io",
    "std::os",
    "rustix",
    "nix",
    "libc",
    "jiff",
];

/// Methods of `std::path::Path` that read the file system.
const IMPURE_METHODS: &[&str] = &[
    ". exists (",
    ". try_exists (",
    ". is_file (",
    ". is_dir (",
    ". read_dir (",
    ". read_link (",
    ". metadata (",
    ". symlink_metadata (",
    ". canonicalize (",
];

fn impure(all: &Files) -> Vec<String> {
    let pure: Files = all
        .iter()
        .filter(|(name, _)| is_in(name, PURE))
        .map(|(name, code)| (name.clone(), code.clone()))
        .collect();
    let mut wrong = names(&pure, IMPURE, &[]);
    wrong.extend(contains(&pure, IMPURE_METHODS, &[]));
    // A glob import could bring in any of them.
    for (name, code) in &pure {
        for path in ["std", "std::time"] {
            if code.named.iter().any(|named| named.path.join("::") == path) {
                wrong.push(format!("{name}: imports all of {path}"));
            }
        }
    }
    wrong
}

/// The text of a file of `src`.
fn text_of(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

#[test]
fn pure_folders_do_no_io() {
    check(&impure(&all()));
}

#[test]
fn io_in_a_pure_folder_is_found() {
    for bad in [
        "use std::fs::File;",
        "use std::{fs, sync::Arc}; fn f() { fs::read(\"x\"); }",
        "fn f() { std::time::Instant::now(); }",
        "use std::time::{Duration, Instant};",
        "use std::time::*; fn f() { Instant::now(); }",
        "fn f() { println!(\"{}\", std::env::args().count()); }",
        "fn f(path: &Path) -> bool { path.exists() }",
        "use std::os::fd::AsFd;",
    ] {
        assert!(!impure(&fixture("chart/x.rs", bad)).is_empty(), "{bad}");
        assert!(impure(&fixture("app/x.rs", bad)).is_empty(), "{bad}");
    }
    let good = "use std::time::Duration;";
    assert!(impure(&fixture("chart/x.rs", good)).is_empty());
}

/// A dependency and the only places that may name it.
const OWNED: &[(&str, &[&str])] = &[
    ("aya", &["source/kernel/"]),
    ("tiny_skia", &["paint/"]),
    ("plotters", &["scene/", "chart/"]),
    ("plotters_backend", &["scene/"]),
    ("seccompiler", &["source/confine/"]),
    ("landlock", &["source/confine/"]),
    ("zstd", &["recording/"]),
    ("postcard", &["tracker/"]),
    ("winit", &["live/"]),
    ("softbuffer", &["live/"]),
    ("ratatui", &["live/terminal.rs", "view/terminal/"]),
    ("gif", &["paint/"]),
    ("png", &["paint/"]),
    ("clap", &["cli/", "main.rs"]),
    ("parse_size", &["runtime/config.rs"]),
];

fn strangers(all: &Files) -> Vec<String> {
    OWNED
        .iter()
        .flat_map(|(owned, places)| names(all, &[owned], places))
        .collect()
}

#[test]
fn dependencies_have_owners() {
    check(&strangers(&all()));
}

#[test]
fn a_dependency_elsewhere_is_found() {
    for bad in [
        "use aya::Ebpf;",
        "use tiny_skia as skia; fn f() { skia::Pixmap::new(1, 1); }",
        "fn f(x: zstd::Decoder) {}",
    ] {
        assert_eq!(
            strangers(&fixture("view/x.rs", bad)).len().min(1),
            1,
            "{bad}"
        );
    }
    assert!(strangers(&fixture("source/kernel/x.rs", "use aya::Ebpf;")).is_empty());
}

/// Each owner in the table exists, so that no row is out of date.
#[test]
fn owners_use_what_they_own() {
    let all = all();
    for (owned, places) in OWNED {
        for place in *places {
            let own: Files = all
                .keys()
                .filter(|name| name.starts_with(place))
                .map(|name| (name.clone(), parse(name, &text_of(name))))
                .collect();
            assert!(
                !names(&own, &[owned], &[]).is_empty(),
                "{place} does not use {owned}"
            );
        }
    }
}

/// The compiler refuses unsafe code where it is denied. Files that allow it again.
fn allows_unsafe(all: &Files) -> Vec<&str> {
    all.iter()
        .filter(|(_, code)| {
            let text = code.text.replace(' ', "");
            text.contains("allow(unsafe_code") || text.contains("expect(unsafe_code")
        })
        .map(|(name, _)| name.as_str())
        .collect()
}

#[test]
fn unsafe_code_is_in_one_file() {
    for root in ["lib.rs", "main.rs"] {
        assert!(
            text_of(root).contains("\n#![deny(unsafe_code)]\n"),
            "{root} does not deny unsafe code"
        );
    }
    // The module `raw`, declared there, is the only one.
    let all = all();
    assert_eq!(allows_unsafe(&all), ["source/kernel/mod.rs"]);
    let text = &all["source/kernel/mod.rs"].text;
    assert_eq!(text.matches("unsafe_code").count(), 1);
    assert!(all["source/kernel/raw.rs"].text.contains("unsafe {"));
}

#[test]
fn unsafe_code_elsewhere_is_found() {
    for bad in [
        "#[allow(unsafe_code)] fn f() { unsafe { g() } }",
        "#[expect( unsafe_code , reason = \"x\")] mod a { unsafe extern \"C\" {} }",
    ] {
        assert_eq!(allows_unsafe(&fixture("app/x.rs", bad)).len(), 1, "{bad}");
    }
}

/// Files that turn bytes into text without `Untrusted`, and why they may.
const BYTES_TO_TEXT: &[(&str, &str)] = &[
    ("model/untrusted.rs", "this is Untrusted"),
    ("model/ids.rs", "the Debug form, which is for tests"),
    (
        "source/cgroups.rs",
        "a path, which leaves through Untrusted",
    ),
    (
        "source/containers/files.rs",
        "the name of a container, which leaves through Untrusted",
    ),
    (
        "source/users.rs",
        "lines of /etc/passwd, of which names leave through Untrusted",
    ),
    (
        "source/accounts.rs",
        "the output of getent, which is parsed",
    ),
    ("export/csv.rs", "asks whether a field is a number"),
    (
        "recording/columns/get.rs",
        "a path, which leaves through Untrusted",
    ),
    (
        "recorder/trigger.rs",
        "a name that a pattern is compared with",
    ),
    (
        "runtime/drawing.rs",
        "the command line, for the comment of a PNG",
    ),
    (
        "runtime/output/mod.rs",
        "the pattern of a file name, which the caller typed",
    ),
    (
        "source/invoker.rs",
        "an environment variable, which is parsed",
    ),
    (
        "source/kernel/support.rs",
        "the name of a namespace, which is compared",
    ),
    (
        "source/machine.rs",
        "the host name and the release of the kernel",
    ),
];

fn raw_text(all: &Files) -> Vec<String> {
    let texts = [
        "from_utf8",
        "from_utf8_lossy",
        "to_string_lossy",
        "from_utf8_unchecked",
    ];
    // With a space on each side it is the whole word; an import alone is not a use.
    let mut words: Vec<String> = texts.iter().map(|text| format!(":: {text} ")).collect();
    words.extend(texts.iter().map(|text| format!("{text} (")));
    words.extend([". to_string_lossy ".to_owned(), ". display ( )".to_owned()]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut wrong = contains(all, &words, BYTES_TO_TEXT);
    // One entry for each file.
    wrong.dedup_by_key(|entry| entry.split(':').next().map(str::to_owned));
    wrong
}

/// Names that a process chose become text through `Untrusted` alone, which has no
/// `Display` and escapes for one place.
#[test]
fn names_leave_through_untrusted() {
    check(&raw_text(&all()));
    for (file, _) in BYTES_TO_TEXT {
        assert!(all().contains_key(*file), "{file} is gone: remove its row");
    }
    let text: String = all().values().map(|code| code.text.as_str()).collect();
    for name in ["Untrusted", "Comm", "Args"] {
        for display in [
            format!("Display for {name}"),
            format!("ToString for {name}"),
        ] {
            assert!(!text.contains(&display), "{display}");
        }
    }
}

#[test]
fn text_without_untrusted_is_found() {
    for bad in [
        "fn f(x: &[u8]) { String::from_utf8_lossy(x); }",
        "fn f(x: &Path) { println!(\"{}\", x.to_string_lossy()); }",
        "use std::str::from_utf8; fn f(x: &[u8]) { from_utf8(x); }",
        "fn f(x: Vec<Vec<u8>>) { x.iter().map(String::from_utf8_lossy); }",
        "fn f(x: &Path) { println!(\"{}\", x.display()); }",
    ] {
        assert_eq!(raw_text(&fixture("view/x.rs", bad)).len(), 1, "{bad}");
    }
}

/// Files with maps or sets whose key is a bare thread or process id, and what keeps an
/// id that is used again from being taken for the old task.
const BY_PID: &[(&str, &str)] = &[
    (
        "source/tick/blocked.rs",
        "the value has the start, which is compared",
    ),
    (
        "source/roster.rs",
        "the value has the start, which is compared",
    ),
    ("source/sampler.rs", "one walk over /proc"),
    (
        "source/proc/walk.rs",
        "the value has the start, which is compared",
    ),
    ("source/kernel/drain.rs", "one batch of events"),
    (
        "source/kernel/deaths/",
        "the value has the start, which is compared",
    ),
    ("source/users.rs", "user ids"),
    ("recording/facts.rs", "user ids"),
    ("replay/mod.rs", "user ids"),
    ("replay/tree.rs", "the value is the task id"),
    ("tracker/rules/zombies.rs", "one snapshot"),
    ("chart/grouping.rs", "one snapshot"),
    (
        "chart/table/tree.rs",
        "a parent must be older than its child",
    ),
    ("paint/svg.rs", "a row of pixels"),
    ("chart/grid/places.rs", "groups"),
];

fn by_pid(all: &Files) -> Vec<String> {
    let mut texts = Vec::new();
    for kind in ["HashMap", "BTreeMap", "HashSet", "BTreeSet"] {
        for key in ["u32", "i32"] {
            for end in [",", ">"] {
                texts.push(format!("{kind} < {key} {end}"));
                texts.push(format!("{kind} :: < {key} {end}"));
            }
            texts.push(format!("{kind} < ( {key} ,"));
            texts.push(format!("{kind} :: < ( {key} ,"));
        }
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    contains(all, &texts, BY_PID)
}

#[test]
fn no_task_is_known_by_its_pid_alone() {
    check(&by_pid(&all()));
    for (place, _) in BY_PID {
        let own: Files = all()
            .into_iter()
            .filter(|(name, _)| name.starts_with(place))
            .collect();
        let is_used = own.values().any(|code| {
            ["< u32 ", "< i32 ", "< ( i32 "]
                .iter()
                .any(|key| code.text.contains(key))
        });
        assert!(is_used, "{place} has no such map: remove its row");
    }
}

#[test]
fn a_map_by_pid_is_found() {
    for bad in [
        "struct A { x: FxHashMap<u32, String> }",
        "fn f() { let x: std::collections::BTreeSet<u32> = g(); }",
        "fn f() { x.collect::<HashSet<u32>>(); HashSet::<u32>::new(); }",
        "struct A { x: HashMap<(u32, u8), String> }",
    ] {
        assert!(!by_pid(&fixture("view/x.rs", bad)).is_empty(), "{bad}");
    }
    assert!(
        by_pid(&fixture(
            "view/x.rs",
            "struct A { x: HashMap<TaskId, u32> }"
        ))
        .is_empty()
    );
}

/// Where an unknown figure counts as 0, by file, with the number of places and the reason.
const UNKNOWN_AS_ZERO: &[(&str, usize, &str)] = &[
    (
        "chart/bubble/mod.rs",
        3,
        "the smallest bubble; the row for unknown address spaces; the largest of no bubbles",
    ),
    (
        "chart/cells.rs",
        2,
        "the smallest dot; the largest of all tasks",
    ),
    (
        "chart/grid/mark.rs",
        2,
        "the smallest dot; no mark for growth",
    ),
    ("chart/grid/mod.rs", 1, "the largest of all tasks"),
    ("chart/grid/stable.rs", 1, "places of a group that has none"),
    (
        "chart/lines/mod.rs",
        2,
        "without trails there are no points; a trail without points has used nothing",
    ),
    ("chart/sorting.rs", 1, "unknown figures come last"),
    ("export/rows.rs", 1, "a time out of range is an empty field"),
    ("model/fact.rs", 1, "the first part of a split text"),
    ("model/snapshot.rs", 1, "the last gap when there was none"),
    (
        "paint/animation.rs",
        1,
        "the decoder then refuses the buffer",
    ),
    ("paint/page/frames.rs", 1, "the first frame sets it"),
    (
        "tracker/census.rs",
        2,
        "differences of counters: what is unknown adds nothing",
    ),
    ("tracker/events.rs", 1, "the larger of two figures"),
    ("tracker/history.rs", 1, "a new history has no time yet"),
    (
        "tracker/period/step.rs",
        1,
        "the sum of what is known, of processes that are too many to keep",
    ),
    (
        "tracker/processes.rs",
        4,
        "flags, and counters from the time at which they are known",
    ),
    (
        "tracker/rules/forks.rs",
        2,
        "the sum of what is known; the text leaves out 0; of no ticks there is no first; not reached",
    ),
    ("tracker/rules/mod.rs", 1, "no change of the memory"),
    (
        "tracker/rules/oom.rs",
        1,
        "of no deaths there is no first; not reached",
    ),
    (
        "tracker/rules/tree.rs",
        1,
        "a count above the threshold has a start",
    ),
    (
        "tracker/rules/waiting.rs",
        1,
        "the longest of several waits",
    ),
    (
        "trails/mod.rs",
        2,
        "without trails there are no points; a trail without points has used nothing",
    ),
    (
        "trails/trail.rs",
        3,
        "an exited task has no memory; no change of the memory, twice",
    ),
    (
        "view/line.rs",
        2,
        "before the first word is the beginning of the line",
    ),
    ("view/overlay.rs", 1, "no bar has no height"),
    ("view/state.rs", 1, "the first finding"),
    (
        "view/terminal/look.rs",
        2,
        "an environment variable; the nearest of six colours",
    ),
    (
        "view/terminal/rest.rs",
        2,
        "the smallest bubble; the row for unknown address spaces",
    ),
];

/// Places where an unknown value becomes 0.
fn zeros(all: &Files) -> Vec<(String, usize)> {
    let folders = [
        "model/", "tracker/", "trails/", "chart/", "view/", "export/", "paint/",
    ];
    let texts = [
        "unwrap_or ( 0 )",
        "unwrap_or ( 0.0 )",
        "unwrap_or_default ( )",
        "unwrap_or_else ( | | 0 ",
        "map_or ( 0 ,",
        "map_or ( 0.0 ,",
    ];
    let mut found = Vec::new();
    for (name, code) in all.iter().filter(|(name, _)| is_in(name, &folders)) {
        let count = texts
            .iter()
            .map(|text| code.text.matches(text).count())
            .sum();
        if count > 0 {
            found.push((name.clone(), count));
        }
    }
    found
}

/// A figure that is not known is `None`, and shown as unknown. Each place where it
/// counts as 0 is in the table.
#[test]
fn an_unknown_figure_is_not_zero() {
    let found = zeros(&all());
    let expected: Vec<(String, usize)> = UNKNOWN_AS_ZERO
        .iter()
        .map(|(name, count, _)| ((*name).to_owned(), *count))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn an_unknown_figure_as_zero_is_found() {
    for bad in [
        "fn f() { x.rss.unwrap_or(0); }",
        "fn f() { x.io.unwrap_or_default(); }",
        "fn f() { x.io.map_or(0, |io| io.read); }",
        "fn f() { x.share.map_or(0.0, f64::from); }",
        "fn f() { x.rss.unwrap_or_else(|| 0); }",
    ] {
        assert_eq!(zeros(&fixture("chart/x.rs", bad)).len(), 1, "{bad}");
    }
}
