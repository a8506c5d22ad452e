//! Builds the binary with its tests, and packs the root of the virtual machines.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::{
    apt::KernelFiles,
    boot::{ran, text_of},
};
use crate::arch::Arch;

/// The binary under test, and the end-to-end tests.
pub(super) struct Binaries {
    pub(super) procviz: PathBuf,
    pub(super) tests: PathBuf,
}

/// Builds the binary and the tests.
pub(super) fn binaries(root: &Path, arch: Arch) -> Result<Binaries> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = |args: &[&str], name: &str| -> Result<PathBuf> {
        let mut command = Command::new(&cargo);
        // Where it is the machine's own, other builds have built most of it.
        if !arch.is_here() {
            arch.choose(&mut command)?;
        }
        let messages = text_of(command.current_dir(root).args(args).args([
            "--locked",
            "-p",
            "procviz",
            "--message-format",
            "json",
        ]))?;
        let found = messages.lines().rev().find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            let is_it = message["target"]["name"] == name;
            is_it.then(|| Some(PathBuf::from(message["executable"].as_str()?)))?
        });
        found.with_context(|| format!("cargo built no `{name}`"))
    };
    Ok(Binaries {
        tests: build(&["test", "--no-run", "--test", "end_to_end"], "end_to_end")?,
        procviz: build(&["build", "--bin", "procviz"], "procviz")?,
    })
}

/// A disk with the root; for a kernel that needs modules for its disk, an empty one.
pub(super) fn disk(place: &Path, is_empty: bool) -> Result<PathBuf> {
    let disk = place.join("disk.img");
    let file = fs::File::create(&disk)?;
    file.set_len(1_500 << 20)?;
    let mut command = Command::new("mke2fs");
    command.args(["-q", "-F", "-t", "ext4"]);
    if !is_empty {
        command.arg("-d").arg(place.join("root"));
    }
    ran(command.arg(&disk))?;
    Ok(disk)
}

/// The root and the kernel's modules as an archive that the kernel unpacks into memory.
pub(super) fn initramfs(place: &Path, kernel: &KernelFiles) -> Result<PathBuf> {
    let archive = place.join("root.cpio");
    let root = place.join("root");
    let own = root.join("usr/lib/modules");
    _ = fs::remove_dir_all(&own);
    // The driver of the disk, the file system, and all that they need.
    let script = "set -e; cd \"$1\"; [ -e lib ] || ln -s usr/lib lib; cd lib/modules; release=$(ls); \
         depmod -b \"$1\" \"$release\" 2> /dev/null; \
         for module in nvme ext4; do modprobe -d \"$1\" -S \"$release\" --show-depends \"$module\"; done | \
         sed -n 's|^insmod .*/lib/modules/||p' | sort -u | while read -r file rest; do \
         mkdir -p \"$2/$(dirname \"$file\")\"; cp \"$file\" \"$2/$file\"; done; \
         depmod -b \"$3\" \"$release\" 2> /dev/null; cd \"$3\"; find . -xdev | cpio --quiet -o -H newc > \"$4\"";
    ran(Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(&kernel.folder)
        .arg(&own)
        .arg(&root)
        .arg(&archive))?;
    _ = fs::remove_dir_all(&own);
    Ok(archive)
}
