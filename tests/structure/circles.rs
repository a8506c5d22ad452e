//! Checks that no two files import each other, directly or through other files. A
//! module and its own child modules are the exception.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::{Code, product, root, sources};

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The import graph: for each file, the files that it imports.
fn graph(all: &BTreeMap<String, Code>) -> Graph {
    let files: BTreeMap<&[String], &String> = all
        .iter()
        .map(|(name, code)| (code.module.as_slice(), name))
        .collect();
    let mut graph = Graph::new();
    for (name, code) in all {
        let needs = graph.entry(name.clone()).or_default();
        for named in &code.named {
            let Some(other) = file_of(&named.path, all, &files) else {
                continue;
            };
            let other_module = &all[other].module;
            let is_family =
                code.module.starts_with(other_module) || other_module.starts_with(&code.module);
            if !is_family {
                needs.insert(other.clone());
            }
        }
    }
    for (name, other) in methods(all) {
        graph.entry(name).or_default().insert(other);
    }
    graph
}

/// Calls of `self.NAME(…)` whose method is defined in another file of the same folder:
/// the methods of one type can be in several files. A name that several files define is
/// left out.
fn methods(all: &BTreeMap<String, Code>) -> Vec<(String, String)> {
    let folder = |name: &str| name.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let mut defined: BTreeMap<(Option<String>, &str), BTreeSet<&String>> = BTreeMap::new();
    for (name, code) in all {
        for function in &code.functions {
            let key = (folder(name), function.name.as_str());
            defined.entry(key).or_default().insert(name);
        }
    }
    let mut calls = Vec::new();
    for (name, code) in all.iter().filter(|(name, _)| !name.ends_with("mod.rs")) {
        for call in code.text.split("self . ").skip(1) {
            let Some((method, after)) = call.split_once(' ') else {
                continue;
            };
            let files = defined.get(&(folder(name), method));
            let Some(files) = files.filter(|files| files.len() == 1 && after.starts_with('('))
            else {
                continue;
            };
            let other = files.first().filter(|other| !other.ends_with("mod.rs"));
            if let Some(other) = other.filter(|other| **other != name) {
                calls.push((name.clone(), (*other).clone()));
            }
        }
    }
    calls
}

/// The file that defines the item of a path. Follows re-exports.
fn file_of<'a>(
    path: &[String],
    all: &BTreeMap<String, Code>,
    files: &BTreeMap<&[String], &'a String>,
) -> Option<&'a String> {
    let mut path = path.to_vec();
    // A name is re-exported a few times at most.
    for _ in 0..8 {
        let depth = (1..=path.len())
            .rev()
            .find(|depth| files.contains_key(&path[..*depth]))?;
        let file = files[&path[..depth]];
        let handed_on = path.get(depth).and_then(|name| all[file].aliases.get(name));
        match handed_on {
            Some(known) if known[0] == "crate" && known[..] != path[..=depth] => {
                path = known.iter().chain(&path[depth + 1..]).cloned().collect();
            }
            _ => return Some(file),
        }
    }
    None
}

/// Groups of files that all import each other: the cycles of the graph.
fn circles(graph: &Graph) -> Vec<Vec<&String>> {
    let reach = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            for next in graph.get(at).into_iter().flatten() {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        graph.keys().map(|name| (name, reach(name))).collect();
    let mut circles: Vec<Vec<&String>> = Vec::new();
    for (name, others) in &reached {
        if !others.contains(name) || circles.iter().flatten().any(|other| other == name) {
            continue;
        }
        let circle = others.iter().filter(|other| reached[*other].contains(name));
        circles.push(circle.copied().collect());
    }
    circles
}

#[test]
fn no_files_need_each_other() {
    let all = product(&sources(&root()));
    let graph = graph(&all);
    let edges: usize = graph.values().map(BTreeSet::len).sum();
    assert!(edges > 500, "only {edges} imports were read");
    let circles = circles(&graph);
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_found() {
    let check = |files: &[(&str, &str)]| {
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        let all = product(&files);
        circles(&graph(&all)).len()
    };
    // A cycle of two files, a cycle of three files, and a cycle through re-exports of
    // the parent module.
    assert_eq!(
        check(&[("a.rs", "use crate::b::B;"), ("b.rs", "use crate::a::A;")]),
        1
    );
    assert_eq!(
        check(&[
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "use crate::c::C;"),
            ("c.rs", "fn f() { crate::a::f() }")
        ]),
        1
    );
    assert_eq!(
        check(&[
            (
                "m/mod.rs",
                "mod a; mod b; pub use a::A; pub use self::b::B;"
            ),
            ("m/a.rs", "use super::B;"),
            ("m/b.rs", "use super::A;")
        ]),
        1
    );
    // Methods of one type in two files that call each other.
    assert_eq!(
        check(&[
            ("m/a.rs", "impl P { fn f(&self) { self.g(); } }"),
            ("m/b.rs", "impl P { fn g(&self) { self.f(); } }")
        ]),
        1
    );
    // A circle through `super` in an inline module.
    assert_eq!(
        check(&[
            ("m/a.rs", "mod inner { use super::super::b::B; }"),
            ("m/b.rs", "use super::a::A;")
        ]),
        1
    );
    // A module and its own child modules can import each other.
    assert_eq!(
        check(&[
            ("m/mod.rs", "mod a; use a::A; pub struct M;"),
            ("m/a.rs", "use super::M;")
        ]),
        0
    );
    assert_eq!(check(&[("a.rs", "use crate::b::B;"), ("b.rs", "")]), 0);
}
