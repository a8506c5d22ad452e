//! Reads what costs a read, for the one task that somebody looks at, on a
//! thread of its own: `cmdline` may hang with the memory it lies in.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

use procfs::process::Process;

use super::capabilities::raise_for_this_thread;
use crate::model::{TaskId, Untrusted, bytes_text, duration_text};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks for details and takes the answers that have come.
pub(crate) struct Details {
    ask: Sender<TaskId>,
    answers: Receiver<(TaskId, Vec<String>)>,
    /// What was asked and not answered yet, and when.
    open: Option<(TaskId, Instant)>,
}

impl Details {
    /// Starts the thread; `tick_ns` is the unit of start times in `/proc`.
    pub(crate) fn start(tick_ns: u64) -> Self {
        let (ask, questions) = channel::<TaskId>();
        let (answer, answers) = channel();
        // Never joined: it ends with the questions, or hangs with a process that does.
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

    /// Asks for a task, unless an answer is still to come.
    pub(crate) fn ask(&mut self, id: TaskId) {
        if self.open.is_none() {
            self.open = Some((id, Instant::now()));
            // Without a thread nobody hears it; then no answer comes, which is said.
            _ = self.ask.send(id);
        }
    }

    /// What has come: the task, and a line a fact.
    pub(crate) fn take(&mut self) -> Option<(TaskId, Vec<String>)> {
        let answer = self.answers.try_recv().ok()?;
        self.open = None;
        Some(answer)
    }

    /// Whether an answer is still to come, and may.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some() && self.overdue().is_none()
    }

    /// Whom no answer has come for in time.
    pub(crate) fn overdue(&self) -> Option<TaskId> {
        self.open
            .filter(|(_, since)| since.elapsed() > PATIENCE)
            .map(|(id, _)| id)
    }
}

/// `None` when the task is not there any more.
fn read(id: TaskId, tick_ns: u64) -> Option<Vec<String>> {
    let process = Process::new(i32::try_from(id.tid).ok()?).ok()?;
    let stat = process.stat().ok()?;
    if stat.starttime != id.start_ns / tick_ns {
        return None;
    }
    let mut lines = vec![format!(
        "user {}, system {}",
        duration_text(stat.utime * tick_ns),
        duration_text(stat.stime * tick_ns)
    )];
    if let Ok(status) = process.status() {
        let kib = |value: Option<u64>| value.map(|kib| bytes_text(kib * 1024));
        if let Some(peak) = kib(status.vmhwm) {
            let swap = kib(status.vmswap).unwrap_or_else(|| "unknown".to_owned());
            lines.push(format!("most RSS {peak}, swapped {swap}"));
        }
        if let (Some(own), Some(forced)) = (
            status.voluntary_ctxt_switches,
            status.nonvoluntary_ctxt_switches,
        ) {
            lines.push(format!("left a CPU {own} times, was taken off {forced}"));
        }
    }
    let args = process.cmdline().unwrap_or_default().join(" ");
    if !args.is_empty() {
        lines.push(format!("$ {}", Untrusted::new(args.as_bytes()).picture()));
    }
    Some(lines)
}
