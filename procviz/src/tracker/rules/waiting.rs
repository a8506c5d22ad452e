use serde::{Deserialize, Serialize};

use std::collections::{BTreeMap, VecDeque};

use rustc_hash::FxHashMap;

use super::{SECOND, world::World};
use crate::model::{Comm, Finding, Process, Rule, TaskId, duration_text, total};

const SPAN_NS: u64 = 3 * SECOND;
/// Lower limit for a single wait, ns.
const BURST_NS: u64 = SECOND / 10;
/// Lower limit for the sum of all waits of the process in the same interval, ns. The
/// host of a virtual machine can cause a single wait.
const TOGETHER_NS: u64 = SECOND / 2;
/// A thread that runs or waits for a CPU for this share of the time always has work.
const ALWAYS: f64 = 0.8;
/// How long a burst is shown, ns.
const SHOWN_NS: u64 = 10 * SECOND;

/// Processes with runnable threads that get no CPU.
#[derive(Default, Serialize, Deserialize)]
pub(in crate::tracker) struct Waiting {
    processes: FxHashMap<TaskId, VecDeque<Wait>>,
}

/// Waits of a process in one interval.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Wait {
    time_ns: u64,
    interval_ns: u64,
    wait_ns: u64,
    longest_ns: u64,
    /// CPU time and waits of the threads that always had work, while all CPUs were busy.
    wanted_ns: u64,
}

/// Processes with the same name.
struct Fold {
    count: u64,
    worst: Found,
    about: TaskId,
    curve: Vec<f32>,
    /// What the worst one waited before.
    life: String,
}

#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Found {
    Burst(u64),
    Part(f64),
}

impl Waiting {
    pub(super) fn take(&mut self, world: World<'_>) {
        for process in world.changed_and_shown() {
            self.add(world, process);
        }
    }

    fn add(&mut self, world: World<'_>, process: &Process) {
        let change = process.change;
        let Some(wait_ns) = change.wait_ns.filter(|_| !world.is_opening()) else {
            return;
        };
        if wait_ns < world.snapshot.stamp.interval_ns / 100
            && !self.processes.contains_key(&process.id)
        {
            return;
        }
        self.processes
            .entry(process.id)
            .or_default()
            .push_back(Wait {
                time_ns: world.now_ns(),
                interval_ns: world.snapshot.stamp.interval_ns,
                wait_ns,
                longest_ns: change.wait_max_ns.unwrap_or(0),
                wanted_ns: wanted_ns(world, process),
            });
    }

    /// The number of CPUs that the threads of a process would have used in the last seconds
    /// if CPUs had been free; 0 if its threads do not wait, or do not always have work.
    pub(super) fn wanted(&self, process: TaskId, now_ns: u64) -> f64 {
        let waits = self.processes.get(&process).into_iter().flatten();
        let recent = waits.filter(|wait| now_ns.saturating_sub(wait.time_ns) < SPAN_NS);
        let span_ns = total(recent.clone().map(|wait| wait.interval_ns)).max(SPAN_NS);
        total(recent.map(|wait| wait.wanted_ns)) as f64 / span_ns as f64
    }

    /// How long the threads of each process waited in the last seconds, as an average number
    /// of threads that wait.
    pub(super) fn waiters(&self, now_ns: u64) -> impl Iterator<Item = (TaskId, f64)> {
        self.processes.iter().map(move |(id, waits)| {
            let recent = waits.iter();
            let recent = recent.filter(|wait| now_ns.saturating_sub(wait.time_ns) < SPAN_NS);
            let span_ns = total(recent.clone().map(|wait| wait.interval_ns)).max(SPAN_NS);
            let waited_ns = total(recent.map(|wait| wait.wait_ns));
            (*id, waited_ns as f64 / span_ns as f64)
        })
    }

    pub(super) fn judge(&mut self, world: World<'_>, findings: &mut Vec<Finding>) {
        let now = world.now_ns();
        self.processes.retain(|id, waits| {
            while waits
                .front()
                .is_some_and(|wait| now.saturating_sub(wait.time_ns) > SHOWN_NS)
            {
                waits.pop_front();
            }
            !waits.is_empty()
                && world
                    .process(*id)
                    .is_some_and(|process| process.end.is_none())
        });
        let mut folds: BTreeMap<Comm, Fold> = BTreeMap::new();
        for (id, waits) in &self.processes {
            let Some(process) = world
                .process(*id)
                .filter(|process| !world.is_hidden(process))
            else {
                continue;
            };
            let Some(found) = find(
                waits,
                (now, world.snapshot.watched_ns()),
                world.thresholds().waiting_threads,
            ) else {
                continue;
            };
            let own = || Fold {
                count: 0,
                worst: found,
                about: *id,
                curve: curve(waits),
                life: life(world, process, (found, waits)),
            };
            let name = world.snapshot.name_of(process);
            let fold = folds.entry(name).or_insert_with(own);
            if found > fold.worst || (found == fold.worst && *id < fold.about) {
                *fold = Fold {
                    count: fold.count,
                    ..own()
                };
            }
            fold.count += 1;
        }
        let since_ns = now.saturating_sub(SPAN_NS);
        findings.extend(
            folds
                .into_iter()
                .map(|(comm, fold)| fold.finding(comm, since_ns)),
        );
    }
}

impl Fold {
    fn finding(self, comm: Comm, since_ns: u64) -> Finding {
        let what = match self.worst {
            Found::Part(part) => {
                let life = self.life;
                format!("on average {part:.1} threads waited for a CPU (3 s){life}")
            }
            Found::Burst(longest) => {
                format!("one wait for a CPU took {}", duration_text(longest))
            }
        };
        let text = if self.count == 1 {
            what
        } else {
            format!("{} processes; the worst: {what}", self.count)
        };
        let (value, unit) = match self.worst {
            Found::Part(part) => (part, "threads"),
            Found::Burst(longest) => (longest as f64 / 1e9, "s"),
        };
        Finding {
            about: Some(self.about),
            dot: Some(self.about),
            comm: Some(comm),
            count: self.count,
            value,
            unit,
            since_ns,
            text,
            curve: self.curve,
            ..Finding::new(Rule::Waiting)
        }
    }
}

/// CPU time and waits of the threads of a process that always had work.
fn wanted_ns(world: World<'_>, process: &Process) -> u64 {
    if world.snapshot.saturated().is_none() {
        return 0;
    }
    let snapshot = world.snapshot;
    let threads = process.members.iter();
    let threads = threads.filter_map(|slot| snapshot.threads.get(*slot));
    let runnable = threads.filter_map(|thread| {
        let change = thread.change;
        let runnable_ns = change.cpu_ns.saturating_add(change.wait_ns?);
        let most_ns = snapshot.stamp.interval_ns;
        (change.tick == snapshot.tick).then_some(runnable_ns.min(most_ns))
    });
    let least_ns = (snapshot.stamp.interval_ns as f64 * ALWAYS) as u64;
    total(runnable.filter(|runnable_ns| *runnable_ns >= least_ns))
}

fn find(waits: &VecDeque<Wait>, (now, watched): (u64, u64), threshold: f64) -> Option<Found> {
    let recent = waits
        .iter()
        .filter(|wait| now.saturating_sub(wait.time_ns) < SPAN_NS);
    let waited = total(recent.clone().map(|wait| wait.wait_ns));
    let span = total(recent.map(|wait| wait.interval_ns)).max(SPAN_NS);
    let part = waited as f64 / span as f64;
    if part >= threshold && watched + SECOND / 4 >= SPAN_NS {
        return Some(Found::Part(part));
    }
    waits
        .iter()
        .filter(|wait| wait.longest_ns >= BURST_NS && wait.wait_ns >= TOGETHER_NS)
        .map(|wait| wait.longest_ns)
        .max()
        .map(Found::Burst)
}

/// A process that is younger has no life to compare with, ns.
const LIFE_NS: u64 = 30 * SECOND;

/// How many threads waited on average in the life of a process before, if that is less than
/// half: `; in the 5 min of its life before, 0.1`.
fn life(world: World<'_>, process: &Process, (found, waits): (Found, &VecDeque<Wait>)) -> String {
    let Found::Part(part) = found else {
        return String::new();
    };
    let before_ns = world.now_ns().saturating_sub(process.id.start_ns);
    let before_ns = before_ns.saturating_sub(SHOWN_NS);
    if process.ended_on_cpu_ns.is_some() {
        // What threads waited that have exited is not known.
        return String::new();
    }
    let members = process.members.iter();
    let threads = members.filter_map(|slot| world.snapshot.threads.get(*slot));
    let all = threads
        .map(|thread| thread.run_delay_ns)
        .try_fold(0_u64, |sum, delay| Some(sum.saturating_add(delay?)));
    let Some(all) = all.filter(|_| before_ns >= LIFE_NS) else {
        return String::new();
    };
    let recent = total(waits.iter().map(|wait| wait.wait_ns));
    let mean = all.saturating_sub(recent) as f64 / before_ns as f64;
    if mean > part / 2.0 {
        return String::new();
    }
    format!(
        "; in the {} of its life before, {mean:.2}",
        duration_text(before_ns)
    )
}

fn curve(waits: &VecDeque<Wait>) -> Vec<f32> {
    waits
        .iter()
        .map(|wait| (wait.wait_ns as f64 / wait.interval_ns.max(1) as f64) as f32)
        .collect()
}
