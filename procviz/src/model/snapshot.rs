use crate::model::{
    Finding, Fold, Host, Losses, MachineFigures, Process, Scope, Sources, Stamp, State, TaskView,
    Thread,
};

/// The merged picture after a sample: every task with its figures.
///
/// It is updated in place, at a cost that follows what happened, and read
/// through [`Snapshot::tasks`].
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The machine.
    pub host: Host,
    /// Samples merged; the opening census is 1.
    pub tick: u64,
    /// When.
    pub stamp: Stamp,
    /// The time before the sample of which a recording has kept nothing, ns since boot.
    pub hole_ns: Option<(u64, u64)>,
    /// Such time since everybody was last known, ns: who began or ended in it is not.
    pub unknown_ns: u64,
    /// When the run began, ns since boot.
    pub began_ns: u64,
    /// Whence.
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
    /// Short lives of the interval that are not among the tasks.
    pub folds: Vec<Fold>,
    /// What is worth a person's eye, by rank.
    pub findings: Vec<Finding>,
    /// A filter hides some tasks.
    pub is_filtered: bool,
    /// Names of rules that need a longer time than was watched.
    pub not_judged: Vec<&'static str>,
}

impl Snapshot {
    /// Nothing yet.
    pub fn new(host: Host, sources: Sources) -> Self {
        Self {
            host,
            tick: 0,
            stamp: Stamp::default(),
            hole_ns: None,
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
            is_filtered: false,
            not_judged: Vec::new(),
        }
    }

    /// Every task that the filter shows, the dead of this and the last
    /// interval included.
    pub fn tasks(&self, scope: Scope) -> impl Iterator<Item = TaskView<'_>> {
        self.all_tasks(scope).filter(|task| !task.thread.hidden)
    }

    /// How many living tasks a filter hides.
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

    /// The thread at a place.
    pub fn thread_at(&self, slot: usize) -> Option<TaskView<'_>> {
        self.thread_view(slot, self.threads.get(slot)?)
    }

    /// The process at a place.
    pub fn process_at(&self, slot: usize) -> Option<TaskView<'_>> {
        self.process_view(slot, self.processes.get(slot)?)
    }

    /// Of the interval, the time of which a recording has kept nothing, ns.
    pub fn missing_ns(&self) -> u64 {
        let begin = self.stamp.boot_ns.saturating_sub(self.stamp.interval_ns);
        self.hole_ns
            .map_or(0, |(from, to)| to.saturating_sub(from.max(begin)))
    }

    /// How long the run has watched, ns.
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
            running: thread.state == State::Running,
            in_iowait: thread.in_iowait,
            last_on_cpu_ns: thread.last_on_cpu_ns,
            on_cpu: thread.on_cpu,
        })
    }

    fn process_view<'a>(&'a self, slot: usize, process: &'a Process) -> Option<TaskView<'a>> {
        let leader = process
            .leader
            .or_else(|| process.members.first().copied())?;
        let mut view = self.thread_view(slot, self.threads.get(leader)?)?;
        view.scope = Scope::Processes;
        view.last_on_cpu_ns = view.last_on_cpu_ns.max(process.ended_on_cpu_ns);
        for slot in &process.members {
            let Some(thread) = self.threads.get(*slot) else {
                continue;
            };
            if thread.end.is_none() {
                view.running |= thread.state == State::Running;
                view.in_iowait |= thread.in_iowait;
                view.on_cpu |= thread.on_cpu;
            }
            view.last_on_cpu_ns = view.last_on_cpu_ns.max(thread.last_on_cpu_ns);
        }
        Some(view)
    }
}

/// Values at places that stay theirs until they are removed.
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
    /// Puts a value into a free place and returns which.
    pub fn insert(&mut self, value: T) -> usize {
        if let Some(slot) = self.free.pop() {
            self.places[slot] = Some(value);
            return slot;
        }
        self.places.push(Some(value));
        self.places.len() - 1
    }

    /// Takes a value out.
    pub fn remove(&mut self, slot: usize) -> Option<T> {
        let value = self.places.get_mut(slot)?.take()?;
        self.free.push(slot);
        Some(value)
    }

    /// The value at a place.
    pub fn get(&self, slot: usize) -> Option<&T> {
        self.places.get(slot)?.as_ref()
    }

    /// The value at a place, to be changed.
    pub fn get_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.places.get_mut(slot)?.as_mut()
    }

    /// All values, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().flatten()
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }

    /// All values with their places, to be changed.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> {
        let places = self.places.iter_mut().enumerate();
        places.filter_map(|(slot, value)| Some((slot, value.as_mut()?)))
    }

    /// All values with their places.
    pub fn entries(&self) -> impl Iterator<Item = (usize, &T)> {
        self.places
            .iter()
            .enumerate()
            .filter_map(|(slot, value)| Some((slot, value.as_ref()?)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Values that cannot be in one: a place is told twice, or not at all.
#[derive(Debug, thiserror::Error)]
#[error("a place is taken twice")]
pub struct TakenTwice;

impl<T> Slots<T> {
    /// The free places in the order of their use.
    pub fn free(&self) -> &[usize] {
        &self.free
    }

    /// From values with their places, and the free places.
    ///
    /// # Errors
    ///
    /// When they are not each place once.
    pub fn from_parts(values: Vec<(usize, T)>, free: Vec<usize>) -> Result<Self, TakenTwice> {
        let mut places: Vec<Option<T>> = Vec::new();
        places.resize_with(values.len() + free.len(), || None);
        let mut are_free = vec![true; places.len()];
        for (slot, value) in values {
            let place = places.get_mut(slot).filter(|place| place.is_none());
            *place.ok_or(TakenTwice)? = Some(value);
            are_free[slot] = false;
        }
        let each_once = free.iter().all(|slot| {
            are_free
                .get_mut(*slot)
                .is_some_and(|is_free| std::mem::replace(is_free, false))
        });
        if !each_once {
            return Err(TakenTwice);
        }
        Ok(Self { places, free })
    }
}
