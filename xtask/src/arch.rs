//! The architectures that procviz is built for: their names in Rust and in Debian, and what
//! cargo needs to build for them. It installs nothing.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, bail, ensure};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arch {
    X86_64,
    Aarch64,
}

impl Arch {
    pub(crate) const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// Splits the words of a command into the architecture, which `--arch NAME` chooses at
    /// the beginning or at the end, and the other words.
    pub(crate) fn split<'a, 'b>(words: &'a [&'b str]) -> Result<(Self, &'a [&'b str])> {
        match words {
            ["--arch", name, rest @ ..] | [rest @ .., "--arch", name] => {
                Ok((Self::of_name(name)?, rest))
            }
            rest => Ok((Self::X86_64, rest)),
        }
    }

    fn of_name(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|arch| arch.name() == name);
        match found {
            Some(arch) => Ok(arch),
            None => bail!(
                "there is no architecture `{name}` here, only {}",
                Self::ALL.map(Self::name).join(", ")
            ),
        }
    }

    /// The name in Rust and in file names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// The name in Debian.
    pub(crate) fn debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// The target of rustc.
    pub(crate) fn target(self) -> String {
        format!("{}-unknown-linux-gnu", self.name())
    }

    /// Whether this machine can run programs of the architecture.
    pub(crate) fn is_here(self) -> bool {
        self.name() == std::env::consts::ARCH
    }

    /// A program of GNU binutils or GCC for the architecture.
    pub(crate) fn gnu(self, program: &str) -> String {
        format!("{}-linux-gnu-{program}", self.name())
    }

    /// Makes a cargo command build for the architecture.
    ///
    /// # Errors
    ///
    /// When a part of the toolchain is not installed; the message says how to install it.
    pub(crate) fn choose(self, cargo: &mut Command) -> Result<()> {
        if !self.is_here() {
            self.toolchain_is_there()?;
            let target = self.target().to_uppercase().replace('-', "_");
            cargo.env(format!("CARGO_TARGET_{target}_LINKER"), self.gnu("gcc"));
        }
        cargo.env("CARGO_BUILD_TARGET", self.target());
        Ok(())
    }

    fn toolchain_is_there(self) -> Result<()> {
        let (target, linker) = (self.target(), self.gnu("gcc"));
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(&rustc)
            .args(["--print", "target-libdir", "--target", &target])
            .output()
            .with_context(|| format!("failed to run `{}`", rustc.display()))?;
        let libraries = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(
            output.status.success() && Path::new(&libraries).exists(),
            "rustc has no standard library for `{target}`: run `rustup target add {target}`"
        );
        let is_there = Command::new(&linker).arg("--version").output().is_ok();
        ensure!(
            is_there,
            "there is no `{linker}`: run `apt-get install gcc-{0}-linux-gnu libc6-dev-{1}-cross`",
            self.name().replace('_', "-"),
            self.debian()
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Arch;

    #[test]
    fn an_architecture_stands_first_or_last_or_is_x86_64() {
        let split = |words| Arch::split(words).unwrap();
        assert_eq!(split(&[]), (Arch::X86_64, &[][..]));
        assert_eq!(split(&["6.1"]), (Arch::X86_64, &["6.1"][..]));
        let expected = (Arch::Aarch64, &["6.1", "7.1"][..]);
        assert_eq!(split(&["--arch", "aarch64", "6.1", "7.1"]), expected);
        assert_eq!(split(&["6.1", "7.1", "--arch", "aarch64"]), expected);
    }

    #[test]
    fn an_unknown_architecture_is_named() {
        let error = Arch::split(&["--arch", "arm64"]).unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no architecture `arm64` here, only x86_64, aarch64"
        );
    }
}
