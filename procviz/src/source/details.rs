//! Reads the details of the one task that a user looks at, on a separate thread:
//! each detail costs a file read, and a read of `cmdline` can hang together with the
//! memory of the process.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

use procfs::process::Process;

use super::capabilities::raise_for_this_thread;
use crate::model::{TaskId, Untrusted, bytes_text, duration_text};

/// Upper limit for the wait on an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends requests to the thread that reads details, and receives its answers.
pub(crate) struct Details {
    ask: Sender<TaskId>,
    answers: Receiver<(TaskId, Vec<String>)>,
    /// The request without an answer, and when it was sent.
    open: Option<(TaskId, Instant)>,
}

impl Details {
    /// Starts the thread; `tick_ns` is the unit of start times in `/proc`, ns.
    pub(crate) fn start(tick_ns: u64) -> Self {
        let (ask, questions) = channel::<TaskId>();
        let (answer, answers) = channel();
        // Never joined: the thread ends when the channel closes, or it hangs together
        // with a process that hangs.
        _ = std::thread::Builder::new()
            .name("procviz-details".to_owned())
            .spawn(move || {
                raise_for_this_thread();
                for id in questions {
                    let lines = read(id, tick_ns).unwrap_or_default();
                    if answer.send((id, lines)).is_err() {
                        return;
                    }
                }
            });
        Self {
            ask,
            answers,
            open: None,
        }
    }

    /// Asks for the details of a task, unless an answer is still missing.
    pub(crate) fn ask(&mut self, id: TaskId) {
        if self.open.is_none() {
            self.open = Some((id, Instant::now()));
            // Without the thread, the send fails and no answer comes: the view shows that.
            _ = self.ask.send(id);
        }
    }

    /// The answer, if one has arrived: the task, and one line for each fact.
    pub(crate) fn take(&mut self) -> Option<(TaskId, Vec<String>)> {
        let answer = self.answers.try_recv().ok()?;
        self.open = None;
        Some(answer)
    }

    /// Whether an answer is still missing and not overdue.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some() && self.overdue().is_none()
    }

    /// The task whose answer is overdue.
    pub(crate) fn overdue(&self) -> Option<TaskId> {
        self.open
            .filter(|(_, since)| since.elapsed() > PATIENCE)
            .map(|(id, _)| id)
    }
}

/// The details of a task, one line each; `None` if the task has exited.
fn read(id: TaskId, tick_ns: u64) -> Option<Vec<String>> {
    let process = Process::new(i32::try_from(id.tid).ok()?).ok()?;
    let stat = process.stat().ok()?;
    if stat.starttime != id.start_ns / tick_ns {
        return None;
    }
    let mut lines = vec![format!(
        "CPU: user {}, system {}",
        duration_text(stat.utime * tick_ns),
        duration_text(stat.stime * tick_ns)
    )];
    if let Ok(status) = process.status() {
        let kib = |value: Option<u64>| value.map(|kib| bytes_text(kib * 1024));
        if let Some(peak) = kib(status.vmhwm) {
            let swap = kib(status.vmswap).unwrap_or_else(|| "unknown".to_owned());
            lines.push(format!("peak RSS {peak}, swapped {swap}"));
        }
        if let (Some(own), Some(forced)) = (
            status.voluntary_ctxt_switches,
            status.nonvoluntary_ctxt_switches,
        ) {
            lines.push(format!(
                "context switches: {own} voluntary, {forced} involuntary"
            ));
        }
    }
    let args = process.cmdline().unwrap_or_default().join(" ");
    if !args.is_empty() {
        lines.push(format!("$ {}", Untrusted::new(args.as_bytes()).picture()));
    }
    Some(lines)
}
