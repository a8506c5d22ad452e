//! Writes what a command used: as lines for people, and as JSON.

mod json;

use std::{ffi::OsString, os::unix::ffi::OsStrExt as _};

pub(crate) use self::json::json;
use crate::{
    model::{Comm, Status, Untrusted, bytes_text, count_text, duration_text, known_bytes_text},
    tracker::{Cost, Run},
};

/// Number of commands, and of kinds of failures, in the text.
const SHOWN: usize = 5;

/// The lines for people.
pub(crate) fn lines(run: &Run, command: &[OsString]) -> Vec<String> {
    let words: Vec<String> = command
        .iter()
        .map(|word| Untrusted::new(word.as_bytes()).name())
        .collect();
    let ended = match run.status {
        None => "its end was not seen".to_owned(),
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
    let cores = run.cores();
    let cores = cores.map_or_else(String::new, |cores| {
        format!(", {cores:.2} cores on average")
    });
    format!("{cpu}{parts}{cores}")
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
    format!("{largest}{comma}resident sets of all at one time at least {together}")
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
    if run.folded > 0 {
        let folded = count_text(run.folded);
        all.push(format!(
            "memory and storage of {folded} short-lived processes"
        ));
    }
    let is_some = !all.is_empty();
    is_some.then(|| format!("{}: the figures are lower limits", all.join("; ")))
}
