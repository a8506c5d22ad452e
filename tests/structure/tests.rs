//! Guards of the tests themselves.

use std::path::Path;

use crate::code::sources;

/// Test files that print the word for a skipped test by themselves.
fn own_skips(files: &[(String, String)]) -> Vec<String> {
    let word = ["SKIP", "PED"].concat();
    files
        .iter()
        .filter(|(name, _)| name != "end_to_end/skip.rs")
        .flat_map(|(name, text)| {
            let lines = text.lines().enumerate();
            let prints = lines
                .filter(|(_, line)| !line.trim_start().starts_with("//") && line.contains(&word));
            prints.map(move |(at, _)| format!("{name}:{}", at + 1))
        })
        .collect()
}

/// A skipped test is a failure in CI, so each skip goes through `skip`.
#[test]
fn all_skips_go_through_one_function() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    let wrong = own_skips(&sources(&tests));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_skip_elsewhere_is_found() {
    let text = format!("fn f() {{\n    println!(\"{}ED: no root\");\n}}", "SKIPP");
    assert_eq!(own_skips(&[("end_to_end/x.rs".to_owned(), text)]).len(), 1);
}

/// Tests that a text names, as `module::name` or after `unit:`, and that do not exist.
fn missing_tests(text: &str, end_to_end: &[(String, String)], unit: &str) -> Vec<String> {
    let mut missing = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let (before, after) = line.split_once("unit:").unwrap_or((line, ""));
        let quoted = |part: &str| -> Vec<String> {
            part.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect()
        };
        for name in quoted(before)
            .iter()
            .filter_map(|name| name.split_once("::"))
        {
            let (module, test) = name;
            let file = format!("end_to_end/{module}.rs");
            let found = end_to_end.iter().any(|(name, text)| {
                *name == file && (test.is_empty() || text.contains(&format!("\"{test}\"")))
            });
            if !found {
                missing.push(format!("{module}::{test}"));
            }
        }
        let is_there = |name: &String| unit.contains(&format!("fn {name}("));
        missing.extend(quoted(after).into_iter().filter(|name| !is_there(name)));
    }
    missing
}

/// SECURITY.md names the test of each promise.
#[test]
fn the_tests_of_all_promises_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let end_to_end = sources(&root.join("tests"));
    let unit: String = sources(&root.join("procviz/src"))
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert!(text.matches("::").count() > 20);
    let missing = missing_tests(&text, &end_to_end, &unit);
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_promise_without_a_test_is_found() {
    let files = [(
        "end_to_end/a.rs".to_owned(),
        "(\"b\", Needs::Nothing, b)".to_owned(),
    )];
    let check = |text: &str| missing_tests(text, &files, "fn c() {}");
    assert!(check("| x | `a::b`, `a::`, unit: `c` |").is_empty());
    assert_eq!(check("| x | `a::z`, unit: `d` |"), ["a::z", "d"]);
}
