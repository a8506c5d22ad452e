//! Parses Rust source files. Finds the modules that each file names outside test code
//! (through `use` trees, aliases, paths and macros) and the length of its functions.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{
    Attribute, ImplItemFn, Item, ItemFn, ItemMod, ItemUse, TraitItemFn, UseTree,
    spanned::Spanned as _,
    visit::{self, Visit},
};

/// The source folder of the package `procviz`.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All `.rs` files below a folder, sorted: the path relative to the folder, and the text.
pub(crate) fn sources(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|suffix| suffix == "rs") {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// A path in product code, such as `["crate", "tracker", "Past"]` or
/// `["aya", "Ebpf"]`, and its line number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// A function of product code.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) lines: usize,
    pub(crate) line: usize,
}

/// The facts about one file that the checks need, without its test modules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    pub(crate) named: Vec<Named>,
    pub(crate) functions: Vec<Function>,
    /// Child modules that are declared for tests only.
    pub(crate) test_modules: Vec<String>,
    /// All tokens, separated by single spaces.
    pub(crate) text: String,
    /// The path of the file's module, starting with `crate`.
    pub(crate) module: Vec<String>,
    /// Names that `use` and `mod` bring into the file's module, and the path of each name.
    pub(crate) aliases: BTreeMap<String, Vec<String>>,
}

/// Parses a file; `name` is its path relative to `src`.
pub(crate) fn parse(name: &str, text: &str) -> Code {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut module: Vec<String> = vec!["crate".to_owned()];
    let stem = name.trim_end_matches(".rs");
    module.extend(stem.split('/').map(str::to_owned));
    if matches!(
        module.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        module.pop();
    }
    let mut code = Code {
        module,
        ..Code::default()
    };
    // Collect aliases first: a path can be above the `use` that defines its alias.
    Aliases(&mut code).visit_file(&file);
    code.visit_file(&file);
    code.named.sort();
    code.named.dedup();
    code
}

/// Whether an item is compiled only for tests or fuzzing.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Ok(list) = attribute.meta.require_list() else {
            return attribute.path().is_ident("test");
        };
        let condition = list.tokens.to_string();
        attribute.path().is_ident("cfg")
            && (condition == "test"
                || condition.replace(' ', "") == "any(test,feature=\"fuzzing\")")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Each path of a `use` tree, and its local name.
fn leaves(tree: &UseTree, before: &[String], out: &mut Vec<(Vec<String>, Option<String>)>) {
    let with = |name: &str| {
        let mut path = before.to_vec();
        if name != "self" || path.is_empty() {
            path.push(name.to_owned());
        }
        path
    };
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(&path.ident.to_string()), out),
        UseTree::Name(name) => {
            let path = with(&name.ident.to_string());
            let last = path.last().cloned();
            out.push((path, last));
        }
        UseTree::Rename(rename) => {
            out.push((
                with(&rename.ident.to_string()),
                Some(rename.rename.to_string()),
            ));
        }
        UseTree::Glob(_) => out.push((before.to_vec(), None)),
        UseTree::Group(group) => {
            for tree in &group.items {
                leaves(tree, before, out);
            }
        }
    }
}

/// Appends each token and a space.
fn flatten(tokens: TokenStream, out: &mut String) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("( ", ") "),
                    Delimiter::Brace => ("{ ", "} "),
                    Delimiter::Bracket => ("[ ", "] "),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                flatten(group.stream(), out);
                out.push_str(close);
            }
            other => {
                out.push_str(&other.to_string());
                out.push(' ');
            }
        }
    }
}

struct Aliases<'a>(&'a mut Code);

impl<'ast> Visit<'ast> for Aliases<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let name = item.ident.to_string();
        let path = self.0.absolute(&["self".to_owned(), name.clone()]);
        self.0.aliases.insert(name, path);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut all = Vec::new();
        leaves(&item.tree, &[], &mut all);
        for (path, name) in all {
            let path = self.0.absolute(&path);
            if let Some(name) = name.filter(|name| name != "_") {
                self.0.aliases.insert(name, path);
            }
        }
    }
}

impl Code {
    /// Resolves a path, so that it starts at the root of the crate or at a dependency.
    fn absolute(&self, path: &[String]) -> Vec<String> {
        let mut base = self.module.clone();
        let mut rest = path;
        match rest.first().map(String::as_str) {
            Some("crate") => return path.to_vec(),
            Some("self") => rest = &rest[1..],
            Some("super") => {
                while rest.first().is_some_and(|word| word == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            Some(word) => {
                return match self.aliases.get(word) {
                    Some(known) if known.as_slice() != path => {
                        known.iter().chain(&path[1..]).cloned().collect()
                    }
                    _ => path.to_vec(),
                };
            }
            None => return Vec::new(),
        }
        base.extend_from_slice(rest);
        base
    }

    fn name(&mut self, path: &[String], line: usize) {
        let path = self.absolute(path);
        self.named.push(Named { path, line });
    }

    /// Collects the paths in the arguments of a macro or an attribute.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut line = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.end_path(&mut path, line);
                    }
                    line = word.span().start().line;
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.end_path(&mut path, line);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.end_path(&mut path, line);
    }

    fn end_path(&mut self, path: &mut Vec<String>, line: usize) {
        if path.len() > 1 {
            self.name(path, line);
        }
        path.clear();
    }

    fn function(&mut self, name: String, whole: proc_macro2::Span) {
        let (from, to) = (whole.start().line, whole.end().line);
        self.functions.push(Function {
            name,
            lines: to - from + 1,
            line: from,
        });
    }
}

impl<'ast> Visit<'ast> for Code {
    fn visit_file(&mut self, file: &'ast syn::File) {
        for item in file
            .items
            .iter()
            .filter(|item| !is_for_tests(attributes(item)))
        {
            flatten(item.to_token_stream(), &mut self.text);
        }
        self.text = self.text.replace(": :", "::");
        visit::visit_file(self, file);
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if is_for_tests(attributes(item)) {
            if let Item::Mod(ItemMod {
                ident,
                content: None,
                ..
            }) = item
            {
                self.test_modules.push(ident.to_string());
            }
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut all = Vec::new();
        leaves(&item.tree, &[], &mut all);
        let line = item.span().start().line;
        for (path, _) in all {
            self.name(&path, line);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if words.len() > 1 {
            self.name(&words, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.function(
            function.sig.ident.to_string(),
            function.sig.span().join(function.block.span()).unwrap(),
        );
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if is_for_tests(&function.attrs) {
            return;
        }
        self.function(
            function.sig.ident.to_string(),
            function.sig.span().join(function.block.span()).unwrap(),
        );
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(
                function.sig.ident.to_string(),
                function.sig.span().join(block.span()).unwrap(),
            );
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        // In an inline module, `self` and `super` start from that module.
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }
}

/// Path and text of all product files below `src`, without test files.
pub(crate) fn product_files() -> Vec<(String, String)> {
    let files = sources(&root());
    let product = product(&files);
    files
        .into_iter()
        .filter(|(name, _)| product.contains_key(name))
        .collect()
}

/// Parses all product files. Leaves out files that their parent declares only for tests.
pub(crate) fn product(files: &[(String, String)]) -> BTreeMap<String, Code> {
    let mut all: BTreeMap<String, Code> = files
        .iter()
        .map(|(name, text)| (name.clone(), parse(name, text)))
        .collect();
    let mut for_tests = Vec::new();
    for (name, code) in &all {
        let folder = match name.rsplit_once('/') {
            Some((folder, "mod.rs")) => format!("{folder}/"),
            _ if name == "lib.rs" || name == "main.rs" => String::new(),
            _ => format!("{}/", name.trim_end_matches(".rs")),
        };
        for module in &code.test_modules {
            for_tests.push(format!("{folder}{module}.rs"));
            for_tests.push(format!("{folder}{module}/"));
        }
    }
    all.retain(|name, _| {
        !for_tests
            .iter()
            .any(|test| name == test || (test.ends_with('/') && name.starts_with(test)))
    });
    all
}
