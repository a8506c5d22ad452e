//! Checks that files and functions stay small, so that each holds one idea.

use crate::code::{product, product_files};

/// Upper limit for the length of a file, lines.
const MOST_LINES: usize = 600;
/// Upper limit for the median length of all files, lines.
const MEDIAN_LINES: usize = 120;
/// A function with more lines than this is long.
const LONG: usize = 60;
/// Upper limit for the share of long functions, per mille.
const MOST_LONG: usize = 16;

/// A message for each file that is too long, and for a median that is too long.
fn wrong_files(lengths: &[(String, usize)]) -> Vec<String> {
    let mut wrong: Vec<String> = lengths
        .iter()
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(name, lines)| format!("`{name}` has {lines} lines"))
        .collect();
    let mut sorted: Vec<usize> = lengths.iter().map(|(_, lines)| *lines).collect();
    sorted.sort_unstable();
    let median = sorted[sorted.len() / 2];
    if median > MEDIAN_LINES {
        wrong.push(format!("the median length of all files is {median} lines"));
    }
    wrong
}

/// A message and the list of long functions, if their share is above the limit.
fn wrong_functions(lengths: &[(String, usize)]) -> Vec<String> {
    let long: Vec<String> = lengths
        .iter()
        .filter(|(_, lines)| *lines > LONG)
        .map(|(name, lines)| format!("{lines} {name}"))
        .collect();
    if long.len() * 1_000 <= lengths.len() * MOST_LONG {
        return Vec::new();
    }
    let most = lengths.len() * MOST_LONG / 1_000;
    let mut wrong = vec![format!(
        "{} of {} functions are longer than {LONG} lines; at most {most} are allowed",
        long.len(),
        lengths.len()
    )];
    wrong.extend(long);
    wrong
}

#[test]
fn files_are_small() {
    let files = product_files();
    let lengths: Vec<(String, usize)> = files
        .iter()
        .map(|(name, text)| (name.clone(), text.lines().count()))
        .collect();
    assert!(lengths.len() > 200);
    let wrong = wrong_files(&lengths);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn functions_are_short() {
    let all = product(&product_files());
    let mut lengths: Vec<(String, usize)> = Vec::new();
    for (name, code) in &all {
        for function in &code.functions {
            lengths.push((
                format!("{name}:{} {}", function.line, function.name),
                function.lines,
            ));
        }
    }
    assert!(lengths.len() > 1_000);
    let wrong = wrong_functions(&lengths);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_too_long_is_found() {
    let files = |lines: &[usize]| -> Vec<(String, usize)> {
        lines.iter().map(|lines| ("x".to_owned(), *lines)).collect()
    };
    assert!(wrong_files(&files(&[600, 120, 1])).is_empty());
    assert_eq!(wrong_files(&files(&[601, 1, 1])).len(), 1);
    assert_eq!(wrong_files(&files(&[121, 121, 1])).len(), 1);
    let mut functions = files(&[10; 99]);
    assert!(wrong_functions(&functions).is_empty());
    functions.extend(files(&[61, 61]));
    assert_eq!(wrong_functions(&functions).len(), 3);
}

#[test]
fn a_function_is_measured() {
    let text = "impl A {\n    /// Doc.\n    fn f() {\n        g();\n    }\n}\nfn g() {}\n#[cfg(test)]\nmod tests { fn h() {} }";
    let code = crate::code::parse("x.rs", text);
    let lengths: Vec<(&str, usize)> = code
        .functions
        .iter()
        .map(|function| (function.name.as_str(), function.lines))
        .collect();
    assert_eq!(lengths, [("f", 3), ("g", 1)]);
}

/// Wiring is small: subjects have folders of their own.
#[test]
fn app_is_wiring() {
    let files = product_files();
    let app = files.iter().filter(|(name, _)| name.starts_with("app/"));
    let lines: usize = app.map(|(_, text)| text.lines().count()).sum();
    assert!((1_000..3_000).contains(&lines), "app/ has {lines} lines");
}
