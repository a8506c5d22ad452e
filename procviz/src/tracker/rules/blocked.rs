use serde::{Deserialize, Serialize};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rustc_hash::{FxHashMap, FxHashSet};

use super::world::World;
use crate::model::{
    Comm, Event, Finding, Rule, State, TaskId, Untrusted, count_text, duration_text, many_text,
};

/// Many threads of one command and cgroup are reported after this part of the time.
const OF_MANY: f64 = 0.58;
const MANY: u64 = 5;
/// Upper limit for the commands that a text names.
const MOST_COMMANDS: usize = 3;
/// Longest name of a function of the kernel that is shown, bytes.
const MOST_PLACE: usize = 64;

/// Threads that are in an uninterruptible sleep for a long time.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Blocked {
    candidates: FxHashSet<TaskId>,
    /// Where each of them waits, if that is known.
    places: FxHashMap<TaskId, Arc<[u8]>>,
}

/// Blocked threads of one command and cgroup, or of several that wait at one place.
struct Fold<'a> {
    /// Number of threads of each command.
    comms: BTreeMap<Comm, u64>,
    /// Path of the cgroup; `None` if there are several, or if it is not known.
    cgroup: Option<&'a str>,
    count: u64,
    processes: BTreeSet<TaskId>,
    longest_ns: u64,
    first: TaskId,
    process: TaskId,
    /// Number of threads that wait at each place.
    places: BTreeMap<Arc<[u8]>, u64>,
}

impl Fold<'_> {
    /// The command with most threads; of several with as many the first by name.
    fn comm(&self) -> Comm {
        let most = self.comms.iter().rev().max_by_key(|(_, count)| **count);
        most.map(|(comm, _)| *comm).unwrap_or_default()
    }

    /// Where most of the threads wait.
    fn main_place(&self) -> Option<&Arc<[u8]>> {
        // Of equal counts the first in the order of the texts.
        let most = self.places.iter().rev().max_by_key(|(_, count)| **count);
        most.map(|(place, _)| place)
    }

    fn add(&mut self, other: Self) {
        for (comm, count) in other.comms {
            *self.comms.entry(comm).or_default() += count;
        }
        for (place, count) in other.places {
            *self.places.entry(place).or_default() += count;
        }
        self.cgroup = self.cgroup.filter(|own| other.cgroup == Some(*own));
        self.count += other.count;
        self.processes.extend(other.processes);
        let is_longer = other.longest_ns > self.longest_ns
            || (other.longest_ns == self.longest_ns && other.first < self.first);
        if is_longer {
            (self.longest_ns, self.first, self.process) =
                (other.longest_ns, other.first, other.process);
        }
    }

    /// The other commands: ` (20 × tar, 3 × rsync)`.
    fn commands(&self) -> String {
        if self.comms.len() == 1 {
            return String::new();
        }
        let mut comms: Vec<_> = self.comms.iter().collect();
        comms.sort_by_key(|(comm, count)| (std::cmp::Reverse(**count), **comm));
        let shown = comms.iter().take(MOST_COMMANDS);
        let mut words: Vec<_> = shown
            .map(|(comm, count)| many_text(**count, &comm.text().name()))
            .collect();
        if comms.len() > MOST_COMMANDS {
            words.push(format!("{} other commands", comms.len() - MOST_COMMANDS));
        }
        format!(" ({})", words.join(", "))
    }

    /// The text of the finding. `count` threads are blocked; if each process has one of
    /// them, the text says processes.
    fn text(&self) -> String {
        let longest = duration_text(self.longest_ns);
        let place = self.place();
        if self.count == 1 {
            return format!("blocked (D) for {longest}{place}");
        }
        let count = count_text(self.count);
        let tasks = match self.processes.len() as u64 {
            1 => format!("{count} threads"),
            processes if processes == self.count => format!("{count} processes"),
            processes => format!("{count} threads of {} processes", count_text(processes)),
        };
        let commands = self.commands();
        format!("{tasks}{commands} blocked (D), the longest for {longest}{place}")
    }

    /// Where most of the threads wait: `, in vfork (wait_for_vfork_done)`.
    fn place(&self) -> String {
        let most = self.main_place();
        let Some((place, count)) = most.and_then(|place| self.places.get_key_value(place)) else {
            return String::new();
        };
        // A recording can hold any text.
        let place = place.get(..MOST_PLACE).unwrap_or(place);
        let place = Untrusted::new(place).picture();
        match *count == self.count {
            true => format!(", in {place}"),
            false => format!(", {} of them in {place}", count_text(*count)),
        }
    }
}

impl Blocked {
    pub(super) fn take(&mut self, world: World<'_>) {
        let found = world.sample.found.iter().map(|task| (task.id, task.state));
        let read = world
            .sample
            .readings
            .iter()
            .map(|reading| (reading.id, reading.state));
        let events = world.sample.events.iter().filter_map(|event| match event {
            Event::State(id, state) => Some((*id, *state)),
            _ => None,
        });
        let blocked = found.chain(read).chain(events);
        self.candidates.extend(
            blocked
                .filter(|(_, state)| *state == State::Blocked)
                .map(|(id, _)| id),
        );
        self.candidates.retain(|id| {
            world
                .thread(*id)
                .is_some_and(|thread| thread.state == State::Blocked && thread.end.is_none())
        });
        for event in &world.sample.events {
            if let Event::Waits(id, place) = event {
                self.places.insert(*id, Arc::clone(place));
            }
        }
        self.places.retain(|id, _| self.candidates.contains(id));
    }

    pub(super) fn judge(&self, world: World<'_>, findings: &mut Vec<Finding>) {
        let now = world.now_ns();
        let threshold_ns = world.thresholds().blocked_seconds * 1e9;
        let (threshold_ns, of_many_ns) = (threshold_ns as u64, (threshold_ns * OF_MANY) as u64);
        let mut folds: BTreeMap<(Comm, Option<&str>), Fold> = BTreeMap::new();
        for id in &self.candidates {
            let Some(thread) = world.thread(*id).filter(|thread| !thread.hidden) else {
                continue;
            };
            let Some(process) = world.snapshot.processes.get(thread.process) else {
                continue;
            };
            let Some(since) = thread.last_on_cpu_ns else {
                continue;
            };
            let blocked_ns = now.saturating_sub(since);
            if blocked_ns < of_many_ns {
                continue;
            }
            let fold = folds
                .entry((world.snapshot.name_of(process), process.cgroup.as_deref()))
                .or_insert(Fold {
                    comms: BTreeMap::new(),
                    cgroup: process.cgroup.as_deref(),
                    count: 0,
                    processes: BTreeSet::new(),
                    longest_ns: 0,
                    first: *id,
                    process: process.id,
                    places: BTreeMap::new(),
                });
            fold.count += 1;
            *fold
                .comms
                .entry(world.snapshot.name_of(process))
                .or_default() += 1;
            if let Some(place) = self.places.get(id) {
                *fold.places.entry(Arc::clone(place)).or_default() += 1;
            }
            fold.processes.insert(process.id);
            if blocked_ns > fold.longest_ns || (blocked_ns == fold.longest_ns && *id < fold.first) {
                (fold.longest_ns, fold.first, fold.process) = (blocked_ns, *id, process.id);
            }
        }
        for fold in together(folds.into_values()) {
            if fold.longest_ns < threshold_ns && fold.count < MANY {
                continue;
            }
            let text = fold.text();
            findings.push(Finding {
                cgroup: fold.cgroup.map(Arc::from),
                about: Some(fold.process),
                dot: Some(fold.first),
                comm: Some(fold.comm()),
                count: fold.count,
                value: fold.longest_ns as f64 / 1e9,
                unit: "s",
                since_ns: now.saturating_sub(fold.longest_ns),
                text,
                ..Finding::new(Rule::Blocked)
            });
        }
    }
}

/// Puts together what waits at one place, if it is of several commands: they wait for the same
/// thing.
fn together<'a>(folds: impl Iterator<Item = Fold<'a>>) -> Vec<Fold<'a>> {
    let mut places: BTreeMap<Arc<[u8]>, Vec<Fold<'_>>> = BTreeMap::new();
    let mut all = Vec::new();
    for fold in folds {
        match fold.main_place().cloned() {
            Some(place) => places.entry(place).or_default().push(fold),
            None => all.push(fold),
        }
    }
    for folds in places.into_values() {
        let comms: BTreeSet<Comm> = folds.iter().map(Fold::comm).collect();
        if comms.len() == 1 {
            all.extend(folds);
            continue;
        }
        let sum = folds.into_iter().reduce(|mut sum, fold| {
            sum.add(fold);
            sum
        });
        all.extend(sum);
    }
    all
}
