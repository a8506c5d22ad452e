//! Measures what the eBPF program at `signal_generate` adds to a signal.

use std::process::Command;

use anyhow::{Result, bail, ensure};
use procviz::source::kernel::Kernel;

use super::{Row, median};

const ROUNDS: u32 = 200_000;
const PAIRS: u32 = 15;
/// The signals, by the names of the workload, and what happens to them.
const SIGNALS: [(&str, &str); 3] = [
    ("urgent", "a SIGURG, which ends nobody"),
    ("handled", "a SIGUSR1 with a handler"),
    (
        "taken",
        "a SIGUSR1 that would end the process, and is recorded",
    ),
];

pub(super) fn run() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (kind, what) in SIGNALS {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        // In turns, so that other load on the machine affects both.
        for _ in 0..PAIRS {
            without.push(ns_a_signal(kind)?);
            let kernel = Kernel::load()?;
            with.push(ns_a_signal(kind)?);
            drop(kernel);
        }
        let (without, with) = (median(without), median(with));
        rows.push(Row::new(format!("{what}, without procviz"), without, "ns"));
        rows.push(
            Row::new(
                format!("added to it, difference of the medians of {PAIRS} pairs"),
                with - without,
                "ns",
            )
            .bar("<= 300"),
        );
    }
    Ok(rows)
}

fn ns_a_signal(kind: &str) -> Result<f64> {
    let output = Command::new(std::env::current_exe()?)
        .args(["load", "signal", kind, &ROUNDS.to_string()])
        .output()?;
    ensure!(output.status.success(), "the workload failed");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Runs the workload: a process sends itself signals, and prints its CPU time for each, ns.
pub(crate) fn send(kind: &str, rounds: u32) -> Result<()> {
    extern "C" fn nothing(_: libc::c_int) {}
    let signal = if kind == "urgent" {
        libc::SIGURG
    } else {
        libc::SIGUSR1
    };
    // SAFETY: the set is initialized by `sigemptyset`, and the handler does nothing.
    let set = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        match kind {
            "urgent" => {}
            "handled" => {
                libc::signal(signal, nothing as *const () as libc::sighandler_t);
            }
            "taken" => {
                libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            }
            _ => bail!("unknown signal `{kind}`"),
        }
        set
    };
    let before = super::own_cpu_ns();
    for _ in 0..rounds {
        // SAFETY: plain system calls.
        unsafe {
            libc::kill(libc::getpid(), signal);
            if kind == "taken" {
                libc::sigtimedwait(&raw const set, std::ptr::null_mut(), std::ptr::null());
            }
        }
    }
    let used = super::own_cpu_ns() - before;
    crate::ebpf::say(&format!("{}", used / f64::from(rounds)));
    Ok(())
}
