//! Chooses the kernel worker whose name is read next. A worker is called after its last work, so
//! its name changes; a read costs a file, so there is one a second, however many workers run.

use rustc_hash::FxHashMap;

use crate::model::TaskId;

/// Shortest time between two questions, ns: somewhat less than a second, as no tick is on time.
const APART_NS: u64 = 900_000_000;

/// The workers, and when each was asked for its name last, ns since boot.
#[derive(Default)]
pub(super) struct Workers {
    asked: FxHashMap<TaskId, u64>,
    last_ns: u64,
}

impl Workers {
    /// A kernel thread has this name.
    pub(super) fn named(&mut self, id: TaskId, name: &[u8]) {
        if name.starts_with(b"kworker/") {
            self.asked.entry(id).or_insert(0);
        }
    }

    /// A process exited.
    pub(super) fn ended(&mut self, id: TaskId) {
        self.asked.remove(&id);
    }

    /// Of the threads that ran, the worker that was not asked for longest.
    pub(super) fn next(
        &mut self,
        ran: impl Iterator<Item = TaskId>,
        now_ns: u64,
    ) -> Option<TaskId> {
        if now_ns.saturating_sub(self.last_ns) < APART_NS {
            return None;
        }
        let known = ran.filter_map(|id| Some((*self.asked.get(&id)?, id)));
        let (_, next) = known.min()?;
        self.asked.insert(next, now_ns);
        self.last_ns = now_ns;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_has_its_turn() {
        let id = |tid| TaskId { tid, start_ns: 1 };
        let mut workers = Workers::default();
        for tid in [5, 6, 7] {
            workers.named(id(tid), b"kworker/0:1-events");
        }
        workers.named(id(8), b"rcu_preempt");
        let all = || (5..9).map(id);
        let turns = (1..=8).map(|half| workers.next(all(), half * 500_000_000));
        let turns: Vec<_> = turns.flatten().collect();
        assert_eq!(turns, [5, 6, 7, 5].map(id));
        workers.ended(id(6));
        let rest = [id(6), id(8)].into_iter();
        assert_eq!(workers.next(rest, 60_000_000_000), None);
    }
}
