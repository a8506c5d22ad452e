//! Writes exit records as lines of columns, for people.

use std::io::{self, Write};

use super::{time, users::Names};
use crate::model::{Args, ExitRecord, Host, KillKind, Untrusted, bytes_text, duration_text};

/// Writes the titles of the columns.
pub(crate) fn head(out: &mut impl Write, threads: bool) -> io::Result<()> {
    let tid = if threads { "    TID" } else { "" };
    writeln!(
        out,
        "TIME         {:>7}{tid} {:>7} {:<10} {:<15} {:<10} {:>9} {:>9} {:>10}  {:<16} ARGUMENTS",
        "PID", "PARENT", "USER", "COMMAND", "EXIT", "LIFETIME", "CPU", "MAX RSS", "KILLED BY"
    )
}

/// Writes an exit record as one line.
pub(crate) fn line(
    out: &mut impl Write,
    host: &Host,
    names: Names<'_>,
    record: &ExitRecord,
    threads: bool,
) -> io::Result<()> {
    let unknown = || "?".to_owned();
    let lived = duration_text(record.lifetime_ns());
    let mut ended = record.status.words();
    if record.status.core_dumped() {
        ended.push_str(" core");
    }
    if record.oom {
        ended.push_str(" OOM");
    }
    if record.partial {
        ended.push_str(" partial");
    }
    write!(
        out,
        "{} {:>7}",
        time::local_clock(host, record.time_ns),
        record.process.tid
    )?;
    if threads {
        write!(
            out,
            " {:>6}",
            record
                .thread
                .map_or_else(|| "-".to_owned(), |thread| thread.tid.to_string())
        )?;
    }
    writeln!(
        out,
        " {:>7} {:<10} {:<15} {:<10} {:>9} {:>9} {:>10}  {:<16} {}",
        record.ppid,
        Untrusted::new(names(record.uid).as_bytes()).terminal(),
        Untrusted::new(record.name()).name(),
        ended,
        lived,
        record.cpu_ns.map_or_else(unknown, duration_text),
        record.max_rss_bytes.map_or_else(unknown, bytes_text),
        killer(record),
        arguments(record)
    )
}

/// What killed the process; `-` if it ended by itself, or if no signal was seen.
fn killer(record: &ExitRecord) -> String {
    let Some(killer) = &record.killed_by else {
        return "-".to_owned();
    };
    let mut text = match (killer.kind, killer.sender) {
        (KillKind::Process, Some(sender)) => sender.text(),
        (KillKind::Oom | KillKind::Parent | KillKind::Cgroup, Some(sender)) => {
            format!("{}: {}", killer.kind.word(), sender.text())
        }
        (kind, _) => kind.word().to_owned(),
    };
    if record.terminated_by.is_some() {
        text.push_str(" after a SIGTERM");
    }
    text
}

fn arguments(record: &ExitRecord) -> String {
    let Some(args) = &record.args else {
        return "?".to_owned();
    };
    let mut parts: Vec<_> = Args::new(args)
        .each()
        .map(|arg| Untrusted::new(arg).terminal())
        .collect();
    if Args::is_cut(args) {
        parts.push("…".to_owned());
    }
    parts.join(" ")
}
