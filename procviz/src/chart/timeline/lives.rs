//! Remembers the lives of all processes, or of all threads: when each began and ended, and what it did meanwhile.

use std::{collections::BTreeMap, sync::Arc};

use super::{machine::MachineSteps, step::Step};
use crate::model::{
    Comm, FindingKey, Scope, Snapshot, Status, TaskId, TaskView, duration_text, total,
};

/// Upper limit for the lives that are remembered; further ones are counted.
const MOST: usize = 100_000;
/// Upper limit for the steps of a life: with more, each two become one.
const MOST_STEPS: usize = 1_024;
/// Upper limit for the steps of all lives: with more, those of all lives are halved.
const MOST_OF_ALL: usize = 1_000_000;

/// After this time without it, a finding begins anew, ns.
const ANEW_NS: u64 = 5_000_000_000;
/// Upper limit for the findings that are remembered.
const MOST_FLAGS: usize = 1_000;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LifeEnd {
    pub(super) at_ns: u64,
    /// `None`: not known.
    pub(super) status: Option<Status>,
    pub(super) is_oom: bool,
}

impl LifeEnd {
    /// `None`: it lives.
    fn of(task: &TaskView<'_>) -> Option<Self> {
        let end = task.end()?;
        // Of a thread that is not the leader, no record is kept. It had a CPU until its end.
        let record = task.process.exit.as_ref().filter(|_| task.is_leader());
        let at_ns = record.map(|record| record.time_ns);
        let last_ns = task.thread.last_on_cpu_ns.filter(|_| !task.is_leader());
        let is_within = |at_ns: &u64| task.now_ns.saturating_sub(*at_ns) <= task.interval_ns;
        Some(Self {
            at_ns: at_ns.or(last_ns.filter(is_within)).unwrap_or(task.now_ns),
            status: end.status,
            is_oom: record.is_some_and(|record| record.oom),
        })
    }
}

/// Who forked a task.
#[derive(Clone, Copy, Debug)]
enum Forked {
    /// The process with this pid.
    By(u32),
    /// It is a thread of this process.
    In(TaskId),
}

impl Forked {
    fn of(task: &TaskView<'_>) -> Self {
        match task.is_leader() {
            true => Self::By(task.process.ppid),
            false => Self::In(task.process.id),
        }
    }
}

/// The life of a process, or of a thread.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) id: TaskId,
    /// The parent when it was first seen, if that was seen, too; of a thread, its process.
    pub(super) parent: Option<TaskId>,
    pub(super) name: Comm,
    pub(super) uid: Option<u32>,
    /// `None`: not known.
    pub(super) cgroup: Option<Arc<str>>,
    pub(super) kthread: bool,
    pub(super) end: Option<LifeEnd>,
    /// The last snapshot that had it, ns since boot: what is gone without an end ended then.
    pub(super) seen_ns: u64,
    pub(super) steps: Vec<Step>,
}

impl Life {
    /// When it ended, or was seen for the last time, ns since boot.
    fn over_ns(&self) -> u64 {
        self.end.map_or(self.seen_ns, |end| end.at_ns)
    }

    /// The part of the life between two times; `None` if it is not in there.
    pub(super) fn within(&self, (from_ns, until_ns): (u64, u64)) -> Option<(u64, u64)> {
        let end_ns = self.over_ns().min(until_ns);
        let begin_ns = self.id.start_ns.max(from_ns);
        (begin_ns <= end_ns).then_some((begin_ns, end_ns))
    }

    /// What it did in a period: of a step that begins before, the part within.
    pub(super) fn steps_within(
        &self,
        (from_ns, until_ns): (u64, u64),
    ) -> impl Iterator<Item = Step> {
        let steps = self.steps.iter().filter(move |step| {
            let is_instant = step.from_ns == step.until_ns;
            let is_before = step.until_ns < from_ns || (step.until_ns == from_ns && !is_instant);
            !is_before && step.from_ns <= until_ns
        });
        steps.map(move |step| step.since(from_ns))
    }

    /// CPU time in a period, ns.
    pub(super) fn cpu_ns(&self, period: (u64, u64)) -> u64 {
        total(self.steps_within(period).map(|step| step.cpu_ns))
    }

    /// `cc1 4711`.
    pub(super) fn who(&self) -> String {
        format!("{} {}", self.name.text().picture(), self.id.tid)
    }

    /// `cc1 4711, 1.2 s CPU, SIGKILL`, with the CPU time of a period.
    pub(super) fn words(&self, period: (u64, u64)) -> String {
        let mut text = self.who();
        let cpu_ns = self.cpu_ns(period);
        if cpu_ns >= 1_000_000 {
            text.push_str(&format!(", {} CPU", duration_text(cpu_ns)));
        }
        let Some(end) = self.end else { return text };
        if end.is_oom {
            text.push_str(", OOM");
        } else if let Some(status) = end.status.filter(|status| status.0 != 0) {
            text.push_str(&format!(", {}", status.words()));
        }
        text
    }

    fn add(&mut self, step: Step) {
        if self.steps.len() >= MOST_STEPS {
            self.halve();
        }
        self.steps.push(step);
    }

    /// Makes one step of each two.
    fn halve(&mut self) {
        let halves = self.steps.chunks(2).map(|pair| match pair {
            [a, b] => a.and(*b),
            _ => pair[0],
        });
        self.steps = halves.collect();
    }
}

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
            let (name, uid) = (task.short_name(), task.thread.uid);
            let life = self.all.entry(id).or_insert_with(|| {
                new.push((id, Forked::of(&task)));
                Life {
                    id,
                    parent: None,
                    name,
                    uid,
                    cgroup: None,
                    kthread: task.process.kthread,
                    end: None,
                    seen_ns: stamp.boot_ns,
                    steps: Vec::new(),
                }
            });
            if life.end.is_some() {
                continue;
            }
            life.seen_ns = stamp.boot_ns;
            (life.name, life.uid) = (name, uid);
            let cgroup = &task.process.cgroup;
            if life.cgroup != *cgroup && cgroup.is_some() {
                life.cgroup.clone_from(cgroup);
            }
            life.end = LifeEnd::of(&task);
            if let Some(step) = Step::of(&task, life.end.map(|end| end.at_ns)) {
                self.steps += 1;
                life.add(step);
            }
        }
        self.set_parents(new);
        if self.steps > MOST_OF_ALL {
            self.all.values_mut().for_each(Life::halve);
            self.steps = self.all.values().map(|life| life.steps.len()).sum();
        }
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
        (*id != child && life.over_ns() >= child.start_ns).then_some(*id)
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
