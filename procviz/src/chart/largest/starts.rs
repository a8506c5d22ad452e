//! Counts what each process started.

use rustc_hash::FxHashMap;

use crate::model::{Snapshot, TaskId};

/// Number of processes and threads that each process started in the interval. A process that
/// lived for a moment counts for the older one that caused it.
pub(super) struct Starts(FxHashMap<TaskId, u64>);

impl Starts {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let mut starts: FxHashMap<TaskId, u64> = FxHashMap::default();
        let stamp = snapshot.stamp;
        let begin = stamp.boot_ns.saturating_sub(stamp.interval_ns);
        let is_new = |id: TaskId| snapshot.tick > 1 && id.start_ns > begin;
        let mut add = |id: TaskId, count: u64| *starts.entry(id).or_default() += count;
        for process in snapshot.processes.iter() {
            if is_new(process.id) && process.origin != process.id {
                add(process.origin, 1);
            }
        }
        for thread in snapshot.threads.iter() {
            let process = snapshot.processes.get(thread.process);
            if let Some(process) = process.filter(|process| process.id != thread.id)
                && is_new(thread.id)
            {
                add(process.id, 1);
            }
        }
        for fold in &snapshot.folds {
            add(fold.origin, fold.count);
        }
        Self(starts)
    }

    pub(super) fn of(&self, id: TaskId) -> Option<f64> {
        self.0.get(&id).map(|count| *count as f64)
    }
}
