//! Finds notables: facts worth a person's eye, by rules over the last seconds.
//! Each rule is a file with its threshold and its words.

mod blocked;
mod cpu;
mod deaths;
mod forks;
mod growth;
mod io;
mod memory;
mod oom;
mod stall;
#[cfg(test)]
mod tests;
mod threads;
mod tree;
mod waiting;
mod world;
mod zombies;

use serde::{Deserialize, Serialize};

use rustc_hash::FxHashMap;

pub(super) use self::{waiting::Waiting, world::World};
use super::history::{History, Point};
use crate::model::{Comm, Notable, Process, Rule, Snapshot, TaskId};

const SECOND: u64 = 1_000_000_000;
/// A process that has been idle for so long is forgotten by the rules.
const IDLE_NS: u64 = 12 * SECOND;

/// How long a rule has to watch before it can judge, ns; the others can at once.
const NEEDS: [(Rule, u64); 7] = [
    (Rule::Cpu, 3 * SECOND),
    (Rule::Waiting, 3 * SECOND),
    (Rule::Growth, 3 * SECOND),
    (Rule::Io, SECOND),
    (Rule::Forks, SECOND),
    (Rule::Burst, 2 * SECOND),
    // Three deaths of a service that is started anew each time take a while.
    (Rule::Deaths, 10 * SECOND),
];

/// A rule that looks back for some seconds may be silent for so long, and two
/// intervals more, and still speak of the same, ns.
const SILENCE_NS: u64 = 4 * SECOND;

/// Since when a rule has spoken of a process, and when last, ns since boot.
type Standing = FxHashMap<(Rule, TaskId), (u64, u64)>;

/// What processes did in the last seconds.
pub(super) type Histories = FxHashMap<TaskId, History>;

/// What the rules remember.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Rules {
    /// Not in each keyframe, see [`Rules::last_seconds`].
    #[serde(skip)]
    histories: Histories,
    standing: Standing,
    oom: oom::Oom,
    stall: stall::Stall,
    deaths: deaths::Deaths,
    blocked: blocked::Blocked,
    tree: tree::Tree,
    forks: forks::Forks,
    #[serde(skip)]
    waiting: Waiting,
    memory: memory::Memory,
    threads: threads::Threads,
    zombies: zombies::Zombies,
}

impl Rules {
    /// Judges the tick that the snapshot has come to. Looks only at processes
    /// that changed or that changed lately.
    pub(super) fn judge(
        &mut self,
        world: World<'_>,
        changed: &[usize],
        skipped: u64,
    ) -> Vec<Notable> {
        let snapshot = world.snapshot;
        self.remember(snapshot, changed);
        self.oom.take(world);
        self.deaths.take(world);
        self.blocked.take(world);
        self.tree.take(world);
        self.forks.take(world);
        self.memory.take(world, changed);
        self.threads.take(world);
        self.zombies.take(world);
        let mut notables = Vec::new();
        self.stall.judge(snapshot, skipped, &mut notables);
        let total_io: u64 = changed
            .iter()
            .filter_map(|slot| snapshot.processes.get(*slot))
            .map(|process| process.change.io_bytes)
            .sum();
        let processes = changed
            .iter()
            .filter_map(|slot| snapshot.processes.get(*slot))
            .filter(|process| process.end.is_none() && !world.is_hidden(process));
        for process in processes {
            self.waiting.take(world, process);
            let Some(history) = self.histories.get(&process.id) else {
                continue;
            };
            let subject = Subject {
                process,
                comm: world.name_of(process),
                history,
                standing: &self.standing,
                snapshot,
            };
            notables.extend(cpu::judge(&subject));
            notables.extend(growth::judge(&subject));
            notables.extend(io::judge(&subject, total_io));
        }
        self.stand(snapshot, &notables);
        self.oom.judge(world, &mut notables);
        self.deaths.judge(world, &mut notables);
        self.blocked.judge(world, &mut notables);
        self.tree.judge(world, &mut notables);
        self.forks.judge(world, &mut notables);
        self.waiting.judge(world, &mut notables);
        self.memory.judge(world, &mut notables);
        self.threads.judge(world, &mut notables);
        self.zombies.judge(world, &mut notables);
        notables.sort_by(|a, b| {
            a.rule
                .cmp(&b.rule)
                .then(b.value.total_cmp(&a.value))
                .then(a.about.cmp(&b.about))
                .then_with(|| a.text.cmp(&b.text))
        });
        for (index, notable) in notables.iter_mut().enumerate() {
            notable.rank = index as u32 + 1;
        }
        notables
    }

    /// Remembers since when what the last seconds show goes on.
    fn stand(&mut self, snapshot: &Snapshot, notables: &[Notable]) {
        let now = snapshot.stamp.boot_ns;
        for notable in notables {
            // What grew since the run began is no matter of seconds.
            let is_recent = notable.unit != "bytes";
            if let Some(about) = notable.about.filter(|_| is_recent) {
                let since = (notable.since_ns, now);
                self.standing.insert((notable.rule, about), since);
            }
        }
        if snapshot.tick.is_multiple_of(16) {
            let silence = silence_ns(snapshot);
            self.standing.retain(|_, (_, last)| now - *last <= silence);
        }
    }

    /// What has no use [`Tracker::REGAINS_NS`](super::Tracker::REGAINS_NS)
    /// later, and is the most of all that is remembered.
    pub(super) fn last_seconds(&self) -> (&Histories, &Waiting) {
        (&self.histories, &self.waiting)
    }

    pub(super) fn set_last_seconds(&mut self, told: (Histories, Waiting)) {
        (self.histories, self.waiting) = told;
    }

    /// What was not told apart by a filter when it was gathered.
    pub(super) fn forget_what_filters_hide(&mut self) {
        self.oom = oom::Oom::default();
        self.deaths = deaths::Deaths::default();
        self.forks = forks::Forks::default();
    }

    fn remember(&mut self, snapshot: &Snapshot, changed: &[usize]) {
        let now = snapshot.stamp.boot_ns;
        for slot in changed {
            let Some(process) = snapshot.processes.get(*slot) else {
                continue;
            };
            let change = process.change;
            // A process that has just been made is measured by the next look at it.
            let Some(rss) = process.rss else { continue };
            let io_bytes = process.io.map_or(0, |io| io.read + io.write);
            let point = Point {
                time_ns: now,
                cpu_ns: process.cpu_ns,
                rss,
                io_bytes,
            };
            let before = {
                let rss_before = point
                    .rss
                    .saturating_add_signed(-process.rss_change.1.unwrap_or(0));
                // A new process had nothing before it was born.
                let began = process
                    .id
                    .start_ns
                    .max(now.saturating_sub(snapshot.stamp.interval_ns));
                Point {
                    time_ns: began.min(now),
                    cpu_ns: point.cpu_ns - change.cpu_ns.min(point.cpu_ns),
                    rss: rss_before,
                    io_bytes: io_bytes - change.io_bytes.min(io_bytes),
                }
            };
            let history = self
                .histories
                .entry(process.id)
                .or_insert_with(|| History::new(before));
            if now.saturating_sub(history.last_time_ns()) >= IDLE_NS {
                *history = History::new(before);
            }
            history.push(point);
        }
        if snapshot.tick.is_multiple_of(16) {
            self.histories
                .retain(|_, history| now - history.last_time_ns() < IDLE_NS);
        }
    }
}

/// A process under judgement.
struct Subject<'a> {
    process: &'a Process,
    comm: Comm,
    history: &'a History,
    standing: &'a Standing,
    snapshot: &'a Snapshot,
}

fn silence_ns(snapshot: &Snapshot) -> u64 {
    SILENCE_NS + 2 * snapshot.stamp.interval_ns
}

impl Subject<'_> {
    /// Since when it is so, where the last seconds show it from `seen` on: what
    /// they show from their beginning may be older.
    fn since(&self, rule: Rule, seen: u64) -> u64 {
        let now = self.snapshot.stamp.boot_ns;
        let known = self.standing.get(&(rule, self.process.id));
        let goes_on = known.filter(|(_, last)| {
            seen <= self.history.first_time_ns() && now - *last <= silence_ns(self.snapshot)
        });
        goes_on.map_or(seen, |(since, _)| seen.min(*since))
    }

    fn notable(
        &self,
        rule: Rule,
        value: f64,
        unit: &'static str,
        since_ns: u64,
        text: String,
        curve: Vec<f32>,
    ) -> Notable {
        Notable {
            rule,
            rank: 0,
            cgroup: None,
            about: Some(self.process.id),
            dot: Some(self.process.id),
            comm: Some(self.comm),
            count: 1,
            value,
            unit,
            since_ns,
            text,
            curve,
        }
    }
}

/// The rules that have not watched for long enough.
pub(super) fn not_judged(watched_ns: u64) -> impl Iterator<Item = &'static str> {
    NEEDS
        .iter()
        .filter(move |(_, needs)| watched_ns + needs / 20 < *needs)
        .map(|(rule, _)| rule.word())
}
