use serde::{Deserialize, Serialize};

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{SECOND, world::World};
use crate::model::{Event, Finding, Rule, TaskId, count_text, duration_text, total};

const SPAN_NS: u64 = 10 * SECOND;
/// Shortest time after which a steady stream of new threads is judged, ns.
const SHORTEST_NS: u64 = 3 * SECOND - SECOND / 10;

/// Creation is over after this time without a new thread, ns.
const QUIET_NS: u64 = 3 * SECOND;

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
            let threshold = threshold(made, world);
            let shown = world
                .process(*id)
                .filter(|process| !world.is_hidden(process));
            let Some(process) = shown.filter(|_| count >= threshold) else {
                continue;
            };
            let first = made.front().map_or(0, |(time, _)| *time);
            // How long the creation took, not how long ago it was.
            let last = made.back().map_or(0, |(time, _)| *time);
            let span = last.saturating_sub(first) + world.snapshot.stamp.interval_ns;
            let ended_ns = world.ended(last, QUIET_NS);
            findings.push(Finding {
                about: Some(*id),
                dot: Some(*id),
                comm: Some(world.snapshot.name_of(process)),
                count,
                value: count as f64,
                unit: "threads",
                since_ns: first,
                ended_ns,
                text: format!(
                    "created {} {}threads within {}{}, now has {}",
                    count_text(count),
                    if u64::from(process.threads) < count / 2 {
                        "short-lived "
                    } else {
                        ""
                    },
                    duration_text(span.min(SPAN_NS)),
                    world.ago(", ", ended_ns),
                    count_text(u64::from(process.threads))
                ),
                curve: made.iter().map(|(_, count)| *count as f32).collect(),
                ..Finding::new(Rule::Threads)
            });
        }
    }
}

/// The number of new threads that is worth a word. As long as procviz has watched for a
/// shorter time, as many in proportion, if they came one after the other.
fn threshold(made: &VecDeque<(u64, u64)>, world: World<'_>) -> u64 {
    let watched_ns = world.snapshot.watched_ns();
    let all = world.thresholds().threads_count.ceil() as u64;
    let is_steady = made.len() >= 3 && made.iter().all(|(_, count)| *count * 5 >= made[0].1);
    match (SHORTEST_NS..SPAN_NS).contains(&watched_ns) && is_steady {
        true => all.saturating_mul(watched_ns) / SPAN_NS,
        false => all,
    }
}
