//! Turns samples into snapshots: keeps the identity and figures of each task, adds
//! up the figures of processes, notices exits, and produces findings. The tracker
//! does no I/O and cannot fail. Where a sample contradicts the snapshot, the
//! sample wins.

mod active_findings;
mod census;
mod events;
mod filter;
mod found;
mod history;
mod keyframe;
mod owner_filter;
mod period;
#[cfg(test)]
mod play;
mod processes;
mod readings;
mod rules;
mod run;

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::model::{
    Host, Io, Process, Sample, Scope, Snapshot, Sources, Spare as _, TaskId, TaskView, names_found,
};

pub use active_findings::{ActiveFindings, Change, Changed};
pub use filter::{Filter, TaskKind};
pub use keyframe::{Keyframe, KeyframeError, LastSeconds, Secrets};
pub use owner_filter::OwnerFilter;
pub use period::{INTERVALS, Period};
pub use rules::{RuleSettings, Threshold, severities};
pub use run::{Cost, Run};

/// Number of snapshots that show a dead task.
const SHOWN_DEAD: u64 = 2;

/// Holds the snapshot and updates it from samples.
pub struct Tracker {
    snapshot: Snapshot,
    threads: FxHashMap<TaskId, usize>,
    processes: FxHashMap<TaskId, usize>,
    /// Exited processes and threads with the tick of their exit, in the order in
    /// which they leave the snapshot.
    leaving: VecDeque<(u64, TaskId)>,
    /// CPU time, ns, and IO of old leaders of processes in which another thread
    /// called exec. The final figures of these leaders have not arrived yet.
    superseded_leaders: FxHashMap<TaskId, (u64, Option<Io>)>,
    rules: rules::Rules,
    filter: Filter,
    /// How many names of containers were known when the filter was applied to all tasks.
    names_found: u64,
    rule_settings: RuleSettings,
}

impl Tracker {
    /// An empty tracker that shows all tasks.
    pub fn new(host: Host, sources: Sources) -> Self {
        Self::with_filter(host, sources, Filter::default())
    }

    /// An empty tracker that shows the tasks that match `filter`.
    pub fn with_filter(host: Host, sources: Sources, filter: Filter) -> Self {
        Self {
            snapshot: Snapshot::new(host, sources),
            threads: FxHashMap::default(),
            processes: FxHashMap::default(),
            leaving: VecDeque::new(),
            superseded_leaders: FxHashMap::default(),
            rules: rules::Rules::default(),
            filter,
            names_found: 0,
            rule_settings: RuleSettings::default(),
        }
    }

    /// The snapshot after the last sample.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Takes the snapshot out, and begins anew without any task.
    pub fn take_snapshot(&mut self) -> Snapshot {
        let empty = self.anew(self.snapshot.host.clone());
        std::mem::replace(self, empty).snapshot
    }

    /// An empty tracker with the same filter and the same settings of rules.
    #[must_use]
    pub fn anew(&self, host: Host) -> Self {
        let (sources, filter) = (self.snapshot.sources, self.filter.clone());
        Self::with_filter(host, sources, filter).with_rules(self.rule_settings.clone())
    }

    /// Sets thresholds of rules, and which findings are left out.
    #[must_use]
    pub fn with_rules(mut self, settings: RuleSettings) -> Self {
        self.rule_settings = settings;
        self
    }

    /// A task of the last snapshot: as a process if `scope` is processes and `id` is a
    /// process, else as a thread.
    pub fn task(&self, scope: Scope, id: TaskId) -> Option<TaskView<'_>> {
        let process = self.processes.get(&id).copied();
        let process = process.filter(|_| scope == Scope::Processes);
        match process {
            Some(slot) => self.snapshot.process_at(slot),
            None => self.snapshot.thread_at(*self.threads.get(&id)?),
        }
    }

    /// The filter that chooses the tasks to show.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Shows only the tasks that match `filter` from now on.
    pub fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
        self.snapshot.is_filtered = !self.filter.is_none();
        self.filter_all();
    }

    /// Applies the filter to all tasks again if names that it tests have become known.
    fn filter_by_new_names(&mut self) {
        if self.filter.needs_names() && self.names_found != names_found() {
            self.filter_all();
        }
    }

    fn filter_all(&mut self) {
        self.names_found = names_found();
        let slots: Vec<usize> = self
            .snapshot
            .processes
            .entries()
            .map(|(slot, _)| slot)
            .collect();
        slots.into_iter().for_each(|slot| self.judge_process(slot));
    }

    /// Merges a sample. The cost depends on the size of the sample, not on the number
    /// of tasks.
    pub fn update(&mut self, sample: &Sample) {
        let snapshot = &mut self.snapshot;
        snapshot.changed.clear();
        snapshot.tick += 1;
        snapshot.stamp = sample.stamp;
        snapshot.gap_ns = sample.gap_ns;
        snapshot.unknown_ns = match sample.complete {
            true => 0,
            false => snapshot.unknown_ns.saturating_add(snapshot.missing_ns()),
        };
        if snapshot.tick == 1 {
            snapshot.began_ns = sample.stamp.boot_ns;
        }
        snapshot.sources = sample.sources;
        snapshot.host.boot_wall_ns = sample.boot_wall_ns.unwrap_or(snapshot.host.boot_wall_ns);
        snapshot.machine = sample.machine.clone();
        let skipped = sample.losses.skipped_ticks
            - snapshot
                .losses
                .skipped_ticks
                .min(sample.losses.skipped_ticks);
        snapshot.losses = sample.losses;
        snapshot.events_seen = sample.events_seen;
        snapshot.own_cpu_ns = sample.own_cpu_ns;
        snapshot.is_filtered = !self.filter.is_none();
        snapshot.folds.clear();
        let shown = sample
            .folds
            .iter()
            .filter(|fold| self.filter.shows_fold(fold));
        snapshot.folds.extend(shown.cloned());
        self.remove_dead_tasks();
        self.give_up_spare();
        self.take_found(sample);
        for event in &sample.events {
            self.take_event(event);
        }
        self.filter_by_new_names();
        for reading in &sample.readings {
            self.take_reading(reading);
        }
        for memory in &sample.memories {
            self.take_memory(memory);
        }
        let world = rules::World {
            snapshot: &self.snapshot,
            sample,
            filter: &self.filter,
            settings: &self.rule_settings,
            threads: &self.threads,
            processes: &self.processes,
            changed: &self.snapshot.changed,
            skipped,
        };
        (self.snapshot.findings, self.snapshot.consequences) = self.rules.judge(world);
        let watched = self.snapshot.watched_ns();
        self.snapshot.not_judged.clear();
        self.snapshot
            .not_judged
            .extend(rules::not_judged(watched, &self.rule_settings));
    }

    /// Applies the filter to a process's threads again, because something that the
    /// filter tests has changed.
    fn filter_process(&mut self, slot: usize) {
        if !self.filter.is_none() {
            self.judge_process(slot);
        }
    }

    fn judge_process(&mut self, slot: usize) {
        let Some(process) = self.snapshot.processes.get(slot) else {
            return;
        };
        let name = self.snapshot.name_of(process);
        let threads = &mut self.snapshot.threads;
        for member in &process.members {
            if let Some(thread) = threads.get_mut(*member) {
                thread.hidden = !self.filter.shows_thread(thread, process, name);
            }
        }
    }

    /// Removes the dead tasks that were shown for long enough.
    fn remove_dead_tasks(&mut self) {
        while let Some((tick, id)) = self.leaving.front().copied() {
            if tick + SHOWN_DEAD > self.snapshot.tick {
                break;
            }
            self.leaving.pop_front();
            self.forget_thread(id);
            self.forget_process(id);
        }
    }

    /// Gives up the room of tasks that are gone.
    fn give_up_spare(&mut self) {
        self.snapshot.threads.drop_free_slots();
        self.snapshot.processes.drop_free_slots();
        self.snapshot.changed.give_up_spare();
        self.threads.give_up_spare();
        self.processes.give_up_spare();
        self.leaving.give_up_spare();
    }

    fn forget_thread(&mut self, id: TaskId) {
        let Some(slot) = self.threads.get(&id).copied() else {
            return;
        };
        let Some(thread) = self.snapshot.threads.get(slot) else {
            return;
        };
        // Alive again because of an exec, or a zombie that is not reaped yet.
        if thread.end.is_none_or(|end| end.zombie) {
            return;
        }
        let process = thread.process;
        self.drop_slot(slot, process);
        self.threads.remove(&id);
    }

    fn drop_slot(&mut self, slot: usize, process: usize) {
        self.snapshot.threads.remove(slot);
        if let Some(process) = self.snapshot.processes.get_mut(process) {
            process.members.retain(|member| *member != slot);
            if process.leader == Some(slot) {
                process.leader = None;
            }
        }
    }

    fn forget_process(&mut self, id: TaskId) {
        let Some(slot) = self.processes.get(&id).copied() else {
            return;
        };
        let Some(process) = self.snapshot.processes.get(slot) else {
            return;
        };
        if process.end.is_none_or(|end| end.zombie) {
            return;
        }
        for member in process.members.clone() {
            if let Some(thread) = self.snapshot.threads.remove(member) {
                self.threads.remove(&thread.id);
            }
        }
        self.snapshot.processes.remove(slot);
        self.processes.remove(&id);
    }

    /// Whether a process's figures are the sum of its threads' figures; else they are
    /// read for the process as a whole.
    fn sums_threads(&self) -> bool {
        self.snapshot.sources == Sources::EbpfAndProc
    }

    fn process_mut(&mut self, id: TaskId) -> Option<(usize, &mut Process)> {
        let slot = *self.processes.get(&id)?;
        Some((slot, self.snapshot.processes.get_mut(slot)?))
    }

    /// Adds a process to the changed processes of this tick, once.
    fn touch(&mut self, slot: usize) {
        let tick = self.snapshot.tick;
        let Some(process) = self.snapshot.processes.get_mut(slot) else {
            return;
        };
        if process.change.tick != tick {
            process.change.at(tick);
            self.snapshot.changed.push(slot);
        }
    }
}

fn plus(a: Option<Io>, read: u64, write: u64) -> Option<Io> {
    a.map(|io| Io {
        read: io.read.saturating_add(read),
        write: io.write.saturating_add(write),
    })
}
