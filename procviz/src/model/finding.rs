use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Comm, TaskId};

/// A rule that produces findings. The rules are in order of rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// The OOM killer killed a process.
    Oom,
    /// procviz itself got no CPU.
    Stall,
    /// The same command crashes or fails again and again.
    Deaths,
    /// A thread is in an uninterruptible sleep (state D) for a long time.
    Blocked,
    /// The descendants of one process multiply.
    Tree,
    /// Many forks, or short-lived processes that use much CPU.
    Forks,
    /// A process keeps a core busy.
    Cpu,
    /// Runnable threads get no CPU.
    Waiting,
    /// The resident set of a process grows.
    Growth,
    /// The resident set of a process is large.
    Memory,
    /// A process does much storage IO.
    Io,
    /// A process creates many threads.
    Threads,
    /// A process starts many processes at one instant.
    Burst,
    /// A process does not reap its dead children.
    Zombies,
}

impl Rule {
    /// All rules, in order of rank.
    pub const ALL: [Self; 14] = [
        Self::Oom,
        Self::Stall,
        Self::Deaths,
        Self::Blocked,
        Self::Tree,
        Self::Forks,
        Self::Cpu,
        Self::Waiting,
        Self::Growth,
        Self::Memory,
        Self::Io,
        Self::Threads,
        Self::Burst,
        Self::Zombies,
    ];

    /// The name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Oom => "oom",
            Self::Stall => "stall",
            Self::Deaths => "deaths",
            Self::Blocked => "blocked",
            Self::Tree => "tree",
            Self::Forks => "forks",
            Self::Cpu => "cpu",
            Self::Waiting => "waiting",
            Self::Growth => "growth",
            Self::Memory => "memory",
            Self::Io => "io",
            Self::Threads => "threads",
            Self::Burst => "burst",
            Self::Zombies => "zombies",
        }
    }
}

/// A noteworthy fact, found by a rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that found the fact.
    pub rule: Rule,
    /// Rank among all findings of the snapshot, from 1.
    pub rank: u32,
    /// The process that the finding is about; `None` if there is none.
    pub about: Option<TaskId>,
    /// The task whose dot shows the rank: `about`, a thread of `about`, or a process
    /// that died.
    pub dot: Option<TaskId>,
    /// The name shown before the text: the name of `about`, or of the processes that
    /// died; `None` if there is none.
    pub comm: Option<Comm>,
    /// Number of tasks or events that the finding combines.
    pub count: u64,
    /// Path of the cgroup, if the finding combines tasks of one command and cgroup;
    /// `None` if not known.
    pub cgroup: Option<Arc<str>>,
    /// The figure that made the rule fire.
    pub value: f64,
    /// Unit of `value`.
    pub unit: &'static str,
    /// Start of the reported condition, ns since boot.
    pub since_ns: u64,
    /// The text for the user, without the name: "uses 1.00 cores for 3 s".
    pub text: String,
    /// The figure at the last samples, oldest first.
    pub curve: Vec<f32>,
}

/// Identifies a finding across snapshots.
pub type FindingKey = (Rule, Option<TaskId>, Option<Comm>, Option<Arc<str>>);

impl Finding {
    /// The key that identifies the finding in the next snapshot. Rules that combine
    /// processes of one name report the worst process. Another process can be the
    /// worst in the next snapshot, so the key of these rules has no process.
    pub fn key(&self) -> FindingKey {
        let is_fold = matches!(self.rule, Rule::Blocked | Rule::Waiting);
        let about = self.about.filter(|_| !is_fold);
        (self.rule, about, self.comm, self.cgroup.clone())
    }

    /// Whether `comm` is the name of `about`, and not of the processes that died.
    pub fn is_named(&self) -> bool {
        self.about == self.dot
    }

    /// The name to show, with the pid if the finding is about one process.
    pub fn who(&self) -> String {
        let name = self
            .comm
            .map_or_else(|| "procviz".to_owned(), |comm| comm.text().name());
        match self.about.filter(|_| self.is_named()) {
            Some(about) => format!("{name} {}", about.tid),
            None => name,
        }
    }
}
