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
