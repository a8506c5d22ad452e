use std::path::{Path, PathBuf};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{output, procviz},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "modules_keep_to_themselves",
        Needs::Nothing,
        modules_keep_to_themselves,
    ),
    (
        "every_option_stands_in_the_help",
        Needs::Nothing,
        every_option_stands_in_the_help,
    ),
    (
        "the_readme_names_every_command",
        Needs::Nothing,
        the_readme_names_every_command,
    ),
    (
        "the_originals_are_in_the_readme",
        Needs::Nothing,
        the_originals_are_in_the_readme,
    ),
];

/// A folder, the names that its files must not use, and the reason.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "model",
        &[
            "crate::source",
            "crate::tracker",
            "crate::chart",
            "crate::scene",
            "crate::paint",
            "crate::app",
            "crate::cli",
            "crate::export",
            "std::fs",
            "std::env",
            "Instant::now",
            "SystemTime::now",
        ],
        "model is plain data",
    ),
    (
        "tracker",
        &[
            "crate::source",
            "crate::chart",
            "crate::scene",
            "crate::paint",
            "crate::app",
            "crate::cli",
            "std::fs",
            "std::env",
            "Instant::now",
        ],
        "tracker is pure",
    ),
    (
        "chart",
        &[
            "crate::source",
            "crate::tracker",
            "crate::paint",
            "crate::app",
            "crate::cli",
            "std::fs",
            "std::env",
            "Instant::now",
        ],
        "charts are pure",
    ),
    (
        "paint",
        &[
            "crate::source",
            "crate::tracker",
            "crate::chart",
            "crate::app",
            "crate::cli",
        ],
        "painters know only scenes",
    ),
];

/// A name and the only places that can use it.
const OWNED: &[(&str, &[&str])] = &[
    ("aya::", &["source/kernel"]),
    ("tiny_skia::", &["paint/raster.rs", "paint/png.rs"]),
    ("plotters::", &["scene", "chart"]),
    ("unsafe {", &["source/kernel/raw.rs"]),
    ("unsafe impl", &["source/kernel/raw.rs"]),
];

fn modules_keep_to_themselves() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut files = 0;
    for path in sources(&root) {
        files += 1;
        let name = path.strip_prefix(&root)?.to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path)?;
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (folder, words, why) in FORBIDDEN
            .iter()
            .filter(|(folder, ..)| name.starts_with(folder))
        {
            wrong.extend(
                words
                    .iter()
                    .filter(|word| code.contains(*word))
                    .map(|word| format!("{name} uses `{word}`: {why} ({folder})")),
            );
        }
        for (word, owners) in OWNED {
            if code.contains(word) && !owners.iter().any(|owner| name.starts_with(owner)) {
                wrong.push(format!("{name} uses `{word}`, allowed only in {owners:?}"));
            }
        }
    }
    assert!(files > 40, "{files} files");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            found.push(path);
        }
    }
    found
}

fn every_option_stands_in_the_help() -> Result<(), Failed> {
    let help = String::from_utf8(output(procviz().args(["grid", "--help"])).stdout)?;
    for option in [
        "--no-threads",
        "--interval",
        "--hz",
        "--columns",
        "--point-size",
        "--colors",
        "--samples",
        "--duration",
        "--force",
        "--theme",
        "--size",
        "--classic",
        "--require-ebpf",
        "--output",
    ] {
        assert!(help.contains(option), "`{option}` is not in the help");
    }
    Ok(())
}

/// The README's table lists each option of the four original scripts with its current
/// name.
fn the_originals_are_in_the_readme() -> Result<(), Failed> {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"))?;
    for (command, options) in [
        (
            "grid",
            &[
                "-s/--sleep",
                "-p/--no-threads",
                "-n/--columns",
                "-d/--point-size",
                "-c/--colors",
            ][..],
        ),
        ("bubble", &["-t/--threads", "-s/--sleep"]),
        ("lines", &["-s/--sleep"]),
        (
            "csv",
            &[
                "-s/--stat",
                "-S/--status",
                "-i/--io",
                "-t/--titles",
                "-r/--repeat",
                "-w/--sleep",
                "-p/--processes",
            ],
        ),
    ] {
        let row = readme
            .lines()
            .filter(|line| line.starts_with('|'))
            .find(|line| {
                line.contains(&format!("`procviz {command}")) && line.contains(options[0])
            });
        let row = row.ok_or_else(|| format!("the table has no row for `{command}`"))?;
        let help = String::from_utf8(output(procviz().args([command, "--help"])).stdout)?;
        for option in options {
            assert!(
                row.contains(option),
                "`{option}` of `{command}` is not in the table"
            );
            let (short, long) = option.split_once('/').unwrap();
            // `--sleep` is another name of `--interval`.
            let is_known = help.contains(long) || long == "--sleep";
            assert!(
                is_known && help.contains(&format!("{short},")),
                "{command} {option}"
            );
        }
    }
    Ok(())
}

fn the_readme_names_every_command() -> Result<(), Failed> {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"))?;
    for words in [
        "cargo run --release -- grid -o tasks.png",
        "cargo test",
        "procviz exits",
        "procviz dump",
        "procviz doctor",
        "procviz bubble",
        "procviz lines",
        "procviz findings",
        "procviz csv",
    ] {
        assert!(readme.contains(words), "README.md has no `{words}`");
    }
    Ok(())
}
