use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Comm, TaskId};

/// A rule that finds what is worth a person's eye, in order of rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// The OOM killer killed somebody.
    Oom,
    /// procviz itself got no CPU.
    Stall,
    /// The same command ends badly again and again.
    Deaths,
    /// Long in an uninterruptible wait.
    Blocked,
    /// Descendants that multiply.
    Tree,
    /// Forks and short lives.
    Forks,
    /// A busy process.
    Cpu,
    /// Runnable without a CPU.
    Waiting,
    /// A growing resident set.
    Growth,
    /// A large resident set.
    Memory,
    /// Much storage IO.
    Io,
    /// Many new threads.
    Threads,
    /// Many starts at one instant.
    Burst,
    /// The dead that nobody reaps.
    Zombies,
}

impl Rule {
    /// All, in order of rank.
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

    /// The word in JSON.
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

/// A fact worth a person's eye.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which rule found it.
    pub rule: Rule,
    /// Its place among all, from 1.
    pub rank: u32,
    /// The process it is about.
    pub about: Option<TaskId>,
    /// The task whose dot carries the number: `about`, or one that it lost.
    pub dot: Option<TaskId>,
    /// The name that stands first: that of `about`, or of those that died.
    pub comm: Option<Comm>,
    /// How many tasks are folded into it.
    pub count: u64,
    /// Of those of one command and cgroup: the cgroup's path, where known.
    pub cgroup: Option<Arc<str>>,
    /// The figure that fired.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// Since when, ns since boot.
    pub since_ns: u64,
    /// What a person reads, without the name: "burns 1.00 core for 3 s".
    pub text: String,
    /// The figure over the samples seen, oldest first.
    pub curve: Vec<f32>,
}

/// What makes a finding the same one in the next snapshot.
pub type FindingKey = (Rule, Option<TaskId>, Option<Comm>, Option<Arc<str>>);

impl Finding {
    /// By which it is known again. Of those that fold many processes of one
    /// name, another one may be the worst each time.
    pub fn key(&self) -> FindingKey {
        let is_fold = matches!(self.rule, Rule::Blocked | Rule::Waiting);
        let about = self.about.filter(|_| !is_fold);
        (self.rule, about, self.comm, self.cgroup.clone())
    }

    /// Whether the name is that of `about`, and not of those that it lost.
    pub fn is_named(&self) -> bool {
        self.about == self.dot
    }

    /// The name of whom it is about, with the pid where it is one process.
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
