use serde::{Deserialize, Serialize};

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{SECOND, world::World};
use crate::model::{Event, Finding, Rule, TaskId, count_text, duration_text};

const SPAN_NS: u64 = 10 * SECOND;
const CURVE_POINTS: usize = 60;
/// Upper limit for the stored living descendants; a machine has room for few more.
const MOST: usize = 500_000;

/// Descendants of one ancestor whose number grows fast.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Tree {
    /// For each process created since the run began: the nearest ancestor that was
    /// older than the window when the process was created.
    anchors: FxHashMap<TaskId, TaskId>,
    counts: FxHashMap<TaskId, Count>,
}

#[derive(Default, Serialize, Deserialize)]
struct Count {
    living: u64,
    /// Start times of the descendants created within the window, ns since boot.
    starts: VecDeque<u64>,
    curve: VecDeque<f32>,
}

impl Tree {
    pub(super) fn take(&mut self, world: World<'_>) {
        if world.is_opening() {
            return;
        }
        for event in &world.sample.events {
            match event {
                Event::Fork(fork)
                    if fork.id == fork.process
                        && !fork.kthread
                        && world.filter.shows_fork(fork)
                        && self.anchors.len() < MOST =>
                {
                    let is_young = fork.id.start_ns.saturating_sub(fork.parent.start_ns) < SPAN_NS;
                    let anchor = self
                        .anchors
                        .get(&fork.parent)
                        .copied()
                        .filter(|_| is_young)
                        .unwrap_or(fork.parent);
                    self.anchors.insert(fork.id, anchor);
                    let count = self.counts.entry(anchor).or_default();
                    count.living += 1;
                    count.starts.push_back(fork.id.start_ns);
                }
                Event::ProcessEnd(record) => {
                    if let Some(anchor) = self.anchors.remove(&record.process)
                        && let Some(count) = self.counts.get_mut(&anchor)
                    {
                        count.living = count.living.saturating_sub(1);
                    }
                }
                _ => {}
            }
        }
        if world.sample.complete {
            self.forget_the_gone(world);
        }
        let now = world.now_ns();
        self.counts.retain(|_, count| {
            while count
                .starts
                .front()
                .is_some_and(|start| now.saturating_sub(*start) > SPAN_NS)
            {
                count.starts.pop_front();
            }
            count.curve.push_back(count.living as f32);
            if count.curve.len() > CURVE_POINTS {
                count.curve.pop_front();
            }
            count.living > 0
        });
    }

    /// After a loss: stops counting processes whose exit was not seen.
    fn forget_the_gone(&mut self, world: World<'_>) {
        self.anchors.retain(|id, anchor| {
            let is_alive = world
                .process(*id)
                .is_some_and(|process| process.end.is_none());
            if !is_alive && let Some(count) = self.counts.get_mut(anchor) {
                count.living = count.living.saturating_sub(1);
            }
            is_alive
        });
    }

    pub(super) fn judge(&self, world: World<'_>, findings: &mut Vec<Finding>) {
        for (anchor, count) in &self.counts {
            let new = (count.starts.len() as u64).min(count.living);
            // Doubled: as many descendants are new as were there before.
            if (count.living as f64) < world.thresholds().tree_count
                || new < count.living.div_ceil(2)
            {
                continue;
            }
            let comm = world.name(*anchor);
            let span = duration_text(SPAN_NS.min(world.snapshot.watched_ns()));
            let lost = if world.snapshot.losses.fork > 0 {
                "; forks were lost, there can be more"
            } else {
                ""
            };
            findings.push(Finding {
                about: Some(*anchor),
                dot: Some(*anchor),
                comm,
                count: count.living,
                value: count.living as f64,
                unit: "descendants",
                since_ns: count.starts.front().copied().unwrap_or(0),
                text: format!(
                    "{} descendants alive, {} of them started within {span}{lost}",
                    count_text(count.living),
                    count_text(new)
                ),
                curve: count.curve.iter().copied().collect(),
                ..Finding::new(Rule::Tree)
            });
        }
    }
}
