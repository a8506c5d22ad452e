//! Collects the licences of the packages that are linked into the program, as these
//! licences require.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::arch::Arch;

/// The text of `THIRD-PARTY` for an architecture: each licence text once, with the packages that have it.
pub(crate) fn of_what_is_linked(root: &Path, arch: Arch) -> Result<String> {
    let linked = cargo(
        root,
        &[
            "tree",
            "--package=procviz",
            "--edges=normal",
            "--prefix=none",
            "--format={p}",
            "--locked",
            "--target",
            &arch.target(),
        ],
    )?;
    let linked: std::collections::BTreeSet<(String, String)> = linked
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (name, version) = (words.next()?, words.next()?);
            Some((name.to_owned(), version.trim_start_matches('v').to_owned()))
        })
        .collect();
    let all = cargo(root, &["metadata", "--format-version=1", "--locked"])?;
    let all: Value = serde_json::from_str(&all)?;
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::new();
    for package in all["packages"].as_array().context("no packages")? {
        let field = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
        let (name, version) = (field("name"), field("version"));
        if name.starts_with("procviz") || !linked.contains(&(name.clone(), version.clone())) {
            continue;
        }
        let licence = field("license");
        // Writing to a String cannot fail.
        _ = writeln!(list, "{name} {version}: {licence}");
        let manifest = field("manifest_path");
        let folder = Path::new(&manifest).parent().context("no folder")?;
        for entry in fs::read_dir(folder)?.flatten() {
            let file = entry.file_name().to_string_lossy().to_ascii_uppercase();
            let is_licence = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"]
                .iter()
                .any(|word| file.starts_with(word));
            if is_licence && entry.path().is_file() {
                let text = fs::read_to_string(entry.path())?.replace("\r\n", "\n");
                texts
                    .entry(text.trim().to_owned())
                    .or_default()
                    .push(format!("{name} {version}"));
            }
        }
    }
    ensure!(!texts.is_empty(), "no licence was found");
    let mut out = format!(
        "procviz is linked with these packages. The licences of the packages follow.\n\n{list}"
    );
    for (text, whose) in texts {
        _ = write!(
            out,
            "\n{}\n{}\n\n{text}\n",
            "-".repeat(72),
            whose.join(", ")
        );
    }
    Ok(out)
}

fn cargo(root: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("cargo")
        .args(args)
        .current_dir(root)
        .output()
        .context("failed to run cargo")?;
    ensure!(
        output.status.success(),
        "cargo {}: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
