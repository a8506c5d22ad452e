//! Writes what a command used: as lines for people, and as JSON.

use std::{
    ffi::OsString,
    io::{self, Write},
    os::unix::ffi::OsStrExt as _,
};

use serde::Serialize;

use super::json::{SCHEMA, line};
use crate::{
    model::{Comm, Status, Untrusted, bytes_text, count_text, duration_text, known_bytes_text},
    tracker::{Cost, Run},
};

/// Number of commands, and of kinds of failures, in the text.
const SHOWN: usize = 5;
/// The same in JSON.
const SHOWN_IN_JSON: usize = 100;

/// The lines for people.
pub(crate) fn lines(run: &Run, command: &[OsString]) -> Vec<String> {
    let words: Vec<String> = command
        .iter()
        .map(|word| Untrusted::new(word.as_bytes()).name())
        .collect();
    let ended = match run.status {
        None => "its end was not seen".to_owned(),
        Some(Status(0)) => "exit 0".to_owned(),
        Some(status) => status.words(),
    };
    let words = words.join(" ");
    let wall = duration_text(run.wall_ns());
    let mut lines = vec![match run.is_over {
        true => format!("{words}: {ended} after {wall}"),
        false => format!("{words}: {ended}; the figures are of its first {wall}"),
    }];
    let mut row = |name: &str, text: String| lines.push(format!("  {name:<9} {text}"));
    row("CPU", cpu(run));
    row("memory", memory(run));
    let (read, written) = (
        known_bytes_text(run.read_bytes),
        known_bytes_text(run.write_bytes),
    );
    row("storage", format!("read {read}, wrote {written}"));
    row("started", started(run));
    if !run.failures.is_empty() {
        row("failed", failed(run));
    }
    for (at, (name, cost)) in run.costliest(SHOWN).iter().enumerate() {
        row(if at == 0 { "CPU by" } else { "" }, costly(*name, *cost));
    }
    if let Some(missing) = missing(run) {
        row("unknown", missing);
    }
    lines
}

fn cpu(run: &Run) -> String {
    let parts = run.user_ns.zip(run.system_ns);
    let parts = parts.map_or_else(String::new, |(user, system)| {
        format!(
            " (user {}, system {})",
            duration_text(user),
            duration_text(system)
        )
    });
    let cpu = duration_text(run.cpu_ns);
    format!("{cpu}{parts}, {:.2} cores on average", run.cores())
}

fn memory(run: &Run) -> String {
    let largest = run.largest.map_or_else(String::new, |(rss, name, pid)| {
        format!(
            "{} in {} {pid}, the largest process",
            bytes_text(rss),
            name.text().name()
        )
    });
    let Some(together) = run.together_bytes() else {
        return "not known".to_owned();
    };
    let comma = if largest.is_empty() { "" } else { "; " };
    let together = bytes_text(together);
    format!("{largest}{comma}all at one time at least {together}")
}

fn started(run: &Run) -> String {
    let processes = run.ended.saturating_add(run.living);
    let mut text = match processes {
        1 => "1 process".to_owned(),
        _ => format!("{} processes", count_text(processes)),
    };
    if run.has_events && run.threads > 0 {
        text.push_str(&match run.threads {
            1 => ", 1 more thread".to_owned(),
            threads => format!(", {} more threads", count_text(threads)),
        });
    }
    match run.living {
        0 => {}
        1 => text.push_str("; 1 process is still running"),
        living => text.push_str(&format!(
            "; {} processes are still running",
            count_text(living)
        )),
    }
    text
}

/// The failures, the most frequent first.
fn failures(run: &Run) -> Vec<(Comm, Status, u64)> {
    let failures = run.failures.iter();
    let mut all: Vec<_> = failures
        .map(|((name, status), count)| (*name, *status, *count))
        .collect();
    all.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
    all
}

fn failed(run: &Run) -> String {
    let all = failures(run);
    let shown = all.iter().take(SHOWN).map(|(name, status, count)| {
        let name = name.text().name();
        let words = status.words();
        match count {
            1 => format!("{name} ({words})"),
            _ => format!("{name} ×{} ({words})", count_text(*count)),
        }
    });
    let mut text = shown.collect::<Vec<String>>().join(", ");
    if all.len() > SHOWN {
        text.push_str(&format!(
            " and {} more kinds",
            count_text((all.len() - SHOWN) as u64)
        ));
    }
    text
}

fn costly(name: Comm, cost: Cost) -> String {
    let name = name.text().name();
    let count = match cost.count {
        1 => String::new(),
        count => format!(" ×{}", count_text(count)),
    };
    let rss = cost.max_rss_bytes;
    let rss = rss.map_or_else(String::new, |rss| format!(", at most {}", bytes_text(rss)));
    format!("{name}{count}: {}{rss}", duration_text(cost.cpu_ns))
}

/// What the figures lack.
fn missing(run: &Run) -> Option<String> {
    let mut all = Vec::new();
    if !run.has_events {
        all.push("what lived between two samples, because there are no kernel events".to_owned());
    }
    if run.lost > 0 {
        all.push(format!("{} exits that were lost", count_text(run.lost)));
    }
    if run.partial > 0 {
        all.push(format!(
            "some figures of {} processes",
            count_text(run.partial)
        ));
    }
    let is_some = !all.is_empty();
    is_some.then(|| format!("{}: the figures are lower limits", all.join("; ")))
}

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
    cpu_cores: f64,
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
    let costliest = run.costliest(SHOWN_IN_JSON);
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
        failures: failures(run)
            .into_iter()
            .take(SHOWN_IN_JSON)
            .map(failure)
            .collect(),
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
