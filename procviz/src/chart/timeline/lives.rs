//! Remembers the lives of all processes, or of all threads: when each began and ended, and what
//! it did meanwhile.

use std::collections::BTreeMap;

use super::{
    life::{Forked, Life},
    machine::MachineSteps,
};
use crate::model::{FindingKey, SLACK_NS, Scope, Snapshot, TaskId};

/// Upper limit for the lives that are remembered; further ones are counted.
const MOST: usize = 100_000;
/// Upper limit for the steps of all lives: with more, those of all lives are halved.
const MOST_OF_ALL: usize = 1_000_000;

/// After this time without it, a finding begins anew, ns.
const ANEW_NS: u64 = 5_000_000_000;
/// Upper limit for the gaps that are remembered.
const MOST_GAPS: usize = 1_000;
/// Upper limit for the findings that are remembered.
const MOST_FLAGS: usize = 1_000;

/// A finding: when it began, ns since boot, and what it is about.
#[derive(Clone, Debug)]
pub(super) struct Flag {
    pub(super) at_ns: u64,
    /// When it was last seen, ns since boot.
    pub(super) until_ns: u64,
    pub(super) text: String,
}

/// All lives.
#[derive(Clone, Debug)]
pub(super) struct Lives {
    scope: Scope,
    all: BTreeMap<TaskId, Life>,
    pub(super) machine: MachineSteps,
    /// By finding: each time that it began.
    flags: BTreeMap<FindingKey, Vec<Flag>>,
    flag_count: usize,
    /// Times of which nothing is known, ns since boot.
    pub(super) gaps: Vec<(u64, u64)>,
    /// Begin of the first interval, ns since boot.
    began_ns: Option<u64>,
    pub(super) until_ns: u64,
    /// Number of steps of all lives, at most.
    steps: usize,
    /// Processes beyond the limit.
    pub(super) more: u64,
    /// Short-lived processes that snapshots count and do not list.
    pub(super) folded: u64,
}

impl Lives {
    /// Those of processes, or of threads.
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            scope,
            all: BTreeMap::new(),
            machine: MachineSteps::default(),
            flags: BTreeMap::new(),
            flag_count: 0,
            gaps: Vec::new(),
            began_ns: None,
            until_ns: 0,
            steps: 0,
            more: 0,
            folded: 0,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Life> {
        self.all.values()
    }

    pub(super) fn get(&self, id: TaskId) -> Option<&Life> {
        self.all.get(&id)
    }

    /// The largest resident set of all lives in a period, bytes.
    pub(super) fn largest_rss(&self, period: (u64, u64)) -> u64 {
        let steps = self.all.values().flat_map(|life| life.steps_within(period));
        steps.filter_map(|step| step.rss).max().unwrap_or(1)
    }

    /// The time that was watched, ns since boot.
    pub(super) fn period(&self) -> (u64, u64) {
        (self.began_ns.unwrap_or(self.until_ns), self.until_ns)
    }

    /// Forgets what was over before this time.
    pub(super) fn forget_before(&mut self, from_ns: u64) {
        self.all.retain(|_, life| {
            life.steps.retain(|step| step.until_ns >= from_ns);
            life.over_ns() >= from_ns
        });
        self.machine.0.retain(|step| step.until_ns >= from_ns);
        self.gaps.retain(|(_, until_ns)| *until_ns >= from_ns);
        self.flags.retain(|_, flags| {
            flags.retain(|flag| flag.until_ns >= from_ns);
            !flags.is_empty()
        });
        self.flag_count = self.flags.values().map(Vec::len).sum();
    }

    /// Takes in a snapshot.
    pub(super) fn observe(&mut self, snapshot: &Snapshot) {
        let stamp = snapshot.stamp;
        let begin_ns = stamp.boot_ns.saturating_sub(stamp.interval_ns);
        if stamp.boot_ns < self.until_ns {
            // Another boot.
            *self = Self::new(self.scope);
        }
        self.began_ns.get_or_insert(begin_ns);
        self.observe_gap(snapshot, begin_ns);
        self.until_ns = stamp.boot_ns;
        self.folded = snapshot
            .folds
            .iter()
            .fold(self.folded, |sum, fold| sum.saturating_add(fold.count));
        self.machine.observe(snapshot);
        self.observe_findings(snapshot);
        let mut new = Vec::new();
        for task in snapshot.tasks(self.scope) {
            let (id, end) = (task.id(), task.end());
            if end.is_some_and(|end| end.tick == 0) {
                // It exited before the run began.
                continue;
            }
            if !self.all.contains_key(&id) && self.all.len() >= MOST {
                self.more += u64::from(end.is_some_and(|end| end.tick == snapshot.tick));
                continue;
            }
            let life = self.all.entry(id).or_insert_with(|| {
                new.push((id, Forked::of(&task)));
                Life::new(&task)
            });
            self.steps += usize::from(life.observe(&task));
        }
        self.set_parents(new);
        if self.steps > MOST_OF_ALL {
            self.all.values_mut().for_each(Life::halve);
            self.steps = self.all.values().map(|life| life.steps.len()).sum();
        }
    }

    /// Remembers of which time before a snapshot nothing is known.
    fn observe_gap(&mut self, snapshot: &Snapshot, begin_ns: u64) {
        if self.until_ns == 0 || self.gaps.len() >= MOST_GAPS {
            return;
        }
        let is_long =
            |(from_ns, until_ns): &(u64, u64)| until_ns.saturating_sub(*from_ns) > SLACK_NS;
        // The figures of the interval can be those of the whole gap, or of the time after it.
        let between = Some((self.until_ns, begin_ns)).filter(is_long);
        self.gaps
            .extend(snapshot.gap_ns.filter(is_long).or(between));
    }

    /// Finds the parents of new lives: a parent can be new, too.
    fn set_parents(&mut self, new: Vec<(TaskId, Forked)>) {
        for (child, forked) in new {
            let parent = match forked {
                Forked::By(pid) => self.parent(child, pid),
                Forked::In(process) => Some(process).filter(|id| self.all.contains_key(id)),
            };
            if let Some(life) = self.all.get_mut(&child) {
                life.parent = parent;
            }
        }
    }

    /// The process with this pid that lived when the child began.
    fn parent(&self, child: TaskId, pid: u32) -> Option<TaskId> {
        let first = TaskId {
            tid: pid,
            start_ns: 0,
        };
        let last = TaskId {
            tid: pid,
            start_ns: child.start_ns,
        };
        let (id, life) = self.all.range(first..=last).next_back()?;
        // The pid can have been another process's before.
        let is_there = match life.end {
            Some(end) => end.at_ns >= child.start_ns,
            // What is taken in for a sample can begin a little after its time.
            None => life.seen_ns >= child.start_ns.min(self.until_ns),
        };
        (*id != child && is_there).then_some(*id)
    }

    /// The findings of a period, those of the worst rules first.
    pub(super) fn flags(&self, (from_ns, until_ns): (u64, u64)) -> Vec<&Flag> {
        // A key begins with the rule, and the rules are in order of rank.
        let all = self.flags.values().flatten();
        all.filter(|flag| flag.until_ns >= from_ns && flag.at_ns <= until_ns)
            .collect()
    }

    fn observe_findings(&mut self, snapshot: &Snapshot) {
        let now_ns = snapshot.stamp.boot_ns;
        for finding in &snapshot.findings {
            let key = finding.key();
            let known = self.flags.get_mut(&key).and_then(|flags| flags.last_mut());
            let known = known.filter(|flag| now_ns.saturating_sub(flag.until_ns) < ANEW_NS);
            if let Some(flag) = known {
                flag.until_ns = now_ns;
            } else if self.flag_count < MOST_FLAGS {
                self.flag_count += 1;
                self.flags.entry(key).or_default().push(Flag {
                    at_ns: finding.since_ns,
                    until_ns: now_ns,
                    text: format!("{}: {}", finding.rule.word(), finding.who()),
                });
            }
        }
    }
}
