//! What a process, or a thread, did in a part of its life.

use crate::model::{Scope, State, TaskView};

/// What a process, or a thread, did in a part of its life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) from_ns: u64,
    pub(super) until_ns: u64,
    pub(super) cpu_ns: u64,
    /// Time in which its threads were runnable and had no CPU; `None`: not known.
    pub(super) wait_ns: Option<u64>,
    pub(super) io_bytes: u64,
    /// It was in state D all the time.
    pub(super) is_blocked: bool,
    /// Resident set at the end, bytes; `None`: not known.
    pub(super) rss: Option<u64>,
}

impl Step {
    /// What a task did in the last interval, up to its end (ns since boot); `None`: nothing.
    pub(super) fn of(task: &TaskView<'_>, end_ns: Option<u64>) -> Option<Self> {
        let (now_ns, interval_ns, process) = (task.now_ns, task.interval_ns, task.process);
        let change = match task.scope {
            Scope::Threads => task.thread.change,
            Scope::Processes => process.change,
        };
        let has_changed = change.tick == task.tick;
        // The leader has the memory of its process, which can change without it.
        let is_of_process = task.is_leader() && process.change.tick == task.tick;
        let is_now = (has_changed || is_of_process) && interval_ns > 0;
        let is_blocked = !process.kthread && task.end().is_none() && is_blocked(task, interval_ns);
        if !is_now && !is_blocked {
            return None;
        }
        let (cpu_ns, wait_ns, io_bytes) = match is_now && has_changed {
            true => (change.cpu_ns, change.wait_ns, change.io_bytes),
            false => (0, Some(0), 0),
        };
        let until_ns = end_ns.unwrap_or(now_ns);
        // A process that has ended has none, and threads share theirs with the leader.
        let has_rss = process.end.is_none() && task.is_leader();
        Some(Self {
            from_ns: now_ns
                .saturating_sub(interval_ns)
                .max(task.id().start_ns)
                .min(until_ns),
            until_ns,
            cpu_ns,
            wait_ns,
            io_bytes,
            is_blocked,
            rss: process.rss.filter(|_| has_rss),
        })
    }

    /// The part of the step from this time on.
    pub(super) fn since(self, from_ns: u64) -> Self {
        if self.from_ns >= from_ns {
            return self;
        }
        let length = self.until_ns.saturating_sub(self.from_ns).max(1) as f64;
        let part = self.until_ns.saturating_sub(from_ns) as f64 / length;
        let of = |value: u64| (value as f64 * part) as u64;
        Self {
            from_ns,
            cpu_ns: of(self.cpu_ns),
            wait_ns: self.wait_ns.map(of),
            io_bytes: of(self.io_bytes),
            ..self
        }
    }

    /// This step and the next as one.
    pub(super) fn and(self, next: Self) -> Self {
        Self {
            from_ns: self.from_ns,
            until_ns: next.until_ns,
            cpu_ns: self.cpu_ns.saturating_add(next.cpu_ns),
            wait_ns: self
                .wait_ns
                .zip(next.wait_ns)
                .map(|(a, b)| a.saturating_add(b)),
            io_bytes: self.io_bytes.saturating_add(next.io_bytes),
            is_blocked: self.is_blocked || next.is_blocked,
            rss: next.rss,
        }
    }
}

/// Whether a process was in state D for the whole interval: many are in it for a moment.
fn is_blocked(task: &TaskView<'_>, interval_ns: u64) -> bool {
    let off_cpu = || {
        task.off_cpu_ns()
            .is_some_and(|off_ns| off_ns >= interval_ns)
    };
    task.state() == State::Blocked && off_cpu()
}
