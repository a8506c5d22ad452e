use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{
    Comm, Severity, Status, TaskId, Untrusted, bytes_text, cgroup_name, count_text, many_text,
    rate_text,
};

/// Defines [`Rule`] from a table: each row is a doc comment, a name, and the word in JSON.
macro_rules! rules {
    ($(#[doc = $about:literal] $name:ident = $word:literal,)*) => {
        /// A rule that produces findings. The rules are in order of rank.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Rule {
            $(#[doc = $about] $name,)*
        }

        impl Rule {
            /// All rules, in order of rank.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in JSON, and in `record --on finding:NAME`.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What the rule finds, one sentence.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$name => $about.trim_ascii(),)*
                }
            }
        }
    };
}

rules! {
    /// The OOM killer killed a process.
    Oom = "oom",
    /// procviz itself got no CPU.
    Stall = "stall",
    /// The same command crashes or fails again and again, or dies once by SIGSEGV, SIGABRT, SIGBUS, SIGILL or SIGFPE, or by a SIGKILL that is not from its parent or came after a SIGTERM.
    Deaths = "deaths",
    /// A thread is in an uninterruptible sleep (state D) for a long time; the text says where in the kernel.
    Blocked = "blocked",
    /// The descendants of one process multiply.
    Tree = "tree",
    /// Many forks, or short-lived processes that use much CPU.
    Forks = "forks",
    /// A program that is no kernel thread calls itself like one, such as kworker/0:1.
    Disguise = "disguise",
    /// Each process of a chain starts the next one and exits; the one that is alive has the number.
    Chain = "chain",
    /// A process, or several that belong together, keep a core busy.
    Cpu = "cpu",
    /// Runnable threads get no CPU.
    Waiting = "waiting",
    /// The memory of a process, or of several that belong together, grows: neither pages of files nor shared memory count.
    Growth = "growth",
    /// Shared memory and files on tmpfs grow; each page counts once.
    Shmem = "shmem",
    /// A process, or all of one name and user together, use much memory: pages of files do not count, swap does.
    Memory = "memory",
    /// A process, or several that belong together, do much storage IO.
    Io = "io",
    /// A process creates many threads.
    Threads = "threads",
    /// A process starts many processes at one instant.
    Burst = "burst",
    /// A process does not reap its dead children.
    Zombies = "zombies",
}

/// A noteworthy fact, found by a rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that found the fact.
    pub rule: Rule,
    /// Rank of the subject among all subjects of the snapshot, from 1. Several findings about
    /// one subject have the same rank, and subjects that fill all CPUs together have one, too.
    pub rank: u32,
    /// How bad the fact is.
    pub severity: Severity,
    /// Real user id of the subject; `None` if there is none, or if it is not known.
    pub uid: Option<u32>,
    /// What the processes have in common that the finding is about together; `None`: it is
    /// about one, or about what `comm` says.
    pub together: Option<Together>,
    /// The process that the finding is about; `None` if there is none.
    pub about: Option<TaskId>,
    /// The task whose dot shows the rank: `about`, a thread of `about`, or a process
    /// that died.
    pub dot: Option<TaskId>,
    /// The name shown before the text: the name of `about`, or of the processes that
    /// died; `None` if there is none.
    pub comm: Option<Comm>,
    /// Number of other names among the tasks that the finding combines.
    pub other_names: u64,
    /// Number of tasks or events that the finding combines.
    pub count: u64,
    /// Of a finding about deaths: how the processes ended, as wait(2) reports it.
    pub status: Option<u32>,
    /// Path of the cgroup, if the finding combines tasks of one command and cgroup;
    /// `None` if not known.
    pub cgroup: Option<Arc<str>>,
    /// Path of the cgroup of the process, or of the last one that died; `None` for a group, or
    /// if not known.
    pub place: Option<Arc<str>>,
    /// The figure that made the rule fire.
    pub value: f64,
    /// Of findings of one rule, the largest comes first; `None`: by `value`.
    pub weight: Option<f64>,
    /// Unit of `value`.
    pub unit: &'static str,
    /// Start of the reported condition, ns since boot.
    pub since_ns: u64,
    /// When it was last seen, ns since boot, if it is over; `None` while it lasts.
    pub ended_ns: Option<u64>,
    /// The text for the user, without the name: "uses 1.00 cores for 3 s".
    pub text: String,
    /// The figure at the last samples, oldest first.
    pub curve: Vec<f32>,
}

/// What the processes of a finding have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Together {
    /// Name `comm` and user `uid`.
    Command,
    /// They are `about` and its descendants.
    Tree,
    /// The cgroup `cgroup`.
    Cgroup,
}

impl Together {
    /// The name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Tree => "tree",
            Self::Cgroup => "cgroup",
        }
    }

    /// The words for `count` processes; `name` and `pid` are those of the ancestor.
    pub fn who(self, count: u64, name: &str, (pid, cgroup): (Option<u32>, Option<&str>)) -> String {
        match self {
            Self::Command => many_text(count, name),
            Self::Tree => {
                let pid = pid.map_or_else(String::new, |pid| format!(" {pid}"));
                format!("{name}{pid} and its descendants")
            }
            Self::Cgroup => {
                let quoted = |path| Untrusted::new(cgroup_name(path).as_bytes()).name();
                let cgroup = cgroup.map_or_else(|| "an unknown cgroup".to_owned(), quoted);
                format!("{} processes of {cgroup}", count_text(count))
            }
        }
    }
}

/// Identifies a finding across snapshots.
pub type FindingKey = (
    Rule,
    Option<TaskId>,
    Option<Comm>,
    Option<Arc<str>>,
    Option<u32>,
    Option<u32>,
);

/// What a finding is about: facts about one subject are one entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SubjectKey {
    Process(TaskId),
    Group(Option<Comm>, Option<u32>),
    Tree(TaskId),
    Cgroup(Option<Arc<str>>),
}

impl Finding {
    /// A finding without any content.
    pub fn new(rule: Rule) -> Self {
        Self {
            rule,
            rank: 0,
            severity: Severity::Unusual,
            uid: None,
            together: None,
            status: None,
            other_names: 0,
            about: None,
            dot: None,
            comm: None,
            count: 0,
            cgroup: None,
            place: None,
            value: 0.0,
            weight: None,
            unit: "",
            since_ns: 0,
            ended_ns: None,
            text: String::new(),
            curve: Vec::new(),
        }
    }

    /// The key that identifies the finding in the next snapshot. Rules that combine
    /// processes of one name report the worst process. Another process can be the
    /// worst in the next snapshot, so the key of these rules has no process.
    pub fn key(&self) -> FindingKey {
        let is_fold = matches!(
            self.rule,
            Rule::Blocked | Rule::Waiting | Rule::Shmem | Rule::Chain | Rule::Deaths
        );
        let is_one = !is_fold && !self.is_group();
        let is_tree = self.together == Some(Together::Tree);
        let about = self.about.filter(|_| is_one || is_tree);
        // A process can change its name.
        let comm = self.comm.filter(|_| about.is_none() || !self.is_named());
        let uid = self
            .uid
            .filter(|_| self.is_group() || self.rule == Rule::Deaths)
            // Processes of a cgroup come and go, and can have several users.
            .filter(|_| self.together != Some(Together::Cgroup));
        (
            self.rule,
            about,
            comm,
            self.cgroup.clone(),
            uid,
            self.status,
        )
    }

    /// The cgroup of all processes of the finding, or of the last one that died.
    pub fn whole_place(&self) -> Option<&str> {
        self.cgroup.as_deref().or(self.place.as_deref())
    }

    /// The tasks that can show the rank, the best first: where dots are processes, a thread
    /// has none.
    pub(crate) fn dots(&self) -> impl Iterator<Item = TaskId> {
        self.dot.into_iter().chain(self.about)
    }

    /// The subject. Findings about one subject have the same.
    pub(crate) fn subject(&self) -> SubjectKey {
        match (self.together, self.about) {
            (Some(Together::Tree), Some(about)) => return SubjectKey::Tree(about),
            (Some(Together::Cgroup), _) => return SubjectKey::Cgroup(self.cgroup.clone()),
            _ => {}
        }
        match self.about.filter(|_| self.is_named()) {
            Some(about) => SubjectKey::Process(about),
            // Processes that died under one name are one subject, whoever started them.
            None if self.rule == Rule::Deaths => SubjectKey::Group(self.comm, None),
            None => SubjectKey::Group(self.comm, self.uid),
        }
    }

    /// Whether the finding is about several processes together.
    pub fn is_group(&self) -> bool {
        self.together.is_some()
    }

    /// Whether `comm` is the name of `about`, and not of processes that `about` started
    /// and that died.
    pub fn is_named(&self) -> bool {
        self.rule != Rule::Deaths && !self.is_group()
    }

    /// The figure that made the rule fire, where it says something without its text.
    pub fn figure(&self) -> Option<String> {
        if self.rule == Rule::Blocked && self.count > 1 {
            return Some(format!("{} blocked (D)", count_text(self.count)));
        }
        if let Some(status) = self.status.filter(|_| self.rule == Rule::Deaths) {
            let how = Status(status).words();
            return Some(match self.count {
                0 | 1 => how,
                times => format!("{how} × {}", count_text(times)),
            });
        }
        figure_text(self.rule.word(), self.unit, self.value)
    }

    /// The name to show, with the pid if the finding is about one process.
    pub fn who(&self) -> String {
        let name = self.comm.map_or_else(
            || unnamed(self.rule.word()).to_owned(),
            |comm| comm.text().name(),
        );
        if let Some(together) = self.together {
            let pid = self.about.map(|about| about.tid);
            return together.who(self.count, &name, (pid, self.cgroup.as_deref()));
        }
        match self.about.filter(|_| self.is_named()) {
            // The text says how many there are, and of which commands.
            Some(_) if self.other_names > 0 => {
                let others = self.other_names;
                let commands = if others == 1 { "command" } else { "commands" };
                format!("{name} and {others} other {commands}")
            }
            Some(_) if self.rule == Rule::Blocked && self.count > 1 => name,
            Some(about) => format!("{name} {}", about.tid),
            None => name,
        }
    }
}

/// The value of a finding with its unit, where it says something without the text; `rule` is
/// the word of its rule.
pub fn figure_text(rule: &str, unit: &str, value: f64) -> Option<String> {
    match unit {
        "cores" => Some(format!("{value:.2} cores")),
        "bytes/s" if rule == Rule::Growth.word() => Some(format!("+{}", rate_text(value))),
        "bytes/s" => Some(rate_text(value)),
        "bytes" => Some(bytes_text(value as u64)),
        "forks/s" if value >= 1.0 => Some(format!("{value:.0} starts/s")),
        _ => None,
    }
}

/// The subject of a finding without a name, by the word of its rule: procviz itself, the
/// memory of the machine, or a process that was not seen.
pub fn unnamed(rule: &str) -> &'static str {
    match rule {
        _ if rule == Rule::Stall.word() => "procviz",
        _ if rule == Rule::Shmem.word() => "memory",
        _ => "unknown process",
    }
}
