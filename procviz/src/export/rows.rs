//! Writes snapshots as CSV: a row per task, the time in the first column.

use std::io::{self, Write};

use crate::{
    export::{
        csv::{Reads, Table, Text},
        time::rfc3339,
        users::Names,
    },
    model::{CgroupOwner, Scope, Snapshot, TaskView},
};

const TITLES: [&str; 35] = [
    "time",
    "tid",
    "pid",
    "ns_pid",
    "ppid",
    "uid",
    "user",
    "comm",
    "name",
    "state",
    "start_ns",
    "ran",
    "activity",
    "cpu_ns",
    "cpu_delta_ns",
    "wait_delta_ns",
    "wait_max_ns",
    "off_cpu_ns",
    "rss_bytes",
    "rss_delta_bytes",
    "rss_anon_bytes",
    "rss_file_bytes",
    "rss_shmem_bytes",
    "swap_bytes",
    "hugetlb_bytes",
    "vsize_bytes",
    "read_bytes",
    "write_bytes",
    "io_delta_bytes",
    "threads",
    "cgroup",
    "container",
    "exit_code",
    "signal",
    "signal_name",
];

/// Writes the rows of a snapshot. If `is_first`, writes the titles before.
///
/// # Errors
///
/// Errors of the writer.
pub(crate) fn snapshot(
    out: &mut impl Write,
    snapshot: &Snapshot,
    scope: Scope,
    names: Names<'_>,
    is_first: bool,
    (text, reads): (Text, Reads),
) -> io::Result<()> {
    let mut table = Table::new(out, text, reads);
    if is_first {
        TITLES
            .iter()
            .for_each(|title| table.field(title.as_bytes()));
        table.end_row()?;
    }
    let time = rfc3339(&snapshot.host, snapshot.stamp.boot_ns).unwrap_or_default();
    for task in snapshot.tasks(scope) {
        row(&mut table, &time, &task, names)?;
    }
    table.flush()
}

/// Writes the row of a task. An unknown value is an empty field.
fn row<W: Write>(
    table: &mut Table<W>,
    time: &str,
    task: &TaskView<'_>,
    names: Names<'_>,
) -> io::Result<()> {
    let change = task.change();
    let io = task.io();
    let cgroup = task.process.cgroup.as_deref();
    let parts = task.process.parts;
    let status = task.end().and_then(|end| end.status);
    let fields = [
        time.to_owned(),
        task.id().tid.to_string(),
        task.process.id.tid.to_string(),
        text(task.process.ns_pid),
        task.process.ppid.to_string(),
        text(task.thread.uid),
        text(task.thread.uid.map(names)),
        String::new(),
        String::new(),
        task.state().letter().to_string(),
        task.id().start_ns.to_string(),
        text(task.ran()),
        task.activity().word().to_owned(),
        task.cpu_ns().to_string(),
        change.cpu_ns.to_string(),
        text(change.wait_ns),
        text(change.wait_max_ns),
        text(task.off_cpu_ns()),
        text(task.process.rss),
        text(task.rss_delta()),
        text(parts.map(|parts| parts.anon)),
        text(parts.map(|parts| parts.file)),
        text(parts.map(|parts| parts.shmem)),
        text(parts.map(|parts| parts.swap)),
        text(parts.map(|parts| parts.hugetlb)),
        text(task.process.vsize),
        text(io.map(|io| io.read)),
        text(io.map(|io| io.write)),
        text(io.map(|_| change.io_bytes)),
        task.process.threads.to_string(),
        text(cgroup),
        text(cgroup.and_then(|path| CgroupOwner::of(path).container)),
        text(status.and_then(|status| status.code())),
        text(status.and_then(|status| status.signal())),
        text(status.and_then(|status| status.signal_name())),
    ];
    for (title, field) in TITLES.iter().zip(&fields) {
        match *title {
            // Unchanged, including bytes that are not UTF-8.
            "comm" => table.field(task.thread.comm.bytes()),
            "name" => table.field(task.name_bytes()),
            _ => table.field(field.as_bytes()),
        }
    }
    table.end_row()
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
