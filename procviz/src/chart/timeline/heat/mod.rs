//! A heat map: what happened at which offset within each second. What repeats every few seconds
//! makes stripes.

mod axes;
mod draw;
mod key;
mod matrix;
mod rows;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::model::{Comm, Snapshot, Sources, TaskId};

/// What the rows of a heat map are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeatRows {
    /// A row per second.
    #[default]
    Seconds,
    /// A row for each of the processes that have most, with the mean of all seconds.
    Tasks,
}

/// What the colours of a heat map are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeatOf {
    /// CPU time.
    #[default]
    Cpu,
    /// Threads that wait for a CPU.
    Waiting,
}

/// Options of a heat map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeatOptions {
    /// What the rows are.
    pub rows: HeatRows,
    /// What the colours are.
    pub of: HeatOf,
}

/// A longer interval says nothing about what happened within a second.
const LONGEST_NS: u64 = SECOND_NS;
/// Upper limits for the samples, and for the steps of all processes together. Beyond them, the
/// older half is forgotten.
const MOST_SAMPLES: usize = 500_000;
const MOST_STEPS: usize = 4_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// A sample.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// When it was taken: ns since boot, and ns since 1970.
    boot_ns: u64,
    wall_ns: u64,
    interval_ns: u64,
    /// Cores in use, and threads that waited for a CPU; `None`: not known.
    busy: Option<f32>,
    waiting: Option<f32>,
}

/// What a process did in a sample, by the number of the sample; us.
#[derive(Clone, Copy, Debug)]
struct Step {
    sample: u32,
    cpu_us: u32,
    /// `None`: not known.
    wait_us: Option<u32>,
}

#[derive(Clone, Debug)]
struct Process {
    name: Comm,
    uid: Option<u32>,
    steps: Vec<Step>,
}

/// What a heat map needs of the samples.
#[derive(Clone, Debug, Default)]
pub(super) struct Heat {
    moments: VecDeque<Moment>,
    /// Number of samples that were forgotten before `moments`.
    forgotten: u32,
    processes: FxHashMap<TaskId, Process>,
    steps: usize,
}

impl Heat {
    /// Takes in a sample.
    pub(super) fn observe(&mut self, snapshot: &Snapshot) {
        let stamp = snapshot.stamp;
        if self
            .moments
            .back()
            .is_some_and(|last| stamp.boot_ns < last.boot_ns)
        {
            // Another boot.
            *self = Self::default();
        }
        // What happened in a gap is not known.
        let is_short = (1..=LONGEST_NS).contains(&stamp.interval_ns);
        if !is_short || snapshot.missing_ns() > 0 {
            return;
        }
        if self.moments.len() >= MOST_SAMPLES || self.steps >= MOST_STEPS {
            let middle = self.moments.get(self.moments.len() / 2);
            let middle_ns = middle.map_or(stamp.boot_ns, |moment| moment.boot_ns);
            self.forget_before(middle_ns);
        }
        let interval = stamp.interval_ns as f32;
        let changes = snapshot.changed.iter().filter_map(|slot| {
            let process = snapshot.processes.get(*slot)?;
            (process.change.tick == snapshot.tick).then_some(process)
        });
        let sample = self.forgotten + self.moments.len() as u32;
        // Without kernel events, no wait is known; with them, those that are not known are of
        // processes that did not run.
        let mut wait_ns = (snapshot.sources == Sources::EbpfAndProc).then_some(0_u64);
        for process in changes {
            let change = process.change;
            if let (Some(sum), Some(ns)) = (&mut wait_ns, change.wait_ns) {
                *sum = sum.saturating_add(ns);
            }
            let us = |ns: u64| u32::try_from(ns / 1_000).unwrap_or(u32::MAX);
            let step = Step {
                sample,
                cpu_us: us(change.cpu_ns),
                wait_us: change.wait_ns.map(us),
            };
            let Some(main) = snapshot.main_thread(process).filter(|main| !main.hidden) else {
                continue;
            };
            if step.cpu_us == 0 && step.wait_us.is_none_or(|us| us == 0) {
                continue;
            }
            self.steps += 1;
            let known = self.processes.entry(process.id).or_insert_with(|| Process {
                name: Comm::default(),
                uid: None,
                steps: Vec::new(),
            });
            (known.name, known.uid) = (snapshot.name_of(process), main.uid);
            known.steps.push(step);
        }
        let wall_ns = snapshot.host.boot_wall_ns + i128::from(stamp.boot_ns);
        self.moments.push_back(Moment {
            boot_ns: stamp.boot_ns,
            wall_ns: u64::try_from(wall_ns).unwrap_or(stamp.boot_ns),
            interval_ns: stamp.interval_ns,
            busy: snapshot.busy_ns().map(|ns| ns as f32 / interval),
            waiting: wait_ns.map(|ns| ns as f32 / interval),
        });
    }

    /// Forgets what ended before a moment, ns since boot.
    pub(super) fn forget_before(&mut self, from_ns: u64) {
        while self
            .moments
            .pop_front_if(|moment| moment.boot_ns < from_ns)
            .is_some()
        {
            self.forgotten += 1;
        }
        let first = self.forgotten;
        self.processes.retain(|_, process| {
            process.steps.retain(|step| step.sample >= first);
            !process.steps.is_empty()
        });
        self.steps = self
            .processes
            .values()
            .map(|process| process.steps.len())
            .sum();
    }
}
