//! Reads the cgroup paths of processes on machines with a version 1 hierarchy:
//! there the kernel's events hold the path of the version 2 hierarchy alone.

use std::collections::VecDeque;

use crate::{
    model::{Event, Found, Sample, TaskId},
    source::{cgroups::v1_memory_path, containers::Containers, roster::Roster},
};

/// Upper limit for the paths that are read in a tick.
const A_TICK: usize = 100;
/// Upper limit for the paths of processes that were there before procviz, a second: the first
/// picture must not call equal processes different because only some of their paths are known.
const OLD_A_SECOND: u64 = 1_000;

/// Processes whose path is to be read; nothing where there is no version 1 hierarchy.
pub(super) struct V1Paths {
    has_v1: bool,
    waiting: VecDeque<TaskId>,
    /// How many of them are from a census.
    old: usize,
    /// Finds the names of containers.
    containers: Containers,
}

impl V1Paths {
    pub(super) fn new(has_v1: bool) -> Self {
        Self {
            has_v1,
            waiting: VecDeque::new(),
            old: 0,
            containers: Containers::new(),
        }
    }

    /// Asks for the path of a process whose version 2 path is not known.
    pub(super) fn ask(&mut self, process: TaskId) {
        if self.has_v1 {
            self.waiting.push_back(process);
        }
    }

    /// Forgets a process: its version 2 path has become known.
    pub(super) fn forget(&mut self, process: TaskId) {
        self.waiting.retain(|waiting| *waiting != process);
    }

    /// Asks for the paths of all processes that a census found without one.
    pub(super) fn ask_for_all(&mut self, found: &[Found]) {
        let leaders = found
            .iter()
            .filter(|task| task.id == task.process && !task.kthread)
            .filter(|task| task.cgroup.is_none());
        for task in leaders {
            self.ask(task.id);
        }
        self.old = self.waiting.len();
    }

    /// Adds an event for each path that was read in this tick.
    pub(super) fn read(&mut self, roster: &Roster, interval_ns: u64, sample: &mut Sample) {
        let of_old = OLD_A_SECOND.saturating_mul(interval_ns) / 1_000_000_000;
        let most = A_TICK.max(self.old.min(of_old as usize));
        let mut read = 0;
        while read < most
            && let Some(process) = self.waiting.pop_front()
        {
            self.old = self.old.saturating_sub(1);
            // Processes that have exited do not count against the limit.
            if roster.process(process.tid) != Some(process) {
                continue;
            }
            read += 1;
            if let Some(path) = v1_memory_path(process.tid) {
                self.containers.look_up(&path);
                sample.events.push(Event::Cgroup(process, path));
            }
        }
    }
}
