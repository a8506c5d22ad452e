//! Follows the descendants of some processes through a recording, as the source does on
//! the machine: by forks, and in a census by parent pids.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{Event, Sample, TaskId};

/// The processes to follow, and their descendants so far.
pub(super) struct Tree {
    roots: Vec<u32>,
    /// The roots that the recording has shown so far.
    seen: FxHashSet<u32>,
    watched: FxHashSet<TaskId>,
    /// The watched processes that have not exited, by pid.
    of_pid: FxHashMap<u32, TaskId>,
}

impl Tree {
    pub(super) fn new(roots: &[u32]) -> Self {
        Self {
            roots: roots.to_vec(),
            seen: FxHashSet::default(),
            watched: FxHashSet::default(),
            of_pid: FxHashMap::default(),
        }
    }

    /// The roots that the part that was read does not contain.
    pub(super) fn unseen_roots(&self) -> impl Iterator<Item = u32> {
        let roots = self.roots.iter().copied();
        roots.filter(|root| !self.seen.contains(root))
    }

    /// Forgets the watched processes. Must be called when reading begins at another place.
    pub(super) fn forget(&mut self) {
        self.watched.clear();
        self.of_pid.clear();
    }

    /// Clears the `watched` mark of all processes in a sample that are not descendants.
    /// Samples must come in order.
    pub(super) fn mark(&mut self, sample: &mut Sample) {
        // Children can come before their parents.
        loop {
            let before = self.watched.len();
            for found in &sample.found {
                let parent = self.of_pid.get(&found.ppid);
                let is_child =
                    parent.is_some_and(|parent| parent.start_ns <= found.process.start_ns);
                self.watch_if(found.process, is_child);
            }
            if self.watched.len() == before {
                break;
            }
        }
        // A process that started and exited in a gap is known only by its exit record.
        loop {
            let before = self.watched.len();
            for record in sample.ended() {
                let parent = self.of_pid.get(&record.ppid);
                let parent = parent.is_some_and(|it| it.start_ns <= record.process.start_ns);
                let is_child = parent || self.watched.contains(&record.origin);
                self.watch_if(record.process, is_child);
            }
            if self.watched.len() == before {
                break;
            }
        }
        for found in &mut sample.found {
            found.watched &= self.watched.contains(&found.process);
        }
        for event in &mut sample.events {
            match event {
                Event::Fork(fork) => {
                    let is_child = self.watched.contains(&fork.parent);
                    if fork.id == fork.process {
                        self.watch_if(fork.id, is_child);
                    }
                    fork.watched &= self.watched.contains(&fork.process);
                }
                Event::ProcessEnd(record) => {
                    let process = record.process;
                    if !self.watched.contains(&process) {
                        Arc::make_mut(record).watched = false;
                    }
                    if self.of_pid.get(&process.tid) == Some(&process) {
                        self.of_pid.remove(&process.tid);
                    }
                }
                _ => {}
            }
        }
        for fold in &mut sample.folds {
            fold.watched &= self.watched.contains(&fold.origin);
        }
    }

    fn watch_if(&mut self, process: TaskId, is_child: bool) {
        let is_root = self.roots.contains(&process.tid);
        if is_root {
            self.seen.insert(process.tid);
        }
        let is_watched = is_child || is_root;
        if is_watched && self.watched.insert(process) {
            self.of_pid.insert(process.tid, process);
        }
    }
}
