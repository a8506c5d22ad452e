//! Remembers the processes that exited in the last minute.

use rustc_hash::FxHashMap;

use crate::model::{Process, Snapshot, Spare as _, TaskId, Thread};

/// Upper limit for the processes that are remembered; more are counted.
const MOST: usize = 10_000;

/// A process that exited.
#[derive(Clone, Debug)]
pub(super) struct Dead {
    pub(super) process: Process,
    pub(super) thread: Thread,
    /// When it exited, ns since boot; without a record, when that was noticed.
    pub(super) ended_ns: u64,
}

/// The processes that exited in the last minute.
#[derive(Debug, Default)]
pub(crate) struct RecentlyDead {
    lives: FxHashMap<TaskId, Box<Dead>>,
    /// When lives that are not listed ended, and how many these were: those that procviz folds,
    /// and those for which there was no room.
    others: Vec<(u64, u64)>,
    /// Begin of what was watched, and time of the last snapshot, ns since boot.
    began_ns: Option<u64>,
    now_ns: u64,
}

impl RecentlyDead {
    /// How long a process that exited is listed, ns.
    pub(crate) const LISTED_NS: u64 = 60_000_000_000;

    /// Adds what exited in the last interval. Must be called for each snapshot.
    pub(crate) fn observe(&mut self, snapshot: &Snapshot) {
        let now_ns = snapshot.stamp.boot_ns;
        if now_ns < self.now_ns {
            // Another boot.
            *self = Self::default();
        }
        self.now_ns = now_ns;
        let begin_ns = now_ns.saturating_sub(snapshot.stamp.interval_ns);
        self.began_ns.get_or_insert(begin_ns);
        let since_ns = now_ns.saturating_sub(Self::LISTED_NS);
        self.lives.retain(|_, dead| dead.ended_ns >= since_ns);
        self.lives.give_up_spare();
        self.others.retain(|(ended_ns, _)| *ended_ns >= since_ns);
        let mut others = snapshot
            .folds
            .iter()
            .fold(0_u64, |sum, fold| sum.saturating_add(fold.count));
        for slot in &snapshot.changed {
            let Some(process) = snapshot.processes.get(*slot) else {
                continue;
            };
            // Who had exited before procviz began is not one of the last minute.
            if process.end.is_none_or(|end| end.tick == 0) {
                continue;
            }
            let Some(thread) = snapshot.main_thread(process) else {
                continue;
            };
            if self.lives.len() >= MOST && !self.lives.contains_key(&process.id) {
                others += 1;
                continue;
            }
            // The record can come after the exit was noticed.
            let before = self.lives.get(&process.id).map(|dead| dead.ended_ns);
            let recorded = process.exit.as_ref().map(|record| record.time_ns);
            let dead = Dead {
                process: process.clone(),
                thread: thread.clone(),
                ended_ns: recorded.or(before).unwrap_or(now_ns),
            };
            self.lives.insert(process.id, Box::new(dead));
        }
        if others > 0 {
            self.others.push((now_ns, others));
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Dead> {
        self.lives.values().map(Box::as_ref)
    }

    /// How much of the last minute was watched, ns.
    pub(super) fn watched_ns(&self) -> u64 {
        let began_ns = self.began_ns.unwrap_or(self.now_ns);
        self.now_ns.saturating_sub(began_ns).min(Self::LISTED_NS)
    }

    /// Number of lives of the last minute that are counted, but not listed.
    pub(super) fn others(&self) -> u64 {
        let counts = self.others.iter().map(|(_, count)| *count);
        counts.fold(0, u64::saturating_add)
    }
}
