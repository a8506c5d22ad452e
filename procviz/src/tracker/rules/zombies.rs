use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::world::World;
use crate::model::{Event, Notable, Rule, State, TaskId, duration_text};

const THRESHOLD: u64 = 20;

/// Dead processes that their parents do not reap.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Zombies {
    zombies: FxHashSet<TaskId>,
}

impl Zombies {
    pub(super) fn take(&mut self, world: World<'_>) {
        let found = world.sample.found.iter();
        self.zombies.extend(
            found
                .filter(|task| task.state == State::Zombie && task.id == task.process)
                .map(|task| task.id),
        );
        for event in &world.sample.events {
            if let Event::ProcessEnd(record) = event
                && record.zombie
            {
                self.zombies.insert(record.process);
            }
        }
        self.zombies.retain(|id| {
            world
                .process(*id)
                .is_some_and(|process| process.end.is_some_and(|end| end.zombie))
        });
    }

    pub(super) fn judge(&self, world: World<'_>, notables: &mut Vec<Notable>) {
        let mut parents: BTreeMap<u32, (u64, TaskId)> = BTreeMap::new();
        for id in &self.zombies {
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
            if count < THRESHOLD {
                continue;
            }
            let parent = world
                .snapshot
                .processes
                .iter()
                .find(|process| process.id.tid == ppid && process.end.is_none());
            let about = parent.map(|parent| parent.id);
            let age = duration_text(world.now_ns().saturating_sub(oldest.start_ns));
            notables.push(Notable {
                rule: Rule::Zombies,
                rank: 0,
                about,
                dot: about.or(Some(oldest)),
                comm: parent.map(|parent| world.name_of(parent)),
                count,
                value: count as f64,
                unit: "zombies",
                since_ns: oldest.start_ns,
                text: format!("has not reaped {count} children, the oldest began {age} ago"),
                curve: Vec::new(),
            });
        }
    }
}
