//! Boots other kernels in virtual machines (qemu without KVM), and runs the core suite of
//! the end-to-end tests on each.

mod apt;
mod boot;
mod image;
mod root;
mod table;

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use self::{apt::Apt, boot::Outcome};
use crate::arch::Arch;

/// A kernel of Debian, and how it is booted.
pub(super) struct Kernel {
    /// The name on the command line of `cargo xtask vm`.
    name: &'static str,
    /// First numbers of the version; empty: the newest there is.
    series: &'static str,
    /// Debian's flavour. A `cloud` kernel has the disk's driver built in.
    flavour: &'static str,
    /// Added to the kernel's command line.
    options: &'static str,
    tests: &'static [&'static str],
    /// How often the tests are run, one after the other.
    runs: usize,
}

/// The core suite.
const CORE: &[&str] = &[
    "kernels::",
    "vm::",
    "figures::a_move_to_another_cgroup_is_followed",
    "truth::every_figure_of_every_process",
    "states::a_sleeper",
    "states::a_short_life",
    "privilege::two_capabilities_are_enough",
    "privilege::a_pid_namespace_is_reported",
];

/// Since 7.0 the kernel skips programs. That is rare, so these run many times there.
const DRIVERS: &[&str] = &[
    "kernels::deaths",
    "kernels::groups_killed_at_once",
    "kernels::bursts",
];

const KERNELS: &[Kernel] = &[
    cloud("6.1", "6.1"),
    cloud("6.12", "6.12"),
    cloud("6.18", "6.18"),
    cloud("7.1", "7.1"),
    cloud("newest", ""),
    Kernel {
        flavour: "rt",
        ..cloud("newest-rt", "")
    },
    Kernel {
        options: "lockdown=confidentiality",
        tests: &["locked::"],
        ..cloud("6.12-locked", "6.12")
    },
    Kernel {
        tests: DRIVERS,
        runs: 20,
        ..cloud("7.1-often", "7.1")
    },
    Kernel {
        flavour: "rt",
        tests: DRIVERS,
        runs: 20,
        ..cloud("newest-rt-often", "")
    },
];

/// The kernels of `.ci/run`: together they have every way to read a member.
const CI: &[&str] = &["6.1", "6.12", "newest"];

const fn cloud(name: &'static str, series: &'static str) -> Kernel {
    Kernel {
        name,
        series,
        flavour: "cloud",
        options: "",
        tests: CORE,
        runs: 1,
    }
}

/// Runs the core suite on the kernels of an architecture that `words` name; without names,
/// on all, and writes the table of the architecture in `docs/KERNELS.md`.
pub(crate) fn run(arch: Arch, words: &[&str]) -> Result<()> {
    let names: Vec<&str> = match words {
        [] => KERNELS.iter().map(|kernel| kernel.name).collect(),
        ["--ci"] => CI.to_vec(),
        names => names.to_vec(),
    };
    let root = crate::ebpf::root()?;
    let place = root.join(format!("target/vm/{}", arch.name()));
    let apt = Apt::new(&place, arch)?;
    let binaries = image::binaries(&root, arch)?;
    root::make_root(&place, arch, &binaries)?;
    let mut rows = Vec::new();
    for name in names {
        let Some(kernel) = KERNELS.iter().find(|kernel| kernel.name == name) else {
            let known: Vec<_> = KERNELS.iter().map(|kernel| kernel.name).collect();
            bail!(
                "there is no kernel `{name}` here, only {}",
                known.join(", ")
            );
        };
        let row = one(kernel, &apt, &place, arch).with_context(|| format!("kernel {name}"))?;
        rows.push(row);
    }
    let text = table::text(&rows);
    crate::ebpf::say(&text);
    let failed: Vec<String> = rows
        .iter()
        .flat_map(|(_, row)| row.failed.clone())
        .collect();
    ensure!(failed.is_empty(), "failed:\n{}", failed.join("\n"));
    if words.is_empty() {
        table::write(&root.join("docs/KERNELS.md"), arch, &text)?;
    }
    Ok(())
}

fn one(
    kernel: &'static Kernel,
    apt: &Apt,
    place: &Path,
    arch: Arch,
) -> Result<(&'static Kernel, Outcome)> {
    let files = apt.kernel(kernel.series, kernel.flavour)?;
    // A race between qemu's threads and a kernel that changes its own code panics a kernel
    // in about one of twenty runs, and real-time kernels hang now and then. A kernel that
    // procviz harms does so each time.
    for _ in 0..3 {
        let outcome = boot::boot(kernel, &files, place, arch)?;
        if outcome.release.is_some() && !outcome.has_panicked && !outcome.hangs {
            return Ok((kernel, outcome));
        }
    }
    bail!(
        "it panics, hangs or does not boot: see target/vm/{}/{}.console",
        arch.name(),
        kernel.name
    )
}
