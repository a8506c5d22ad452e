//! Counts what each process started, and how many of its threads are blocked.

use rustc_hash::FxHashMap;

use crate::model::{Snapshot, State, TaskId};

/// Counts by process.
#[derive(Default)]
pub(super) struct Counted {
    /// Processes and threads started in the interval. A process that lived for a moment counts
    /// for the older one that caused it.
    starts: FxHashMap<TaskId, u64>,
    /// Threads in state D now. Threads of the kernel are often in it for a moment.
    blocked: FxHashMap<TaskId, u64>,
}

impl Counted {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let mut counted = Self::default();
        let begin = snapshot.sums_from_ns();
        let is_new = |id: TaskId| snapshot.tick > 1 && id.start_ns > begin;
        for process in snapshot.processes.iter() {
            if is_new(process.id) && process.origin != process.id {
                *counted.starts.entry(process.origin).or_default() += 1;
            }
        }
        for thread in snapshot.threads.iter() {
            let process = snapshot.processes.get(thread.process);
            let Some(process) = process.filter(|_| !thread.hidden) else {
                continue;
            };
            if process.id != thread.id && is_new(thread.id) {
                *counted.starts.entry(process.id).or_default() += 1;
            }
            let is_blocked = thread.state == State::Blocked && thread.end.is_none();
            if is_blocked && !process.kthread {
                *counted.blocked.entry(process.id).or_default() += 1;
            }
        }
        for fold in &snapshot.folds {
            let starts = counted.starts.entry(fold.origin).or_default();
            *starts = starts.saturating_add(fold.count);
        }
        counted
    }

    pub(super) fn has_starts(&self) -> bool {
        !self.starts.is_empty()
    }

    pub(super) fn has_blocked(&self) -> bool {
        !self.blocked.is_empty()
    }

    pub(super) fn starts(&self, id: TaskId) -> Option<f64> {
        self.starts.get(&id).map(|count| *count as f64)
    }

    pub(super) fn blocked(&self, id: TaskId) -> Option<f64> {
        self.blocked.get(&id).map(|count| *count as f64)
    }
}
