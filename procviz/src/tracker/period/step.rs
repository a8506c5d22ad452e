//! What changed in one sample.

use super::process::ProcessTotals;
use crate::model::{Change, Fold, MachineFigures, Process, Snapshot, TaskId, Thread};

/// What changed in one sample. Lists take less memory than maps.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Begin and end of the interval, ns since boot.
    pub(super) span_ns: (u64, u64),
    pub(super) interval_ns: u64,
    /// The part of the interval that the recording does not cover, ns.
    pub(super) missing_ns: u64,
    pub(super) own_cpu_ns: u64,
    pub(super) machine: MachineFigures,
    pub(super) processes: Vec<(TaskId, ProcessTotals)>,
    /// Threads, without the only threads of processes: these changed as their processes did.
    pub(super) threads: Vec<(TaskId, Change)>,
    /// Only threads whose processes are in `processes`.
    alone: Vec<u32>,
    /// Processes that ended in the sample, with their threads.
    pub(super) ended: Vec<(Process, Vec<Thread>)>,
    /// Threads that ended in the sample, with the id of their process.
    pub(super) ended_threads: Vec<(TaskId, Thread)>,
    pub(super) folds: Vec<Fold>,
}

impl Step {
    /// What changed in the last sample of a snapshot.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let tick = snapshot.tick;
        let mut step = Self {
            span_ns: (snapshot.sums_from_ns(), snapshot.stamp.boot_ns),
            interval_ns: snapshot.stamp.interval_ns,
            missing_ns: snapshot.missing_ns(),
            own_cpu_ns: snapshot.own_cpu_ns,
            machine: snapshot.machine.clone(),
            processes: Vec::with_capacity(snapshot.changed.len()),
            threads: Vec::new(),
            alone: Vec::new(),
            ended: Vec::new(),
            ended_threads: Vec::new(),
            folds: snapshot.folds.clone(),
        };
        let processes = snapshot.changed.iter();
        for process in processes.filter_map(|slot| snapshot.processes.get(*slot)) {
            let totals = ProcessTotals::of(process, snapshot);
            let members = process.members.iter();
            let threads = members.filter_map(|slot| snapshot.threads.get(*slot));
            let threads: Vec<&Thread> = threads.collect();
            for thread in threads.iter().filter(|thread| thread.change.tick == tick) {
                let is_same = thread.id == process.id && thread.change == process.change;
                if is_same {
                    step.alone.push(step.processes.len() as u32);
                } else {
                    step.threads.push((thread.id, thread.change));
                }
            }
            step.processes.push((process.id, totals));
            let is_new = |thread: &&&Thread| thread.end.is_some_and(|end| end.tick == tick);
            let has_ended = process.end.is_some_and(|end| end.tick == tick);
            if has_ended {
                let threads = threads.into_iter().cloned().collect();
                step.ended.push((process.clone(), threads));
                continue;
            }
            for thread in threads.iter().filter(is_new) {
                step.ended_threads.push((process.id, (*thread).clone()));
            }
        }
        step
    }

    /// Keeps at most `most` of the processes that ended, and counts the others.
    pub(super) fn keep_ended(&mut self, most: usize) {
        let rest = self.ended.split_off(most.min(self.ended.len()));
        self.folds
            .extend(rest.iter().filter_map(|(process, _)| fold(process)));
    }

    /// The changes of threads that changed as their processes did.
    pub(super) fn processes_with_one_thread(&self) -> impl Iterator<Item = (TaskId, Change)> {
        let alone = self.alone.iter();
        let alone = alone.filter_map(|place| self.processes.get(*place as usize));
        alone.map(|(id, totals)| (*id, totals.change))
    }
}

/// Counts an ended process, of which nothing else is kept.
pub(super) fn fold(process: &Process) -> Option<Fold> {
    let record = process.exit.as_ref()?;
    Some(Fold {
        origin: record.origin,
        comm: record.comm,
        uid: record.uid,
        status: record.status,
        count: 1,
        // What is not known cannot be added.
        cpu_ns: record.cpu_ns.unwrap_or(0),
        watched: record.watched,
    })
}
