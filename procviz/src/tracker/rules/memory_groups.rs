//! Processes with one name and user that use much memory together.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{SECOND, groups::sums::ALONE, world::World};
use crate::model::{Comm, Finding, MemoryParts, Rule, TaskId, Together, bytes_text, total};

/// Time between two sums over all processes, ns: much memory is used for longer than this.
const EVERY_NS: u64 = 3 * SECOND;
/// A process with less is not counted, bytes.
const LEAST: u64 = 1 << 20;

/// The groups, and the time of the last sums, ns since boot.
#[derive(Default, Serialize, Deserialize)]
pub(in crate::tracker) struct MemoryGroups {
    groups: Vec<Group>,
    summed_ns: Option<u64>,
}

/// Processes with one name and user.
#[derive(Serialize, Deserialize)]
struct Group {
    name: (Comm, Option<u32>),
    count: u64,
    /// Private memory, bytes. Shared memory is left out: it would count several times.
    sum: u64,
    /// The process that has most, and the oldest, whose dot has the number.
    largest: (u64, TaskId),
    oldest: TaskId,
}

impl MemoryGroups {
    /// Sums up every three seconds, at times that do not depend on when procviz began.
    pub(super) fn take(&mut self, world: World<'_>) {
        let due = |now: u64| now / EVERY_NS;
        let now = world.now_ns();
        if self.summed_ns.map(due) != Some(due(now)) {
            self.summed_ns = Some(now);
            self.groups = groups(world);
        }
    }

    /// Adds findings about groups of which no process alone is the reason. They stand for the
    /// findings about their members.
    pub(super) fn judge(&self, world: World<'_>, findings: &mut Vec<Finding>) {
        let Some(total) = world.snapshot.machine.mem_total_bytes else {
            return;
        };
        for group in &self.groups {
            let part = group.sum as f64 / total.max(1) as f64;
            let (most, about) = group.largest;
            let is_one = group.count < 2 || most as f64 > group.sum as f64 * ALONE;
            if is_one || part < world.thresholds().memory_percent / 100.0 {
                continue;
            }
            findings.retain(|finding| {
                let about = finding.about.filter(|_| finding.rule == Rule::Memory);
                let process = about.and_then(|about| world.process(about));
                let is_other = process.is_none_or(|process| world.group(process) != group.name);
                // One with much shared memory can have more than all have of their own.
                is_other || finding.value >= group.sum as f64
            });
            findings.push(Finding {
                about: Some(about),
                dot: Some(group.oldest),
                comm: Some(group.name.0),
                uid: group.name.1,
                together: Some(Together::Command),
                count: group.count,
                value: group.sum as f64,
                unit: "bytes",
                since_ns: world.snapshot.began_ns.max(group.oldest.start_ns),
                text: format!(
                    "together use {}, {:.0} % of memory, on average {} each",
                    bytes_text(group.sum),
                    part * 100.0,
                    bytes_text(group.sum / group.count)
                ),
                ..Finding::new(Rule::Memory)
            });
        }
    }
}

fn groups(world: World<'_>) -> Vec<Group> {
    let mut groups: FxHashMap<(Comm, Option<u32>), Group> = FxHashMap::default();
    let living = world.snapshot.processes.iter();
    let living = living.filter(|process| process.end.is_none() && !world.is_hidden(process));
    for process in living {
        let private = process.parts.map(MemoryParts::private);
        let Some(private) = private.filter(|private| *private >= LEAST) else {
            continue;
        };
        let name = world.group(process);
        let group = groups.entry(name).or_insert_with(|| Group {
            name,
            count: 0,
            sum: 0,
            largest: (private, process.id),
            oldest: process.id,
        });
        group.count += 1;
        group.sum = total([group.sum, private]);
        group.largest = group.largest.max((private, process.id));
        group.oldest = std::cmp::min_by_key(group.oldest, process.id, |id| id.by_start());
    }
    groups.into_values().collect()
}
