//! Makes the root of the virtual machines: a small Debian with the binary and its tests.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::{
    apt::KernelFiles,
    boot::{ran, text_of},
};

const INIT: &str = include_str!("init.sh");

/// The binary under test, and the end-to-end tests.
pub(super) struct Binaries {
    procviz: PathBuf,
    tests: PathBuf,
}

/// Builds the binary and the tests.
pub(super) fn binaries(root: &Path) -> Result<Binaries> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = |args: &[&str], name: &str| -> Result<PathBuf> {
        let messages = text_of(Command::new(&cargo).current_dir(root).args(args).args([
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

/// Makes the root folder, once, and puts the binaries into it.
pub(super) fn make_root(place: &Path, binaries: &Binaries) -> Result<()> {
    let root = place.join("root");
    if !root.exists() {
        let part = place.join("root.part");
        _ = fs::remove_dir_all(&part);
        // The tests are linked with the libraries of this machine.
        let release = fs::read_to_string("/etc/os-release")?;
        let suite = release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .context("/etc/os-release names no release")?;
        let list = fs::read_to_string(place.join("apt/sources.list"))?;
        let mirror = list.split(' ').nth(1).context("no mirror")?;
        ran(Command::new("debootstrap")
            .args([
                "--variant=minbase",
                "--include=util-linux,procps,iproute2,kmod",
                suite,
            ])
            .arg(&part)
            .arg(mirror)
            .stdout(std::process::Stdio::null()))?;
        fs::rename(&part, &root)?;
    }
    let t = root.join("t");
    fs::create_dir_all(&t)?;
    for (file, name) in [
        (&binaries.procviz, "procviz"),
        (&binaries.tests, "end_to_end"),
    ] {
        ran(Command::new("objcopy")
            .arg("--strip-debug")
            .arg(file)
            .arg(t.join(name)))?;
    }
    fs::write(t.join("init.sh"), INIT)?;
    fs::set_permissions(t.join("init.sh"), fs::Permissions::from_mode(0o755))?;
    Ok(())
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
