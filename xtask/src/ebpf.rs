//! Builds the eBPF object, and compares a new object with the committed object.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::provenance::{Provenance, Tools, sha256, source_hash};

/// Folder of LLVM, if the variable `LLVM_PREFIX` is not set.
const LLVM_PREFIX: &str = "/usr/lib/llvm-22";
/// Compiler with a standard library for bpf, if the variable `EBPF_RUSTC` is not set.
const RUSTC: &str = "/usr/bin/rustc";
const TARGET: &str = "bpfel-unknown-none";

/// Builds the object and writes its provenance.
pub(crate) fn renew() -> Result<()> {
    let root = root()?;
    let object = build(&root, Log::Off)?;
    fs::write(root.join("procviz/ebpf/procviz.bpf.o"), &object)?;
    let provenance = Provenance {
        tools: tools()?,
        sources: source_hash(&root)?,
        object: sha256(&object),
    };
    fs::write(root.join("procviz/ebpf/PROVENANCE"), provenance.to_string())?;
    say(&format!(
        "built `procviz/ebpf/procviz.bpf.o`, {} bytes\n{provenance}",
        object.len()
    ));
    Ok(())
}

/// Fails if the committed object differs from a build of the sources.
pub(crate) fn check() -> Result<()> {
    let root = root()?;
    let committed = fs::read(root.join("procviz/ebpf/procviz.bpf.o"))?;
    let provenance: Provenance =
        fs::read_to_string(root.join("procviz/ebpf/PROVENANCE"))?.parse()?;
    ensure!(
        provenance.object == sha256(&committed),
        "the checksum of `procviz/ebpf/procviz.bpf.o` is not the one in `PROVENANCE`: run `cargo xtask ebpf`"
    );
    ensure!(
        provenance.sources == source_hash(&root)?,
        "the sources have changed since the object was built: run `cargo xtask ebpf`"
    );
    let fresh = build(&root, Log::Off)?;
    let now = tools()?;
    if fresh == committed {
        say("the committed object equals a build of the sources, byte for byte");
        return Ok(());
    }
    ensure!(
        now != provenance.tools,
        "the build is not reproducible here: the same tools and sources give another object ({} bytes, committed {} bytes)",
        fresh.len(),
        committed.len()
    );
    // A tool has changed: the following steps test the object that the new tools build.
    fs::write(root.join("procviz/ebpf/procviz.bpf.o"), &fresh)?;
    say(&format!(
        "NOTICE: the tools have changed: renew the object with `cargo xtask ebpf`\nrecorded tools:\n{}current tools:\n{now}the following tests use the new object",
        provenance.tools
    ));
    Ok(())
}

/// Whether the eBPF programs log.
#[derive(Clone, Copy, PartialEq)]
enum Log {
    Off,
    On,
}

/// Builds an object whose programs log, for a procviz with the feature `log`.
pub(crate) fn with_log() -> Result<()> {
    let root = root()?;
    let object = build(&root, Log::On)?;
    say(&format!(
        "built `target/ebpf-log/procviz.bpf.o`, {} bytes: run it with `cargo run --features log`",
        object.len()
    ));
    Ok(())
}

fn build(root: &Path, log: Log) -> Result<Vec<u8>> {
    let target_dir = root.join(match log {
        Log::Off => "target/ebpf",
        Log::On => "target/ebpf-log",
    });
    let cargo_home = cargo_home()?;
    let mut flags = format!(
        "-C link-arg=--btf --remap-path-prefix={}=/procviz",
        root.display()
    );
    for registry in fs::read_dir(cargo_home.join("registry/src"))
        .into_iter()
        .flatten()
    {
        flags.push_str(&format!(
            " --remap-path-prefix={}=/cargo",
            registry?.path().display()
        ));
    }
    let path = format!(
        "{}:{}",
        cargo_home.join("bin").display(),
        env::var("PATH").unwrap_or_default()
    );
    let status = Command::new("cargo")
        .args([
            "build",
            "--locked",
            "--release",
            "--target",
            TARGET,
            "--package",
            "procviz-ebpf",
        ])
        .args(match log {
            Log::Off => &[][..],
            Log::On => &["--features", "log"][..],
        })
        .arg("--target-dir")
        .arg(&target_dir)
        .current_dir(root)
        .env("PATH", path)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", rustc())
        .env("RUSTFLAGS", flags)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTUP_TOOLCHAIN")
        .status()
        .context("failed to run cargo")?;
    ensure!(
        status.success(),
        "failed to build the eBPF object (ARCHITECTURE.md lists the required tools)"
    );
    let linked = target_dir.join(TARGET).join("release/procviz-ebpf");
    let stripped = target_dir.join("procviz.bpf.o");
    let objcopy = llvm().join("bin/llvm-objcopy");
    let status = Command::new(&objcopy)
        .arg("--strip-debug")
        .arg(&linked)
        .arg(&stripped)
        .status();
    let status = status.with_context(|| format!("failed to run `{}`", objcopy.display()))?;
    ensure!(status.success(), "llvm-objcopy failed");
    Ok(fs::read(stripped)?)
}

fn tools() -> Result<Tools> {
    let cargo_home = cargo_home()?;
    Ok(Tools {
        rustc: version(&rustc(), "--version")?,
        linker: version(&cargo_home.join("bin/bpf-linker"), "--version")?,
        llvm: version(&llvm().join("bin/llvm-config"), "--version")
            .or_else(|_| version(&llvm().join("bin/llvm-objcopy"), "--version"))?,
    })
}

fn version(program: &Path, argument: &str) -> Result<String> {
    let output = Command::new(program)
        .arg(argument)
        .output()
        .with_context(|| format!("failed to run `{}`", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout)
        .trim()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    ensure!(
        output.status.success() && !text.is_empty(),
        "`{}` prints no version",
        program.display()
    );
    Ok(text)
}

fn rustc() -> PathBuf {
    env::var_os("EBPF_RUSTC").map_or_else(|| RUSTC.into(), Into::into)
}

fn llvm() -> PathBuf {
    env::var_os("LLVM_PREFIX").map_or_else(|| LLVM_PREFIX.into(), Into::into)
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let Some(home) = env::var_os("HOME") else {
        bail!("neither `CARGO_HOME` nor `HOME` is set")
    };
    Ok(PathBuf::from(home).join(".cargo"))
}

pub(crate) fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here
        .parent()
        .context("xtask has no parent folder")?
        .to_owned())
}

#[expect(clippy::print_stdout, reason = "xtask prints its results")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}
