//! Runs `procviz csv --from`: prints the same tables from a recording. Fields that a
//! recording does not hold are empty or left out, which a message reports.

use std::path::Path;

use super::{KindTable, Request};
use crate::{
    cli::{CsvArgs, FilterArgs},
    export::{
        csv::{STAT_FIELDS, stat_name},
        time,
    },
    model::{Host, Scope, Snapshot, State, TaskView},
    recorder::Files,
    runtime::{
        Failure,
        config::Schedule,
        output::{OutFolder, split},
        warning::{Warning, warn},
    },
    session::{Plan, Session, WantArgs},
    source::proc::TaskFile,
    tracker::RuleSettings,
};

/// Lines of `status` that a recording can fill, in the order of the kernel.
const STATUS: [&str; 13] = [
    "Name",
    "State",
    "Tgid",
    "Pid",
    "PPid",
    "VmSize",
    "VmRSS",
    "RssAnon",
    "RssFile",
    "RssShmem",
    "VmSwap",
    "HugetlbPages",
    "Threads",
];
/// Lines of `io`.
const IO: [&str; 7] = [
    "rchar",
    "wchar",
    "syscr",
    "syscw",
    "read_bytes",
    "write_bytes",
    "cancelled_write_bytes",
];
/// Fields of `stat` that a recording can fill.
const STAT: [&str; 8] = [
    "pid",
    "comm",
    "state",
    "ppid",
    "num_threads",
    "starttime",
    "vsize",
    "rss",
];

/// Prints one row per task in the last sample, or with `--repeat` in each sample.
pub(super) fn run(path: &Path, args: &CsvArgs, asked: &Request) -> Result<u8, Failure> {
    let mut tables = asked.open()?;
    asked.kinds.iter().for_each(|kind| warn_of_missing(*kind));
    let folder = asked.output.as_deref();
    let folder = folder
        .map(|prefix| OutFolder::open(split(prefix).0))
        .transpose()?;
    let schedule = Schedule::all();
    let filter = FilterArgs::default();
    let (mut session, ()) = Session::start(
        Plan {
            schedule: &schedule,
            filter: &filter,
            rules: RuleSettings::default(),
            run: &[],
            want_args: WantArgs::No,
            wake: None,
            kept: None,
            from: Some(path),
            range: &args.range,
            looks_back_ns: 0,
            one_picture: !args.repeat && !args.range.is_given(),
            wants_past: false,
            lists_short_lived: false,
            save: None,
            files: Files::One,
            writes: folder.as_ref(),
            takes_work: false,
            summary: None,
        },
        |_| Ok(()),
    )?;
    let scope = session.scope(asked.scope);
    if asked.titles {
        write_titles(&mut tables, args.repeat)?;
    }
    let mut found = vec![false; asked.pids.len()];
    while let Some(next) = session.next()? {
        if if args.repeat {
            next.is_shown
        } else {
            next.is_last
        } {
            let snapshot = session.snapshot();
            for table in &mut tables {
                let written = rows(table, (snapshot, scope), asked, args.repeat, &mut found);
                match written.and_then(|()| table.table.flush()) {
                    // The reader of standard output has left.
                    Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(0),
                    outcome => outcome?,
                }
            }
        }
        if next.is_last {
            break;
        }
    }
    for table in tables {
        table.finish()?;
    }
    asked.report_missing(&found);
    let status = session.status();
    Ok(if status == 0 {
        u8::from(found.contains(&false))
    } else {
        status
    })
}

/// Says which fields of a file a recording holds.
fn warn_of_missing(kind: TaskFile) {
    let others = match kind {
        TaskFile::Status => "left out",
        _ => "empty",
    };
    warn(Warning::FieldsNotRecorded {
        file: kind.name(),
        held: held(kind),
        others,
    });
}

/// Writes a title line to each table.
fn write_titles(tables: &mut [KindTable], repeat: bool) -> std::io::Result<()> {
    for table in tables {
        if repeat {
            table.table.field(b"time");
        }
        for title in titles(table.kind) {
            table.table.field(title.as_bytes());
        }
        table.table.end_row()?;
    }
    Ok(())
}

fn held(kind: TaskFile) -> &'static [&'static str] {
    match kind {
        TaskFile::Stat => &STAT,
        TaskFile::Status => &STATUS,
        TaskFile::Io => &["read_bytes", "write_bytes"],
    }
}

fn titles(kind: TaskFile) -> Vec<String> {
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match kind {
        TaskFile::Stat => (0..STAT_FIELDS.len()).map(stat_name).collect(),
        TaskFile::Status => named(&STATUS),
        TaskFile::Io => [vec!["pid".to_owned()], named(&IO)].concat(),
    }
}

fn rows(
    table: &mut KindTable,
    (snapshot, scope): (&Snapshot, Scope),
    asked: &Request,
    has_time: bool,
    found: &mut [bool],
) -> std::io::Result<()> {
    let time = time::rfc3339(&snapshot.host, snapshot.stamp.boot_ns).unwrap_or_default();
    let mut tasks: Vec<TaskView<'_>> = snapshot
        .tasks(scope)
        .filter(|task| task.state() != State::Dead && asked.wants(task.id().tid, found))
        .collect();
    tasks.sort_by_key(|task| (task.process.id.tid, task.id().tid));
    for task in tasks {
        if has_time {
            table.table.field(time.as_bytes());
        }
        match table.kind {
            TaskFile::Stat => {
                for name in STAT_FIELDS {
                    table.table.field(&stat(&task, name, &snapshot.host));
                }
            }
            TaskFile::Status => {
                for name in STATUS {
                    table.table.field(&status(&task, name));
                }
            }
            TaskFile::Io => {
                table.table.field(task.id().tid.to_string().as_bytes());
                for name in IO {
                    let bytes = task.io().and_then(|io| match name {
                        "read_bytes" => Some(io.read),
                        "write_bytes" => Some(io.write),
                        _ => None,
                    });
                    table.table.field(&number(bytes));
                }
            }
        }
        table.table.end_row()?;
    }
    Ok(())
}

/// A number as text; empty if the number is not known.
fn number(value: Option<u64>) -> Vec<u8> {
    value.map_or_else(Vec::new, |value| value.to_string().into_bytes())
}

fn stat(task: &TaskView<'_>, name: &str, host: &Host) -> Vec<u8> {
    let process = task.process;
    let id = task.id();
    match name {
        "pid" => number(Some(id.tid.into())),
        "comm" => task.thread.comm.bytes().to_vec(),
        "state" => task.state().letter().to_string().into_bytes(),
        "ppid" => number(Some(process.ppid.into())),
        "num_threads" => number(Some(process.threads.into())),
        "starttime" => number(Some(id.start_ns / host.tick_ns)),
        "vsize" => number(process.vsize),
        "rss" => number(process.rss.map(|bytes| bytes / host.page_bytes)),
        _ => Vec::new(),
    }
}

fn status(task: &TaskView<'_>, name: &str) -> Vec<u8> {
    let process = task.process;
    let parts = process.parts;
    let size = |bytes: Option<u64>| {
        // Kernel threads have no such lines.
        let bytes = bytes.filter(|_| !process.kthread);
        bytes.map_or_else(Vec::new, |bytes| {
            format!("{:>8} kB", bytes / 1_024).into_bytes()
        })
    };
    match name {
        "Name" => escaped(task.thread.comm.bytes()),
        "State" => {
            let state = task.state();
            format!("{} ({})", state.letter(), kernel_word(state)).into_bytes()
        }
        "Tgid" => number(Some(process.id.tid.into())),
        "Pid" => number(Some(task.id().tid.into())),
        "PPid" => number(Some(process.ppid.into())),
        "VmSize" => size(process.vsize),
        "VmRSS" => size(process.rss),
        "RssAnon" => size(parts.map(|parts| parts.anon)),
        "RssFile" => size(parts.map(|parts| parts.file)),
        "RssShmem" => size(parts.map(|parts| parts.shmem)),
        "VmSwap" => size(parts.map(|parts| parts.swap)),
        "HugetlbPages" => size(parts.map(|parts| parts.hugetlb)),
        "Threads" => number(Some(process.threads.into())),
        _ => Vec::new(),
    }
}

/// A name as the kernel escapes it in `status`.
fn escaped(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'\n' => out.extend(b"\\n"),
            b'\\' => out.extend(b"\\\\"),
            byte => out.push(*byte),
        }
    }
    out
}

/// The word of the kernel for a state in `status`.
fn kernel_word(state: State) -> &'static str {
    match state {
        State::Blocked => "disk sleep",
        State::Traced => "tracing stop",
        state => state.word(),
    }
}
