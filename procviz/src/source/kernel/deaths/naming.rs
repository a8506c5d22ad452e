//! Keeps the name of a program whose leader changes its `comm`.

use std::sync::Arc;

use super::{ProcessTable, TrackedProcess};
use crate::model::{Comm, Fork, TaskId};

impl ProcessTable {
    /// Sets the name of the program of a process, found in `/proc`.
    pub(crate) fn set_name(&mut self, process: TaskId, name: Arc<[u8]>) {
        if let Some(tracked) = self.processes.get_mut(&process.tid)
            && tracked.process == process
        {
            tracked.name = Some(name).filter(|name| !name.is_empty());
        }
    }

    /// A thread has changed its name. Returns the name of its program if that differs now.
    pub(crate) fn rename(&mut self, id: TaskId, comm: Comm) -> Option<Arc<[u8]>> {
        let tracked = self.processes.get_mut(&id.tid);
        let tracked = tracked.filter(|tracked| tracked.process == id)?;
        tracked.rename(comm);
        tracked.name.clone()
    }
}

impl TrackedProcess {
    /// The leader is called `comm` from now on.
    pub(super) fn rename(&mut self, comm: Comm) {
        let before = std::mem::replace(&mut self.comm, comm);
        let is_name = !self.kthread && !before.is_placeholder();
        if before != comm && self.name.is_none() && is_name {
            self.name = Some(before.bytes().into());
        }
    }

    /// The name of the program of a child, which has the `comm` of the thread that forked.
    pub(super) fn name_of_child(&self, fork: &Fork) -> Option<Arc<[u8]>> {
        if self.kthread || fork.kthread {
            return None;
        }
        match &self.name {
            Some(name) => Some(Arc::clone(name)),
            None if self.comm.is_placeholder() => None,
            None => (self.comm != fork.comm).then(|| self.comm.bytes().into()),
        }
    }
}
