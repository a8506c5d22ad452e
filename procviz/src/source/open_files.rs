//! Finds what blocked threads may wait for, on a separate thread: see [`proc::open_on`].

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, channel, sync_channel},
    },
};

use super::{
    capabilities::{has_more_rights_than_its_caller, raise_for_this_thread},
    proc::{ProcDir, open_on},
    roster::Member,
};
use crate::model::{TaskId, mount_only};

/// Upper limit for the questions without an answer.
const MOST_OPEN: usize = 1_000;

/// Functions of the kernel in which a thread does not wait for a file, by the begin of their
/// names.
const NO_FILE: &[&str] = &[
    "kernel_clone",
    "wait_for_vfork_done",
    "_do_fork",
    "do_exit",
    "coredump",
    "futex",
    "mem_cgroup",
    "__mem_cgroup",
    "throttle_direct_reclaim",
    "reclaim_throttle",
];

/// Asks for the mounts on which the processes of blocked threads have files open.
pub(super) struct OpenFiles {
    ask: SyncSender<Member>,
    answers: Receiver<(TaskId, Arc<[u8]>)>,
}

impl OpenFiles {
    /// Starts the thread that reads. If it cannot be started, no answers come. `tick_ns` is the
    /// unit of start times in `/proc`, ns.
    pub(super) fn start(tick_ns: u64) -> Self {
        let (ask, questions) = sync_channel::<Member>(MOST_OPEN);
        let (answer, answers) = channel();
        // A caller who cannot list the descriptors of others does not see their files.
        let names_files = !has_more_rights_than_its_caller();
        let body = move || {
            raise_for_this_thread();
            let root = Path::new("/proc");
            let Ok(mut proc) = ProcDir::open(root) else {
                return;
            };
            for member in questions {
                let process = member.process;
                let Some(on) = open_on(root, process.tid) else {
                    continue;
                };
                // The pid can have been reused meanwhile.
                let stat = proc.process_stat(process.tid);
                let is_it = stat.is_ok_and(|stat| stat.start == process.start_ns / tick_ns);
                let on: Arc<[u8]> = on.bytes().into();
                let on = if names_files { on } else { mount_only(&on) };
                if is_it && answer.send((member.process, on)).is_err() {
                    return;
                }
            }
        };
        // Never joined: the thread ends when the channel closes.
        _ = std::thread::Builder::new()
            .name("procviz-files".to_owned())
            .spawn(body);
        Self { ask, answers }
    }

    /// Asks about a thread that waits in this function of the kernel.
    pub(super) fn ask(&self, member: Member, function: &[u8]) {
        if !NO_FILE.iter().any(|no| function.starts_with(no.as_bytes())) {
            // With too many questions, the answer stays unknown.
            _ = self.ask.try_send(member);
        }
    }

    /// The answers since the last call: process, and mount, file system and file, see
    /// [`Event::OpenOn`](crate::model::Event::OpenOn).
    pub(super) fn answers(&self) -> impl Iterator<Item = (TaskId, Arc<[u8]>)> + '_ {
        self.answers.try_iter()
    }
}
