//! Runs the tests of pictures on a busy machine, and those of healthy loads for long, and
//! writes what passed to `docs/CULPRITS.md`.

use std::{fmt::Write as _, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::ebpf::{root, say};

/// Groups of tests: their filter, the variable that makes them harder, and what that means.
const GROUPS: [(&str, (&str, &str), &str); 2] = [
    (
        "culprits::those_who",
        ("PROCVIZ_TEST_BESIDE_A_BUILD", "1"),
        "a picture of 3 s beside 900 sleepers, two compilers and 2,000 threads that wake up ten times a second",
    ),
    (
        "healthy::",
        ("PROCVIZ_TEST_SECONDS", "60"),
        "`procviz findings` of the whole machine for a minute",
    ),
];

const BEGIN: &str = "# Pictures of busy machines, and quiet about healthy ones

`cargo xtask culprits` runs these tests as root and writes this file. In the tests of `culprits`, each fault must be named with command, user and kind: in the first two findings, or, where no rule applies, in *Largest* or at its dot. In the tests of `healthy`, no finding may say *harms others now* or *will harm others*. `.ci/run` runs the same tests without the build, and for a few seconds.
";

pub(crate) fn run() -> Result<()> {
    let mut text = BEGIN.to_owned();
    let mut failed = Vec::new();
    for (filter, (variable, value), how) in GROUPS {
        let output = Command::new("cargo")
            .args([
                "test",
                "--package",
                "procviz",
                "--test",
                "end_to_end",
                "--",
                filter,
            ])
            .env(variable, value)
            .env("PROCVIZ_NO_SKIP", "1")
            .current_dir(root()?)
            .output()
            .context("failed to run cargo")?;
        let said = String::from_utf8(output.stdout)?;
        say(&said);
        write!(text, "\n## {how}\n\n| test | result |\n|---|---|\n")?;
        // What a test prints can come between its name and its result.
        let (mut name, mut count) = ("", 0);
        for line in said.lines() {
            if let Some(rest) = line.strip_prefix("test ") {
                name = rest.split_whitespace().next().unwrap_or("");
            }
            let result = line.split_whitespace().next_back();
            let result = result.filter(|result| ["ok", "FAILED"].contains(result));
            if let Some(result) = result.filter(|_| name.contains("::")) {
                let twice = format!("RUN TWICE: {name}:");
                let again = match said.contains(&twice) {
                    true => ", second run",
                    false => "",
                };
                writeln!(text, "| {name} | {result}{again} |")?;
                (name, count) = ("", count + 1);
            }
        }
        ensure!(count > 0, "no test ran:\n{said}");
        if !output.status.success() {
            failed.push(filter);
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    let date = Command::new("date").arg("-I").output()?;
    let date = String::from_utf8(date.stdout)?;
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cpus = std::thread::available_parallelism()?;
    writeln!(
        text,
        "\nRun on {}, {cpus} CPUs, Linux {}.",
        date.trim(),
        release.split('-').next().unwrap_or("").trim()
    )?;
    std::fs::write(root()?.join("docs/CULPRITS.md"), text)?;
    Ok(())
}
