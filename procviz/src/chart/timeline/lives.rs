//! Remembers the lives of all processes: when each began and ended, and what it did meanwhile.

use std::{collections::BTreeMap, sync::Arc};

use crate::model::{Comm, FindingKey, Snapshot, State, Status, TaskId, TaskView, duration_text};

/// Upper limit for the lives that are remembered; further ones are counted.
const MOST: usize = 500_000;
/// Upper limit for the steps of a life: with more, each two become one.
const MOST_STEPS: usize = 1_024;

/// Upper limit for the findings that are remembered.
const MOST_FLAGS: usize = 1_000;

/// What a process did in a part of its life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) from_ns: u64,
    pub(super) until_ns: u64,
    pub(super) cpu_ns: u64,
    /// Time in which its threads were runnable and had no CPU; `None`: not known.
    pub(super) wait_ns: Option<u64>,
    pub(super) io_bytes: u64,
    /// It was in state D all the time.
    pub(super) is_blocked: bool,
    /// Resident set at the end, bytes; `None`: not known.
    pub(super) rss: Option<u64>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LifeEnd {
    pub(super) at_ns: u64,
    /// `None`: not known.
    pub(super) status: Option<Status>,
    pub(super) is_oom: bool,
}

/// The life of a process.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) id: TaskId,
    /// The parent when the process was first seen, if that was seen, too.
    pub(super) parent: Option<TaskId>,
    pub(super) name: Comm,
    pub(super) uid: Option<u32>,
    /// `None`: not known.
    pub(super) cgroup: Option<Arc<str>>,
    pub(super) kthread: bool,
    pub(super) end: Option<LifeEnd>,
    /// CPU time while it was watched, ns.
    pub(super) cpu_ns: u64,
    pub(super) steps: Vec<Step>,
}

impl Life {
    /// The part of the life between two times; `None` if it is not in there.
    pub(super) fn within(&self, (from_ns, until_ns): (u64, u64)) -> Option<(u64, u64)> {
        let end_ns = self.end.map_or(until_ns, |end| end.at_ns.min(until_ns));
        let begin_ns = self.id.start_ns.max(from_ns);
        (begin_ns <= end_ns).then_some((begin_ns, end_ns))
    }

    /// `cc1 4711`.
    pub(super) fn who(&self) -> String {
        format!("{} {}", self.name.text().picture(), self.id.tid)
    }

    /// `cc1 4711, 1.2 s CPU, SIGKILL`.
    pub(super) fn words(&self) -> String {
        let mut text = self.who();
        if self.cpu_ns >= 1_000_000 {
            text.push_str(&format!(", {} CPU", duration_text(self.cpu_ns)));
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
            let halves = self.steps.chunks(2).map(|pair| match pair {
                [a, b] => a.and(*b),
                _ => pair[0],
            });
            self.steps = halves.collect();
        }
        self.steps.push(step);
    }
}

impl Step {
    /// This step and the next as one.
    fn and(self, next: Self) -> Self {
        Self {
            from_ns: self.from_ns,
            until_ns: next.until_ns,
            cpu_ns: self.cpu_ns + next.cpu_ns,
            wait_ns: self.wait_ns.zip(next.wait_ns).map(|(a, b)| a + b),
            io_bytes: self.io_bytes + next.io_bytes,
            is_blocked: self.is_blocked || next.is_blocked,
            rss: next.rss,
        }
    }
}

/// Whether a process was in state D for the whole interval: many are in it for a moment.
fn is_blocked(task: &TaskView<'_>, interval_ns: u64) -> bool {
    let off_cpu = || {
        task.off_cpu_ns()
            .is_some_and(|off_ns| off_ns >= interval_ns)
    };
    task.state() == State::Blocked && off_cpu()
}

/// What the machine did in an interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct MachineStep {
    pub(super) from_ns: u64,
    pub(super) until_ns: u64,
    /// Cores; `None`: not known.
    pub(super) busy: Option<f64>,
    /// Part of the memory that is not available.
    pub(super) memory: Option<f64>,
    /// Share of the time in which some task waited for memory or IO: the larger one.
    pub(super) pressure: Option<f64>,
}

/// A finding: when it began, ns since boot, and what it is about.
#[derive(Clone, Debug)]
pub(super) struct Flag {
    pub(super) at_ns: u64,
    pub(super) text: String,
}

/// All lives.
#[derive(Clone, Debug, Default)]
pub(super) struct Lives {
    all: BTreeMap<TaskId, Life>,
    pub(super) machine: Vec<MachineStep>,
    /// By finding; the first time counts.
    flags: BTreeMap<FindingKey, Flag>,
    /// Begin of the first interval, ns since boot.
    began_ns: Option<u64>,
    pub(super) until_ns: u64,
    /// Processes beyond the limit.
    pub(super) more: u64,
}

impl Lives {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Life> {
        self.all.values()
    }

    pub(super) fn get(&self, id: TaskId) -> Option<&Life> {
        self.all.get(&id)
    }

    /// The largest resident set of all lives, bytes.
    pub(super) fn largest_rss(&self) -> u64 {
        let steps = self.all.values().flat_map(|life| &life.steps);
        steps.filter_map(|step| step.rss).max().unwrap_or(1)
    }

    /// The time that was watched, ns since boot.
    pub(super) fn period(&self) -> (u64, u64) {
        (self.began_ns.unwrap_or(self.until_ns), self.until_ns)
    }

    /// Takes in a snapshot.
    pub(super) fn observe(&mut self, snapshot: &Snapshot) {
        let stamp = snapshot.stamp;
        let begin_ns = stamp.boot_ns.saturating_sub(stamp.interval_ns);
        if stamp.boot_ns < self.until_ns {
            // Another boot.
            *self = Self::default();
        }
        self.began_ns.get_or_insert(begin_ns);
        self.until_ns = stamp.boot_ns;
        self.observe_machine(snapshot);
        self.observe_findings(snapshot);
        let mut new = Vec::new();
        for (slot, process) in snapshot.processes.entries() {
            let Some(main) = snapshot.main_thread(process) else {
                continue;
            };
            let exited_before = process.end.is_some_and(|end| end.tick == 0);
            if main.hidden || exited_before {
                continue;
            }
            if !self.all.contains_key(&process.id) && self.all.len() >= MOST {
                self.more += u64::from(process.end.is_some_and(|end| end.tick == snapshot.tick));
                continue;
            }
            let life = self.all.entry(process.id).or_insert_with(|| {
                new.push((process.id, process.ppid));
                Life {
                    id: process.id,
                    parent: None,
                    name: snapshot.name_of(process),
                    uid: main.uid,
                    cgroup: None,
                    kthread: process.kthread,
                    end: None,
                    cpu_ns: 0,
                    steps: Vec::new(),
                }
            });
            if life.end.is_some() {
                continue;
            }
            (life.name, life.uid) = (snapshot.name_of(process), main.uid);
            if life.cgroup != process.cgroup && process.cgroup.is_some() {
                life.cgroup = process.cgroup.clone();
            }
            let record = process.exit.as_ref();
            if process.end.is_some() {
                life.end = Some(LifeEnd {
                    at_ns: record.map_or(stamp.boot_ns, |record| record.time_ns),
                    status: process.end.and_then(|end| end.status),
                    is_oom: record.is_some_and(|record| record.oom),
                });
            }
            let change = process.change;
            let is_now = change.tick == snapshot.tick && stamp.interval_ns > 0;
            let is_blocked = !process.kthread
                && process.end.is_none()
                && snapshot
                    .process_at(slot)
                    .is_some_and(|task| is_blocked(&task, stamp.interval_ns));
            if !is_now && !is_blocked {
                continue;
            }
            let (cpu_ns, wait_ns, io_bytes) = match is_now {
                true => (change.cpu_ns, change.wait_ns, change.io_bytes),
                false => (0, Some(0), 0),
            };
            life.cpu_ns += cpu_ns;
            let from_ns = begin_ns.max(process.id.start_ns);
            let end_ns = life.end.map_or(stamp.boot_ns, |end| end.at_ns);
            life.add(Step {
                from_ns: from_ns.min(end_ns),
                until_ns: end_ns,
                cpu_ns,
                wait_ns,
                io_bytes,
                is_blocked,
                rss: process.rss,
            });
        }
        self.set_parents(new);
    }

    /// Finds the parents of new lives: a parent can be new, too.
    fn set_parents(&mut self, new: Vec<(TaskId, u32)>) {
        for (child, ppid) in new {
            let parent = self.parent(child, ppid);
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
        let (id, _) = self.all.range(first..=last).next_back()?;
        (*id != child).then_some(*id)
    }

    /// The findings, those of the worst rules first.
    pub(super) fn flags(&self) -> Vec<&Flag> {
        // A key begins with the rule, and the rules are in order of rank.
        self.flags.values().collect()
    }

    fn observe_findings(&mut self, snapshot: &Snapshot) {
        for finding in &snapshot.findings {
            if self.flags.len() >= MOST_FLAGS {
                return;
            }
            self.flags.entry(finding.key()).or_insert_with(|| Flag {
                at_ns: finding.since_ns,
                text: format!("{}: {}", finding.rule.word(), finding.who()),
            });
        }
    }

    fn observe_machine(&mut self, snapshot: &Snapshot) {
        let (machine, stamp) = (&snapshot.machine, snapshot.stamp);
        if stamp.interval_ns == 0 {
            return;
        }
        let interval = stamp.interval_ns as f64;
        let available = machine.mem_available_bytes.zip(machine.mem_total_bytes);
        let some = |us: u64| us as f64 * 1e3 / interval;
        let memory = machine.psi_memory.map(|psi| some(psi.some_us));
        let io = machine.psi_io.map(|psi| some(psi.some_us));
        if self.machine.len() >= 2 * MOST_STEPS {
            let halves = self.machine.chunks(2).map(|pair| match pair {
                [a, b] => MachineStep {
                    from_ns: a.from_ns,
                    until_ns: b.until_ns,
                    busy: a.busy.zip(b.busy).map(|(a, b)| f64::midpoint(a, b)),
                    memory: b.memory,
                    pressure: a.pressure.zip(b.pressure).map(|(a, b)| a.max(b)),
                },
                _ => pair[0],
            });
            self.machine = halves.collect();
        }
        self.machine.push(MachineStep {
            from_ns: stamp.boot_ns - stamp.interval_ns,
            until_ns: stamp.boot_ns,
            busy: machine.cpu_busy_ns.map(|ns| ns as f64 / interval),
            memory: available.map(|(free, all)| 1.0 - free.min(all) as f64 / all.max(1) as f64),
            pressure: memory.zip(io).map(|(a, b)| a.max(b)),
        });
    }
}
