//! Reads the arguments of processes that started before procviz, on a separate
//! thread: a read of `cmdline` can hang together with the memory of the process.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};

use super::{capabilities::raise_for_this_thread, proc::ProcDir};
use crate::model::{Args, MOST_ARGS, TaskId};

/// Sends requests to the thread that reads arguments, and receives its answers.
pub(super) struct ArgsReader {
    ask: Sender<TaskId>,
    answers: Receiver<(TaskId, Arc<[u8]>)>,
}

impl ArgsReader {
    /// Starts the thread. If the thread cannot be started, no answers come.
    /// `tick_ns` is the unit of start times in `/proc`, ns.
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
        // Never joined: the thread ends when the channel closes, or it hangs together
        // with a process that hangs.
        _ = std::thread::Builder::new()
            .name("procviz-cmdline".to_owned())
            .spawn(body);
        Self { ask, answers }
    }

    /// Asks for the arguments of one process.
    pub(super) fn ask(&self, process: TaskId) {
        // Without the thread, the send fails and the arguments stay unknown.
        _ = self.ask.send(process);
    }

    /// The answers since the last call.
    pub(super) fn answers(&self) -> impl Iterator<Item = (TaskId, Arc<[u8]>)> + '_ {
        self.answers.try_iter()
    }
}

/// The arguments of `process`; `None` if it has exited or has none.
fn read(proc: &mut ProcDir, process: TaskId, tick_ns: u64) -> Option<Arc<[u8]>> {
    let args = proc.cmdline(process.tid).ok()?;
    // The read ends where the buffer does: then there can be more.
    let all = args.len() + usize::from(args.len() >= MOST_ARGS);
    let args = Args::kept(&args, all);
    // The pid can be reused: the arguments are valid only if the start still matches.
    let is_same = proc
        .process_stat(process.tid)
        .is_ok_and(|stat| stat.start == process.start_ns / tick_ns);
    (is_same && !args.is_empty()).then(|| args.into())
}
