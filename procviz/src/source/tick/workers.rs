//! Chooses the kernel worker whose name is read next. A worker is called after its last work, so
//! its name changes; a read costs a file, so those come first that use the CPUs.

use rustc_hash::FxHashMap;

use crate::model::{Reading, TaskId};

/// Shortest time between two questions, ns: somewhat less than a second, as no tick is on time.
const APART_NS: u64 = 900_000_000;
/// The same, if no worker has used more than [`LITTLE_NS`] since it was asked.
const IDLE_APART_NS: u64 = 10_000_000_000;
const LITTLE_NS: u64 = 10_000_000;

/// The workers: CPU time when each was asked for its name last, ns; `None`: it has not run since.
#[derive(Default)]
pub(super) struct Workers {
    asked: FxHashMap<TaskId, Option<u64>>,
    last_ns: u64,
}

impl Workers {
    /// A kernel thread has this name.
    pub(super) fn named(&mut self, id: TaskId, name: &[u8]) {
        if name.starts_with(b"kworker/") {
            self.asked.entry(id).or_insert(None);
        }
    }

    /// A process exited.
    pub(super) fn ended(&mut self, id: TaskId) {
        self.asked.remove(&id);
    }

    /// Of the threads that ran, the worker that has used most CPU time since it was asked.
    pub(super) fn next(&mut self, ran: &[Reading], now_ns: u64) -> Option<TaskId> {
        let mut most = None;
        for reading in ran {
            let Some(asked) = self.asked.get_mut(&reading.id) else {
                continue;
            };
            let before_ns = *asked.get_or_insert(reading.cpu_ns);
            let used_ns = reading.cpu_ns.saturating_sub(before_ns);
            most = most.max(Some((used_ns, reading.id, reading.cpu_ns)));
        }
        let (used_ns, worker, cpu_ns) = most?;
        let apart_ns = match used_ns > LITTLE_NS {
            true => APART_NS,
            false => IDLE_APART_NS,
        };
        if now_ns.saturating_sub(self.last_ns) < apart_ns {
            return None;
        }
        self.asked.insert(worker, Some(cpu_ns));
        self.last_ns = now_ns;
        Some(worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::State;

    const SECOND: u64 = 1_000_000_000;

    fn id(tid: u32) -> TaskId {
        TaskId { tid, start_ns: 1 }
    }

    /// Threads that have used this much CPU time each, ms.
    fn ran(cpu_ms: &[(u32, u64)]) -> Vec<Reading> {
        let reading = |(tid, ms): &(u32, u64)| Reading {
            id: id(*tid),
            uid: None,
            state: State::Idle,
            on_cpu: false,
            preempted: false,
            in_iowait: false,
            cpu_ns: ms * 1_000_000,
            run_delay_ns: None,
            wait_max_ns: None,
            io: None,
        };
        cpu_ms.iter().map(reading).collect()
    }

    fn workers(tids: &[u32]) -> Workers {
        let mut workers = Workers::default();
        for tid in tids {
            workers.named(id(*tid), b"kworker/0:1-events");
        }
        workers.named(id(100), b"rcu_preempt");
        workers
    }

    #[test]
    fn who_uses_the_cpus_is_asked_first_and_each_has_its_turn() {
        let mut workers = workers(&[5, 6, 7]);
        let turns = (0..8).map(|second| {
            let cpu = [
                (5, 50 * second),
                (6, 20 * second),
                (7, 0),
                (100, 90 * second),
            ];
            workers.next(&ran(&cpu), (100 + second) * SECOND)
        });
        let turns: Vec<_> = turns.map(|turn| turn.map(|id| id.tid)).collect();
        // At first no worker has used CPU time since it was named. The last question was long ago,
        // so one of them is asked all the same.
        let expected = [7, 5, 5, 6, 5, 5, 6, 5];
        assert_eq!(turns, expected.map(Some));
        workers.ended(id(5));
        assert_eq!(workers.next(&ran(&[(5, 500)]), 200 * SECOND), None);
    }

    /// Those that do little are asked every ten seconds.
    #[test]
    fn who_does_little_is_asked_rarely() {
        let mut workers = workers(&[5, 6]);
        let asked = (0..40).filter_map(|second| {
            let cpu = [(5, second / 10), (6, second / 10)];
            workers.next(&ran(&cpu), (100 + second) * SECOND)
        });
        assert_eq!(asked.map(|id| id.tid).collect::<Vec<_>>(), [6, 6, 5, 6]);
    }
}
