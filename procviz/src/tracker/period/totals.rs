//! What changed in one or more samples.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    process::{ProcessTotals, sum_of_changes},
    step::{Step, fold},
};
use crate::model::{Change, Comm, Fold, MachineFigures, Process, SLACK_NS, TaskId, Thread};

/// Upper limit for the processes that ended in a period and are kept; further ones are
/// counted in folds.
pub(super) const MOST_ENDED: usize = 10_000;

/// Totals of the samples of a period.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    /// Begin of the first interval and end of the last one, ns since boot; `None` without any.
    pub(super) span_ns: Option<(u64, u64)>,
    /// The sum of all intervals.
    pub(super) interval_ns: u64,
    /// The part of the span that the recording does not cover, within intervals or between two.
    pub(super) missing_ns: u64,
    pub(super) own_cpu_ns: u64,
    /// Counters are sums, other figures are those of the last sample.
    pub(super) machine: MachineFigures,
    pub(super) processes: FxHashMap<TaskId, ProcessTotals>,
    pub(super) threads: FxHashMap<TaskId, Change>,
    /// Processes that ended in the period, with their threads.
    pub(super) ended: FxHashMap<TaskId, (Process, Vec<Thread>)>,
    /// The threads of these processes.
    pub(super) ended_with_process: FxHashSet<TaskId>,
    /// Other threads that ended in the period, with the id of their process.
    pub(super) ended_threads: FxHashMap<TaskId, (TaskId, Thread)>,
    pub(super) folds: BTreeMap<(TaskId, Comm, u32), Fold>,
}

impl Totals {
    /// Adds a later sample.
    pub(super) fn add(&mut self, later: Step) {
        self.machine = match self.interval_ns {
            0 => later.machine.clone(),
            _ => self.machine.and(&later.machine),
        };
        let (begin_ns, end_ns) = later.span_ns;
        let (first_ns, before_ns) = self.span_ns.unwrap_or(later.span_ns);
        let between_ns = begin_ns.saturating_sub(before_ns);
        if between_ns > SLACK_NS {
            self.missing_ns = self.missing_ns.saturating_add(between_ns);
        }
        self.span_ns = Some((first_ns, end_ns));
        self.interval_ns = self.interval_ns.saturating_add(later.interval_ns);
        self.missing_ns = self.missing_ns.saturating_add(later.missing_ns);
        self.own_cpu_ns = self.own_cpu_ns.saturating_add(later.own_cpu_ns);
        for (id, totals) in later.processes.iter().copied() {
            match self.processes.get_mut(&id) {
                Some(sum) => sum.add(totals),
                None => _ = self.processes.insert(id, totals),
            }
        }
        let alone = later.processes_with_one_thread();
        for (id, change) in alone.chain(later.threads.iter().copied()) {
            match self.threads.get_mut(&id) {
                Some(sum) => *sum = sum_of_changes(*sum, change),
                None => _ = self.threads.insert(id, change),
            }
        }
        let threads = later.ended_threads.into_iter();
        let threads = threads.map(|(process, thread)| (thread.id, (process, thread)));
        for (id, ended) in threads {
            if self.ended_threads.len() < MOST_ENDED {
                self.ended_threads.insert(id, ended);
            } else {
                self.threads.remove(&id);
            }
        }
        for (process, threads) in later.ended {
            if self.ended.len() < MOST_ENDED {
                let ids = threads.iter().map(|thread| thread.id);
                self.ended_with_process.extend(ids);
                self.ended.insert(process.id, (process, threads));
            } else {
                self.fold_process(&process);
            }
        }
        later.folds.into_iter().for_each(|fold| self.fold(fold));
    }

    fn fold(&mut self, fold: Fold) {
        let key = (fold.origin, fold.comm, fold.status.0);
        match self.folds.get_mut(&key) {
            Some(sum) => {
                sum.count = sum.count.saturating_add(fold.count);
                sum.cpu_ns = sum.cpu_ns.saturating_add(fold.cpu_ns);
            }
            None => _ = self.folds.insert(key, fold),
        }
    }

    /// Counts an ended process, of which nothing else is kept.
    fn fold_process(&mut self, process: &Process) {
        self.processes.remove(&process.id);
        self.threads.remove(&process.id);
        self.ended_threads.remove(&process.id);
        if let Some(fold) = fold(process) {
            self.fold(fold);
        }
    }
}
