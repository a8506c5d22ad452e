//! The summary of what a command used, which is printed after it.

use std::{ffi::OsString, io};

use super::command::Ended;
use crate::{
    cli::{SummaryArg, SummaryArgs},
    export::run::{json, lines},
    model::{Sample, Snapshot},
    runtime::stderr::print_line,
    source::boot_now_ns,
    tracker::Run,
};

/// A run of a command, and in which form it is summed up.
pub(super) struct Summary {
    run: Run,
    command: Vec<OsString>,
    is_json: bool,
    is_finished: bool,
}

impl Summary {
    /// The summary of a command that has yet to begin; `None` if the user wants none.
    pub(super) fn new(args: SummaryArgs, (command, pid): (&[OsString], u32)) -> Option<Self> {
        let form = args.summary.unwrap_or(SummaryArg::Text);
        (form != SummaryArg::None).then(|| Self {
            run: Run::new(pid),
            command: command.to_vec(),
            is_json: form == SummaryArg::Json,
            is_finished: false,
        })
    }

    /// The command begins now.
    pub(super) fn begin(&mut self, snapshot: &Snapshot) {
        self.run.begin(boot_now_ns(), snapshot);
    }

    pub(super) fn take(&mut self, sample: &Sample, snapshot: &Snapshot) {
        self.run.take(sample, snapshot);
    }

    /// Adds the processes that live on. Only the first call does something.
    pub(super) fn finish(&mut self, snapshot: &Snapshot) {
        if !std::mem::replace(&mut self.is_finished, true) {
            self.run.finish(snapshot);
        }
    }

    /// Prints the summary. A closed standard error is not an error.
    pub(super) fn print(mut self, snapshot: &Snapshot, ended: Ended) {
        self.run.status = self.run.status.or(ended.status);
        self.finish(snapshot);
        if self.is_json {
            _ = json(&mut io::stderr(), &self.run, &self.command);
            return;
        }
        for (at, line) in lines(&self.run, &self.command).iter().enumerate() {
            let begin = if at == 0 { "procviz: " } else { "" };
            print_line(&format!("{begin}{line}"));
        }
    }
}
