use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::world::World;
use crate::model::{Event, Finding, Rule, State, TaskId, duration_text};

/// Zombies younger than this do not count, ns: a process that starts many processes
/// always has dead children that it is about to reap.
const PATIENCE_NS: u64 = 1_000_000_000;

/// Zombies: dead processes that their parents do not reap.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Zombies {
    /// The zombies, and since when each is known, ns since boot.
    zombies: FxHashMap<TaskId, u64>,
}

impl Zombies {
    pub(super) fn take(&mut self, world: World<'_>) {
        let now = world.now_ns();
        for task in &world.sample.found {
            if task.state == State::Zombie && task.id == task.process {
                self.zombies.entry(task.id).or_insert(now);
            }
        }
        for event in &world.sample.events {
            if let Event::ProcessEnd(record) = event
                && record.zombie
            {
                self.zombies.entry(record.process).or_insert(now);
            }
        }
        self.zombies.retain(|id, _| {
            world
                .process(*id)
                .is_some_and(|process| process.end.is_some_and(|end| end.zombie))
        });
    }

    pub(super) fn judge(&self, world: World<'_>, findings: &mut Vec<Finding>) {
        let mut parents: BTreeMap<u32, (u64, TaskId)> = BTreeMap::new();
        let old = world.now_ns().saturating_sub(PATIENCE_NS);
        for (id, _) in self.zombies.iter().filter(|(_, since)| **since <= old) {
            let Some(process) = world
                .process(*id)
                .filter(|process| !world.is_hidden(process))
            else {
                continue;
            };
            let (count, oldest) = parents.entry(process.ppid).or_insert((0, *id));
            *count += 1;
            if id.start_ns < oldest.start_ns {
                *oldest = *id;
            }
        }
        for (ppid, (count, oldest)) in parents {
            if (count as f64) < world.thresholds().zombies_count {
                continue;
            }
            let parent = world
                .snapshot
                .processes
                .iter()
                .find(|process| process.id.tid == ppid && process.end.is_none());
            let about = parent.map(|parent| parent.id);
            let age = duration_text(world.now_ns().saturating_sub(oldest.start_ns));
            findings.push(Finding {
                about,
                dot: about.or(Some(oldest)),
                comm: parent.map(|parent| world.snapshot.name_of(parent)),
                count,
                value: count as f64,
                unit: "zombies",
                since_ns: oldest.start_ns,
                text: format!("has not reaped {count} children; the oldest started {age} ago"),
                ..Finding::new(Rule::Zombies)
            });
        }
    }
}
