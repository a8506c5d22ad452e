//! Follows interesting tasks through time: CPU time since the task was first seen,
//! and resident set. A recording stores the new points of each half minute (a
//! stretch), so that a reader knows the past without reading all samples.

mod trail;

use rustc_hash::{FxHashMap, FxHashSet};

pub use self::trail::{Point, Step, Trail, TrailTask};
use self::trail::{before, is_interesting};
use crate::model::{Scope, Snapshot, TaskId, TaskView};

/// Upper limit for the trails of exited tasks.
const MOST_DEAD: usize = 200;
/// Length of a stretch, ns; stretches begin at multiples of this since boot. Points of
/// the current stretch are thinned only if there is no room.
const STRETCH_NS: u64 = 30_000_000_000;
/// Upper limit for the points of all trails; no real machine needs more.
const MOST_POINTS: usize = 2_000_000;
/// Upper limit for recalled trails, summed over the stretches: a week with 2,000 trails.
const MOST_LOOKED_AT: usize = 40_000_000;

/// The points that all trails got in half a minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// Whether the trails are of processes; else they are of threads.
    pub of_processes: bool,
    /// Time at which following began, ns since boot.
    pub began_ns: u64,
    /// Times of the last sample before the stretch and of its own last sample, ns
    /// since boot.
    pub span_ns: (u64, u64),
    /// CPU time, ns, of the tasks that existed when following began; only in the first
    /// stretch.
    pub first: Vec<(TaskId, u64)>,
    /// The new points of each trail, ordered by task id.
    pub steps: Vec<Step>,
}

/// The trails of all tasks of a scope.
#[derive(Clone, Debug)]
pub struct Trails {
    scope: Scope,
    /// Time of the first sample, ns since boot.
    began_ns: Option<u64>,
    /// Time of the last sample, ns since boot.
    last_ns: u64,
    /// Time of the last sample of the previous stretch, ns since boot.
    settled_ns: u64,
    /// Time of the last sample in the recalled stretches, ns since boot; 0: none, or
    /// newer samples came.
    recalled_ns: u64,
    /// CPU time of the tasks that existed when following began, ns.
    first: FxHashMap<TaskId, u64>,
    first_is_written: bool,
    trails: FxHashMap<TaskId, Trail>,
}

/// The trails of threads and of processes.
#[derive(Clone, Debug)]
pub struct Past([Trails; 2]);

/// The stretches of a recording are inconsistent.
#[derive(Debug, thiserror::Error)]
#[error("the trails in the recording are inconsistent")]
pub struct Broken;

impl Trails {
    /// Makes an empty set of trails.
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            began_ns: None,
            last_ns: 0,
            settled_ns: 0,
            recalled_ns: 0,
            first: FxHashMap::default(),
            first_is_written: false,
            trails: FxHashMap::default(),
        }
    }

    /// Begins with the tasks of a snapshot, without the changes of the interval
    /// before it.
    pub fn from_census(scope: Scope, snapshot: &Snapshot) -> Self {
        let mut trails = Self::new(scope);
        trails.found(snapshot, |task| task.cpu_ns());
        trails
    }

    fn found(&mut self, snapshot: &Snapshot, used: fn(&TaskView<'_>) -> u64) {
        let now = snapshot.stamp.boot_ns;
        let tasks = snapshot.tasks(self.scope);
        let used = tasks.map(|task| (task.id(), used(&task)));
        self.first = used.filter(|(_, cpu_ns)| *cpu_ns > 0).collect();
        self.began_ns = Some(now);
        (self.last_ns, self.settled_ns) = (now, now);
    }

    /// The scope of the trails: threads or processes.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Time of the first sample, ns since boot.
    pub fn began_ns(&self) -> Option<u64> {
        self.began_ns
    }

    /// All trails with their task ids, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (TaskId, &Trail)> {
        self.trails.iter().map(|(id, trail)| (*id, trail))
    }

    /// The trail of a task; `None` if there is none.
    pub fn get(&self, id: TaskId) -> Option<&Trail> {
        self.trails.get(&id)
    }

    /// Number of trails.
    pub fn len(&self) -> usize {
        self.trails.len()
    }

    /// Whether there is no trail.
    pub fn is_empty(&self) -> bool {
        self.trails.is_empty()
    }

    /// Adds a snapshot to the trails. Call this for every snapshot, including the
    /// first. Returns the previous stretch if this snapshot begins a new one. The
    /// cost depends on the changes and on the number of trails.
    pub fn observe(&mut self, snapshot: &Snapshot) -> Option<Stretch> {
        let now = snapshot.stamp.boot_ns;
        let Some(began) = self.began_ns else {
            self.found(snapshot, before);
            if snapshot.tick > 1 {
                // The interval before the first snapshot is known, too.
                let began = now.saturating_sub(snapshot.stamp.interval_ns);
                self.began_ns = Some(began);
                self.begin(snapshot, began);
            }
            return None;
        };
        if now == self.last_ns || now <= self.recalled_ns {
            return None;
        }
        if now < self.last_ns {
            // The time went back: this is another boot of the machine.
            *self = Self::new(self.scope);
            return self.observe(snapshot);
        }
        let is_over = now / STRETCH_NS != self.last_ns / STRETCH_NS;
        let stretch = is_over.then(|| self.settle(began));
        self.last_ns = now;
        self.recalled_ns = 0;
        self.go_on(snapshot);
        if snapshot.tick > 1 {
            self.begin(snapshot, began);
        }
        stretch
    }

    /// Adds a point to each trail whose task is in the snapshot.
    fn go_on(&mut self, snapshot: &Snapshot) {
        let is_lost = |trail: &Trail| trail.slot.is_none() && !trail.is_over;
        if self.trails.values().any(is_lost) {
            for task in snapshot.tasks(self.scope) {
                if let Some(trail) = self.trails.get_mut(&task.id()) {
                    trail.slot = Some(task.slot);
                }
            }
        }
        let named = named(snapshot);
        let began = self.began_ns.unwrap_or_default();
        for (id, trail) in &mut self.trails {
            let slot = trail.slot.filter(|_| !trail.is_over);
            let task = slot.and_then(|slot| snapshot.task_at(self.scope, slot));
            // The end counts also if a filter hides the dead.
            let counts = |task: &TaskView<'_>| !task.thread.hidden || task.end().is_some();
            let Some(task) = task.filter(|task| task.id() == *id && counts(task)) else {
                trail.slot = None;
                continue;
            };
            let first = trail.first;
            let first = first.unwrap_or_else(|| first_of(&self.first, &task, began));
            trail.add(&task, first, named.contains(id));
        }
    }

    /// Begins trails for the tasks that have become interesting.
    fn begin(&mut self, snapshot: &Snapshot, began: u64) {
        let named = named(snapshot);
        let mut new: Vec<usize> = Vec::new();
        for slot in &snapshot.changed {
            let Some(process) = snapshot.processes.get(*slot) else {
                continue;
            };
            let slots = match self.scope {
                Scope::Processes => std::slice::from_ref(slot),
                Scope::Threads => process.members.as_slice(),
            };
            new.extend(slots);
        }
        let is_unknown = |id: &TaskId| !self.trails.contains_key(id);
        if named.iter().any(is_unknown) {
            let tasks = snapshot.tasks(self.scope);
            let tasks = tasks.filter(|task| named.contains(&task.id()));
            new.extend(tasks.map(|task| task.slot));
        }
        for slot in new {
            let Some(task) = snapshot.task_at(self.scope, slot) else {
                continue;
            };
            let id = task.id();
            let is_named = named.contains(&id);
            if task.thread.hidden
                || self.trails.contains_key(&id)
                || !is_interesting(&task, is_named)
            {
                continue;
            }
            let first = first_of(&self.first, &task, began);
            let mut trail = Trail::new(&task, first, began, snapshot);
            trail.add(&task, first, is_named);
            self.trails.insert(id, trail);
        }
    }

    /// Ends the current stretch: thins its points and returns them.
    fn settle(&mut self, began_ns: u64) -> Stretch {
        let mut steps: Vec<Step> = Vec::new();
        for (id, trail) in &mut self.trails {
            if let Some(points) = trail.settle() {
                steps.push(Step {
                    id: *id,
                    who: trail.who.clone(),
                    interest: trail.interest,
                    is_over: trail.is_over,
                    points,
                });
            }
        }
        self.forget_the_least();
        for step in &mut steps {
            // The trail was removed. A reader removes it, too, and needs only its last
            // point for that.
            if !self.trails.contains_key(&step.id) {
                step.points.drain(..step.points.len().saturating_sub(1));
            }
        }
        steps.sort_by_key(|step| step.id);
        let first = match std::mem::replace(&mut self.first_is_written, true) {
            true => Vec::new(),
            false => {
                let mut first: Vec<_> = self.first.iter().map(|(id, ns)| (*id, *ns)).collect();
                first.sort_unstable();
                first
            }
        };
        let before = std::mem::replace(&mut self.settled_ns, self.last_ns);
        Stretch {
            of_processes: self.scope == Scope::Processes,
            began_ns,
            span_ns: (before, self.last_ns),
            first,
            steps,
        }
    }

    /// Adds a stretch of a recording, as if its samples had been observed.
    fn append(&mut self, stretch: &Stretch) -> Result<(), Broken> {
        let goes_on = match self.began_ns {
            None => stretch.span_ns.0 == stretch.began_ns,
            Some(began) => began == stretch.began_ns && stretch.span_ns.0 == self.last_ns,
        };
        if !goes_on || stretch.span_ns.1 < stretch.span_ns.0 {
            return Err(Broken);
        }
        self.began_ns = Some(stretch.began_ns);
        self.first.extend(stretch.first.iter().copied());
        self.first_is_written = true;
        let end = stretch.span_ns.1;
        (self.last_ns, self.settled_ns, self.recalled_ns) = (end, end, end);
        for step in &stretch.steps {
            let trail = self.trails.entry(step.id).or_default();
            trail.append(step);
        }
        self.forget_the_least();
        let points: usize = self.trails.values().map(|trail| trail.points.len()).sum();
        if points > MOST_POINTS {
            return Err(Broken);
        }
        Ok(())
    }

    /// Limits the trails of exited tasks: removes the trails with the least CPU time.
    fn forget_the_least(&mut self) {
        let dead = self.trails.iter().filter(|(_, trail)| trail.is_over);
        let used = |trail: &Trail| trail.points.last().map_or(0, |point| point.cpu_ns);
        let mut dead: Vec<(u64, TaskId)> = dead.map(|(id, trail)| (used(trail), *id)).collect();
        dead.sort_unstable_by(|a, b| b.cmp(a));
        for (_, id) in dead.into_iter().skip(MOST_DEAD) {
            self.trails.remove(&id);
        }
    }
}

impl Stretch {
    /// The stretch without arguments, which can hold secrets.
    #[must_use]
    pub fn without_args(mut self) -> Self {
        for step in &mut self.steps {
            step.who.args = None;
        }
        self
    }
}

/// Rebuilds the trails of a recording from all its stretches, in order. The result
/// is the same as after observing all samples.
pub struct TrailsBuilder {
    threads: Trails,
    processes: Trails,
    /// Number of trails, summed over the stretches: each stretch scans all trails.
    looked_at: usize,
}

impl TrailsBuilder {
    /// Starts before the first stretch.
    #[expect(
        clippy::new_without_default,
        reason = "a `TrailsBuilder` is a builder, not a value"
    )]
    pub fn new() -> Self {
        let [threads, processes] = [Scope::Threads, Scope::Processes].map(Trails::new);
        Self {
            threads,
            processes,
            looked_at: 0,
        }
    }

    /// Takes the next stretch.
    ///
    /// # Errors
    ///
    /// If a stretch before this one is missing, or if the stretches exceed a limit.
    pub fn take(&mut self, stretch: &Stretch) -> Result<(), Broken> {
        let trails = match stretch.of_processes {
            false => &mut self.threads,
            true => &mut self.processes,
        };
        trails.append(stretch)?;
        self.looked_at += trails.len();
        if self.looked_at > MOST_LOOKED_AT {
            return Err(Broken);
        }
        Ok(())
    }

    /// Returns the trails up to the last stretch. Later samples continue them.
    ///
    /// # Errors
    ///
    /// If a stretch is missing.
    pub fn finish(self) -> Result<Past, Broken> {
        let Self {
            threads, processes, ..
        } = self;
        let is_whole = threads.began_ns.is_some() && threads.last_ns == processes.last_ns;
        is_whole.then_some(Past([threads, processes])).ok_or(Broken)
    }
}

impl Past {
    /// Rebuilds the trails from all stretches.
    #[cfg(test)]
    pub(crate) fn recalled(stretches: &[Stretch]) -> Result<Self, Broken> {
        let mut builder = TrailsBuilder::new();
        stretches
            .iter()
            .try_for_each(|stretch| builder.take(stretch))?;
        builder.finish()
    }

    /// The trails of a scope.
    pub fn of(&self, scope: Scope) -> &Trails {
        let [threads, processes] = &self.0;
        match scope {
            Scope::Threads => threads,
            Scope::Processes => processes,
        }
    }

    /// Time of the last sample in the trails, ns since boot.
    pub fn until_ns(&self) -> u64 {
        self.0[0].last_ns
    }
}

/// Ids of the processes that findings are about.
fn named(snapshot: &Snapshot) -> FxHashSet<TaskId> {
    let findings = snapshot.findings.iter();
    findings.filter_map(|finding| finding.about).collect()
}

/// CPU time of a task when it was first seen, ns.
fn first_of(first: &FxHashMap<TaskId, u64>, task: &TaskView<'_>, began: u64) -> u64 {
    let id = task.id();
    let is_younger = id.start_ns > began;
    let known = first.get(&id).copied();
    known.unwrap_or(if is_younger { 0 } else { before(task) })
}
