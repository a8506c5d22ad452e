//! Measures what the eBPF program at `signal_generate` adds to a signal.

use std::process::Command;

use anyhow::{Result, bail, ensure};
use procviz::source::kernel::Kernel;

use super::{Row, median};

const PAIRS: u32 = 15;
/// The signals, by the names of the workload, what happens to them, and how many are sent. The
/// records of the last fill less than an eighth of the ring, which nobody empties here.
const SIGNALS: [(&str, &str, u32); 3] = [
    ("urgent", "a SIGURG, which ends nobody", 200_000),
    ("handled", "a SIGUSR1 with a handler", 200_000),
    (
        "taken",
        "a SIGUSR1 that would end the process, and is recorded",
        5_000,
    ),
];

pub(super) fn run() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (kind, what, rounds) in SIGNALS {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        // In turns, so that other load on the machine affects both.
        for _ in 0..PAIRS {
            without.push(ns_a_signal(kind, rounds)?);
            let kernel = Kernel::load()?;
            with.push(ns_a_signal(kind, rounds)?);
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

fn ns_a_signal(kind: &str, rounds: u32) -> Result<f64> {
    let output = Command::new(std::env::current_exe()?)
        .args(["load", "signal", kind, &rounds.to_string()])
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
