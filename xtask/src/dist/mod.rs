//! Makes the release files of an architecture: a static tarball and a .deb. With `--check`
//! it also unpacks both elsewhere and runs the programs in them.

mod build;
mod check;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use self::build::{Kind, build, cargo};
use crate::{
    arch::Arch,
    ebpf::{root, say},
    licences,
    provenance::sha256,
};

/// Files of the tarball besides the program: path in the repository, path in the tarball.
const FILES: [(&str, &str); 14] = [
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("packaging/INSTALL", "INSTALL"),
    ("docs/FORMAT.md", "docs/FORMAT.md"),
    ("docs/read_pvz.py", "docs/read_pvz.py"),
    ("docs/procviz.1", "share/man/man1/procviz.1"),
    (
        "docs/procviz.bash",
        "share/bash-completion/completions/procviz",
    ),
    ("docs/_procviz", "share/zsh/site-functions/_procviz"),
    (
        "docs/procviz.fish",
        "share/fish/vendor_completions.d/procviz.fish",
    ),
    (
        "packaging/systemd/procviz-record.service",
        "lib/systemd/system/procviz-record.service",
    ),
    (
        "packaging/systemd/procviz-ring.service",
        "lib/systemd/system/procviz-ring.service",
    ),
    (
        "packaging/systemd/procviz.sysusers",
        "lib/sysusers.d/procviz.conf",
    ),
];

/// The release files.
struct Made {
    arch: Arch,
    tarball: PathBuf,
    deb: PathBuf,
}

/// Makes the tarball and the .deb.
pub(crate) fn run(arch: Arch) -> Result<()> {
    let made = make(&root()?, arch)?;
    for file in [&made.tarball, &made.deb] {
        say(&format!("made `{}`", file.display()));
    }
    Ok(())
}

/// Makes the tarball and the .deb, unpacks them, and runs the programs in them.
pub(crate) fn check(arch: Arch) -> Result<()> {
    check::check(&make(&root()?, arch)?)
}

fn make(root: &Path, arch: Arch) -> Result<Made> {
    let out = root.join("target/dist");
    remove_older(&out, arch)?;
    let licences = out.join("THIRD-PARTY");
    fs::write(&licences, licences::of_what_is_linked(root, arch)?)?;
    let epoch = epoch(root)?;
    let tarball = tarball(root, &out, arch, &epoch)?;
    let deb = deb(root, &out, arch, &epoch)?;
    for file in [&tarball, &deb] {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let line = format!("{}  {name}\n", sha256(&fs::read(file)?));
        fs::write(out.join(format!("{name}.sha256")), line)?;
    }
    Ok(Made { arch, tarball, deb })
}

/// Removes the release files of an architecture, of all versions. Those of another
/// architecture stay.
fn remove_older(out: &Path, arch: Arch) -> Result<()> {
    fs::create_dir_all(out)?;
    for entry in fs::read_dir(out)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.contains(arch.name()) && !name.contains(arch.debian()) {
            continue;
        }
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The folder in the tarball.
fn name(arch: Arch) -> String {
    format!(
        "procviz-{}-{}-linux",
        env!("CARGO_PKG_VERSION"),
        arch.name()
    )
}

fn tarball(root: &Path, out: &Path, arch: Arch, epoch: &str) -> Result<PathBuf> {
    let name = name(arch);
    let tree = out.join(&name);
    let program = build(root, arch, Kind::Static)?;
    place(&program, &tree.join("bin/procviz"), 0o755)?;
    for (from, to) in FILES {
        place(&root.join(from), &tree.join(to), 0o644)?;
    }
    place(&out.join("THIRD-PARTY"), &tree.join("THIRD-PARTY"), 0o644)?;
    let tarball = out.join(format!("{name}.tar.gz"));
    // The same tree must give the same bytes.
    ran(Command::new("tar")
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .arg(format!("--mtime=@{epoch}"))
        .args(["--use-compress-program", "gzip -9n", "-cf"])
        .arg(&tarball)
        .arg("-C")
        .args([out, Path::new(&name)]))?;
    Ok(tarball)
}

fn deb(root: &Path, out: &Path, arch: Arch, epoch: &str) -> Result<PathBuf> {
    build(root, arch, Kind::Window)?;
    // cargo-deb finds the program in this folder by the path in Cargo.toml.
    ran(cargo(root, arch, Kind::Window)?
        .args([
            "deb",
            "--package",
            "procviz",
            "--no-build",
            "--profile",
            "dist",
        ])
        .arg("--output")
        .arg(out)
        .env("SOURCE_DATE_EPOCH", epoch))
    .context("failed to run cargo-deb: install it with `cargo install cargo-deb`")?;
    let suffix = format!("_{}.deb", arch.debian());
    let made = fs::read_dir(out)?.flatten().map(|entry| entry.path());
    let mut made = made.filter(|path| path.to_string_lossy().ends_with(&suffix));
    made.next().context("cargo-deb made no package")
}

fn ran(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("failed to run `{}`", command.get_program().display()))?;
    ensure!(
        status.success(),
        "{:?} failed with {status}",
        command.get_program()
    );
    Ok(())
}

fn said(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to run `{}`", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{command:?} failed with {}: {said}",
        output.status
    );
    Ok(said)
}

fn place(from: &Path, to: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).with_context(|| format!("failed to copy `{}`", from.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Time of the last commit, seconds since 1970: the time stamp of the release files.
fn epoch(root: &Path) -> Result<String> {
    let git = Command::new("git")
        .args(["log", "-1", "--format=%ct"])
        .current_dir(root)
        .output();
    let said = git.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    Ok(said
        .ok()
        .filter(|said| !said.is_empty())
        .unwrap_or_else(|| "0".to_owned()))
}
