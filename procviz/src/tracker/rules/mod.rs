//! Produces findings: noteworthy facts, found by rules over the last seconds. Each
//! rule is a file with its threshold and its text.

mod blocked;
mod cpu;
mod deaths;
mod disguise;
mod family;
mod forks;
mod groups;
mod growth;
mod held;
mod io;
#[cfg(test)]
mod lives_tests;
mod memory;
mod memory_groups;
mod oom;
mod past;
mod settings;
mod severity;
mod shmem;
mod stall;
mod subjects;
#[cfg(test)]
mod tests;
mod threads;
mod tree;
mod waiting;
mod world;
mod zombies;

use serde::{Deserialize, Serialize};

use rustc_hash::FxHashMap;

use self::settings::Thresholds;
pub(super) use self::{
    memory_groups::MemoryGroups, shmem::RecentShmem, waiting::Waiting, world::World,
};
pub use self::{
    settings::{RuleSettings, Threshold},
    severity::severities,
};
use super::history::{History, Point};
use crate::model::{Finding, Io, Process, Rule, SLACK_NS, Snapshot, Spare as _, TaskId, total};

const SECOND: u64 = 1_000_000_000;
/// The rules forget a process that has been idle for this time, ns.
const IDLE_NS: u64 = 12 * SECOND;

/// How long a rule must watch before it can judge, ns. Rules that are not listed
/// judge from the first sample.
const NEEDS: [(Rule, u64); 9] = [
    (Rule::Cpu, 3 * SECOND),
    (Rule::Waiting, 3 * SECOND),
    (Rule::Growth, 3 * SECOND),
    (Rule::Shmem, 3 * SECOND),
    (Rule::Io, SECOND),
    (Rule::Forks, SECOND),
    (Rule::Chain, SECOND),
    (Rule::Burst, 2 * SECOND),
    // Three exits of a service that is restarted each time take a while.
    (Rule::Deaths, 10 * SECOND),
];

/// Longest pause of a process that does IO or grows, ns. After a longer pause, the
/// rule counts a new activity.
const PAUSE_NS: u64 = SECOND;

/// For each rule and process: the start of the current activity, and the last time
/// at which the activity was seen, ns since boot. An activity can be older than the
/// histories.
type Standing = FxHashMap<(Rule, TaskId), (u64, u64)>;

/// Figures of processes in the last seconds.
pub(super) type Histories = FxHashMap<TaskId, History>;

/// Defines the state of all rules, and calls each rule. A rule has two methods: `take`
/// takes in a sample, `judge` adds findings.
macro_rules! states {
    ($($(#[$attribute:meta])* $name:ident: $state:ty,)*) => {
        /// The state of all rules.
        #[derive(Default, Serialize, Deserialize)]
        pub(super) struct Rules {
            /// Not in every keyframe, see [`Rules::last_seconds`].
            #[serde(skip)]
            histories: Histories,
            standing: Standing,
            past: past::Past,
            $($(#[$attribute])* $name: $state,)*
        }

        impl Rules {
            fn take(&mut self, world: World<'_>) {
                $(self.$name.take(world);)*
            }

            fn judge_states(&mut self, world: World<'_>, findings: &mut Vec<Finding>) {
                $(self.$name.judge(world, findings);)*
            }
        }
    };
}

// The order is part of the format of keyframes.
states! {
    oom: oom::Oom,
    stall: stall::Stall,
    deaths: deaths::Deaths,
    blocked: blocked::Blocked,
    tree: tree::Tree,
    forks: forks::Forks,
    #[serde(skip)]
    waiting: Waiting,
    memory: memory::Memory,
    #[serde(skip)]
    memory_groups: MemoryGroups,
    threads: threads::Threads,
    zombies: zombies::Zombies,
    shmem: shmem::Shmem,
    disguise: disguise::Disguise,
}

/// Rules that judge one process by its history of the last seconds.
const OF_A_PROCESS: [fn(&Subject<'_>) -> Option<Finding>; 3] =
    [cpu::judge, growth::judge, io::judge];

impl Rules {
    /// Judges the current tick of the snapshot. Reads only the processes that
    /// changed in this tick or recently. Returns the findings, and their consequences.
    pub(super) fn judge(&mut self, world: World<'_>) -> (Vec<Finding>, Vec<Finding>) {
        let snapshot = world.snapshot;
        let thresholds = world.thresholds();
        self.remember(snapshot, world.changed, thresholds);
        self.past.take(world);
        self.take(world);
        let mut findings = Vec::new();
        let total_io = total(world.changed().map(|process| process.change.io_bytes));
        for process in world.changed_and_shown() {
            let Some(history) = self.histories.get(&process.id) else {
                continue;
            };
            let subject = Subject {
                process,
                history,
                standing: &self.standing,
                snapshot,
                total_io,
                wanted: self.waiting.wanted(process.id, world.now_ns()),
                name: world.group(process),
                past: &self.past,
                thresholds,
            };
            findings.extend(OF_A_PROCESS.iter().filter_map(|judge| judge(&subject)));
        }
        self.judge_states(world, &mut findings);
        subjects::set_owners(world, &mut findings);
        let recent = (&self.histories, &self.waiting, &self.past);
        groups::judge(recent, world, &mut findings);
        findings.retain(|finding| !world.settings.ignores(finding));
        let busy = severity::judge(&self.waiting, world, &mut findings);
        let findings = subjects::rank(findings, busy.is_some());
        let Some(severity::Busy { cause, mut waiting }) = busy else {
            return (findings, Vec::new());
        };
        let rank_of_cause = findings.iter().find(|finding| finding.key() == cause);
        let rank = rank_of_cause.map_or(1, |finding| finding.rank);
        for finding in &mut waiting {
            finding.rank = rank;
        }
        (findings, waiting)
    }

    /// The data that is no longer needed after
    /// [`Tracker::WARM_UP_NS`](super::Tracker::WARM_UP_NS). It is the largest part of
    /// the state.
    pub(super) fn last_seconds(&self) -> (&Histories, &Waiting, &RecentShmem, &MemoryGroups) {
        let shmem = &self.shmem.recent;
        (&self.histories, &self.waiting, shmem, &self.memory_groups)
    }

    pub(super) fn set_last_seconds(
        &mut self,
        saved: (Histories, Waiting, RecentShmem, MemoryGroups),
    ) {
        (
            self.histories,
            self.waiting,
            self.shmem.recent,
            self.memory_groups,
        ) = saved;
    }

    /// Prepares the state of a keyframe for thresholds that can differ from those with which
    /// it was made.
    pub(super) fn apply(&mut self, settings: &RuleSettings) {
        self.memory.checks_all = settings.thresholds != Thresholds::default();
    }

    /// Forgets data that was gathered without applying a filter.
    pub(super) fn reset_unfiltered_data(&mut self) {
        self.oom = oom::Oom::default();
        self.deaths = deaths::Deaths::default();
        self.forks = forks::Forks::default();
        self.memory_groups = MemoryGroups::default();
    }

    fn remember(&mut self, snapshot: &Snapshot, changed: &[usize], thresholds: &Thresholds) {
        let now = snapshot.stamp.boot_ns;
        for slot in changed {
            let Some(process) = snapshot.processes.get(*slot) else {
                continue;
            };
            let change = process.change;
            // The memory of a new process is not known yet; the next read adds it.
            let Some(private) = process.private() else {
                continue;
            };
            let point = Point {
                time_ns: now,
                cpu_ns: process.cpu_ns,
                private,
                io: process.io,
            };
            let before = {
                // The change of an earlier tick is in an earlier point already.
                let grew = match process.private_change {
                    (tick, delta) if tick == snapshot.tick => delta.unwrap_or(0),
                    _ => 0,
                };
                let private_before = point.private.saturating_add_signed(grew.saturating_neg());
                // A new process had used nothing before its start.
                let began = process
                    .id
                    .start_ns
                    .max(now.saturating_sub(snapshot.stamp.interval_ns));
                let read = u64::from(change.read_kib) << 10;
                let written = change.io_bytes.saturating_sub(read);
                Point {
                    time_ns: began.min(now),
                    cpu_ns: point.cpu_ns.saturating_sub(change.cpu_ns),
                    private: private_before,
                    io: process.io.map(|io| Io {
                        read: io.read.saturating_sub(read),
                        write: io.write.saturating_sub(written),
                    }),
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
            let does = [
                (
                    Rule::Cpu,
                    cpu::is_above(before, point, thresholds.cpu_cores),
                    0,
                ),
                (Rule::Growth, point.private > before.private, PAUSE_NS),
                (Rule::Io, change.io_bytes > 0, PAUSE_NS),
            ];
            for (rule, does, pause_ns) in does {
                let key = (rule, process.id);
                if !does {
                    self.standing.remove(&key);
                    continue;
                }
                let standing = self.standing.entry(key).or_insert((before.time_ns, now));
                if before.time_ns > standing.1.saturating_add(pause_ns + SLACK_NS) {
                    standing.0 = before.time_ns;
                }
                standing.1 = now;
            }
        }
        if snapshot.tick.is_multiple_of(4) {
            let longest = (PAUSE_NS + SLACK_NS).saturating_add(snapshot.stamp.interval_ns);
            self.standing
                .retain(|_, (_, last)| now.saturating_sub(*last) <= longest);
        }
        if snapshot.tick.is_multiple_of(16) {
            self.histories
                .retain(|_, history| now.saturating_sub(history.last_time_ns()) < IDLE_NS);
            self.histories.give_up_spare();
        }
    }
}

/// A process that rules judge.
struct Subject<'a> {
    process: &'a Process,
    history: &'a History,
    standing: &'a Standing,
    snapshot: &'a Snapshot,
    /// Storage IO of all processes in the interval, bytes.
    total_io: u64,
    /// See [`Waiting::wanted`].
    wanted: f64,
    /// Name and user.
    name: past::Name,
    past: &'a past::Past,
    thresholds: &'a Thresholds,
}

impl Subject<'_> {
    /// Start of the activity, ns since boot; `seen` is the start that the history of
    /// the last seconds shows.
    fn since(&self, rule: Rule, seen: u64) -> u64 {
        let standing = self.standing.get(&(rule, self.process.id));
        standing.map_or(seen, |(since, _)| seen.min(*since))
    }

    fn finding(
        &self,
        rule: Rule,
        value: f64,
        unit: &'static str,
        since_ns: u64,
        text: String,
        curve: Vec<f32>,
    ) -> Finding {
        Finding {
            about: Some(self.process.id),
            dot: Some(self.process.id),
            comm: Some(self.name.0),
            count: 1,
            value,
            unit,
            since_ns,
            text,
            curve,
            ..Finding::new(rule)
        }
    }
}

/// The rules that have not watched for long enough: name, and the time that they need, ns.
pub(super) fn not_judged(
    watched_ns: u64,
    settings: &RuleSettings,
) -> impl Iterator<Item = (&'static str, u64)> {
    NEEDS
        .iter()
        .filter(move |(rule, needs)| {
            watched_ns < *needs - needs / 20 && !settings.ignores_all(*rule)
        })
        .map(|(rule, needs)| (rule.word(), *needs))
}
