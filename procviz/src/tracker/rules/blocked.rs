use serde::{Deserialize, Serialize};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rustc_hash::{FxHashMap, FxHashSet};

use super::world::World;
use crate::model::{
    Comm, Event, Finding, Rule, State, TaskId, Untrusted, count_text, duration_text,
};

/// Many threads of one command and cgroup are reported after this part of the time.
const OF_MANY: f64 = 0.58;
const MANY: u64 = 5;
/// Longest name of a function of the kernel that is shown, bytes.
const MOST_PLACE: usize = 64;

/// Threads that are in an uninterruptible sleep for a long time.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Blocked {
    candidates: FxHashSet<TaskId>,
    /// Where each of them waits, if that is known.
    places: FxHashMap<TaskId, Arc<[u8]>>,
}

/// Blocked threads of one command and cgroup.
struct Fold {
    count: u64,
    processes: BTreeSet<TaskId>,
    longest_ns: u64,
    first: TaskId,
    process: TaskId,
    /// Number of threads that wait at each place.
    places: BTreeMap<Arc<[u8]>, u64>,
}

impl Fold {
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
        format!("{tasks} blocked (D), the longest for {longest}{place}")
    }

    /// Where most of the threads wait: `, in vfork (wait_for_vfork_done)`.
    fn place(&self) -> String {
        // Of equal counts the first in the order of the texts.
        let most = self.places.iter().rev().max_by_key(|(_, count)| **count);
        let Some((place, count)) = most else {
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
                    count: 0,
                    processes: BTreeSet::new(),
                    longest_ns: 0,
                    first: *id,
                    process: process.id,
                    places: BTreeMap::new(),
                });
            fold.count += 1;
            if let Some(place) = self.places.get(id) {
                *fold.places.entry(Arc::clone(place)).or_default() += 1;
            }
            fold.processes.insert(process.id);
            if blocked_ns > fold.longest_ns || (blocked_ns == fold.longest_ns && *id < fold.first) {
                (fold.longest_ns, fold.first, fold.process) = (blocked_ns, *id, process.id);
            }
        }
        for ((comm, cgroup), fold) in folds {
            if fold.longest_ns < threshold_ns && fold.count < MANY {
                continue;
            }
            let text = fold.text();
            findings.push(Finding {
                cgroup: cgroup.map(Arc::from),
                about: Some(fold.process),
                dot: Some(fold.first),
                comm: Some(comm),
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
