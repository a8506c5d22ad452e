use std::collections::BTreeMap;

use crate::model::{
    Comm, Finding, Fold, Host, Losses, MachineFigures, Process, Scope, Sources, Spare as _, Stamp,
    State, TaskId, TaskView, Thread, spare::enough,
};

/// Share of the CPUs that are busy when tasks wait because of others.
const SATURATED: f64 = 0.9;

/// All tasks with their figures after a sample.
///
/// The tracker updates the snapshot in place. The cost depends on what happened,
/// not on the number of tasks. Readers use [`Snapshot::tasks`].
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The machine.
    pub host: Host,
    /// Number of merged samples; the opening census is 1.
    pub tick: u64,
    /// Time and interval of the last sample.
    pub stamp: Stamp,
    /// Gap before the sample that the recording does not cover: start and end, ns
    /// since boot.
    pub gap_ns: Option<(u64, u64)>,
    /// Sum of such gaps since all tasks were last known, ns. Tasks that started or
    /// exited in these gaps are not known.
    pub unknown_ns: u64,
    /// Start of the run, ns since boot.
    pub began_ns: u64,
    /// Sources of the figures.
    pub sources: Sources,
    /// Threads by slot.
    pub threads: Slots<Thread>,
    /// Processes by slot.
    pub processes: Slots<Process>,
    /// Slots of the processes that changed in the interval.
    pub changed: Vec<usize>,
    /// Figures of the machine.
    pub machine: MachineFigures,
    /// Losses since the run began.
    pub losses: Losses,
    /// Events seen since the run began.
    pub events_seen: u64,
    /// CPU time that procviz used in the interval, ns.
    pub own_cpu_ns: u64,
    /// Short-lived processes of the interval that are not among the tasks.
    pub folds: Vec<Fold>,
    /// Noteworthy facts, by rank.
    pub findings: Vec<Finding>,
    /// Facts that follow from findings; `rank` is that of the finding which is the cause.
    pub consequences: Vec<Finding>,
    /// Whether a filter is set. A filter can hide tasks.
    pub is_filtered: bool,
    /// The rules that need a longer time than procviz has watched: name, and time, ns.
    pub not_judged: Vec<(&'static str, u64)>,
    /// Only in the snapshot of a period, see [`Period`](crate::tracker::Period): the most CPU
    /// that each process used in one interval, cores. The interval of such a snapshot is the
    /// whole period.
    pub peaks: Option<BTreeMap<TaskId, f64>>,
    /// Begin of the period that the snapshot sums up, ns since boot; `None` if it is the state
    /// after one interval. Without gaps, the interval is as long as the period.
    pub period_began_ns: Option<u64>,
}

impl Snapshot {
    /// Begin of what the snapshot sums up, a period or the last interval, ns since boot.
    pub fn sums_from_ns(&self) -> u64 {
        let interval_began_ns = self.stamp.boot_ns.saturating_sub(self.stamp.interval_ns);
        self.period_began_ns.unwrap_or(interval_began_ns)
    }

    /// An empty snapshot.
    pub fn new(host: Host, sources: Sources) -> Self {
        Self {
            host,
            tick: 0,
            stamp: Stamp::default(),
            gap_ns: None,
            unknown_ns: 0,
            began_ns: 0,
            sources,
            threads: Slots::default(),
            processes: Slots::default(),
            changed: Vec::new(),
            machine: MachineFigures::default(),
            losses: Losses::default(),
            events_seen: 0,
            own_cpu_ns: 0,
            folds: Vec::new(),
            findings: Vec::new(),
            consequences: Vec::new(),
            is_filtered: false,
            not_judged: Vec::new(),
            peaks: None,
            period_began_ns: None,
        }
    }

    /// Every task that the filter shows, including the tasks that exited in this
    /// interval or the previous one.
    pub fn tasks(&self, scope: Scope) -> impl Iterator<Item = TaskView<'_>> {
        self.all_tasks(scope).filter(|task| !task.thread.hidden)
    }

    /// Whether a process is the procviz that watches.
    pub fn is_own(&self, process: &Process) -> bool {
        self.host.own_pid == Some(process.id.tid)
    }

    /// Number of living tasks that a filter hides.
    pub fn hidden(&self, scope: Scope) -> usize {
        if !self.is_filtered {
            return 0;
        }
        let is_hidden = |task: &TaskView<'_>| task.thread.hidden && task.state() != State::Dead;
        self.all_tasks(scope).filter(is_hidden).count()
    }

    fn all_tasks(&self, scope: Scope) -> impl Iterator<Item = TaskView<'_>> {
        let threads = (scope == Scope::Threads).then(|| {
            self.threads
                .entries()
                .filter_map(|(slot, thread)| self.thread_view(slot, thread))
        });
        let processes = (scope == Scope::Processes).then(|| {
            self.processes
                .entries()
                .filter_map(|(slot, process)| self.process_view(slot, process))
        });
        threads
            .into_iter()
            .flatten()
            .chain(processes.into_iter().flatten())
    }

    /// The thread or process in a slot.
    pub fn task_at(&self, scope: Scope, slot: usize) -> Option<TaskView<'_>> {
        match scope {
            Scope::Threads => self.thread_at(slot),
            Scope::Processes => self.process_at(slot),
        }
    }

    /// The thread in a slot.
    pub fn thread_at(&self, slot: usize) -> Option<TaskView<'_>> {
        self.thread_view(slot, self.threads.get(slot)?)
    }

    /// The process in a slot.
    pub fn process_at(&self, slot: usize) -> Option<TaskView<'_>> {
        self.process_view(slot, self.processes.get(slot)?)
    }

    /// The leader of a process; `None` while the leader has not been seen, or when it is
    /// gone.
    pub fn leader(&self, process: &Process) -> Option<&Thread> {
        self.threads.get(process.leader?)
    }

    /// The thread that is shown for a process: the leader, or the first thread if the leader
    /// has not been seen.
    pub fn main_thread(&self, process: &Process) -> Option<&Thread> {
        let slot = process.leader.or(process.members.first().copied())?;
        self.threads.get(slot)
    }

    /// The first 15 bytes of the name of a process: see [`Process::name`]; empty if unknown.
    pub fn name_of(&self, process: &Process) -> Comm {
        // The whole name of a kernel thread changes with its work.
        if let Some(name) = process.name.as_deref().filter(|_| !process.kthread) {
            return Comm::new(name);
        }
        self.leader(process)
            .map_or(Comm::default(), |leader| leader.comm)
    }

    /// CPUs that were busy in the interval, if that is nearly all.
    pub(crate) fn saturated(&self) -> Option<f64> {
        let interval_ns = Some(self.stamp.interval_ns).filter(|ns| *ns > 0)?;
        let busy = self.busy_ns()? as f64 / interval_ns as f64;
        (busy >= SATURATED * f64::from(self.host.cpus)).then_some(busy)
    }

    /// CPU time used on all CPUs in the interval, ns. The kernel counts it in ticks of its timer,
    /// which can be less than the processes used: their CPU time is exact, so the CPUs were busy
    /// for at least that long. `None` if not known.
    pub fn busy_ns(&self) -> Option<u64> {
        let counted_ns = self.machine.cpu_busy_ns?;
        let changed = self.changed.iter();
        let changed = changed.filter_map(|slot| self.processes.get(*slot));
        let now = changed.filter(|process| process.change.tick == self.tick);
        let used = now.map(|process| process.change.cpu_ns);
        let folded = self.folds.iter().map(|fold| fold.cpu_ns);
        let used_ns = used.chain(folded).fold(0, u64::saturating_add);
        let most_ns = u64::from(self.host.cpus).saturating_mul(self.stamp.interval_ns);
        Some(counted_ns.max(used_ns.min(most_ns)))
    }

    /// See [`MachineFigures::shares`], with the CPU time of [`Snapshot::busy_ns`].
    pub(crate) fn busy_shares(&self) -> [Option<f32>; 3] {
        let figures = MachineFigures {
            cpu_busy_ns: self.busy_ns(),
            ..self.machine.clone()
        };
        figures.shares(self.host.cpus, self.stamp.interval_ns)
    }

    /// Part of the period or interval that the recording does not cover, ns.
    pub fn missing_ns(&self) -> u64 {
        let begin = self.sums_from_ns();
        self.gap_ns
            .map_or(0, |(from, to)| to.saturating_sub(from.max(begin)))
    }

    /// Time since the start of the run, ns.
    pub fn watched_ns(&self) -> u64 {
        self.stamp.boot_ns.saturating_sub(self.began_ns)
    }

    fn thread_view<'a>(&'a self, slot: usize, thread: &'a Thread) -> Option<TaskView<'a>> {
        let process = self.processes.get(thread.process)?;
        Some(TaskView {
            slot,
            scope: Scope::Threads,
            tick: self.tick,
            now_ns: self.stamp.boot_ns,
            interval_ns: self.stamp.interval_ns,
            has_events: self.sources == Sources::EbpfAndProc,
            thread,
            process,
            state: thread.state,
            running: thread.state == State::Running,
            in_iowait: thread.in_iowait,
            last_on_cpu_ns: thread.last_on_cpu_ns,
            on_cpu: thread.on_cpu,
        })
    }

    fn process_view<'a>(&'a self, slot: usize, process: &'a Process) -> Option<TaskView<'a>> {
        let mut view = self.thread_view(slot, self.main_thread(process)?)?;
        view.scope = Scope::Processes;
        view.last_on_cpu_ns = view.last_on_cpu_ns.max(process.ended_on_cpu_ns);
        // A leader that has exited is a zombie until the last thread of its process has.
        let mut has_state = view.thread.end.is_none();
        for slot in &process.members {
            let Some(thread) = self.threads.get(*slot) else {
                continue;
            };
            if thread.end.is_none() {
                if !has_state {
                    view.state = thread.state;
                    has_state = true;
                }
                view.running |= thread.state == State::Running;
                view.in_iowait |= thread.in_iowait;
                view.on_cpu |= thread.on_cpu;
            }
            view.last_on_cpu_ns = view.last_on_cpu_ns.max(thread.last_on_cpu_ns);
        }
        Some(view)
    }
}

/// Values in numbered slots. A value keeps its slot until it is removed.
#[derive(Clone, Debug)]
pub struct Slots<T> {
    places: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    /// Puts a value into a free slot; returns the slot.
    pub fn insert(&mut self, value: T) -> usize {
        if let Some(slot) = self.free.pop() {
            self.places[slot] = Some(value);
            return slot;
        }
        self.places.push(Some(value));
        self.places.len() - 1
    }

    /// Removes a value and returns it.
    pub fn remove(&mut self, slot: usize) -> Option<T> {
        let value = self.places.get_mut(slot)?.take()?;
        self.free.push(slot);
        Some(value)
    }

    /// Gives up the free slots behind the last value, if most slots are free. The same values in
    /// the same slots always lead to the same slots: readers of a recording follow its recorder.
    pub(crate) fn drop_free_slots(&mut self) {
        if enough(self.places.len(), self.len()).is_none() {
            return;
        }
        let places = self.places.iter().rev();
        let free = places.take_while(|place| place.is_none()).count();
        let used = self.places.len() - free;
        if free > 0 {
            self.places.truncate(used);
            self.free.retain(|slot| *slot < used);
            self.places.give_up_spare();
            self.free.give_up_spare();
        }
        // Low slots first, so that the slots behind the last value become free.
        if self.free.last().is_some_and(|next| *next > used / 2) {
            self.free.sort_unstable_by(|a, b| b.cmp(a));
        }
    }

    /// The value in a slot.
    pub fn get(&self, slot: usize) -> Option<&T> {
        self.places.get(slot)?.as_ref()
    }

    /// The value in a slot, mutable.
    pub fn get_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.places.get_mut(slot)?.as_mut()
    }

    /// All values, mutable.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().flatten()
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }

    /// All values with their slots, mutable.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> {
        let places = self.places.iter_mut().enumerate();
        places.filter_map(|(slot, value)| Some((slot, value.as_mut()?)))
    }

    /// All values with their slots.
    pub fn entries(&self) -> impl Iterator<Item = (usize, &T)> {
        self.places
            .iter()
            .enumerate()
            .filter_map(|(slot, value)| Some((slot, value.as_ref()?)))
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The slots are inconsistent: a slot appears twice, or not at all.
#[derive(Debug, thiserror::Error)]
#[error("a slot appears twice or is missing")]
pub struct InconsistentSlots;

impl<T> Slots<T> {
    /// The free slots; the last is used first.
    pub fn free(&self) -> &[usize] {
        &self.free
    }

    /// Makes `Slots` from values with their slots, and the free slots.
    ///
    /// # Errors
    ///
    /// If a slot does not appear exactly once.
    pub fn from_parts(
        values: Vec<(usize, T)>,
        free: Vec<usize>,
    ) -> Result<Self, InconsistentSlots> {
        let mut places: Vec<Option<T>> = Vec::new();
        places.resize_with(values.len() + free.len(), || None);
        let mut are_free = vec![true; places.len()];
        for (slot, value) in values {
            let place = places.get_mut(slot).filter(|place| place.is_none());
            *place.ok_or(InconsistentSlots)? = Some(value);
            are_free[slot] = false;
        }
        let each_once = free.iter().all(|slot| {
            are_free
                .get_mut(*slot)
                .is_some_and(|is_free| std::mem::replace(is_free, false))
        });
        if !each_once {
            return Err(InconsistentSlots);
        }
        Ok(Self { places, free })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Change;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn slots_of_a_burst_are_given_up() {
        let mut slots = Slots::default();
        for value in 0..10_000 {
            assert_eq!(slots.insert(value), value);
        }
        slots.drop_free_slots();
        assert_eq!(slots.len(), 10_000);
        for slot in (100..10_000).filter(|slot| *slot != 2_000) {
            slots.remove(slot);
        }
        slots.drop_free_slots();
        // The values keep their slots, and the free ones before the last value stay.
        assert_eq!((slots.len(), slots.free().len()), (101, 1_900));
        slots.drop_free_slots();
        assert_eq!(slots.get(2_000), Some(&2_000));
        assert_eq!((slots.insert(7), slots.insert(8)), (100, 101));
        assert!((2..1_900).all(|_| slots.insert(9) < 2_000));
        assert_eq!(slots.insert(10), 2_001);
    }

    #[test]
    fn the_machine_was_busy_for_as_long_as_its_processes() {
        let mut snapshot = Snapshot::new(Host::new("test", 2), Sources::EbpfAndProc);
        snapshot.tick = 7;
        snapshot.stamp.interval_ns = SECOND;
        let slot = snapshot.processes.insert(Process::default());
        snapshot.changed.push(slot);
        let mut busy = |counted_ns: Option<u64>, tick: u64, cpu_ns: u64| {
            snapshot.machine.cpu_busy_ns = counted_ns;
            snapshot.processes.get_mut(slot).unwrap().change = Change {
                tick,
                cpu_ns,
                ..Change::default()
            };
            snapshot.busy_ns()
        };
        assert_eq!(busy(Some(20), 7, 57), Some(57));
        assert_eq!(busy(Some(80), 7, 57), Some(80));
        assert_eq!(busy(Some(20), 6, 57), Some(20), "an older change");
        assert_eq!(busy(None, 7, 57), None);
        // No more than all CPUs, whatever a damaged recording claims.
        assert_eq!(busy(Some(0), 7, u64::MAX), Some(2 * SECOND));
    }
}
