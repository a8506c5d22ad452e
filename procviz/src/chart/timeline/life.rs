//! The life of a process, or of a thread: when it began and ended, and what it did meanwhile.

use std::sync::Arc;

use super::step::Step;
use crate::model::{Comm, KillKind, Killer, Status, TaskId, TaskView, duration_text, total};

/// Upper limit for the steps of a life: with more, each two become one.
const MOST_STEPS: usize = 1_024;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LifeEnd {
    pub(super) at_ns: u64,
    /// `None`: not known.
    pub(super) status: Option<Status>,
    pub(super) is_oom: bool,
    pub(super) killer: Option<Killer>,
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
            killer: record.and_then(|record| record.killed_by.as_deref().copied()),
        })
    }

    /// The process that ended it, and when it sent the signal, ns since boot.
    pub(super) fn killed_by(&self) -> Option<(TaskId, u64)> {
        let killer = self.killer?;
        let is_meant = matches!(
            killer.kind,
            KillKind::Process | KillKind::Parent | KillKind::Cgroup
        );
        let sender = killer.sender.filter(|_| is_meant)?;
        Some((sender.process, killer.time_ns))
    }

    /// Text about the end and its cause; `None` if the exit status is not known.
    pub(super) fn how(&self) -> Option<String> {
        let status = self.status?;
        Some(match &self.killer {
            Some(killer) => killer.how(status),
            None => status.words(),
        })
    }
}

/// Who forked a task.
#[derive(Clone, Copy, Debug)]
pub(super) enum Forked {
    /// The process with this pid.
    By(u32),
    /// It is a thread of this process.
    In(TaskId),
}

impl Forked {
    pub(super) fn of(task: &TaskView<'_>) -> Self {
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
    /// Begins with the first that is seen of it.
    pub(super) fn new(task: &TaskView<'_>) -> Self {
        Self {
            id: task.id(),
            parent: None,
            name: name_of(task),
            uid: task.thread.uid,
            cgroup: None,
            kthread: task.process.kthread,
            end: None,
            seen_ns: task.now_ns,
            steps: Vec::new(),
        }
    }

    /// Takes in what it did in the last interval. Returns whether it did anything.
    pub(super) fn observe(&mut self, task: &TaskView<'_>) -> bool {
        if self.end.is_some() {
            return false;
        }
        self.seen_ns = task.now_ns;
        (self.name, self.uid) = (name_of(task), task.thread.uid);
        let cgroup = &task.process.cgroup;
        if self.cgroup != *cgroup && cgroup.is_some() {
            self.cgroup.clone_from(cgroup);
        }
        self.end = LifeEnd::of(task);
        let step = Step::of(task, self.end.map(|end| end.at_ns));
        if let Some(step) = step {
            self.add(step);
        }
        step.is_some()
    }

    /// When it ended, or was seen for the last time, ns since boot.
    pub(super) fn over_ns(&self) -> u64 {
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
        let is_clean = end.status.is_some_and(|status| status.0 == 0);
        if end.is_oom {
            text.push_str(", OOM");
        } else if let Some(how) = end.how().filter(|_| !is_clean) {
            text.push_str(&format!(", {how}"));
        }
        text
    }

    fn add(&mut self, step: Step) {
        if self.steps.len() >= MOST_STEPS {
            self.halve();
        }
        if self.end.is_some() {
            // Most lives have one step, and it is the last one: no room for more.
            self.steps.reserve_exact(1);
        }
        self.steps.push(step);
    }

    /// Makes one step of each two.
    pub(super) fn halve(&mut self) {
        let halves = self.steps.chunks(2).map(|pair| match pair {
            [a, b] => a.and(*b),
            _ => pair[0],
        });
        self.steps = halves.collect();
    }
}

fn name_of(task: &TaskView<'_>) -> Comm {
    // The whole name of a kernel thread changes with its work.
    match task.process.kthread {
        true => task.thread.comm,
        false => task.short_name(),
    }
}
