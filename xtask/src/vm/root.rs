//! Makes the root folder of the virtual machines: a small Debian with the binary and its
//! tests.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::{boot::ran, image::Binaries};
use crate::arch::Arch;

const INIT: &str = include_str!("init.sh");

/// Unpacks what debootstrap has downloaded into a root of another architecture. None of its
/// programs can run here, so the packages are not set up: what the tests need of that is a
/// list of users and groups.
const UNPACK: &str = "set -e; cd \"$1\"; \
    if [ -L proc ]; then rm proc; mkdir proc; fi; \
    for deb in var/cache/apt/archives/*.deb; do \
    dpkg-deb --fsys-tarfile \"$deb\" | tar -x --keep-directory-symlink; done; \
    rm -r var/cache/apt/archives debootstrap; \
    for list in passwd group; do cp \"usr/share/base-passwd/$list.master\" \"etc/$list\"; done";

/// Makes the root folder, once, and puts the binaries into it.
pub(super) fn make_root(place: &Path, arch: Arch, binaries: &Binaries) -> Result<()> {
    let root = place.join("root");
    if !root.exists() {
        let part = place.join("root.part");
        _ = fs::remove_dir_all(&part);
        bootstrap(place, arch, &part)?;
        fs::rename(&part, &root)?;
    }
    let t = root.join("t");
    fs::create_dir_all(&t)?;
    for (file, name) in [
        (&binaries.procviz, "procviz"),
        (&binaries.tests, "end_to_end"),
    ] {
        ran(Command::new(arch.gnu("objcopy"))
            .arg("--strip-debug")
            .arg(file)
            .arg(t.join(name)))?;
    }
    fs::write(t.join("init.sh"), INIT)?;
    fs::set_permissions(t.join("init.sh"), fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Makes a small Debian of the release of this machine: the tests are linked with its
/// libraries.
fn bootstrap(place: &Path, arch: Arch, part: &Path) -> Result<()> {
    let release = fs::read_to_string("/etc/os-release")?;
    let suite = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .context("/etc/os-release names no release")?;
    let list = fs::read_to_string(place.join("apt/sources.list"))?;
    let mirror = list.split(' ').nth(1).context("no mirror")?;
    let mut command = Command::new("debootstrap");
    if !arch.is_here() {
        command.arg("--foreign");
    }
    ran(command
        .args(["--arch", arch.debian()])
        .args([
            "--variant=minbase",
            "--include=util-linux,procps,iproute2,kmod",
            suite,
        ])
        .arg(part)
        .arg(mirror)
        .stdout(Stdio::null()))?;
    if !arch.is_here() {
        ran(Command::new("sh").args(["-c", UNPACK, "sh"]).arg(part))?;
    }
    Ok(())
}
