use rustc_hash::FxHashMap;

use super::{RuleSettings, Thresholds};

use crate::{
    model::{Comm, Process, Sample, Snapshot, TaskId, Thread, duration_text},
    tracker::Filter,
};

/// Input of the rules: the snapshot and the sample that led to it.
#[derive(Clone, Copy)]
pub(in crate::tracker) struct World<'a> {
    pub(in crate::tracker) snapshot: &'a Snapshot,
    pub(in crate::tracker) sample: &'a Sample,
    pub(in crate::tracker) filter: &'a Filter,
    pub(in crate::tracker) settings: &'a RuleSettings,
    pub(in crate::tracker) threads: &'a FxHashMap<TaskId, usize>,
    pub(in crate::tracker) processes: &'a FxHashMap<TaskId, usize>,
    /// Slots of the processes that changed in this sample.
    pub(in crate::tracker) changed: &'a [usize],
    /// Number of ticks that were skipped before this sample.
    pub(in crate::tracker) skipped: u64,
}

impl<'a> World<'a> {
    pub(super) fn thresholds(&self) -> &'a Thresholds {
        &self.settings.thresholds
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.snapshot.stamp.boot_ns
    }

    /// Whether this is the opening census, which has no interval before it.
    pub(super) fn is_opening(&self) -> bool {
        self.snapshot.tick == 1
    }

    /// `last_ns`, if nothing has happened for longer than `quiet_ns` since: what a rule still
    /// remembers is over.
    pub(super) fn ended(&self, last_ns: u64, quiet_ns: u64) -> Option<u64> {
        (self.now_ns().saturating_sub(last_ns) > quiet_ns).then_some(last_ns)
    }

    /// How long ago something ended, after words that lead to it: `, 12 s ago`. Empty if it
    /// has not ended.
    pub(super) fn ago(&self, lead: &str, ended_ns: Option<u64>) -> String {
        ended_ns.map_or_else(String::new, |ended_ns| {
            let ago = duration_text(self.now_ns().saturating_sub(ended_ns));
            format!("{lead}{ago} ago")
        })
    }

    /// Lower limit for the CPU use of a group, cores: where all CPUs are busy, a quarter of
    /// them is enough, unless the user has set a threshold.
    pub(super) fn cpu_threshold(&self) -> f64 {
        let cores = self.thresholds().cpu_cores;
        let is_set = cores != Thresholds::default().cpu_cores;
        let quarter = self
            .snapshot
            .saturated()
            .filter(|_| !is_set)
            .map(|busy| busy / 4.0);
        quarter.map_or(cores, |quarter| quarter.min(cores))
    }

    /// The processes that changed in this sample.
    pub(super) fn changed(&self) -> impl Iterator<Item = &'a Process> + use<'a> {
        let processes = &self.snapshot.processes;
        self.changed.iter().filter_map(|slot| processes.get(*slot))
    }

    /// The changed processes that have not exited and that no filter hides.
    pub(super) fn changed_and_shown(&self) -> impl Iterator<Item = &'a Process> + use<'a> {
        let world = *self;
        self.changed()
            .filter(move |process| process.end.is_none() && !world.is_hidden(process))
    }

    pub(super) fn process(&self, id: TaskId) -> Option<&'a Process> {
        self.snapshot.processes.get(*self.processes.get(&id)?)
    }

    pub(super) fn thread(&self, id: TaskId) -> Option<&'a Thread> {
        self.snapshot.threads.get(*self.threads.get(&id)?)
    }

    /// Name of a process by id; `None` if the process is gone.
    pub(super) fn name(&self, id: TaskId) -> Option<Comm> {
        let process = self.process(id)?;
        Some(self.snapshot.name_of(process))
    }

    /// Name and user of a process.
    pub(super) fn group(&self, process: &Process) -> (Comm, Option<u32>) {
        let thread = self.snapshot.main_thread(process);
        let uid = thread.and_then(|thread| thread.uid);
        (self.snapshot.name_of(process), uid)
    }

    /// Whether a filter hides a process. Hidden processes have no findings.
    pub(super) fn is_hidden(&self, process: &Process) -> bool {
        let thread = self.snapshot.main_thread(process);
        self.snapshot.is_filtered && thread.is_some_and(|thread| thread.hidden)
    }
}
