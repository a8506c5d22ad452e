//! Records the tools and sources from which the committed object was built.

use std::{collections::BTreeMap, fmt, fs, path::Path, str::FromStr};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Versions of the tools that build an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tools {
    pub(crate) rustc: String,
    pub(crate) linker: String,
    pub(crate) llvm: String,
}

/// Versions of the tools, checksum of the sources and checksum of the object (SHA-256).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Provenance {
    pub(crate) tools: Tools,
    pub(crate) sources: String,
    pub(crate) object: String,
}

impl fmt::Display for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "rustc: {}\nbpf-linker: {}\nllvm: {}",
            self.rustc, self.linker, self.llvm
        )
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}sources: {}\nobject: {}",
            self.tools, self.sources, self.object
        )
    }
}

impl FromStr for Provenance {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let lines: BTreeMap<_, _> = text
            .lines()
            .filter_map(|line| line.split_once(": "))
            .collect();
        let get = |name: &str| {
            lines
                .get(name)
                .map(|value| (*value).to_owned())
                .with_context(|| format!("PROVENANCE has no `{name}`"))
        };
        let tools = Tools {
            rustc: get("rustc")?,
            linker: get("bpf-linker")?,
            llvm: get("llvm")?,
        };
        Ok(Self {
            tools,
            sources: get("sources")?,
            object: get("object")?,
        })
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The checksum of everything that goes into the object: the two crates, and the versions
/// of their dependencies.
pub(crate) fn source_hash(root: &Path) -> Result<String> {
    let mut files = BTreeMap::new();
    for folder in ["procviz-ebpf", "procviz-common"] {
        collect(root, &root.join(folder), &mut files)?;
    }
    let mut hasher = Sha256::new();
    for (name, bytes) in files {
        hasher.update(name.as_bytes());
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    hasher.update(locked(root)?);
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path
            .extension()
            .is_some_and(|suffix| suffix == "rs" || suffix == "toml")
        {
            let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
            files.insert(name, fs::read(&path)?);
        }
    }
    Ok(())
}

/// The entries of `Cargo.lock` for the packages that are built into the object.
fn locked(root: &Path) -> Result<String> {
    let lock = fs::read_to_string(root.join("Cargo.lock"))?;
    let is_ours = |block: &&str| {
        block
            .lines()
            .any(|line| line.starts_with("name = \"aya-ebpf"))
    };
    Ok(lock.split("\n\n").filter(is_ours).collect())
}
