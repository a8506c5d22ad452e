//! Writes JSON, one object per line. Text from processes is written as JSON strings:
//! control and reordering characters as `\uXXXX`, invalid UTF-8 as U+FFFD.

use std::{
    io::{self, Write},
    sync::Arc,
};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::users::Names;
use crate::{
    export::{killed_by::KilledBy, owner::Owner, time::rfc3339},
    model::{
        Args, ExitRecord, Finding, Host, MachineFigures, Scope, Snapshot, TaskView, Together,
        Untrusted, is_harmful,
    },
    recording::Mark,
};

/// Version of the fields of all objects.
pub(in crate::export) const SCHEMA: u32 = 1;

/// Writes an exit record and a newline.
///
/// # Errors
///
/// Errors of the writer.
pub(crate) fn exit(
    out: &mut impl Write,
    host: &Host,
    record: &ExitRecord,
    names: Names<'_>,
) -> io::Result<()> {
    line(out, &Exit::new(host, record, names))
}

/// Writes a snapshot and a newline.
///
/// # Errors
///
/// Errors of the writer.
pub(crate) fn snapshot(
    out: &mut impl Write,
    snapshot: &Snapshot,
    scope: Scope,
    names: Names<'_>,
) -> io::Result<()> {
    line(out, &Dump::new(snapshot, scope, names))
}

/// Writes a finding that begins or ends, and a newline.
///
/// # Errors
///
/// Errors of the writer.
pub(crate) fn finding(
    out: &mut impl Write,
    host: &Host,
    finding: &Finding,
    when: When,
    names: Names<'_>,
) -> io::Result<()> {
    let value = Line {
        schema: SCHEMA,
        time: rfc3339(host, when.time_ns),
        change: when.change,
        lasted_ns: when.lasted_ns,
        finding: FindingLine {
            ended: when.ended(host),
            ..FindingLine::new(host, finding, names)
        },
    };
    line(out, &value)
}

/// Writes a finding from its mark in a recording, and a newline.
pub(crate) fn mark(
    out: &mut impl Write,
    host: &Host,
    mark: &Mark,
    when: When,
    names: Names<'_>,
) -> io::Result<()> {
    let pid = mark.about.map(|about| about.tid);
    let comm = mark.comm.as_deref();
    let value = Line {
        schema: SCHEMA,
        time: rfc3339(host, when.time_ns),
        change: when.change,
        lasted_ns: when.lasted_ns,
        finding: FindingLine {
            rule: &mark.rule,
            rank: mark.rank,
            tid: pid,
            pid,
            comm: comm.map(|comm| Untrusted::new(comm).json()),
            count: mark.count,
            value: mark.value,
            unit: &mark.unit,
            since: rfc3339(host, mark.since_ns),
            ended: when.ended(host),
            text: &mark.text,
            severity: mark.severity.as_deref(),
            uid: mark.uid,
            user: mark.uid.map(names),
            group: mark.is_group,
            group_by: mark.together().map(Together::word),
            cgroup: mark.whole_place().map(path),
            owner: Owner::of(mark.whole_place()),
            cause: None,
        },
    };
    line(out, &value)
}

/// When a finding begins or ends, ns since boot, and how long one that ends lasted, ns.
#[derive(Clone, Copy)]
pub(crate) struct When {
    pub(crate) time_ns: u64,
    pub(crate) change: &'static str,
    pub(crate) lasted_ns: Option<u64>,
}

impl When {
    /// The time of a line that says that a finding ends.
    fn ended(self, host: &Host) -> Option<String> {
        let time_ns = self.lasted_ns.map(|_| self.time_ns);
        time_ns.and_then(|time_ns| rfc3339(host, time_ns))
    }
}

/// A finding that begins or ends.
#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    time: Option<String>,
    change: &'static str,
    /// Of a finding that ends; else null.
    lasted_ns: Option<u64>,
    #[serde(flatten)]
    finding: FindingLine<'a>,
}

pub(in crate::export) fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, Escaping);
    value.serialize(&mut serializer).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// Escapes more than JSON requires, so that a line cannot control the terminal on which
/// a user reads it.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut from = 0;
        for (at, ch) in fragment.char_indices().filter(|(_, ch)| is_harmful(*ch)) {
            CompactFormatter.write_string_fragment(writer, &fragment[from..at])?;
            for unit in ch.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            from = at + ch.len_utf8();
        }
        CompactFormatter.write_string_fragment(writer, &fragment[from..])
    }
}

#[derive(Serialize)]
struct Exit {
    schema: u32,
    time: Option<String>,
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<u32>,
    ns_pid: Option<u32>,
    ppid: u32,
    uid: u32,
    user: Arc<str>,
    comm: String,
    name: String,
    args: Option<Vec<String>>,
    args_cut: bool,
    args_bytes: Option<u64>,
    exit_code: Option<u32>,
    signal: Option<u32>,
    signal_name: Option<String>,
    core_dumped: bool,
    oom: bool,
    killed_by: Option<KilledBy>,
    terminated_by: Option<KilledBy>,
    lifetime_ns: u64,
    cpu_ns: Option<u64>,
    user_ns: Option<u64>,
    system_ns: Option<u64>,
    max_rss_bytes: Option<u64>,
    max_rss_inherited: Option<bool>,
    read_bytes: Option<u64>,
    write_bytes: Option<u64>,
    cancelled_write_bytes: Option<u64>,
    minor_faults: Option<u64>,
    major_faults: Option<u64>,
    cgroup: Option<String>,
    #[serde(flatten)]
    owner: Owner,
    partial: bool,
}

impl Exit {
    fn new(host: &Host, record: &ExitRecord, names: Names<'_>) -> Self {
        Self {
            schema: SCHEMA,
            time: rfc3339(host, record.time_ns),
            pid: record.process.tid,
            tid: record.thread.map(|thread| thread.tid),
            ns_pid: record.ns_pid,
            ppid: record.ppid,
            uid: record.uid,
            user: names(record.uid),
            comm: record.comm.text().json(),
            name: Untrusted::new(record.name()).json(),
            args: record.args.as_deref().map(arguments),
            args_cut: record.args.as_deref().is_some_and(Args::is_cut),
            args_bytes: record.args_bytes,
            exit_code: record.status.code(),
            signal: record.status.signal(),
            signal_name: record.status.signal_name(),
            core_dumped: record.status.core_dumped(),
            oom: record.oom,
            killed_by: KilledBy::of(record.killed_by.as_deref(), record, names),
            terminated_by: KilledBy::of(record.terminated_by.as_deref(), record, names),
            lifetime_ns: record.lifetime_ns(),
            cpu_ns: record.cpu_ns,
            user_ns: record.user_ns,
            system_ns: record.system_ns,
            max_rss_bytes: record.max_rss_bytes,
            max_rss_inherited: record.max_rss_inherited,
            read_bytes: record.read_bytes,
            write_bytes: record.write_bytes,
            cancelled_write_bytes: record.cancelled_write_bytes,
            minor_faults: record.minor_faults,
            major_faults: record.major_faults,
            cgroup: record.cgroup.as_deref().map(path),
            owner: Owner::of(record.cgroup.as_deref()),
            partial: record.partial,
        }
    }
}

/// Splits arguments that each end with a zero byte.
fn arguments(bytes: &[u8]) -> Vec<String> {
    Args::new(bytes)
        .each()
        .map(|arg| Untrusted::new(arg).json())
        .collect()
}

fn path(path: &str) -> String {
    Untrusted::new(path.as_bytes()).json()
}

#[derive(Serialize)]
struct Dump<'a> {
    schema: u32,
    time: Option<String>,
    interval_ns: u64,
    sources: &'static str,
    tasks_total: usize,
    lost: Lost,
    machine: Machine,
    findings: Vec<FindingLine<'a>>,
    tasks: Tasks<'a>,
}

/// The tasks of a snapshot. Each task is converted only when it is written, because a
/// whole line can be much longer than one task.
struct Tasks<'a> {
    snapshot: &'a Snapshot,
    scope: Scope,
    names: Names<'a>,
}

impl Serialize for Tasks<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tasks = self.snapshot.tasks(self.scope);
        serializer.collect_seq(tasks.map(|task| Task::new(self.snapshot, &task, self.names)))
    }
}

#[derive(Serialize)]
struct Lost {
    fork: u64,
    exec: u64,
    exit: u64,
    dead: u64,
    other: u64,
    late_ticks: u64,
    skipped_ticks: u64,
}

impl<'a> Dump<'a> {
    fn new(snapshot: &'a Snapshot, scope: Scope, names: Names<'a>) -> Self {
        let living = snapshot.tasks(scope);
        let living = living.filter(|task| task.state().letter() != 'X');
        let losses = snapshot.losses;
        let consequences = snapshot.consequences.iter().map(|finding| FindingLine {
            cause: Some(finding.rank),
            ..FindingLine::new(&snapshot.host, finding, names)
        });
        Self {
            schema: SCHEMA,
            time: rfc3339(&snapshot.host, snapshot.stamp.boot_ns),
            interval_ns: snapshot.stamp.interval_ns,
            sources: snapshot.sources.word(),
            tasks_total: living.count(),
            lost: Lost {
                fork: losses.fork,
                exec: losses.exec,
                exit: losses.exit,
                dead: losses.dead,
                other: losses.other,
                late_ticks: losses.late_ticks,
                skipped_ticks: losses.skipped_ticks,
            },
            machine: Machine::new(&snapshot.machine, snapshot.host.cpus),
            findings: snapshot
                .findings
                .iter()
                .map(|finding| FindingLine::new(&snapshot.host, finding, names))
                .chain(consequences)
                .collect(),
            tasks: Tasks {
                snapshot,
                scope,
                names,
            },
        }
    }
}

#[derive(Serialize)]
struct Machine {
    cpus: u32,
    cpu_busy_ns: Option<u64>,
    steal_ns: Option<u64>,
    iowait_ns: Option<u64>,
    load1: Option<f64>,
    running: Option<u64>,
    blocked: Option<u64>,
    mem_total_bytes: Option<u64>,
    mem_available_bytes: Option<u64>,
    swap_used_bytes: Option<u64>,
    shmem_bytes: Option<u64>,
    psi_cpu_some_us: Option<u64>,
    psi_memory_some_us: Option<u64>,
    psi_memory_full_us: Option<u64>,
    psi_io_some_us: Option<u64>,
    psi_io_full_us: Option<u64>,
    forks: Option<u64>,
    deaths: Option<u64>,
}

impl Machine {
    fn new(figures: &MachineFigures, cpus: u32) -> Self {
        Self {
            cpus,
            cpu_busy_ns: figures.cpu_busy_ns,
            steal_ns: figures.steal_ns,
            iowait_ns: figures.iowait_ns,
            // The kernel provides two decimals. A binary fraction would print more.
            load1: figures.load1.map(|load| (load * 100.0).round() / 100.0),
            running: figures.running,
            blocked: figures.blocked,
            mem_total_bytes: figures.mem_total_bytes,
            mem_available_bytes: figures.mem_available_bytes,
            swap_used_bytes: figures.swap_used_bytes,
            shmem_bytes: figures.shmem_bytes,
            psi_cpu_some_us: figures.psi_cpu_some_us,
            psi_memory_some_us: figures.psi_memory.map(|psi| psi.some_us),
            psi_memory_full_us: figures.psi_memory.map(|psi| psi.full_us),
            psi_io_some_us: figures.psi_io.map(|psi| psi.some_us),
            psi_io_full_us: figures.psi_io.map(|psi| psi.full_us),
            forks: figures.forks,
            deaths: figures.deaths,
        }
    }
}

#[derive(Serialize)]
struct FindingLine<'a> {
    rule: &'a str,
    rank: u32,
    tid: Option<u32>,
    pid: Option<u32>,
    comm: Option<String>,
    count: u64,
    value: f64,
    unit: &'a str,
    since: Option<String>,
    /// When it was last seen, if it is over.
    ended: Option<String>,
    text: &'a str,
    severity: Option<&'a str>,
    uid: Option<u32>,
    user: Option<Arc<str>>,
    /// Whether the finding is about `count` processes together.
    group: bool,
    /// What they have in common: `command` (name and user), `tree` (`pid` and its descendants)
    /// or `cgroup`; null: no group.
    group_by: Option<&'static str>,
    /// Path of the cgroup of the process, of the last one that died, or of all of a group; null:
    /// not known, or in several.
    cgroup: Option<String>,
    #[serde(flatten)]
    owner: Owner,
    /// The rank of the finding that this is a consequence of.
    cause: Option<u32>,
}

impl<'a> FindingLine<'a> {
    fn new(host: &Host, finding: &'a Finding, names: Names<'_>) -> Self {
        let pid = finding.about.map(|about| about.tid);
        Self {
            rule: finding.rule.word(),
            rank: finding.rank,
            tid: pid,
            pid,
            comm: finding.comm.map(|comm| comm.text().json()),
            count: finding.count,
            value: finding.value,
            unit: finding.unit,
            since: rfc3339(host, finding.since_ns),
            ended: finding
                .ended_ns
                .and_then(|ended_ns| rfc3339(host, ended_ns)),
            text: &finding.text,
            severity: Some(finding.severity.word()),
            uid: finding.uid,
            user: finding.uid.map(names),
            group: finding.is_group(),
            group_by: finding.together.map(Together::word),
            cgroup: finding.whole_place().map(path),
            owner: Owner::of(finding.whole_place()),
            cause: None,
        }
    }
}

#[derive(Serialize)]
struct Task {
    tid: u32,
    pid: u32,
    ns_pid: Option<u32>,
    ppid: u32,
    uid: Option<u32>,
    user: Option<Arc<str>>,
    comm: String,
    name: String,
    state: char,
    start_ns: u64,
    ran: Option<bool>,
    activity: &'static str,
    cpu_ns: u64,
    cpu_delta_ns: u64,
    wait_delta_ns: Option<u64>,
    wait_max_ns: Option<u64>,
    off_cpu_ns: Option<u64>,
    rss_bytes: Option<u64>,
    rss_delta_bytes: Option<i64>,
    rss_anon_bytes: Option<u64>,
    rss_file_bytes: Option<u64>,
    rss_shmem_bytes: Option<u64>,
    swap_bytes: Option<u64>,
    hugetlb_bytes: Option<u64>,
    vsize_bytes: Option<u64>,
    read_bytes: Option<u64>,
    write_bytes: Option<u64>,
    io_delta_bytes: Option<u64>,
    threads: u32,
    cgroup: Option<String>,
    #[serde(flatten)]
    owner: Owner,
    exit: Option<TaskExit>,
}

/// The exit of a task in a snapshot: the exit record of a process, or the known fields
/// for a thread or for an exit that was not seen.
#[derive(Serialize)]
#[serde(untagged)]
enum TaskExit {
    Record(Box<Exit>),
    Status {
        exit_code: Option<u32>,
        signal: Option<u32>,
        signal_name: Option<String>,
        partial: bool,
    },
}

impl Task {
    fn new(snapshot: &Snapshot, task: &TaskView<'_>, names: Names<'_>) -> Self {
        let change = task.change();
        let io = task.io();
        let cgroup = task.process.cgroup.as_deref();
        let parts = task.process.parts;
        Self {
            tid: task.id().tid,
            pid: task.process.id.tid,
            ns_pid: task.process.ns_pid,
            ppid: task.process.ppid,
            uid: task.thread.uid,
            user: task.thread.uid.map(names),
            comm: task.thread.comm.text().json(),
            name: task.name().json(),
            state: task.state().letter(),
            start_ns: task.id().start_ns,
            ran: task.ran(),
            activity: task.activity().word(),
            cpu_ns: task.cpu_ns(),
            cpu_delta_ns: change.cpu_ns,
            wait_delta_ns: change.wait_ns,
            wait_max_ns: change.wait_max_ns,
            off_cpu_ns: task.off_cpu_ns(),
            rss_bytes: task.process.rss,
            rss_delta_bytes: task.rss_delta(),
            rss_anon_bytes: parts.map(|parts| parts.anon),
            rss_file_bytes: parts.map(|parts| parts.file),
            rss_shmem_bytes: parts.map(|parts| parts.shmem),
            swap_bytes: parts.map(|parts| parts.swap),
            hugetlb_bytes: parts.map(|parts| parts.hugetlb),
            vsize_bytes: task.process.vsize,
            read_bytes: io.map(|io| io.read),
            write_bytes: io.map(|io| io.write),
            io_delta_bytes: io.map(|_| change.io_bytes),
            threads: task.process.threads,
            cgroup: cgroup.map(path),
            owner: Owner::of(cgroup),
            exit: exit_of(snapshot, task, names),
        }
    }
}

fn exit_of(snapshot: &Snapshot, task: &TaskView<'_>, names: Names<'_>) -> Option<TaskExit> {
    let end = task.end()?;
    if let Some(record) = task.process.exit.as_ref().filter(|_| task.is_leader()) {
        return Some(TaskExit::Record(Box::new(Exit::new(
            &snapshot.host,
            record,
            names,
        ))));
    }
    Some(TaskExit::Status {
        exit_code: end.status.and_then(|status| status.code()),
        signal: end.status.and_then(|status| status.signal()),
        signal_name: end.status.and_then(|status| status.signal_name()),
        partial: end.status.is_none(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_escaped() {
        let mut out = Vec::new();
        line(&mut out, &"a\"\u{1b}\u{9b}\u{202e}\u{7f}\\é").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\"a\\\"\\u001b\\u009b\\u202e\\u007f\\\\é\"\n");
        assert_eq!(
            serde_json::from_str::<String>(&text).unwrap(),
            "a\"\u{1b}\u{9b}\u{202e}\u{7f}\\é"
        );
    }

    #[test]
    fn arguments_are_split() {
        assert_eq!(arguments(b"sh\0-c\0\0"), ["sh", "-c", ""]);
        assert_eq!(arguments(b"sh\0-"), ["sh", "-"]);
        assert!(arguments(b"").is_empty());
    }
}
