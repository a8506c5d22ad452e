//! Neighbours in the grid that are alike, and what is said of them.

use super::Placed;
use crate::model::{Comm, Scope, Snapshot, TaskView, bytes_text, count_text, rate_text};

/// From this number on, neighbours with the same name and parent are named together.
const RUN: usize = 5;

/// Neighbours with the same name and parent: indices into the dots.
pub(super) struct Run {
    pub(super) from: usize,
    pub(super) until: usize,
    /// Group of the grid, name and parent.
    pub(super) key: (usize, Comm, u32),
}

/// Runs of neighbours with the same name and parent, the longest first.
pub(super) fn runs(placed: &[Placed<'_>], snapshot: &Snapshot) -> Vec<Run> {
    let key = |placed: &Placed<'_>| -> (usize, Comm, u32) {
        let process = placed.task.process;
        let (group, ..) = placed.order;
        (group, snapshot.name_of(process), process.ppid)
    };
    let mut runs = Vec::new();
    let mut from = 0;
    for run in placed.chunk_by(|a, b| key(a) == key(b)) {
        let until = from + run.len();
        // Threads of the kernel have nothing in common but their parent.
        if run.len() >= RUN && !run[0].task.process.kthread {
            let key = key(&run[0]);
            runs.push(Run { from, until, key });
        }
        from = until;
    }
    runs.sort_by_key(|run| std::cmp::Reverse(run.until - run.from));
    runs
}

/// What is said of a run: `30 × worker, 20 MiB each, +0.7 MiB/s each`.
pub(super) fn run_text(run: &[Placed<'_>], snapshot: &Snapshot) -> String {
    let leaders: Vec<&TaskView<'_>> = run
        .iter()
        .map(|placed| &placed.task)
        .filter(|task| task.is_leader())
        .collect();
    let process = run[0].task.process;
    let name = snapshot.name_of(process).text().picture();
    let is_one = run
        .iter()
        .all(|placed| placed.task.process.id == process.id);
    if is_one && run[0].task.scope == Scope::Threads {
        let threads = count_text(run.len() as u64);
        return format!("{name} {}, {threads} threads", process.id.tid);
    }
    let count = match leaders.len() {
        0 => run.len(),
        leaders => leaders,
    };
    let mut text = format!("{} × {name}", count_text(count as u64));
    let alive = || leaders.iter().filter(|task| task.end().is_none());
    let number = alive().count() as u64;
    let rss: Option<u64> = alive().map(|task| task.process.rss).sum();
    if let Some(each) = rss.and_then(|rss| rss.checked_div(number)) {
        text.push_str(&format!(", {} each", bytes_text(each)));
    }
    let seconds = snapshot.stamp.interval_ns as f64 / 1e9;
    let grew: Option<i64> = alive().map(|task| task.rss_delta()).sum();
    if let Some(grew) = grew.filter(|grew| *grew > 0 && number > 0 && seconds > 0.0) {
        let each = grew as f64 / number as f64 / seconds;
        if each >= 10_000.0 {
            text.push_str(&format!(", +{} each", rate_text(each)));
        }
    }
    text
}
