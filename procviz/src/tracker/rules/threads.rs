use serde::{Deserialize, Serialize};

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{SECOND, world::World};
use crate::model::{Event, Finding, Rule, TaskId, count_text, duration_text, total};

const SPAN_NS: u64 = 10 * SECOND;
const THRESHOLD: u64 = 100;

/// Processes that create many threads.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Threads {
    made: FxHashMap<TaskId, VecDeque<(u64, u64)>>,
}

impl Threads {
    pub(super) fn take(&mut self, world: World<'_>) {
        let now = world.now_ns();
        for event in &world.sample.events {
            if let Event::Fork(fork) = event
                && fork.id != fork.process
                && !world.is_opening()
            {
                let made = self.made.entry(fork.process).or_default();
                match made.back_mut().filter(|(time, _)| *time == now) {
                    Some((_, count)) => *count += 1,
                    None => made.push_back((now, 1)),
                }
            }
        }
        self.made.retain(|_, made| {
            while made
                .front()
                .is_some_and(|(time, _)| now.saturating_sub(*time) > SPAN_NS)
            {
                made.pop_front();
            }
            !made.is_empty()
        });
    }

    pub(super) fn judge(&self, world: World<'_>, findings: &mut Vec<Finding>) {
        for (id, made) in &self.made {
            let count = total(made.iter().map(|(_, count)| *count));
            let shown = world
                .process(*id)
                .filter(|process| !world.is_hidden(process));
            let Some(process) = shown.filter(|_| count >= THRESHOLD) else {
                continue;
            };
            let first = made.front().map_or(0, |(time, _)| *time);
            // How long the creation took, not how long ago it was.
            let last = made.back().map_or(0, |(time, _)| *time);
            let span = last.saturating_sub(first) + world.snapshot.stamp.interval_ns;
            findings.push(Finding {
                rule: Rule::Threads,
                rank: 0,
                cgroup: None,
                about: Some(*id),
                dot: Some(*id),
                comm: Some(world.snapshot.name_of(process)),
                count,
                value: count as f64,
                unit: "threads",
                since_ns: first,
                text: format!(
                    "created {} threads within {}, now has {}",
                    count_text(count),
                    duration_text(span.min(SPAN_NS)),
                    count_text(u64::from(process.threads))
                ),
                curve: made.iter().map(|(_, count)| *count as f32).collect(),
            });
        }
    }
}
