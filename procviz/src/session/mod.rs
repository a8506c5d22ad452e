//! One run: the command if there is one, the sampler on its thread, and the
//! tracker that takes in what it says.

pub(crate) mod command;
pub(crate) mod open;
pub(crate) mod selection;
pub(crate) mod watch;

use std::{ffi::OsString, fs::File, path::Path, sync::mpsc::TryRecvError};

use self::{
    command::{Child, Waiting},
    selection::Selection,
    watch::{Ears, Order, Said, Wake, Watch},
};
use crate::{
    cli::{FilterArgs, RangeArgs, SamplingArgs},
    model::{Host, Sample, Scope, Snapshot},
    recorder::{self, Files, Filtered, Keeping, Recorder, Shown},
    recording::Facts,
    replay::{Player, moment::Span},
    runtime::{
        Failure,
        config::Schedule,
        ending::{self, Takes},
        output::OutFolder,
        stdout::say,
    },
    source::{Users, back_to_normal, host},
    tracker::{Change, Filter, Tracker},
    trails::Past,
};

/// Where samples come from.
enum Feed {
    Machine(Watch),
    Recording(Box<Player>),
}

/// A run.
pub(crate) struct Session {
    pub(crate) tracker: Tracker,
    pub(crate) users: Users,
    feed: Feed,
    recorder: Option<Recorder>,
    /// Also what is not shown: the opening census, above all.
    keeps_all: bool,
    child: Option<Waiting>,
}

/// What somebody goes to and fro in. Times are wall clock, ns since 1970.
pub(crate) struct Browsed {
    /// First and last moment.
    pub(crate) span: Span,
    /// The one to begin at.
    pub(crate) at: i128,
    /// When something begins to stand out.
    pub(crate) marks: Vec<i128>,
    /// Of which there are no samples.
    pub(crate) holes: Vec<Span>,
}

/// What a run is to be.
pub(crate) struct Plan<'a> {
    pub(crate) schedule: &'a Schedule,
    pub(crate) filter: &'a FilterArgs,
    pub(crate) run: &'a [OsString],
    pub(crate) want_args: WantArgs,
    /// A live view's: called when there is something to take.
    pub(crate) wake: Option<Wake>,
    /// What the command says goes there.
    pub(crate) kept: Option<&'a File>,
    /// A recording that is read instead of the machine.
    pub(crate) from: Option<&'a Path>,
    /// And of it, this part.
    pub(crate) range: &'a RangeArgs,
    /// One picture of one moment is all that is wanted.
    pub(crate) one_picture: bool,
    /// What leads to a moment is drawn with it.
    pub(crate) wants_past: bool,
    /// Short lives are not folded.
    pub(crate) every_life: bool,
    /// Where all samples are kept.
    pub(crate) save: Option<Keeping>,
    pub(crate) files: Files,
    /// Where pictures are written, for a run that reads a recording.
    pub(crate) writes: Option<&'a OutFolder>,
    /// When a signal comes, what was watched is drawn and written.
    pub(crate) takes_work: bool,
}

impl<'a> Plan<'a> {
    /// Without arguments, and nobody to be woken.
    pub(crate) fn plain(
        schedule: &'a Schedule,
        sampling: &'a SamplingArgs,
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
            from: sampling.from.as_deref(),
            range: &sampling.range,
            one_picture: false,
            wants_past: false,
            every_life: false,
            save: None,
            files: Files::One,
            writes: None,
            takes_work: false,
        }
    }
}

/// What there was to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
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
pub(crate) enum WantArgs {
    No,
    Yes,
}

impl Session {
    /// Starts sampling; `before` is called when privileges are still there,
    /// and may start threads.
    pub(crate) fn start<T>(
        plan: Plan<'_>,
        before: impl FnOnce(&Host) -> Result<T, Failure>,
    ) -> Result<(Self, T), Failure> {
        if let Some(path) = plan.from {
            return Self::play(path, &plan, before);
        }
        let Plan {
            schedule,
            filter,
            run,
            want_args,
            wake,
            kept,
            every_life,
            save,
            files,
            takes_work,
            ..
        } = plan;
        let takes_work = takes_work || save.is_some();
        let ears = match files {
            Files::Ring(_) => Ears::Usr2,
            _ => Ears::Plain,
        };
        ending::listen(match takes_work {
            true => Takes::Work,
            false => Takes::AMoment,
        })?;
        let mut selection = Selection::new(filter)?;
        let child = if run.is_empty() {
            None
        } else {
            Some(Child::prepare(run, kept)?)
        };
        let host = host()?;
        let extra = before(&host)?;
        let command = child.as_ref().map(Child::pid);
        if let Some(pid) = command {
            selection = selection.only(pid);
        }
        let users = Users::read();
        let facts = Facts {
            only_watched: selection.roots.is_some(),
            ..recorder::facts(&host)
        };
        // A recording has them of those who were there before, too.
        let is_recorded = save.as_ref().is_some_and(|keeping| !keeping.redacts);
        let recorder = save
            .map(|keeping| {
                let shown = wake.as_ref().map_or(Shown::Once, |_| Shown::Live);
                let filtered = Filtered::of(&selection.filter, shown);
                Recorder::start(&keeping, files, facts, filtered)
            })
            .transpose()?;
        let mut sampler = open::sampler(&host, schedule.require_ebpf, command)?;
        if let Some(roots) = &selection.roots {
            sampler.watch_only(roots);
        }
        if want_args == WantArgs::Yes || is_recorded || selection.filter.needs_args() {
            sampler.want_args();
        }
        if recorder.is_some() || every_life {
            sampler.list_every_life();
        }
        let tracker = Tracker::with_filter(host, sampler.sources(), selection.filter);
        let watch = Watch::start(sampler, schedule, command, wake, ears)?;
        back_to_normal();
        let child = child.map(|child| child.wait(watch.stopper())).transpose()?;
        let session = Self {
            tracker,
            users,
            feed: Feed::Machine(watch),
            recorder,
            keeps_all: true,
            child,
        };
        Ok((session, extra))
    }

    /// The same from a recording: nothing of this machine is looked at.
    fn play<T>(
        path: &Path,
        plan: &Plan<'_>,
        before: impl FnOnce(&Host) -> Result<T, Failure>,
    ) -> Result<(Self, T), Failure> {
        if !plan.run.is_empty() {
            return Err(Failure::usage(
                "a command cannot be run in a recording: leave it out, or --from".to_owned(),
            ));
        }
        let saved = plan.save.as_ref().map(|keeping| keeping.place.nearest());
        let writes: Vec<OutFolder> = plan.writes.into_iter().chain(saved).cloned().collect();
        open::confine_reader(&writes);
        let mut player = Player::open(path, plan.range, plan.schedule)?;
        if plan.one_picture {
            player.only_the_last()?;
        }
        if plan.wants_past {
            player.with_the_past();
        }
        let facts = player.facts();
        let users = Users::of_recording(&facts.users);
        let host = facts.machine();
        let mut facts = facts.clone();
        let selection = Selection::in_recording(plan.filter, &facts, &users)?;
        if let Some(roots) = &selection.roots {
            player.watch_only(roots);
            facts.only_watched = true;
        }
        let extra = before(&host)?;
        let recorder = plan
            .save
            .as_ref()
            .map(|keeping| {
                let filtered = Filtered::of(&selection.filter, Shown::Once);
                Recorder::start(keeping, Files::One, facts.clone(), filtered)
            })
            .transpose()?;
        // The samples say from where they are.
        let sources = crate::model::Sources::EbpfAndProc;
        let session = Self {
            tracker: Tracker::with_filter(host, sources, selection.filter),
            users,
            feed: Feed::Recording(Box::new(player)),
            recorder,
            keeps_all: !plan.range.is_given(),
            child: None,
        };
        Ok((session, extra))
    }

    /// Takes in the next sample; `None` when there is none.
    pub(crate) fn next(&mut self) -> Result<Option<Next>, Failure> {
        loop {
            let watch = match &mut self.feed {
                Feed::Machine(watch) => watch,
                Feed::Recording(player) => {
                    let Some(step) = player.next(Some(&mut self.tracker))? else {
                        return Ok(None);
                    };
                    if let Some(names) = player.new_users() {
                        self.users = Users::of_recording(names);
                    }
                    let end = step
                        .is_last
                        .then(|| (player.gap_at_the_end().cloned(), player.take_ended()));
                    self.take_in(&step.sample, step.is_shown);
                    if let (Some((gap, ended)), Some(recorder)) = (end, &mut self.recorder) {
                        recorder.end_within(gap.as_ref(), &ended);
                    }
                    return Ok(Some(Next {
                        is_last: step.is_last,
                        is_shown: step.is_shown,
                    }));
                }
            };
            match watch.next() {
                None => return Ok(None),
                Some(Said::Failed(error)) => return Err(error.into()),
                Some(Said::Sample { sample, is_last }) => {
                    self.update(sample)?;
                    return Ok(Some(Next {
                        is_last,
                        is_shown: self.snapshot().tick > 1,
                    }));
                }
                Some(Said::Ask) => self.ask(),
                // Only views are asked to.
                Some(Said::Suspend) => {}
            }
        }
    }

    /// Takes in what has been said, without waiting for more: all samples up
    /// to the newest.
    pub(crate) fn take(&mut self) -> Result<Taken, Failure> {
        let mut taken = Taken::Nothing;
        loop {
            let Feed::Machine(watch) = &self.feed else {
                return Ok(Taken::Nothing);
            };
            match watch.take() {
                Err(TryRecvError::Empty) => return Ok(taken),
                Err(TryRecvError::Disconnected) => return Ok(Taken::All),
                Ok(Said::Failed(error)) => return Err(error.into()),
                Ok(Said::Suspend) => return Ok(Taken::Suspend),
                Ok(Said::Ask) => self.ask(),
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

    /// Lets somebody go to and fro in a recording. `None` where it is the machine
    /// that is watched.
    pub(crate) fn browse(&mut self) -> Result<Option<Browsed>, Failure> {
        let Feed::Recording(player) = &mut self.feed else {
            return Ok(None);
        };
        let (span, at) = player.browse()?;
        let marks = player.marks()?;
        let begun = marks
            .iter()
            .filter(|(_, _, mark)| mark.change == Change::Begins);
        Ok(Some(Browsed {
            span,
            at,
            marks: begun.map(|(wall_ns, ..)| *wall_ns).collect(),
            holes: player.holes(),
        }))
    }

    /// The moment of a recording's next sample; `None` behind the last.
    pub(crate) fn next_wall_ns(&self) -> Option<i128> {
        match &self.feed {
            Feed::Machine(_) => None,
            Feed::Recording(player) => player.next_wall_ns(),
        }
    }

    /// Goes to where reading leads to a moment of a recording.
    pub(crate) fn seek(&mut self, wall_ns: i128) -> Result<(), Failure> {
        match &mut self.feed {
            Feed::Machine(_) => Ok(()),
            Feed::Recording(player) => player.seek(wall_ns, &mut self.tracker),
        }
    }

    /// What was before the samples of a recording that come now, once after each
    /// time that reading begins elsewhere than at the front.
    pub(crate) fn take_past(&mut self) -> Option<Past> {
        match &mut self.feed {
            Feed::Machine(_) => None,
            Feed::Recording(player) => player.take_past(),
        }
    }

    /// What can be shown where `wanted` is: of a recording of processes alone, those.
    pub(crate) fn scope(&self, wanted: Scope) -> Scope {
        if wanted == Scope::Processes || self.has_threads() {
            return wanted;
        }
        say("procviz: the recording holds processes alone, so these are shown");
        Scope::Processes
    }

    /// Whether threads are known.
    pub(crate) fn has_threads(&self) -> bool {
        match &self.feed {
            Feed::Machine(_) => true,
            Feed::Recording(player) => player.has_threads(),
        }
    }

    /// What the command line hides and shows.
    pub(crate) fn filter(&self) -> &Filter {
        self.tracker.filter()
    }

    /// Asks something of the sampling thread.
    pub(crate) fn order(&self, order: Order) {
        if let Feed::Machine(watch) = &self.feed {
            watch.order(order);
        }
    }

    fn update(&mut self, mut sample: Box<Sample>) -> Result<(), Failure> {
        self.take_in(&sample, true);
        sample.clear();
        sample.machine.deaths = None;
        if let Feed::Machine(watch) = &self.feed {
            watch.give_back(sample);
        }
        let snapshot = self.tracker.snapshot();
        if let Some(child) = self.child.as_mut().filter(|_| snapshot.tick == 1) {
            // Everything is watching: now it may begin.
            child.start()?;
        }
        let uids = snapshot.threads.iter().filter_map(|thread| thread.uid);
        self.users.look_up(uids);
        Ok(())
    }

    /// Somebody asks for what a ring holds.
    fn ask(&mut self) {
        let now = self.tracker.snapshot().stamp.boot_ns;
        if let Some(recorder) = &mut self.recorder {
            recorder.ask(now);
        }
    }

    /// What leads to what is shown is not kept, but all that is known by then.
    fn take_in(&mut self, sample: &Sample, is_shown: bool) {
        let is_opening = self.tracker.snapshot().tick == 0;
        if let Some(recorder) = &mut self.recorder
            && is_shown
            && !recorder.has_begun()
            && !is_opening
        {
            recorder.go_on_from(&self.tracker, &self.users);
        }
        if let (Some(recorder), Some(hole_ns)) = (&mut self.recorder, sample.hole_ns)
            && recorder.has_begun()
            && (is_shown || self.keeps_all)
        {
            // A keyframe may have told how things stood at its end.
            let known = self.tracker.snapshot().stamp.boot_ns > hole_ns.0;
            let known = known.then_some(&self.tracker);
            let deaths = match &self.feed {
                Feed::Recording(player) => player.unknown_deaths(hole_ns),
                Feed::Machine(_) => 0,
            };
            recorder.pass_hole((hole_ns, deaths), sample, (known, &self.users));
        }
        self.tracker.update(sample);
        if let Some(recorder) = &mut self.recorder
            && (is_shown || self.keeps_all)
        {
            recorder.add(sample, &self.users, &self.tracker);
        }
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        self.tracker.snapshot()
    }

    /// The command's status if it has ended, that of a recording, or 0.
    pub(crate) fn status_now(mut self) -> u8 {
        let recorded = self.end_recording();
        match &mut self.feed {
            Feed::Recording(player) => player.status().max(recorded),
            Feed::Machine(_) => self.child.map_or(recorded, Waiting::status_now),
        }
    }

    /// Whether the file of the recording that is made has been removed.
    pub(crate) fn recording_is_gone(&self) -> bool {
        self.recorder.as_ref().is_some_and(Recorder::is_gone)
    }

    /// 1 where a recording was to be made that is not there.
    fn end_recording(&mut self) -> u8 {
        let recorder = self.recorder.take();
        u8::from(recorder.is_some_and(|recorder| !recorder.finish()))
    }

    /// The command's status, once it has ended; that of a recording, which is
    /// 3 where it is damaged; or 0.
    pub(crate) fn status(mut self) -> u8 {
        let recorded = self.end_recording();
        match (&mut self.feed, self.child) {
            (Feed::Recording(player), _) => player.status().max(recorded),
            (Feed::Machine(_), child) => child.map_or(recorded, Waiting::status),
        }
    }
}

/// What the next sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// There is none after it.
    pub(crate) is_last: bool,
    /// It is not the opening census, nor one of those that lead to the part of
    /// a recording that was asked for.
    pub(crate) is_shown: bool,
}
