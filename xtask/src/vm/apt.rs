//! Finds, downloads and unpacks kernels of Debian. apt works in a folder of its own, so the
//! machine's packages are not touched.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::boot::{ran, text_of};
use crate::arch::Arch;

/// The suites that have kernels, from old to new.
const SUITES: &[&str] = &[
    "bookworm",
    "bookworm-backports",
    "trixie",
    "trixie-backports",
    "sid",
];

pub(super) struct Apt {
    place: PathBuf,
    arch: Arch,
    /// Names of all kernel packages.
    packages: Vec<String>,
}

/// An unpacked kernel.
pub(super) struct KernelFiles {
    pub(super) image: PathBuf,
    /// The folder that was unpacked.
    pub(super) folder: PathBuf,
}

impl Apt {
    /// Reads the package lists of Debian for an architecture.
    pub(super) fn new(place: &Path, arch: Arch) -> Result<Self> {
        let apt = place.join("apt");
        for folder in ["lists/partial", "cache/archives/partial", "state"] {
            fs::create_dir_all(apt.join(folder))?;
        }
        fs::write(apt.join("status"), "")?;
        let mirror = mirror()?;
        let sources: String = SUITES
            .iter()
            .map(|suite| format!("deb {mirror} {suite} main\n"))
            .collect();
        fs::write(apt.join("sources.list"), sources)?;
        let (at, debian) = (apt.display(), arch.debian());
        fs::write(
            apt.join("apt.conf"),
            format!(
                "Dir::State \"{at}/state\";\nDir::State::lists \"{at}/lists\";\n\
                 Dir::State::status \"{at}/status\";\nDir::Cache \"{at}/cache\";\n\
                 Dir::Etc::sourcelist \"{at}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\n\
                 APT::Sandbox::User \"root\";\n\
                 APT::Architecture \"{debian}\";\nAPT::Architectures \"{debian}\";\n"
            ),
        )?;
        let mut apt = Self {
            place: place.to_owned(),
            arch,
            packages: Vec::new(),
        };
        ran(apt.command("apt-get").args(["update", "-qq"]))?;
        let names = text_of(apt.command("apt-cache").args(["pkgnames", "linux-"]))?;
        apt.packages = names.lines().map(str::to_owned).collect();
        Ok(apt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", self.place.join("apt/apt.conf"));
        command
    }

    /// The newest kernel of a series and flavour, unpacked.
    pub(super) fn kernel(&self, series: &str, flavour: &str) -> Result<KernelFiles> {
        let name = newest(&self.packages, self.arch, series, flavour).with_context(|| {
            format!(
                "Debian has no kernel `{series}` of the flavour `{flavour}` for {}",
                self.arch.debian()
            )
        })?;
        let folder = self.place.join("kernels").join(name);
        if !folder.exists() {
            let part = folder.with_extension("part");
            _ = fs::remove_dir_all(&part);
            fs::create_dir_all(&part)?;
            self.unpack(name, &part)?;
            if let Some(version) = name.strip_prefix("linux-binary-")
                && flavour != "cloud"
            {
                self.unpack(&format!("linux-modules-{version}"), &part)?;
            }
            fs::rename(&part, &folder)?;
        }
        let image =
            find(&folder, "vmlinuz")?.with_context(|| format!("`{name}` holds no kernel image"))?;
        Ok(KernelFiles { image, folder })
    }

    /// Downloads a package and unpacks it into a folder.
    fn unpack(&self, name: &str, folder: &Path) -> Result<()> {
        let debs = self.place.join("debs");
        fs::create_dir_all(&debs)?;
        ran(self
            .command("apt-get")
            .args(["download", "-qq", name])
            .current_dir(&debs))?;
        let prefix = format!("{name}_");
        let deb = fs::read_dir(&debs)?
            .flatten()
            .find(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
            .with_context(|| format!("apt-get did not download `{name}`"))?;
        ran(Command::new("dpkg").arg("-x").arg(deb.path()).arg(folder))?;
        fs::remove_file(deb.path())?;
        Ok(())
    }
}

/// Where this machine gets Debian's packages from.
fn mirror() -> Result<String> {
    let format = "$(LABEL)|$(SUITE)|$(REPO_URI)";
    let targets = text_of(Command::new("apt-get").args(["indextargets", "--format", format]))?;
    let found = targets
        .lines()
        .find_map(|line| line.strip_prefix("Debian|"));
    match found.and_then(|line| line.split_once('|')) {
        Some((_, uri)) => Ok(uri.to_owned()),
        None => {
            bail!("`cargo xtask vm` works on Debian: apt has no source with the label `Debian`")
        }
    }
}

/// The package with the highest version. From 6.19 on, `linux-image` holds no kernel, and
/// `linux-binary` does.
fn newest<'a>(packages: &'a [String], arch: Arch, series: &str, flavour: &str) -> Option<&'a str> {
    let suffix = format!("-{flavour}-{}", arch.debian());
    let version = |name: &str| -> Option<(Vec<u32>, bool)> {
        let (rest, is_binary) = match name.strip_prefix("linux-binary-") {
            Some(rest) => (rest, true),
            None => (name.strip_prefix("linux-image-")?, false),
        };
        let version = rest.strip_suffix(&suffix)?;
        let is_plain = version.starts_with(|first: char| first.is_ascii_digit());
        let is_of_series = series.is_empty() || version.starts_with(&format!("{series}."));
        let numbers = version
            .split(|ch: char| !ch.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        (is_plain && is_of_series).then_some((numbers, is_binary))
    };
    packages
        .iter()
        .filter_map(|name| Some((version(name)?, name.as_str())))
        .max()
        .map(|(_, name)| name)
}

/// The first file below a folder whose name begins like this.
fn find(folder: &Path, begins: &str) -> Result<Option<PathBuf>> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)?.flatten() {
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.file_name().to_string_lossy().starts_with(begins) {
                return Ok(Some(entry.path()));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::newest;
    use crate::arch::Arch;

    #[test]
    fn the_newest_kernel_of_a_series() {
        let packages: Vec<String> = [
            "linux-image-6.1.0-50-cloud-amd64",
            "linux-image-6.1.0-9-cloud-amd64",
            "linux-image-6.12.117+deb13-cloud-amd64",
            "linux-image-7.1.13+deb13-cloud-amd64",
            "linux-binary-7.1.13+deb13-cloud-amd64",
            "linux-binary-7.1.8+deb13-cloud-amd64",
            "linux-binary-7.1.13+deb13-rt-amd64",
            "linux-binary-unsigned-7.2.6+deb13-cloud-amd64",
            "linux-image-cloud-amd64",
            "linux-image-7.3.4+deb13-cloud-arm64",
        ]
        .map(str::to_owned)
        .to_vec();
        let of = |series, flavour| newest(&packages, Arch::X86_64, series, flavour);
        assert_eq!(of("6.1", "cloud"), Some("linux-image-6.1.0-50-cloud-amd64"));
        assert_eq!(
            of("7.1", "cloud"),
            Some("linux-binary-7.1.13+deb13-cloud-amd64")
        );
        assert_eq!(
            of("", "cloud"),
            Some("linux-binary-7.1.13+deb13-cloud-amd64")
        );
        assert_eq!(of("7.1", "rt"), Some("linux-binary-7.1.13+deb13-rt-amd64"));
        assert_eq!(of("5.10", "cloud"), None);
        assert_eq!(
            newest(&packages, Arch::Aarch64, "", "cloud"),
            Some("linux-image-7.3.4+deb13-cloud-arm64")
        );
    }
}
