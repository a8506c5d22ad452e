//! One run: the command if there is one, the sampler on its thread, and the
//! tracker that takes in what it says.

use std::ffi::OsString;

use super::{
    Failure,
    command::{Child, Waiting},
    config::Schedule,
    open,
    selection::Selection,
    watch::{Said, Watch},
};
use crate::{
    cli::FilterArgs,
    model::{Host, Snapshot},
    source::{Keep, Users, back_to_normal, host},
    tracker::Tracker,
};

/// A run.
pub(super) struct Session {
    pub(super) tracker: Tracker,
    pub(super) users: Users,
    watch: Watch,
    child: Option<Waiting>,
}

/// Whether arguments of processes are of use to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WantArgs {
    No,
    Yes,
}

impl Session {
    /// Starts sampling; `before` is called when privileges are still there,
    /// and may start threads.
    pub(super) fn start<T>(
        schedule: &Schedule,
        filter: &FilterArgs,
        run: &[OsString],
        want_args: WantArgs,
        before: impl FnOnce(&Host) -> Result<T, Failure>,
    ) -> Result<(Self, T), Failure> {
        let mut selection = Selection::new(filter)?;
        let child = if run.is_empty() {
            None
        } else {
            Some(Child::prepare(run)?)
        };
        let host = host()?;
        let extra = before(&host)?;
        let keep = match &child {
            Some(child) => {
                selection = selection.only(child.pid());
                Keep::ReadingAndSignals
            }
            None => Keep::Reading,
        };
        let mut sampler = open::sampler(&host, schedule.require_ebpf, keep)?;
        if let Some(roots) = &selection.roots {
            sampler.watch_only(roots);
        }
        if want_args == WantArgs::Yes || selection.filter.needs_args() {
            sampler.want_args();
        }
        let tracker = Tracker::with_filter(host, sampler.sources(), selection.filter);
        let watch = Watch::start(sampler, schedule, child.as_ref().map(Child::pid))?;
        back_to_normal();
        let child = child.map(|child| child.wait(watch.stopper())).transpose()?;
        let session = Self {
            tracker,
            users: Users::read(),
            watch,
            child,
        };
        Ok((session, extra))
    }

    /// Takes in the next sample: whether it is the last, `None` when there is none.
    pub(super) fn next(&mut self) -> Result<Option<IsLast>, Failure> {
        let (mut sample, is_last) = match self.watch.next() {
            None => return Ok(None),
            Some(Said::Failed(error)) => return Err(error.into()),
            Some(Said::Sample { sample, is_last }) => (sample, is_last),
        };
        self.tracker.update(&sample);
        sample.clear();
        sample.machine.deaths = None;
        self.watch.give_back(sample);
        let snapshot = self.tracker.snapshot();
        if let Some(child) = self.child.as_mut().filter(|_| snapshot.tick == 1) {
            // Everything is watching: now it may begin.
            child.start()?;
        }
        let uids = snapshot.threads.iter().filter_map(|thread| thread.uid);
        self.users.look_up(uids);
        Ok(Some(if is_last { IsLast::Yes } else { IsLast::No }))
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        self.tracker.snapshot()
    }

    /// The command's status, once it has ended, or 0.
    pub(super) fn status(self) -> u8 {
        self.child.map_or(0, Waiting::status)
    }
}

/// Whether a sample is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IsLast {
    No,
    Yes,
}
