//! Unpacks the release files away from the sources, and runs the programs in them. Programs
//! of another architecture are not run.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use super::{Made, ran, said};
use crate::{arch::Arch, ebpf::say};

/// Checks the tarball and the .deb.
pub(super) fn check(made: &Made) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("procviz-dist-{}", std::process::id()));
    _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder)?;
    let outcome = check_tarball(made, &folder).and_then(|()| check_deb(made, &folder));
    _ = fs::remove_dir_all(&folder);
    outcome?;
    if made.arch.is_here() {
        say("the programs in the release files run where they are unpacked");
    } else {
        say(&format!(
            "the release files are complete; this machine cannot run programs for {}",
            made.arch.name()
        ));
    }
    Ok(())
}

fn check_tarball(made: &Made, folder: &Path) -> Result<()> {
    sum_is_right(&made.tarball)?;
    ran(Command::new("tar")
        .arg("-xf")
        .arg(&made.tarball)
        .arg("-C")
        .arg(folder))?;
    let tree = folder.join(super::name(made.arch));
    let program = tree.join("bin/procviz");
    let kind = said(Command::new("readelf").args(["-lW"]).arg(&program))?;
    ensure!(
        !kind.contains("INTERP"),
        "the program of the tarball is not static: it needs a loader"
    );
    is_for(&program, made.arch)?;
    if made.arch.is_here() {
        runs(&program, folder, "tarball")?;
    }
    units_are_sound(&tree.join("lib/systemd/system"), &program, folder)
}

fn check_deb(made: &Made, folder: &Path) -> Result<()> {
    sum_is_right(&made.deb)?;
    let tree = folder.join("deb");
    ran(Command::new("dpkg-deb").arg("-x").args([&made.deb, &tree]))?;
    let program = tree.join("usr/bin/procviz");
    is_for(&program, made.arch)?;
    let debian = said(
        Command::new("dpkg-deb")
            .arg("-f")
            .args([&made.deb, Path::new("Architecture")]),
    )?;
    ensure!(
        debian.trim() == made.arch.debian(),
        "the .deb is for {debian}"
    );
    if made.arch.is_here() {
        runs(&program, folder, "deb")?;
    }
    for file in [
        "usr/share/man/man1/procviz.1.gz",
        "usr/share/bash-completion/completions/procviz",
        "usr/share/zsh/vendor-completions/_procviz",
        "usr/share/fish/vendor_completions.d/procviz.fish",
        "usr/lib/sysusers.d/procviz.conf",
        "usr/share/doc/procviz/THIRD-PARTY",
        "usr/share/doc/procviz/copyright",
    ] {
        ensure!(tree.join(file).exists(), "the .deb has no `{file}`");
    }
    // This creates the group that can read recordings.
    let etc = tree.join("etc");
    fs::create_dir_all(&etc)?;
    ran(Command::new("systemd-sysusers")
        .arg(format!("--root={}", tree.display()))
        .arg("procviz.conf"))?;
    ensure!(
        fs::read_to_string(etc.join("group"))?.contains("procviz:"),
        "the group `procviz` was not created"
    );
    let units = ["usr/lib/systemd/system", "lib/systemd/system"].map(|place| tree.join(place));
    let units = units.iter().find(|place| place.exists());
    units_are_sound(units.context("the .deb has no units")?, &program, folder)
}

/// Fails if a program is for another architecture.
fn is_for(program: &Path, arch: Arch) -> Result<()> {
    let header = said(Command::new("readelf").arg("-h").arg(program))?;
    let machine = match arch {
        Arch::X86_64 => "X86-64",
        Arch::Aarch64 => "AArch64",
    };
    ensure!(
        header.contains(machine),
        "`{}` is not for {}",
        program.display(),
        arch.name()
    );
    Ok(())
}

fn sum_is_right(file: &Path) -> Result<()> {
    let sums = PathBuf::from(format!("{}.sha256", file.display()));
    ran(Command::new("sha256sum")
        .arg("--check")
        .arg("--quiet")
        .arg(sums)
        .current_dir(file.parent().unwrap_or(file)))
}

/// Draws, records, and reads the recording, away from the sources. `check` runs with an
/// empty environment.
fn runs(program: &Path, folder: &Path, name: &str) -> Result<()> {
    let at = folder.join(name).with_extension("run");
    fs::create_dir(&at)?;
    let here = |args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).current_dir(&at).env_remove("DISPLAY");
        command
    };
    let version = said(&mut here(&["--version"]))?;
    ensure!(
        version.contains(env!("CARGO_PKG_VERSION")),
        "`--version` prints `{version}`"
    );
    // Require kernel events if `doctor` finds that they are available.
    let demand: &[&str] = if said(&mut here(&["doctor"])).is_ok() {
        &["--require-ebpf"]
    } else {
        &[]
    };
    let second = ["-s", "0.2", "--duration", "1s", "-o"];
    for file in ["grid.png", "grid.html"] {
        ran(here(&["grid"]).args(demand).args(second).arg(file))?;
    }
    ran(here(&["record"])
        .args(demand)
        .args(["--mode", "644"])
        .args(second)
        .arg("x.pvz"))?;
    let told = said(here(&["check", "x.pvz"]).env_clear())?;
    ensure!(told.contains("6 samples"), "`check` prints: {told}");
    let dump = said(&mut here(&["dump", "--json", "--from", "x.pvz"]))?;
    let first = dump.lines().next().unwrap_or_default();
    ensure!(
        first.contains("\"user\":\"root\""),
        "users have no names: {first}"
    );
    Ok(())
}

fn units_are_sound(units: &Path, program: &Path, folder: &Path) -> Result<()> {
    let mut seen = 0;
    for entry in fs::read_dir(units)? {
        let path = entry?.path();
        let unit = fs::read_to_string(&path)?;
        let Some(name) = path.file_name() else {
            bail!("a unit has no name");
        };
        // systemd-analyze also checks that the program exists.
        let copy = folder.join(name);
        fs::write(
            &copy,
            unit.replace("/usr/bin/procviz", &program.display().to_string()),
        )?;
        ran(Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(&copy))?;
        seen += 1;
    }
    ensure!(seen == 2, "found {seen} units, expected 2");
    Ok(())
}
