//! Groups tasks, for the groups of a grid and the colours of bubbles.

use std::{cell::RefCell, sync::Arc};

use rustc_hash::FxHashMap;

use super::Context;
use crate::model::{
    CgroupOwner, Comm, Fold, Process, Snapshot, TaskId, TaskView, Untrusted, cgroup_name,
};

/// The property by which tasks are grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// The real user id.
    #[default]
    User,
    /// The cgroup.
    Cgroup,
    /// The container, by its name if that is known.
    Container,
    /// The pod of Kubernetes, by its name if that is known.
    Pod,
    /// The unit of systemd.
    Unit,
    /// The oldest ancestor below init.
    Tree,
    /// The name of the process.
    Command,
}

impl Grouping {
    /// What a live view groups by after this one.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::User => Self::Cgroup,
            Self::Cgroup => Self::Container,
            Self::Container => Self::Pod,
            Self::Pod => Self::Unit,
            Self::Unit => Self::Tree,
            Self::Tree => Self::Command,
            Self::Command => Self::User,
        }
    }

    /// The group of a process in this cgroup, where the cgroup decides it.
    pub(super) fn of_cgroup(self, path: Option<&Arc<str>>) -> GroupKey {
        let Some(path) = path else {
            return GroupKey::Unowned("cgroup unknown");
        };
        let owner = || CgroupOwner::of(path);
        let (name, without) = match self {
            Self::Container => (owner().container_words(), "no container"),
            Self::Pod => (owner().pod_words(), "no pod"),
            Self::Unit => (owner().unit, "no unit"),
            _ => return GroupKey::Cgroup(Arc::clone(path)),
        };
        name.map_or(GroupKey::Unowned(without), |name| {
            GroupKey::Owner(name.into())
        })
    }

    /// Width for the names of groups at the left of a picture this wide, in pixels. Names of
    /// pods are long.
    pub(super) fn label_width(self, width: f32) -> f32 {
        if self.is_by_cgroup() && width >= 1200.0 {
            270.0
        } else {
            150.0
        }
    }

    /// Whether the cgroup of a process decides its group.
    fn is_by_cgroup(self) -> bool {
        self == Self::Cgroup || self.is_by_owner()
    }

    /// Whether the container, pod or unit of a process decides its group.
    pub(super) fn is_by_owner(self) -> bool {
        matches!(self, Self::Container | Self::Pod | Self::Unit)
    }

    /// What the groups are, for a heading.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Cgroup => "cgroup",
            Self::Container => "container",
            Self::Pod => "pod",
            Self::Unit => "unit",
            Self::Tree => "oldest ancestor",
            Self::Command => "command",
        }
    }
}

/// The identity of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum GroupKey {
    User(Option<u32>),
    Cgroup(Arc<str>),
    /// The container, pod or unit.
    Owner(Arc<str>),
    /// What is not in a cgroup, container, pod or unit, in words.
    Unowned(&'static str),
    Tree(TaskId),
    Command(Comm),
    KernelThreads,
}

/// Finds the group of each task of one snapshot.
pub(super) struct Groups<'a> {
    grouping: Grouping,
    snapshot: &'a Snapshot,
    /// Slots of living processes by pid. Empty if the grouping needs no other process.
    by_pid: FxHashMap<u32, usize>,
    /// Groups by where the path of the cgroup is in memory.
    by_path: RefCell<FxHashMap<Option<*const u8>, GroupKey>>,
}

/// Pid of init. Pid 2 is kthreadd, the parent of the kernel threads.
const INIT: u32 = 1;
const KTHREADD: u32 = 2;
/// Upper limit for the steps to the root of a process tree. Damaged data can
/// contain a cycle.
const DEPTH: usize = 64;

impl<'a> Groups<'a> {
    pub(super) fn new(grouping: Grouping, snapshot: &'a Snapshot) -> Self {
        let needs_pids = grouping == Grouping::Tree || grouping.is_by_cgroup();
        let by_pid = if needs_pids {
            let living = snapshot
                .processes
                .entries()
                .filter(|(_, process)| process.end.is_none());
            living
                .map(|(slot, process)| (process.id.tid, slot))
                .collect()
        } else {
            FxHashMap::default()
        };
        Self {
            grouping,
            snapshot,
            by_pid,
            by_path: RefCell::default(),
        }
    }

    pub(super) fn key(&self, task: &TaskView<'_>) -> GroupKey {
        match self.grouping {
            Grouping::User => GroupKey::User(task.thread.uid),
            _ if task.process.kthread => GroupKey::KernelThreads,
            Grouping::Tree => GroupKey::Tree(self.root(task.process)),
            Grouping::Command => GroupKey::Command(self.snapshot.name_of(task.process)),
            _ => self.by_cgroup(task.process.cgroup.as_ref()),
        }
    }

    /// The group of a fold, which contains short-lived tasks without their own dots.
    pub(super) fn key_of_fold(&self, fold: &Fold) -> GroupKey {
        let origin = || self.process(fold.origin.tid);
        match self.grouping {
            Grouping::User => GroupKey::User(Some(fold.uid)),
            Grouping::Command => GroupKey::Command(fold.comm),
            Grouping::Tree => {
                GroupKey::Tree(origin().map_or(fold.origin, |process| self.root(process)))
            }
            _ => self.by_cgroup(origin().and_then(|process| process.cgroup.as_ref())),
        }
    }

    /// The group by the cgroup. Paths are read once: thousands of tasks can share one.
    fn by_cgroup(&self, path: Option<&Arc<str>>) -> GroupKey {
        let mut known = self.by_path.borrow_mut();
        let key = path.map(|path| path.as_ptr());
        let found = known
            .entry(key)
            .or_insert_with(|| self.grouping.of_cgroup(path));
        found.clone()
    }

    /// The displayed name of a group.
    pub(super) fn name(&self, key: &GroupKey, context: &Context<'_>) -> Arc<str> {
        match key {
            GroupKey::User(uid) => (context.user)(*uid),
            GroupKey::Cgroup(name) | GroupKey::Owner(name) => Arc::clone(name),
            GroupKey::Unowned(words) => (*words).into(),
            GroupKey::Command(comm) => comm.text().picture().into(),
            GroupKey::KernelThreads => "kernel threads".into(),
            GroupKey::Tree(id) => {
                let name = self
                    .process(id.tid)
                    .map(|process| self.snapshot.name_of(process).text().picture());
                format!("{} {}", name.as_deref().unwrap_or("(gone)"), id.tid).into()
            }
        }
    }

    fn process(&self, pid: u32) -> Option<&'a Process> {
        self.snapshot.processes.get(*self.by_pid.get(&pid)?)
    }

    /// The oldest ancestor below init and kthreadd.
    fn root(&self, process: &Process) -> TaskId {
        let mut root = process;
        for _ in 0..DEPTH {
            if matches!(root.ppid, 0 | INIT | KTHREADD) {
                break;
            }
            match self.process(root.ppid) {
                Some(parent) => root = parent,
                None => break,
            }
        }
        root.id
    }
}

/// The name of a group, escaped for a picture.
pub(super) fn group_name(name: &str, key: &GroupKey) -> String {
    match key {
        GroupKey::Cgroup(path) => cgroup_name(path),
        _ => Untrusted::new(name.as_bytes()).picture(),
    }
}
