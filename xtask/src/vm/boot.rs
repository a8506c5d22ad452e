//! Boots a kernel, and reads the results of its tests from its console.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};

use super::{Kernel, apt::KernelFiles, image};
use crate::arch::Arch;

/// What a virtual machine said.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The kernel's release; `None`: it did not boot.
    pub(super) release: Option<String>,
    /// The results by test, such as `deaths` and `450 made, 0 missing`.
    pub(super) results: Vec<(String, String)>,
    pub(super) has_panicked: bool,
    /// A test began and did not end.
    pub(super) hangs: bool,
    pub(super) passed: usize,
    pub(super) failed: Vec<String>,
}

/// A kind of virtual machine.
struct Machine {
    qemu: &'static str,
    options: &'static [&'static str],
    console: &'static str,
}

const fn machine(arch: Arch) -> Machine {
    match arch {
        Arch::X86_64 => Machine {
            qemu: "qemu-system-x86_64",
            options: &["-cpu", "max"],
            console: "ttyS0",
        },
        Arch::Aarch64 => Machine {
            qemu: "qemu-system-aarch64",
            options: &["-M", "virt", "-cpu", "cortex-a72"],
            console: "ttyAMA0",
        },
    }
}

/// Boots a kernel with the tests.
pub(super) fn boot(
    kernel: &Kernel,
    files: &KernelFiles,
    place: &Path,
    arch: Arch,
) -> Result<Outcome> {
    let machine = machine(arch);
    let is_builtin = kernel.flavour == "cloud";
    let disk = image::disk(place, !is_builtin)?;
    let mut qemu = Command::new("timeout");
    let seconds = if kernel.runs == 1 { 1200 } else { 3600 };
    qemu.arg(seconds.to_string());
    qemu.arg(machine.qemu).args(machine.options);
    // Never with KVM: the machines of this project are virtual themselves.
    qemu.args(["-accel", "tcg,thread=multi", "-smp", "2"]);
    qemu.args(["-m", if is_builtin { "2048" } else { "3072" }]);
    qemu.args([
        "-nographic",
        "-no-reboot",
        "-nodefaults",
        "-serial",
        "stdio",
    ]);
    qemu.arg("-drive").arg(format!(
        "file={},if=none,id=disk,format=raw,cache=unsafe",
        disk.display()
    ));
    qemu.args(["-device", "nvme,drive=disk,serial=procviz"]);
    qemu.arg("-kernel").arg(&files.image);
    let root = if is_builtin {
        "root=/dev/nvme0n1 rw init=/t/init.sh"
    } else {
        qemu.arg("-initrd").arg(image::initramfs(place, files)?);
        "rdinit=/t/init.sh"
    };
    let (tests, options) = (kernel.tests.join(","), kernel.options);
    qemu.arg("-append").arg(format!(
        "console={} quiet panic=-1 {root} procviz.tests={tests} procviz.runs={} {options}",
        machine.console, kernel.runs
    ));
    let started = std::time::Instant::now();
    let output = qemu
        .stdin(std::process::Stdio::null())
        .output()
        .with_context(|| format!("failed to run {}", machine.qemu))?;
    let console = String::from_utf8_lossy(&output.stdout).into_owned();
    std::fs::write(place.join(format!("{}.console", kernel.name)), &console)?;
    _ = std::fs::remove_file(&disk);
    let outcome = read(kernel, &console);
    crate::ebpf::say(&format!(
        "{}: {}, {} tests passed, {} failed, {} s",
        kernel.name,
        outcome.release.as_deref().unwrap_or("did not boot"),
        outcome.passed,
        outcome.failed.len(),
        started.elapsed().as_secs()
    ));
    Ok(outcome)
}

/// Reads a console.
fn read(kernel: &Kernel, console: &str) -> Outcome {
    let mut outcome = Outcome {
        has_panicked: console.contains("Kernel panic"),
        ..Outcome::default()
    };
    let mut ended = Vec::new();
    let mut passed_before = 0;
    for line in console.lines() {
        let line = line.trim_end();
        if let Some((_, release)) = line.split_once("BOOTED ") {
            outcome.release = Some(release.to_owned());
        }
        if let Some((_, result)) = line.split_once("RESULT ")
            && let Some((name, result)) = result.split_once(": ")
        {
            outcome.results.push((name.to_owned(), result.to_owned()));
        }
        if let Some((_, counts)) = line.split_once("test result: ") {
            let passed = counts
                .split(' ')
                .nth(1)
                .and_then(|n| n.parse::<usize>().ok());
            outcome.passed += passed.unwrap_or(0);
        }
        if let Some(rest) = line.strip_prefix("END ")
            && let Some((test, status)) = rest.split_once(" status ")
        {
            ended.push(test);
            // A filter that fits no test passes, too.
            if outcome.passed == passed_before && status == "0" {
                let message = format!("{}: there is no test `{test}`", kernel.name);
                outcome.failed.push(message);
            }
            passed_before = outcome.passed;
            if status != "0" {
                let message = format!("{}: {test} ended with status {status}", kernel.name);
                outcome.failed.push(message);
            }
        }
    }
    outcome.hangs = outcome.release.is_some() && ended.len() < kernel.tests.len() * kernel.runs;
    // A machine that hangs or panics runs the rest of the tests never.
    for test in kernel.tests.iter().filter(|test| !ended.contains(test)) {
        outcome
            .failed
            .push(format!("{}: {test} did not end", kernel.name));
    }
    outcome
}

/// Runs a command that must succeed.
pub(super) fn ran(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("failed to run {command:?}"))?;
    ensure!(status.success(), "{command:?} failed with {status}");
    Ok(())
}

/// What a command prints; it must succeed.
pub(super) fn text_of(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("failed to run {command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed");
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: Kernel = Kernel {
        tests: &["kernels::", "vm::"],
        ..super::super::cloud("x", "6.1")
    };

    #[test]
    fn a_console() {
        let text = "junk BOOTED 6.1.0\r\nBEGIN kernels::\r\n\
            test kernels::deaths ... RESULT deaths: 5 made, 0 missing\r\nok\r\n\
            test result: ok. 5 passed; 0 failed; 0 ignored\r\nEND kernels:: status 0\r\n\
            test result: ok. 2 passed; 0 failed\r\nEND vm:: status 0\r\n";
        let outcome = read(&KERNEL, text);
        assert_eq!(outcome.release.as_deref(), Some("6.1.0"));
        assert_eq!(outcome.passed, 7);
        assert_eq!(
            outcome.results,
            [("deaths".into(), "5 made, 0 missing".into())]
        );
        assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    }

    #[test]
    fn runs_that_are_missing_are_a_hang() {
        let twice = Kernel { runs: 2, ..KERNEL };
        let once = "BOOTED 6.1.0\ntest result: ok. 5 passed;\nEND kernels:: status 0\n\
            test result: ok. 2 passed;\nEND vm:: status 0\n";
        assert!(read(&twice, once).hangs && !read(&KERNEL, once).hangs);
        assert!(!read(&twice, &once.repeat(2)).hangs);
    }

    #[test]
    fn a_test_that_fails_or_does_not_end_is_a_failure() {
        let failed = read(&KERNEL, "BOOTED 6.1.0\nEND kernels:: status 101\n").failed;
        let none = read(&KERNEL, "BOOTED 6.1.0\nEND kernels:: status 0\n").failed;
        assert!(none[0].contains("there is no test `kernels::`"), "{none:?}");
        assert_eq!(
            failed,
            ["x: kernels:: ended with status 101", "x: vm:: did not end"]
        );
        let outcome = read(&KERNEL, "Kernel panic - not syncing");
        assert!(outcome.has_panicked && outcome.release.is_none());
    }
}
