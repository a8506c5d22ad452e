//! Finds the ancestors of processes within one cgroup.

use std::cell::OnceCell;

use crate::model::{Process, Snapshot};

/// Upper limit for the length of a line of ancestors.
const DEEPEST: usize = 32;
/// Process id of init: all descend from it.
const INIT: u32 = 1;

/// The living processes, in the order of their pids. It is made when it is first needed.
pub(super) struct Family<'a> {
    snapshot: &'a Snapshot,
    sorted: OnceCell<Vec<&'a Process>>,
}

impl<'a> Family<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            sorted: OnceCell::new(),
        }
    }

    /// The parent; `None` where a family ends: at init, at procviz itself, and where a service
    /// manager has put the child into a cgroup of its own.
    fn parent(&self, process: &'a Process) -> Option<&'a Process> {
        let ppid = process.ppid;
        if ppid <= INIT || Some(ppid) == self.snapshot.host.own_pid {
            return None;
        }
        let sorted = self.sorted.get_or_init(|| {
            let all = self.snapshot.processes.iter();
            let mut living: Vec<_> = all.filter(|process| process.end.is_none()).collect();
            living.sort_unstable_by_key(|process| process.id.tid);
            living
        });
        let at = sorted.binary_search_by_key(&ppid, |process| process.id.tid);
        let parent = *sorted.get(at.ok()?)?;
        // A recording can name any parent, and a pid can be used again by a younger process.
        let is_older = parent.id.by_start() < process.id.by_start();
        let is_near = parent.cgroup == process.cgroup && !parent.kthread;
        (is_older && is_near).then_some(parent)
    }

    /// The process and its ancestors, the nearest first.
    pub(super) fn line(&self, process: &'a Process) -> impl Iterator<Item = &'a Process> {
        let is_root = process.id.tid == INIT || process.kthread;
        let first = Some(process).filter(|_| !is_root);
        std::iter::successors(first, |process| self.parent(process)).take(DEEPEST)
    }

    /// Whether a process is `ancestor` or descends from it.
    pub(super) fn descends(&self, process: &'a Process, ancestor: &Process) -> bool {
        self.line(process).any(|of| of.id == ancestor.id)
    }
}
