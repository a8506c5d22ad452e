//! Makes the release files: a static tarball and a .deb. With `--check` it also unpacks
//! both elsewhere and runs the programs in them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    ebpf::{root, say},
    licences,
    provenance::sha256,
};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Files of the tarball besides the program: path in the repository, path in the tarball.
const FILES: [(&str, &str); 13] = [
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
];

/// The release files.
struct Made {
    name: String,
    tarball: PathBuf,
    deb: PathBuf,
}

/// Makes the tarball and the .deb.
pub(crate) fn run() -> Result<()> {
    let made = make(&root()?)?;
    for file in [&made.tarball, &made.deb] {
        say(&format!("made `{}`", file.display()));
    }
    Ok(())
}

/// Makes the tarball and the .deb, unpacks them, and runs the programs in them.
pub(crate) fn check() -> Result<()> {
    let made = make(&root()?)?;
    let folder = std::env::temp_dir().join(format!("procviz-dist-{}", std::process::id()));
    _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder)?;
    let outcome = check_tarball(&made, &folder).and_then(|()| check_deb(&made, &folder));
    _ = fs::remove_dir_all(&folder);
    outcome?;
    say("the programs in the release files run where they are unpacked");
    Ok(())
}

fn make(root: &Path) -> Result<Made> {
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("procviz-{version}-x86_64-linux");
    let out = root.join("target/dist");
    _ = fs::remove_dir_all(&out);
    let tree = out.join(&name);
    fs::create_dir_all(&tree)?;
    let licences = out.join("THIRD-PARTY");
    fs::write(&licences, licences::of_what_is_linked(root)?)?;

    let program = build(root, Kind::Static)?;
    place(&program, &tree.join("bin/procviz"), 0o755)?;
    for (from, to) in FILES {
        place(&root.join(from), &tree.join(to), 0o644)?;
    }
    place(
        &root.join("packaging/systemd/procviz.sysusers"),
        &tree.join("lib/sysusers.d/procviz.conf"),
        0o644,
    )?;
    place(&licences, &tree.join("THIRD-PARTY"), 0o644)?;
    let tarball = out.join(format!("{name}.tar.gz"));
    let epoch = epoch(root)?;
    // The same tree must give the same bytes.
    ran(Command::new("tar")
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .arg(format!("--mtime=@{epoch}"))
        .args(["--use-compress-program", "gzip -9n", "-cf"])
        .arg(&tarball)
        .arg("-C")
        .args([&out, Path::new(&name)]))?;

    build(root, Kind::Window)?;
    // cargo-deb finds the program in this folder by the path in Cargo.toml.
    ran(cargo(root, Kind::Window)
        .args([
            "deb",
            "--package",
            "procviz",
            "--no-build",
            "--profile",
            "dist",
        ])
        .arg("--output")
        .arg(&out)
        .env("SOURCE_DATE_EPOCH", &epoch))
    .context("failed to run cargo-deb: install it with `cargo install cargo-deb`")?;
    let debs = fs::read_dir(&out)?.flatten().map(|entry| entry.path());
    let mut debs = debs.filter(|path| path.extension().is_some_and(|suffix| suffix == "deb"));
    let deb = debs.next().context("cargo-deb made no package")?;
    for file in [&tarball, &deb] {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let line = format!("{}  {name}\n", sha256(&fs::read(file)?));
        fs::write(out.join(format!("{name}.sha256")), line)?;
    }
    Ok(Made { name, tarball, deb })
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Needs no shared libraries, and has no window.
    Static,
    /// Loads the libraries of its window when it opens a window.
    Window,
}

fn cargo(root: &Path, kind: Kind) -> Command {
    let mut command = Command::new("cargo");
    let mut flags = format!("--remap-path-prefix={}=/procviz", root.display());
    let home =
        std::env::var("CARGO_HOME").or_else(|_| Ok(format!("{}/.cargo", std::env::var("HOME")?)));
    if let Ok::<_, std::env::VarError>(home) = home {
        flags.push_str(&format!(" --remap-path-prefix={home}=/cargo"));
    }
    if kind == Kind::Static {
        flags.push_str(" -C target-feature=+crt-static");
    }
    // With an explicit target, the flags do not apply to build scripts: these are not static.
    command
        .current_dir(root)
        .env("RUSTFLAGS", flags)
        .env("CARGO_BUILD_TARGET", TARGET)
        .env("CARGO_TARGET_DIR", root.join("target/dist-build"));
    command
}

fn build(root: &Path, kind: Kind) -> Result<PathBuf> {
    let mut command = cargo(root, kind);
    command.args([
        "build",
        "--locked",
        "--package",
        "procviz",
        "--profile",
        "dist",
    ]);
    if kind == Kind::Static {
        command.arg("--no-default-features");
    }
    ran(&mut command)?;
    Ok(root.join(format!("target/dist-build/{TARGET}/dist/procviz")))
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

fn check_tarball(made: &Made, folder: &Path) -> Result<()> {
    sum_is_right(&made.tarball)?;
    ran(Command::new("tar")
        .arg("-xf")
        .arg(&made.tarball)
        .arg("-C")
        .arg(folder))?;
    let tree = folder.join(&made.name);
    let program = tree.join("bin/procviz");
    let kind = said(Command::new("readelf").args(["-lW"]).arg(&program))?;
    ensure!(
        !kind.contains("INTERP"),
        "the program of the tarball is not static: it needs a loader"
    );
    runs(&program, folder, "tarball")?;
    units_are_sound(&tree.join("lib/systemd/system"), &program, folder)
}

fn check_deb(made: &Made, folder: &Path) -> Result<()> {
    sum_is_right(&made.deb)?;
    let tree = folder.join("deb");
    ran(Command::new("dpkg-deb").arg("-x").args([&made.deb, &tree]))?;
    let program = tree.join("usr/bin/procviz");
    runs(&program, folder, "deb")?;
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
