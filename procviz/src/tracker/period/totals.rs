//! What changed in one or more samples.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::model::{
    Change, Comm, Fold, MachineFigures, Pressure, Process, Snapshot, TaskId, Thread,
};

/// Upper limit for the processes that ended in a period and are kept; further ones are
/// counted in folds.
const MOST_ENDED: usize = 50_000;

/// Totals of the samples of a period.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) interval_ns: u64,
    pub(super) own_cpu_ns: u64,
    /// Counters are sums, other figures are those of the last sample.
    pub(super) machine: MachineFigures,
    pub(super) processes: FxHashMap<TaskId, ProcessTotals>,
    pub(super) threads: FxHashMap<TaskId, Change>,
    /// Processes that ended in the period, with their threads.
    pub(super) ended: FxHashMap<TaskId, (Process, Vec<Thread>)>,
    /// Threads that ended in the period, with the id of their process.
    pub(super) ended_threads: FxHashMap<TaskId, (TaskId, Thread)>,
    pub(super) folds: BTreeMap<(TaskId, Comm, u32), Fold>,
}

/// Totals of a process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ProcessTotals {
    pub(super) change: Change,
    /// Change of the resident set, bytes; `None`: not known.
    pub(super) rss: Option<i64>,
    /// The same for [`Process::private`].
    pub(super) private: Option<i64>,
    /// Most CPU used in one interval, cores.
    pub(super) peak_cores: f64,
}

impl Totals {
    pub(super) fn interval_ns(&self) -> u64 {
        self.interval_ns
    }

    /// What changed in the last sample of a snapshot.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let tick = snapshot.tick;
        let mut totals = Self {
            interval_ns: snapshot.stamp.interval_ns,
            own_cpu_ns: snapshot.own_cpu_ns,
            machine: snapshot.machine.clone(),
            ..Self::default()
        };
        for fold in &snapshot.folds {
            totals.fold(fold.clone());
        }
        let processes = snapshot.changed.iter();
        for process in processes.filter_map(|slot| snapshot.processes.get(*slot)) {
            totals
                .processes
                .insert(process.id, ProcessTotals::of(process, snapshot));
            let members = process.members.iter();
            let threads = members.filter_map(|slot| snapshot.threads.get(*slot));
            let mut all = Vec::new();
            for thread in threads {
                if thread.change.tick == tick {
                    totals.threads.insert(thread.id, thread.change);
                }
                if thread.end.is_some_and(|end| end.tick == tick) {
                    let ended = (process.id, thread.clone());
                    totals.ended_threads.insert(thread.id, ended);
                }
                if process.end.is_some() {
                    all.push(thread.clone());
                }
            }
            if process.end.is_some_and(|end| end.tick == tick) {
                totals.ended.insert(process.id, (process.clone(), all));
            }
        }
        totals
    }

    /// Adds the totals of later samples.
    pub(super) fn add(&mut self, later: Self) {
        self.machine = match self.interval_ns {
            0 => later.machine,
            _ => sum_of_machines(&self.machine, later.machine),
        };
        self.interval_ns = self.interval_ns.saturating_add(later.interval_ns);
        self.own_cpu_ns = self.own_cpu_ns.saturating_add(later.own_cpu_ns);
        for (id, totals) in later.processes {
            match self.processes.get_mut(&id) {
                Some(sum) => sum.add(totals),
                None => _ = self.processes.insert(id, totals),
            }
        }
        for (id, change) in later.threads {
            match self.threads.get_mut(&id) {
                Some(sum) => *sum = sum_of_changes(*sum, change),
                None => _ = self.threads.insert(id, change),
            }
        }
        self.ended_threads.extend(later.ended_threads);
        for (id, (process, threads)) in later.ended {
            if self.ended.len() < MOST_ENDED {
                self.ended.insert(id, (process, threads));
            } else {
                self.fold_process(&process);
            }
        }
        for fold in later.folds.into_values() {
            self.fold(fold);
        }
    }

    fn fold(&mut self, fold: Fold) {
        match self.folds.get_mut(&(fold.origin, fold.comm, fold.status.0)) {
            Some(sum) => {
                sum.count = sum.count.saturating_add(fold.count);
                sum.cpu_ns = sum.cpu_ns.saturating_add(fold.cpu_ns);
            }
            None => {
                let key = (fold.origin, fold.comm, fold.status.0);
                self.folds.insert(key, fold);
            }
        }
    }

    /// Counts an ended process, of which nothing else is kept.
    fn fold_process(&mut self, process: &Process) {
        self.processes.remove(&process.id);
        let Some(record) = &process.exit else { return };
        self.threads.remove(&process.id);
        self.ended_threads.remove(&process.id);
        self.fold(Fold {
            origin: record.origin,
            comm: record.comm,
            uid: record.uid,
            status: record.status,
            count: 1,
            // What is not known cannot be added.
            cpu_ns: record.cpu_ns.unwrap_or(0),
            watched: record.watched,
        });
    }
}

impl ProcessTotals {
    fn of(process: &Process, snapshot: &Snapshot) -> Self {
        let at_this_tick = |(tick, delta): (u64, Option<i64>)| match tick == snapshot.tick {
            true => delta,
            false => Some(0),
        };
        let interval_ns = snapshot.stamp.interval_ns.max(1);
        Self {
            change: process.change,
            rss: at_this_tick(process.rss_change),
            private: at_this_tick(process.private_change),
            peak_cores: process.change.cpu_ns as f64 / interval_ns as f64,
        }
    }

    fn add(&mut self, later: Self) {
        let sum = |a: Option<i64>, b: Option<i64>| Some(a?.saturating_add(b?));
        *self = Self {
            change: sum_of_changes(self.change, later.change),
            rss: sum(self.rss, later.rss),
            private: sum(self.private, later.private),
            peak_cores: self.peak_cores.max(later.peak_cores),
        };
    }
}

/// A wait that is not known in one of the samples is not known in the period.
fn sum_of_changes(a: Change, b: Change) -> Change {
    Change {
        tick: b.tick,
        ran: a.ran || b.ran,
        cpu_ns: a.cpu_ns.saturating_add(b.cpu_ns),
        wait_ns: sum(a.wait_ns, b.wait_ns),
        wait_max_ns: a.wait_max_ns.max(b.wait_max_ns),
        io_bytes: a.io_bytes.saturating_add(b.io_bytes),
    }
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    Some(a?.saturating_add(b?))
}

fn sum_of_machines(a: &MachineFigures, b: MachineFigures) -> MachineFigures {
    let pressures = |a: Option<Pressure>, b: Option<Pressure>| {
        let (a, b) = (a?, b?);
        Some(Pressure {
            some_us: a.some_us.saturating_add(b.some_us),
            full_us: a.full_us.saturating_add(b.full_us),
        })
    };
    MachineFigures {
        cpu_busy_ns: sum(a.cpu_busy_ns, b.cpu_busy_ns),
        steal_ns: sum(a.steal_ns, b.steal_ns),
        iowait_ns: sum(a.iowait_ns, b.iowait_ns),
        psi_cpu_some_us: sum(a.psi_cpu_some_us, b.psi_cpu_some_us),
        psi_memory: pressures(a.psi_memory, b.psi_memory),
        psi_io: pressures(a.psi_io, b.psi_io),
        forks: sum(a.forks, b.forks),
        deaths: sum(a.deaths, b.deaths),
        ..b
    }
}
