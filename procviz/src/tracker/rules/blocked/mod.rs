use serde::{Deserialize, Serialize};

use std::{collections::BTreeMap, sync::Arc};

use rustc_hash::{FxHashMap, FxHashSet};

mod fold;
mod open_on;
mod place;

use self::fold::{Fold, together};
use super::world::World;
use crate::model::{Comm, Event, Finding, Rule, State, TaskId, mount_only};

/// Many threads of one command and cgroup are reported after this part of the time.
const OF_MANY: f64 = 0.58;
const MANY: u64 = 5;

/// Threads that are in an uninterruptible sleep for a long time.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Blocked {
    candidates: FxHashSet<TaskId>,
    /// Where each of them waits, if that is known.
    places: FxHashMap<TaskId, Arc<[u8]>>,
    /// On which mount the process of each of them has files open, if that is known.
    open_on: FxHashMap<TaskId, Arc<[u8]>>,
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
            let (known, id, text) = match event {
                Event::Waits(id, place) => (&mut self.places, id, place),
                Event::OpenOn(id, on) => (&mut self.open_on, id, on),
                _ => continue,
            };
            known.insert(*id, Arc::clone(text));
        }
        if world.settings.hides_files {
            for on in self.open_on.values_mut() {
                *on = mount_only(on);
            }
        }
        for known in [&mut self.places, &mut self.open_on] {
            known.retain(|id, _| self.candidates.contains(id));
        }
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
            let key = (world.snapshot.name_of(process), process.cgroup.as_deref());
            let fold = folds.entry(key).or_insert_with(|| Fold::new(key, *id));
            let waits = (self.places.get(id), self.open_on.get(id));
            fold.add_thread(key.0, (*id, process.id), blocked_ns, waits);
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
                comm: fold.comm(),
                other_names: fold.other_comms(),
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
