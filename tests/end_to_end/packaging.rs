//! Checks the shipped systemd units: their syntax, and their command lines with the
//! capabilities of the unit.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, has_program, output, procviz, skip, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    ("units_are_sound", Needs::Nothing, sound),
    ("units_have_what_they_need", Needs::Events, run),
];

fn units() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd");
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut units: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "service"))
        .collect();
    units.sort();
    assert_eq!(units.len(), 2);
    units
}

/// The value of a setting of a unit.
fn value<'a>(unit: &'a str, key: &str) -> &'a str {
    let prefix = format!("{key}=");
    let line = unit.lines().find(|line| line.starts_with(&prefix));
    &line.unwrap()[prefix.len()..]
}

fn sound() -> Result<(), Failed> {
    if !has_program("systemd-analyze") {
        return skip("systemd-analyze is not installed");
    }
    let folder = Folder::new("units");
    for path in units() {
        // systemd-analyze also checks that the program exists.
        let unit = std::fs::read_to_string(&path)?;
        let copy = folder.file(path.file_name().unwrap().to_str().unwrap());
        let here = unit.replace("/usr/bin/procviz", env!("CARGO_BIN_EXE_procviz"));
        assert_ne!(unit, here);
        std::fs::write(&copy, here)?;
        let result = output(
            Command::new("systemd-analyze")
                .args(["verify", "--man=no"])
                .arg(&copy),
        );
        assert!(result.status.success(), "{}", stderr(&result));
    }
    Ok(())
}

/// Runs the command line of each unit with the unit's capabilities.
fn run() -> Result<(), Failed> {
    let folder = Folder::new("unit-runs");
    for path in units() {
        let unit = std::fs::read_to_string(&path)?;
        let line = value(&unit, "ExecStart").replace("%%", "%");
        let capabilities: String = value(&unit, "CapabilityBoundingSet")
            .split(' ')
            .map(|name| format!(",+{}", name.trim_start_matches("CAP_").to_lowercase()))
            .collect();
        let logs = value(&unit, "LogsDirectory");
        let shelf = folder.file(logs);
        let mut words = line.split(' ');
        assert_eq!(words.next(), Some("/usr/bin/procviz"));
        let target = format!("/var/log/{logs}/");
        let args = words.map(|word| word.replace(&target, &format!("{}/", shelf.display())));
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", &format!("-all{capabilities}")]);
        command.args(["--inh-caps", "-all", "--no-new-privs", "--regid", "nogroup"]);
        command.args(["--clear-groups", env!("CARGO_BIN_EXE_procviz")]);
        command
            .args(args)
            .args(["--duration", "2s", "--require-ebpf"]);
        let result = output(&mut command);
        let said = stderr(&result);
        assert!(result.status.success(), "{}: {said}", path.display());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&shelf), 0o750);
        if line.contains("--ring") {
            assert!(said.contains("no trigger fired"), "{said}");
            continue;
        }
        let file = std::fs::read_dir(&shelf)?.next().unwrap()?.path();
        assert_eq!(mode(&file), 0o640);
        let result = output(procviz().arg("check").arg(&shelf));
        let told = String::from_utf8(result.stdout)?;
        assert!(
            result.status.success() && told.contains("3 samples"),
            "{told}"
        );
    }
    Ok(())
}
