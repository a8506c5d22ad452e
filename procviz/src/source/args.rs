//! Reads the arguments of processes that were there before, on a thread of
//! its own: a `cmdline` may hang with the memory it lies in.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};

use super::{capabilities::raise_for_this_thread, proc::ProcDir};
use crate::model::TaskId;

/// Asks for arguments and takes the answers that have come.
pub(super) struct ArgsReader {
    ask: Sender<TaskId>,
    answers: Receiver<(TaskId, Arc<[u8]>)>,
}

impl ArgsReader {
    /// Starts the thread; where none can be had, no answer ever comes.
    pub(super) fn start(tick_ns: u64) -> Self {
        let (ask, questions) = channel();
        let (answer, answers) = channel();
        let body = move || {
            raise_for_this_thread();
            let Ok(mut proc) = ProcDir::open(Path::new("/proc")) else {
                return;
            };
            for process in questions {
                if let Some(args) = read(&mut proc, process, tick_ns)
                    && answer.send((process, args)).is_err()
                {
                    return;
                }
            }
        };
        // Never joined: it ends with the questions, or hangs with a process that does.
        _ = std::thread::Builder::new()
            .name("procviz-cmdline".to_owned())
            .spawn(body);
        Self { ask, answers }
    }

    /// Asks for one process's.
    pub(super) fn ask(&self, process: TaskId) {
        // Without a thread nobody hears it, and the arguments stay unknown.
        _ = self.ask.send(process);
    }

    /// What has come since the last call.
    pub(super) fn answers(&self) -> impl Iterator<Item = (TaskId, Arc<[u8]>)> + '_ {
        self.answers.try_iter()
    }
}

fn read(proc: &mut ProcDir, process: TaskId, tick_ns: u64) -> Option<Arc<[u8]>> {
    let args = proc.cmdline(process.tid).ok()?;
    // The same process still: then these are its arguments.
    let is_same = proc
        .process_stat(process.tid)
        .is_ok_and(|stat| stat.start == process.start_ns / tick_ns);
    (is_same && !args.is_empty()).then(|| args.into())
}
