//! Builds the program of the release files.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use super::ran;
use crate::arch::Arch;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Needs no shared libraries, and has no window.
    Static,
    /// Loads the libraries of its window when it opens a window.
    Window,
}

/// Builds the program, and returns where it is.
pub(super) fn build(root: &Path, arch: Arch, kind: Kind) -> Result<PathBuf> {
    let mut command = cargo(root, arch, kind)?;
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
    let target = arch.target();
    Ok(root.join(format!("target/dist-build/{target}/dist/procviz")))
}

/// A cargo command with the flags of a kind of program.
pub(super) fn cargo(root: &Path, arch: Arch, kind: Kind) -> Result<Command> {
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
    // `choose` sets the target also where it is the machine's own. With an explicit target,
    // the flags do not apply to build scripts: these are not static.
    arch.choose(&mut command)?;
    command
        .current_dir(root)
        .env("RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", root.join("target/dist-build"));
    Ok(command)
}
