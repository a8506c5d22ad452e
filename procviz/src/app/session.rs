//! One run: the command if there is one, the sampler on its thread, and the
//! tracker that takes in what it says.

use std::{ffi::OsString, fs::File, sync::mpsc::TryRecvError};

use super::{
    Failure,
    command::{Child, Waiting},
    config::Schedule,
    open,
    selection::Selection,
    watch::{Order, Said, Wake, Watch},
};
use crate::{
    cli::FilterArgs,
    model::{Host, Sample, Snapshot},
    source::{Keep, Users, back_to_normal, host},
    tracker::{Filter, Tracker},
};

/// A run.
pub(super) struct Session {
    pub(super) tracker: Tracker,
    pub(super) users: Users,
    watch: Watch,
    child: Option<Waiting>,
}

/// What a run is to be.
pub(super) struct Plan<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) filter: &'a FilterArgs,
    pub(super) run: &'a [OsString],
    pub(super) want_args: WantArgs,
    /// A live view's: called when there is something to take.
    pub(super) wake: Option<Wake>,
    /// What the command says goes there.
    pub(super) kept: Option<&'a File>,
}

impl<'a> Plan<'a> {
    /// Without arguments, and nobody to be woken.
    pub(super) fn plain(
        schedule: &'a Schedule,
        filter: &'a FilterArgs,
        run: &'a [OsString],
    ) -> Self {
        Self {
            schedule,
            filter,
            run,
            want_args: WantArgs::No,
            wake: None,
            kept: None,
        }
    }
}

/// What there was to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Nothing new.
    Nothing,
    /// The snapshot is a new one.
    Sample,
    /// Everything is said: the snapshot is the last.
    All,
    /// procviz is asked to stop until it is continued.
    Suspend,
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
        plan: Plan<'_>,
        before: impl FnOnce(&Host) -> Result<T, Failure>,
    ) -> Result<(Self, T), Failure> {
        let Plan {
            schedule,
            filter,
            run,
            want_args,
            wake,
            kept,
        } = plan;
        let mut selection = Selection::new(filter)?;
        let child = if run.is_empty() {
            None
        } else {
            Some(Child::prepare(run, kept)?)
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
        let watch = Watch::start(sampler, schedule, child.as_ref().map(Child::pid), wake)?;
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
        loop {
            match self.watch.next() {
                None => return Ok(None),
                Some(Said::Failed(error)) => return Err(error.into()),
                Some(Said::Sample { sample, is_last }) => {
                    self.update(sample)?;
                    return Ok(Some(if is_last { IsLast::Yes } else { IsLast::No }));
                }
                // Only views are asked to.
                Some(Said::Suspend) => {}
            }
        }
    }

    /// Takes in what has been said, without waiting for more: all samples up
    /// to the newest.
    pub(super) fn take(&mut self) -> Result<Taken, Failure> {
        let mut taken = Taken::Nothing;
        loop {
            match self.watch.take() {
                Err(TryRecvError::Empty) => return Ok(taken),
                Err(TryRecvError::Disconnected) => return Ok(Taken::All),
                Ok(Said::Failed(error)) => return Err(error.into()),
                Ok(Said::Suspend) => return Ok(Taken::Suspend),
                Ok(Said::Sample { sample, is_last }) => {
                    self.update(sample)?;
                    if is_last {
                        return Ok(Taken::All);
                    }
                    taken = Taken::Sample;
                }
            }
        }
    }

    /// What the command line hides and shows.
    pub(super) fn filter(&self) -> &Filter {
        self.tracker.filter()
    }

    /// Asks something of the sampling thread.
    pub(super) fn order(&self, order: Order) {
        self.watch.order(order);
    }

    fn update(&mut self, mut sample: Box<Sample>) -> Result<(), Failure> {
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
        Ok(())
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        self.tracker.snapshot()
    }

    /// The command's status if it has ended, else 0.
    pub(super) fn status_now(self) -> u8 {
        self.child.map_or(0, Waiting::status_now)
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
