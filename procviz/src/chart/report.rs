use std::fmt::Write as _;

use crate::model::{TaskView, bytes_text, count_text, duration_text};

/// What there is to say of one task, a line a fact: the text of a popup or of
/// an SVG title. Figures that are not known say so.
pub fn report(task: &TaskView<'_>, user: &str) -> String {
    let id = task.id();
    let mut out = format!("{} {}", task.thread.comm.text().picture(), id.tid);
    // Writing to a String cannot fail.
    if !task.is_leader() {
        _ = write!(out, " (thread of {})", task.process.id.tid);
    }
    _ = write!(out, "\nuser {user}, parent {}", task.process.ppid);
    _ = match task.off_cpu_ns() {
        Some(off) if task.end().is_none() && off > 0 => write!(
            out,
            "\n{}, no CPU for {}",
            task.state().word(),
            duration_text(off)
        ),
        _ => write!(out, "\n{}", task.state().word()),
    };
    _ = write!(
        out,
        "\nCPU {:.1} % of a core, {} in all",
        task.cpu_share() * 100.0,
        duration_text(task.cpu_ns())
    );
    if let Some(wait) = task.change().wait_ns {
        _ = write!(out, "\nwaited {} for a CPU", duration_text(wait));
    }
    _ = write!(
        out,
        "\nRSS {}, address space {}",
        known(task.process.rss),
        known(task.process.vsize)
    );
    _ = match task.io() {
        Some(io) => write!(
            out,
            "\nread {}, written {}",
            bytes_text(io.read),
            bytes_text(io.write)
        ),
        None => write!(out, "\nIO unknown"),
    };
    _ = write!(
        out,
        "\n{} threads",
        count_text(u64::from(task.process.threads))
    );
    if let Some(cgroup) = &task.process.cgroup {
        _ = write!(
            out,
            "\ncgroup {}",
            crate::model::Untrusted::new(cgroup.as_bytes()).picture()
        );
    }
    if let Some(end) = task.end() {
        let how = end
            .status
            .map_or_else(|| "how is unknown".to_owned(), |status| status.words());
        _ = write!(out, "\nended: {how}");
    }
    out
}

fn known(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "unknown".to_owned(), bytes_text)
}
