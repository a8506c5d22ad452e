//! Makes the text of a popup about a task.

use std::sync::Arc;

use crate::model::{
    ExitRecord, MemoryParts, Process, State, TaskId, TaskView, Untrusted, bytes_text, count_text,
    duration_text, known_bytes_text, owner_words, rate_text,
};

/// The content of a popup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Popup {
    /// Name and id of the task.
    pub(crate) title: String,
    /// One line per fact.
    pub(crate) lines: Vec<String>,
    /// Whether the task has exited.
    pub(crate) is_over: bool,
}

/// The input of a popup besides the task.
pub(crate) struct Subject<'a> {
    /// Name of the user.
    pub(crate) user: Arc<str>,
    /// Name of the parent, if known.
    pub(crate) parent: Option<String>,
    /// Local time of the start of the task.
    pub(crate) started: String,
    /// Length of the interval, ns.
    pub(crate) interval_ns: u64,
    /// Arguments and other lines that are read only for this task.
    pub(crate) details: &'a [String],
}

/// Prefix of a line with arguments.
pub(crate) const ARGS: &str = "$ ";

/// Makes the popup of a task. Unknown values are shown as unknown.
pub(crate) fn popup(task: &TaskView<'_>, subject: &Subject<'_>) -> Popup {
    let (id, process) = (task.id(), task.process);
    let mut title = format!("{} {}", task.name().picture(), id.tid);
    if let Some(other) = task.other_name() {
        title.push_str(&format!(" ({})", other.text().picture()));
    }
    if !task.is_leader() {
        title.push_str(&format!(", thread of {}", process.id.tid));
    }
    if let Some(inner) = process.ns_pid.filter(|pid| *pid != process.id.tid) {
        title.push_str(&format!(" (pid {inner} in its container)"));
    }
    let is_over = task.end().is_some_and(|end| !end.zombie || end.tick != 0);
    let ended = if is_over { ended(task) } else { Vec::new() };
    // Arguments come first, because they say more than the name.
    let (args, details): (Vec<_>, Vec<_>) = subject
        .details
        .iter()
        .cloned()
        .partition(|line| line.starts_with(ARGS));
    let mut lines = args;
    lines.extend([
        format!("user {}", Untrusted::new(subject.user.as_bytes()).picture()),
        // A thread has the parent, the memory and the cgroup of its process.
        of_process(task, parent(process, subject)),
    ]);
    // How it exited says that it has.
    if ended.is_empty() || task.state() != State::Dead {
        lines.push(state(task));
    }
    lines.extend(ended);
    lines.push(format!("started {}", subject.started));
    lines.push(cpu(task));
    if let Some(wait) = task.change().wait_ns.filter(|_| task.end().is_none()) {
        lines.push(format!("waited {} for a CPU", duration_text(wait)));
    }
    if !is_over {
        lines.push(of_process(task, memory(task)));
    }
    lines.push(io(task, subject.interval_ns));
    let threads = match process.threads {
        1 => "1 thread".to_owned(),
        threads => format!("{} threads", count_text(u64::from(threads))),
    };
    lines.push(of_process(task, threads));
    if let Some(owner) = process.cgroup.as_deref().and_then(owner_words) {
        lines.push(of_process(task, format!("in {owner}")));
    }
    if let Some(cgroup) = &process.cgroup {
        let line = format!("cgroup {}", picture(cgroup.as_bytes()));
        lines.push(of_process(task, line));
    }
    lines.extend(details);
    Popup {
        title,
        lines,
        is_over,
    }
}

/// A line about the process of a task: in the popup of a thread it says so.
fn of_process(task: &TaskView<'_>, line: String) -> String {
    match task.is_leader() {
        true => line,
        false => format!("process: {line}"),
    }
}

fn picture(bytes: &[u8]) -> String {
    Untrusted::new(bytes).picture()
}

fn parent(process: &Process, subject: &Subject<'_>) -> String {
    match &subject.parent {
        Some(name) => format!("parent {name} {}", process.ppid),
        None => format!("parent {}", process.ppid),
    }
}

fn state(task: &TaskView<'_>) -> String {
    let word = match task.state() {
        State::Dead => "exited",
        state => state.word(),
    };
    match task.off_cpu_ns() {
        Some(off) if task.end().is_none() && off > 0 => {
            format!("{word}, no CPU for {}", duration_text(off))
        }
        _ => word.to_owned(),
    }
}

fn cpu(task: &TaskView<'_>) -> String {
    format!(
        "CPU {:.1} % of a core, {} in total",
        task.cpu_share() * 100.0,
        duration_text(task.cpu_ns())
    )
}

fn memory(task: &TaskView<'_>) -> String {
    let change = match task.rss_delta() {
        Some(0) => String::new(),
        Some(delta) if delta > 0 => format!(" (+{})", bytes_text(delta.unsigned_abs())),
        Some(delta) => format!(" (-{})", bytes_text(delta.unsigned_abs())),
        None => String::new(),
    };
    format!(
        "RSS {}{change}{}; address space {}",
        known_bytes_text(task.process.rss),
        parts(task.process.parts),
        known_bytes_text(task.process.vsize)
    )
}

/// What the memory consists of, without parts that are 0.
fn parts(parts: Option<MemoryParts>) -> String {
    let Some(parts) = parts else {
        return String::new();
    };
    let of_rss = [
        (parts.anon, "anonymous"),
        (parts.file, "file"),
        (parts.shmem, "shared"),
    ];
    let aside = [(parts.swap, "in swap"), (parts.hugetlb, "huge pages")];
    let texts = |sizes: &[(u64, &str)]| -> Vec<String> {
        let sizes = sizes.iter().filter(|(size, _)| *size > 0);
        sizes
            .map(|(size, what)| format!("{} {what}", bytes_text(*size)))
            .collect()
    };
    let of_rss = texts(&of_rss).join(", ");
    let mut text = match of_rss.is_empty() {
        true => String::new(),
        false => format!(": {of_rss}"),
    };
    for part in texts(&aside) {
        text.push_str(&format!("; {part}"));
    }
    text
}

fn io(task: &TaskView<'_>, interval_ns: u64) -> String {
    let Some(io) = task.io() else {
        return "IO unknown".to_owned();
    };
    let now = task.change().io_bytes as f64 * 1e9 / interval_ns.max(1) as f64;
    format!(
        "IO {}; read {}, written {}",
        rate_text(now),
        bytes_text(io.read),
        bytes_text(io.write)
    )
}

/// The lines about the exit of a task.
fn ended(task: &TaskView<'_>) -> Vec<String> {
    let mut lines = vec![format!("exited: {}", task.how())];
    if let Some(record) = task.process.exit.as_deref() {
        lines.push(record_line(record, task.id()));
    }
    lines
}

fn record_line(record: &ExitRecord, id: TaskId) -> String {
    let cpu = record
        .cpu_ns
        .map_or_else(|| "unknown".to_owned(), duration_text);
    let whose = if record.process == id {
        ""
    } else {
        "process: "
    };
    let when = if record.max_rss_inherited == Some(true) {
        " (before exec)"
    } else {
        ""
    };
    format!(
        "{whose}lifetime {}, CPU time {cpu}, max RSS {}{when}",
        duration_text(record.lifetime_ns()),
        known_bytes_text(record.max_rss_bytes)
    )
}
