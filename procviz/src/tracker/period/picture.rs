//! Makes the snapshot of a period from its totals and its last snapshot.

use rustc_hash::FxHashMap;

use super::totals::Totals;
use crate::model::{Change, End, Process, Slots, Snapshot, TaskId, Thread};

impl Totals {
    /// The last snapshot, with the changes and exits of the whole period.
    pub(super) fn snapshot(self, latest: Snapshot) -> Snapshot {
        let mut snapshot = latest;
        let tick = snapshot.tick;
        snapshot.stamp.interval_ns = self.interval_ns;
        let interval_began_ns = snapshot.sums_from_ns();
        let began_ns = self
            .span_ns
            .map_or(interval_began_ns, |(began_ns, _)| began_ns);
        snapshot.period_began_ns = Some(began_ns);
        if self.missing_ns > 0 {
            // Only the length of all gaps together counts.
            let now = snapshot.stamp.boot_ns;
            snapshot.gap_ns = Some((now.saturating_sub(self.missing_ns), now));
        }
        snapshot.own_cpu_ns = self.own_cpu_ns;
        if self.interval_ns > 0 {
            snapshot.machine.clone_from(&self.machine);
        }
        snapshot.folds = self.folds.values().cloned().collect();
        self.remove_what_ended_before(&mut snapshot);
        let slots = self.add_what_ended(&mut snapshot);
        snapshot.changed.clear();
        for (slot, process) in snapshot.processes.entries_mut() {
            self.sum_process(process, tick);
            if process.change.tick == tick {
                snapshot.changed.push(slot);
            }
        }
        for thread in snapshot.threads.iter_mut() {
            thread.change = at(self.threads.get(&thread.id).copied(), tick);
            thread.end = in_the_period(thread.end, self.has_ended(thread.id), tick);
        }
        let peaks = self.processes.iter();
        let peaks = peaks.filter(|(id, _)| slots.contains_key(id));
        snapshot.peaks = Some(peaks.map(|(id, totals)| (*id, totals.peak_cores)).collect());
        snapshot
    }

    /// Whether a thread ended in the period: by itself, or with its process.
    fn has_ended(&self, thread: TaskId) -> bool {
        self.ended_threads.contains_key(&thread) || self.ended_with_process.contains(&thread)
    }

    /// Tasks that exited before the period leave.
    fn remove_what_ended_before(&self, snapshot: &mut Snapshot) {
        let is_old =
            |end: Option<End>, is_known: bool| end.is_some_and(|end| !end.zombie) && !is_known;
        let processes = snapshot.processes.entries();
        let old: Vec<usize> = processes
            .filter(|(_, process)| is_old(process.end, self.ended.contains_key(&process.id)))
            .map(|(slot, _)| slot)
            .collect();
        for slot in old {
            let members = snapshot
                .processes
                .remove(slot)
                .map(|process| process.members);
            for member in members.into_iter().flatten() {
                snapshot.threads.remove(member);
            }
        }
        let threads = snapshot.threads.entries();
        let old: Vec<(usize, usize)> = threads
            .filter(|(_, thread)| is_old(thread.end, self.has_ended(thread.id)))
            .map(|(slot, thread)| (slot, thread.process))
            .collect();
        for (slot, process) in old {
            snapshot.threads.remove(slot);
            if let Some(process) = snapshot.processes.get_mut(process) {
                process.members.retain(|member| *member != slot);
                process.leader = process.leader.filter(|leader| *leader != slot);
            }
        }
    }

    /// Tasks that exited in the period and have left the last snapshot come back. Returns
    /// the slots of all processes.
    fn add_what_ended(&self, snapshot: &mut Snapshot) -> FxHashMap<TaskId, usize> {
        let slots = |processes: &Slots<Process>| -> FxHashMap<TaskId, usize> {
            let entries = processes.entries();
            entries.map(|(slot, process)| (process.id, slot)).collect()
        };
        let mut slots = slots(&snapshot.processes);
        let mut present: rustc_hash::FxHashSet<TaskId> =
            snapshot.threads.iter().map(|thread| thread.id).collect();
        // In order of their ids, so that a picture is drawn the same way each time.
        let mut ended: Vec<_> = self.ended.values().collect();
        ended.sort_unstable_by_key(|(process, _)| process.id);
        for (process, threads) in ended {
            if slots.contains_key(&process.id) {
                continue;
            }
            let (leader, mut process) = (process.id, process.clone());
            (process.members, process.leader) = (Vec::new(), None);
            let slot = snapshot.processes.insert(process);
            slots.insert(leader, slot);
            for thread in threads.iter().filter(|thread| present.insert(thread.id)) {
                add_thread(snapshot, slot, thread);
            }
        }
        let mut ended: Vec<_> = self.ended_threads.values().collect();
        ended.sort_unstable_by_key(|(_, thread)| thread.id);
        for (process, thread) in ended {
            if let Some(slot) = slots.get(process)
                && present.insert(thread.id)
            {
                add_thread(snapshot, *slot, thread);
            }
        }
        slots
    }

    fn sum_process(&self, process: &mut Process, tick: u64) {
        let totals = self.processes.get(&process.id);
        process.change = at(totals.map(|totals| totals.change), tick);
        process.rss_change = (tick, totals.map_or(Some(0), |totals| totals.rss));
        process.private_change = (tick, totals.map_or(Some(0), |totals| totals.private));
        process.end = in_the_period(process.end, self.ended.contains_key(&process.id), tick);
    }
}

/// A change as of the last tick of the period; without one, a change of an earlier tick.
fn at(change: Option<Change>, tick: u64) -> Change {
    change.map_or(Change::default(), |change| Change { tick, ..change })
}

/// An exit in the period has just happened; any other was before procviz came.
fn in_the_period(end: Option<End>, is_in_it: bool, tick: u64) -> Option<End> {
    end.map(|end| End {
        tick: if is_in_it { tick } else { 0 },
        ..end
    })
}

fn add_thread(snapshot: &mut Snapshot, process: usize, thread: &Thread) {
    let mut thread = Thread {
        process,
        ..thread.clone()
    };
    if let Some(end) = &mut thread.end {
        end.zombie = false;
        thread.state = crate::model::State::Dead;
    }
    let id = thread.id;
    let slot = snapshot.threads.insert(thread);
    if let Some(process) = snapshot.processes.get_mut(process) {
        process.members.push(slot);
        if process.id == id {
            process.leader = Some(slot);
        }
        if let Some(end) = &mut process.end {
            end.zombie = false;
        }
    }
}
