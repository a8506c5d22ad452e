use serde::{Deserialize, Serialize};

use rustc_hash::FxHashSet;

use super::{
    held::{of_it, sharers},
    world::World,
};
use crate::model::{Finding, Process, Rule, TaskId, bytes_text, duration_text};

/// Processes that use much memory.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Memory {
    large: FxHashSet<TaskId>,
    /// Whether to check all processes again: those of a keyframe were chosen with another
    /// threshold.
    #[serde(skip)]
    pub(super) checks_all: bool,
}

impl Memory {
    /// Checks all processes at the opening census, and later the processes that changed.
    pub(super) fn take(&mut self, world: World<'_>) {
        let Some(total) = world.snapshot.machine.mem_total_bytes else {
            return;
        };
        let thresholds = world.thresholds();
        let least = thresholds.memory_new.min(thresholds.memory_percent) / 100.0;
        let is_large = |process: &&Process| {
            process
                .held()
                .is_some_and(|size| size as f64 >= total as f64 * least)
        };
        let is_first = world.sample.complete && world.is_opening();
        if std::mem::take(&mut self.checks_all) || is_first {
            let all = world.snapshot.processes.iter().filter(is_large);
            self.large.extend(all.map(|process| process.id));
        }
        let some = world.changed().filter(is_large);
        self.large.extend(some.map(|process| process.id));
        self.large.retain(|id| {
            world
                .process(*id)
                .is_some_and(|process| process.end.is_none() && is_large(&process))
        });
    }

    pub(super) fn judge(&self, world: World<'_>, findings: &mut Vec<Finding>) {
        let Some(total) = world.snapshot.machine.mem_total_bytes else {
            return;
        };
        let large: Vec<&Process> = self
            .large
            .iter()
            .filter_map(|id| world.process(*id))
            .filter(|process| !world.is_hidden(process))
            .collect();
        for process in &large {
            let Some(size) = process.held() else { continue };
            let Some(sharers) = sharers(process, &large, world) else {
                continue;
            };
            let part = size as f64 / total.max(1) as f64;
            let began = world.snapshot.began_ns;
            let is_new = process.id.start_ns >= began;
            let threshold = match is_new {
                true => world.thresholds().memory_new,
                false => world.thresholds().memory_percent,
            };
            if part < threshold / 100.0 {
                continue;
            }
            let age = duration_text(world.now_ns().saturating_sub(process.id.start_ns));
            let since = if is_new {
                format!(", started {age} ago")
            } else {
                String::new()
            };
            findings.push(Finding {
                about: Some(process.id),
                dot: Some(process.id),
                comm: Some(world.snapshot.name_of(process)),
                count: sharers + 1,
                value: size as f64,
                unit: "bytes",
                since_ns: process.id.start_ns.max(began),
                text: format!(
                    "uses {}, {:.0} % of memory{}{since}",
                    bytes_text(size),
                    part * 100.0,
                    of_it(process, sharers)
                ),
                ..Finding::new(Rule::Memory)
            });
        }
    }
}
