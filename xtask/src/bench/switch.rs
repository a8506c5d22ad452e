//! Measures what the eBPF programs add to a context switch. Two processes on one CPU send a
//! byte back and forth; their CPU time is divided by the number of switches.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use procviz::source::kernel::Kernel;

use super::{Row, median};

const ROUNDS: u32 = 100_000;

pub(super) fn run() -> Result<Vec<Row>> {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    // In turns, so that other load on the machine affects both.
    for _ in 0..15 {
        without.push(ns_a_switch()?);
        let kernel = Kernel::load()?;
        with.push(ns_a_switch()?);
        drop(kernel);
    }
    let least = |values: &[f64]| values.iter().copied().fold(f64::MAX, f64::min);
    let added_least = least(&with) - least(&without);
    let pairs = with.iter().zip(&without);
    let parts = pairs.map(|(with, without)| (with - without) / without * 100.0);
    let part = median(parts.collect());
    let (without, with) = (median(without), median(with));
    Ok(vec![
        Row::new("a context switch without procviz", without, "ns"),
        Row::new(
            "added to a context switch, median of 15 pairs",
            part,
            "% of a switch",
        )
        .bar("<= 3"),
        Row::new(
            "added to a context switch, difference of the medians",
            with - without,
            "ns",
        ),
        Row::new(
            "added to a context switch, difference of the minima",
            added_least,
            "ns",
        ),
    ])
}

/// The cost of a context switch while procviz does not run, ns.
pub(super) fn without() -> Result<f64> {
    let values: Result<Vec<f64>> = (0..5).map(|_| ns_a_switch()).collect();
    Ok(median(values?))
}

fn ns_a_switch() -> Result<f64> {
    let output = Command::new(std::env::current_exe()?)
        .args(["load", "ping", &ROUNDS.to_string()])
        .output()?;
    ensure!(output.status.success(), "the workload failed");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Runs the workload: prints ns per context switch.
pub(crate) fn ping(rounds: u32) -> Result<()> {
    // SAFETY: zero bytes are a valid set of CPUs.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
    let (ping_reader, ping_writer) = rustix::pipe::pipe()?;
    let (pong_reader, pong_writer) = rustix::pipe::pipe()?;
    // SAFETY: this process has one thread.
    let child = unsafe { libc::fork() };
    let mut byte = [0u8];
    if child == 0 {
        for _ in 0..rounds {
            rustix::io::read(&ping_reader, &mut byte)?;
            rustix::io::write(&pong_writer, &byte)?;
        }
        // SAFETY: only exits the child.
        unsafe { libc::_exit(0) };
    }
    let before = super::own_cpu_ns();
    for _ in 0..rounds {
        rustix::io::write(&ping_writer, &byte)?;
        rustix::io::read(&pong_reader, &mut byte)?;
    }
    let own = super::own_cpu_ns() - before;
    // SAFETY: zero bytes are a valid `rusage`, and both pointers are writable.
    let theirs = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let pid = libc::wait4(child, std::ptr::null_mut(), 0, &raw mut usage);
        (pid == child).then_some(usage)
    };
    let usage = theirs.context("failed to wait for the child")?;
    let ns = |time: libc::timeval| time.tv_sec as f64 * 1e9 + time.tv_usec as f64 * 1e3;
    let cpu = own + ns(usage.ru_utime) + ns(usage.ru_stime);
    crate::ebpf::say(&format!("{}", cpu / f64::from(rounds) / 2.0));
    Ok(())
}
