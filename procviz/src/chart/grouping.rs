//! Groups tasks, for the groups of a grid and the colours of bubbles.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Context;
use crate::model::{Comm, Fold, Process, Snapshot, TaskId, TaskView, Untrusted, cgroup_name};

/// The property by which tasks are grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// The real user id.
    #[default]
    User,
    /// The cgroup.
    Cgroup,
    /// The oldest ancestor below init.
    Tree,
    /// The name of the process.
    Command,
}

impl Grouping {
    /// What the groups are, for a heading.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Cgroup => "cgroup",
            Self::Tree => "oldest ancestor",
            Self::Command => "command",
        }
    }
}

/// The identity of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum GroupKey {
    User(Option<u32>),
    Cgroup(Option<Arc<str>>),
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
}

/// Pid of init. Pid 2 is kthreadd, the parent of the kernel threads.
const INIT: u32 = 1;
const KTHREADD: u32 = 2;
/// Upper limit for the steps to the root of a process tree. Damaged data can
/// contain a cycle.
const DEPTH: usize = 64;

impl<'a> Groups<'a> {
    pub(super) fn new(grouping: Grouping, snapshot: &'a Snapshot) -> Self {
        let needs_pids = matches!(grouping, Grouping::Tree | Grouping::Cgroup);
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
        }
    }

    pub(super) fn key(&self, task: &TaskView<'_>) -> GroupKey {
        match self.grouping {
            Grouping::User => GroupKey::User(task.thread.uid),
            _ if task.process.kthread => GroupKey::KernelThreads,
            Grouping::Cgroup => GroupKey::Cgroup(task.process.cgroup.clone()),
            Grouping::Tree => GroupKey::Tree(self.root(task.process)),
            Grouping::Command => GroupKey::Command(self.snapshot.name_of(task.process)),
        }
    }

    /// The group of a fold, which contains short-lived tasks without their own dots.
    pub(super) fn key_of_fold(&self, fold: &Fold) -> GroupKey {
        let origin = || self.process(fold.origin.tid);
        match self.grouping {
            Grouping::User => GroupKey::User(Some(fold.uid)),
            Grouping::Command => GroupKey::Command(fold.comm),
            Grouping::Cgroup => {
                GroupKey::Cgroup(origin().and_then(|process| process.cgroup.clone()))
            }
            Grouping::Tree => {
                GroupKey::Tree(origin().map_or(fold.origin, |process| self.root(process)))
            }
        }
    }

    /// The displayed name of a group.
    pub(super) fn name(&self, key: &GroupKey, context: &Context<'_>) -> Arc<str> {
        match key {
            GroupKey::User(uid) => (context.user)(*uid),
            GroupKey::Cgroup(Some(path)) => Arc::clone(path),
            GroupKey::Cgroup(None) => "no cgroup".into(),
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
        GroupKey::Cgroup(Some(path)) => cgroup_name(path),
        _ => Untrusted::new(name.as_bytes()).picture(),
    }
}
