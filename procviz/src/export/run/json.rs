//! Writes what a command used as a line of JSON.

use std::{
    ffi::OsString,
    io::{self, Write},
    os::unix::ffi::OsStrExt as _,
};

use serde::Serialize;

use super::{failures, missing};
use crate::{
    export::json::{SCHEMA, line},
    model::{Comm, Status, Untrusted},
    tracker::Run,
};

/// Number of commands, and of kinds of failures.
const SHOWN: usize = 100;

/// The summary as one line of JSON.
#[derive(Serialize)]
struct Summary<'a> {
    schema: u32,
    command: Vec<String>,
    pid: u32,
    exit_code: Option<u32>,
    signal_name: Option<String>,
    wall_ns: u64,
    cpu_ns: u64,
    user_ns: Option<u64>,
    system_ns: Option<u64>,
    cpu_cores: Option<f64>,
    /// Resident sets of all processes at one time, at least: samples can miss the largest sum.
    together_rss_bytes: Option<u64>,
    largest: Option<Largest>,
    read_bytes: Option<u64>,
    write_bytes: Option<u64>,
    processes: u64,
    /// Of these, how many are still running.
    running: u64,
    threads: Option<u64>,
    /// Whether the end of the command was seen: else it went on after `wall_ns`.
    ended: bool,
    /// Nothing is missing: else the figures are lower limits.
    complete: bool,
    lost_exits: u64,
    partial: u64,
    /// Short-lived processes of which only number, CPU time and status are known.
    folded: u64,
    failures: Vec<Failure>,
    commands: Vec<Command<'a>>,
}

#[derive(Serialize)]
struct Largest {
    pid: u32,
    comm: String,
    max_rss_bytes: u64,
}

#[derive(Serialize)]
struct Failure {
    comm: String,
    exit_code: Option<u32>,
    signal_name: Option<String>,
    count: u64,
}

#[derive(Serialize)]
struct Command<'a> {
    comm: String,
    count: &'a u64,
    cpu_ns: &'a u64,
    max_rss_bytes: Option<u64>,
}

/// Writes the summary as a line of JSON.
pub(crate) fn json(out: &mut impl Write, run: &Run, command: &[OsString]) -> io::Result<()> {
    let costliest = run.costliest(SHOWN);
    let failure = |(name, status, count): (Comm, Status, u64)| Failure {
        comm: name.text().json(),
        exit_code: status.code(),
        signal_name: status.signal_name(),
        count,
    };
    let value = Summary {
        schema: SCHEMA,
        command: command
            .iter()
            .map(|word| Untrusted::new(word.as_bytes()).json())
            .collect(),
        pid: run.pid,
        exit_code: run.status.and_then(Status::code),
        signal_name: run.status.and_then(Status::signal_name),
        wall_ns: run.wall_ns(),
        cpu_ns: run.cpu_ns,
        user_ns: run.user_ns,
        system_ns: run.system_ns,
        cpu_cores: run.cores(),
        together_rss_bytes: run.together_bytes(),
        largest: run.largest.map(|(rss, name, pid)| Largest {
            pid,
            comm: name.text().json(),
            max_rss_bytes: rss,
        }),
        read_bytes: run.read_bytes,
        write_bytes: run.write_bytes,
        processes: run.ended.saturating_add(run.living),
        running: run.living,
        threads: run.has_events.then_some(run.threads),
        ended: run.is_over,
        complete: missing(run).is_none(),
        lost_exits: run.lost,
        partial: run.partial,
        folded: run.folded,
        failures: failures(run).into_iter().take(SHOWN).map(failure).collect(),
        commands: costliest
            .iter()
            .map(|(name, cost)| Command {
                comm: name.text().json(),
                count: &cost.count,
                cpu_ns: &cost.cpu_ns,
                max_rss_bytes: cost.max_rss_bytes,
            })
            .collect(),
    };
    line(out, &value)
}
