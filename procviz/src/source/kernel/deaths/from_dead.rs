//! Builds the exit of a task from its DEAD record alone: the kernel skipped the program
//! that sends EXIT, or the ring had no room for it.

use procviz_common::DeadRecord;

use super::{EXIT_ZOMBIE, Leaving, ProcessTable};
use crate::model::TaskId;

impl ProcessTable {
    /// Takes in the identity of a DEAD record without an EXIT. The kernel can have freed
    /// the parent and the pid of the task by then: what is known from the fork or from a
    /// census counts. `None` if the process is not known at all.
    pub(super) fn exit_from_dead(&mut self, record: &DeadRecord) -> Option<Leaving> {
        let mut task = record.task;
        if task.time_ns < self.seeded_ns {
            // It was exiting before procviz came.
            return None;
        }
        let known = self.processes.get(&task.tgid);
        if task.leader_start_ns == 0 {
            task.leader_start_ns = known?.process.start_ns;
        }
        self.without_exit += 1;
        let process = TaskId {
            tid: task.tgid,
            start_ns: task.leader_start_ns,
        };
        if self
            .reported
            .iter()
            .any(|(_, reported)| *reported == process)
        {
            return None;
        }
        let known = known.filter(|tracked| tracked.process == process);
        let ppid = known.map(|tracked| (tracked.ppid, tracked.ns_pid));
        task.ppid = match ppid {
            Some((ppid, _)) => ppid,
            // A zombie still has its parent.
            None if record.exit_state == EXIT_ZOMBIE => task.ppid,
            None => 0,
        };
        self.exit(&task);
        if let Some(tracked) = self.processes.get_mut(&task.tgid) {
            tracked.partial |= ppid.is_none();
            tracked.ns_pid = ppid.and_then(|(_, ns_pid)| ns_pid);
        }
        self.leaving.remove(&task.address)
    }

    /// Number of DEAD records without an EXIT, since the start.
    pub(crate) fn without_exit(&self) -> u64 {
        self.without_exit
    }
}
