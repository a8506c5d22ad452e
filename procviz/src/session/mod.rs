//! Runs a session: the command if there is one, the sampler on its thread, and the
//! tracker that takes in the samples.

pub(crate) mod command;
pub(crate) mod exit_status;
pub(crate) mod open;
pub(crate) mod rules;
pub(crate) mod selection;
mod summary;
pub(crate) mod typed;
pub(crate) mod watch;

use std::{ffi::OsString, fs::File, path::Path, sync::mpsc::TryRecvError};

use self::{
    command::{Child, Ended, Waiting},
    selection::Selection,
    summary::Summary,
    watch::{HandledSignals, Order, Wake, Watch, WatchMessage},
};
use crate::{
    cli::{FilterArgs, RangeArgs, SamplingArgs, SummaryArgs},
    model::{Host, Sample, Scope, Snapshot},
    recorder::{self, Files, Filtered, Recorder, RecordingOptions, RunKind},
    recording::{Facts, Note},
    replay::{MachineReader, Player, moment::Span},
    runtime::{
        Failure,
        config::Schedule,
        ending::{self, ShutdownTime},
        output::OutFolder,
        warning::{Warning, warn},
    },
    source::{Users, back_to_normal, host},
    tracker::{Filter, RuleSettings, Tracker},
    trails::Past,
};

/// Where samples come from.
enum SampleSource {
    Machine(Watch),
    Recording(Box<Player>),
}

/// One run of procviz.
pub(crate) struct Session {
    pub(crate) tracker: Tracker,
    pub(crate) users: Users,
    source: SampleSource,
    recorder: Option<Recorder>,
    /// The recorder also keeps samples that are not shown, above all the opening census.
    keeps_all: bool,
    child: Option<Waiting>,
    /// What the command has used, for the summary after it.
    summary: Option<Summary>,
}

/// A recording that a viewer seeks in. Times are wall clock, ns since 1970.
pub(crate) struct SeekRange {
    /// First and last moment of the recording, or of the part to show.
    pub(crate) span: Span,
    /// The moment to begin at.
    pub(crate) at: i128,
    /// The moments at which findings begin, and what they say.
    pub(crate) marks: Vec<(i128, String)>,
    /// Periods without samples.
    pub(crate) gaps: Vec<Span>,
    /// Reads how busy the machine was over the span.
    pub(crate) machine: MachineReader,
}

/// The parameters of a run.
pub(crate) struct Plan<'a> {
    pub(crate) schedule: &'a Schedule,
    pub(crate) filter: &'a FilterArgs,
    pub(crate) rules: RuleSettings,
    pub(crate) run: &'a [OsString],
    pub(crate) want_args: WantArgs,
    /// Called when there is something new to take; for live views.
    pub(crate) wake: Option<Wake>,
    /// The file for the output of the command, while a view has the terminal.
    pub(crate) kept: Option<&'a File>,
    /// A recording to read instead of the machine.
    pub(crate) from: Option<&'a Path>,
    /// The part of the recording to read.
    pub(crate) range: &'a RangeArgs,
    /// The caller wants only one picture of one moment.
    pub(crate) one_picture: bool,
    /// The caller also shows this much time before the moment, ns.
    pub(crate) looks_back_ns: u64,
    /// The caller also draws the time before a moment.
    pub(crate) wants_past: bool,
    /// Short-lived processes are not folded.
    pub(crate) lists_short_lived: bool,
    /// Where to record all samples.
    pub(crate) save: Option<RecordingOptions>,
    pub(crate) files: Files,
    /// The folder for pictures; for a run that reads a recording.
    pub(crate) writes: Option<&'a OutFolder>,
    /// After a signal, what was watched is still drawn and written.
    pub(crate) takes_work: bool,
    /// What to print after the command; `None`: nothing.
    pub(crate) summary: Option<SummaryArgs>,
}

impl<'a> Plan<'a> {
    /// A plan without arguments of processes, without a live view, and without a file
    /// to record to.
    pub(crate) fn plain(
        schedule: &'a Schedule,
        sampling: &'a SamplingArgs,
        filter: &'a FilterArgs,
        run: &'a [OsString],
    ) -> Self {
        Self {
            schedule,
            filter,
            rules: RuleSettings::default(),
            run,
            want_args: WantArgs::No,
            wake: None,
            kept: None,
            from: sampling.from.as_deref(),
            range: &sampling.range,
            one_picture: false,
            looks_back_ns: 0,
            wants_past: false,
            lists_short_lived: false,
            save: None,
            files: Files::One,
            writes: None,
            takes_work: false,
            summary: None,
        }
    }
}

/// What [`Session::take`] has taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nothing new.
    Nothing,
    /// At least one sample: the snapshot is new.
    Sample,
    /// The last sample: the snapshot does not change any more.
    All,
    /// A SIGTSTP: procviz is asked to stop until SIGCONT.
    Suspend,
}

/// Whether the run needs the arguments of processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WantArgs {
    No,
    Yes,
}

impl WantArgs {
    /// `is_wanted`: a picture or table shows arguments.
    pub(crate) fn new(is_wanted: bool) -> Self {
        match is_wanted {
            true => Self::Yes,
            false => Self::No,
        }
    }
}

impl Session {
    /// Starts sampling. `before` is called while procviz still has its privileges, and
    /// can start threads.
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
            rules,
            run,
            want_args,
            wake,
            kept,
            lists_short_lived,
            save,
            files,
            takes_work,
            summary,
            ..
        } = plan;
        let handled_signals = match files {
            Files::Ring(_) => HandledSignals::Usr2,
            _ => HandledSignals::Plain,
        };
        ending::listen(match takes_work || save.is_some() {
            true => ShutdownTime::AsNeeded,
            false => ShutdownTime::Short,
        })?;
        let mut selection = Selection::new(filter)?;
        let child = match run {
            [] => None,
            run => Some(Child::prepare(run, kept)?),
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
        // A recording also needs the arguments of processes that started before it.
        let is_recorded = save.as_ref().is_some_and(|options| !options.redacts);
        let kind = wake.as_ref().map_or(RunKind::Once, |_| RunKind::Live);
        let filtered = Filtered::of(&selection.filter, kind);
        let recorder = save
            .map(|options| Recorder::start(&options, files, facts, filtered))
            .transpose()?
            .map(|recorder| recorder.with_rules(&rules));
        let mut sampler = open::sampler(&host, schedule.require_ebpf, command)?;
        if let Some(roots) = &selection.roots {
            sampler.watch_only(roots);
        }
        if want_args == WantArgs::Yes || is_recorded || selection.filter.needs_args() {
            sampler.want_args();
        }
        if recorder.is_some() || lists_short_lived {
            sampler.list_all_short_lived();
        }
        let tracker = Tracker::with_filter(host, sampler.sources(), selection.filter);
        let tracker = tracker.with_rules(rules);
        let watch = Watch::start(sampler, schedule, command, wake, handled_signals)?;
        back_to_normal();
        let child = child
            .map(|child| child.wait(watch.stop_notify()))
            .transpose()?;
        let session = Self {
            tracker,
            users,
            source: SampleSource::Machine(watch),
            recorder,
            keeps_all: true,
            child,
            summary: summary
                .zip(command)
                .and_then(|(args, pid)| Summary::new(args, (run, pid))),
        };
        Ok((session, extra))
    }

    /// Starts a run that reads a recording, and nothing of this machine.
    fn play<T>(
        path: &Path,
        plan: &Plan<'_>,
        before: impl FnOnce(&Host) -> Result<T, Failure>,
    ) -> Result<(Self, T), Failure> {
        if !plan.run.is_empty() {
            return Err(Failure::usage(
                "a command cannot run with `--from`: leave out the command or `--from`".to_owned(),
            ));
        }
        let saved = plan.save.as_ref().map(|options| options.place.nearest());
        let writes: Vec<OutFolder> = plan.writes.into_iter().chain(saved).cloned().collect();
        open::confine_reader(&writes);
        let mut player = Player::open(path, plan.range, plan.schedule)?;
        if plan.one_picture {
            player.only_the_last()?;
        }
        if plan.wants_past {
            player.with_the_past();
        }
        player.look_back(plan.looks_back_ns);
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
            .map(|options| {
                let filtered = Filtered::of(&selection.filter, RunKind::Once);
                Recorder::start(options, Files::One, facts.clone(), filtered)
            })
            .transpose()?
            .map(|recorder| recorder.with_rules(&plan.rules));
        // A placeholder: each sample names its own sources.
        let sources = crate::model::Sources::EbpfAndProc;
        let session = Self {
            tracker: Tracker::with_filter(host, sources, selection.filter)
                .with_rules(plan.rules.clone()),
            users,
            source: SampleSource::Recording(Box::new(player)),
            recorder,
            keeps_all: !plan.range.is_given(),
            child: None,
            summary: None,
        };
        Ok((session, extra))
    }

    /// Waits for the next sample and takes it in; `None` after the last sample.
    pub(crate) fn next(&mut self) -> Result<Option<Next>, Failure> {
        loop {
            let watch = match &mut self.source {
                SampleSource::Machine(watch) => watch,
                SampleSource::Recording(player) => {
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
                Some(WatchMessage::Failed(error)) => return Err(error.into()),
                Some(WatchMessage::Sample { sample, is_last }) => {
                    self.update(sample)?;
                    return Ok(Some(Next {
                        is_last,
                        is_shown: self.snapshot().tick > 1,
                    }));
                }
                Some(WatchMessage::Ask) => self.ask(),
                // The sampling thread sends this only to views.
                Some(WatchMessage::Suspend) => {}
            }
        }
    }

    /// Takes in all samples up to the newest, without waiting for more. Calls `observe` after
    /// each.
    pub(crate) fn take(&mut self, mut observe: impl FnMut(&Snapshot)) -> Result<Taken, Failure> {
        let mut taken = Taken::Nothing;
        loop {
            let SampleSource::Machine(watch) = &self.source else {
                return Ok(Taken::Nothing);
            };
            match watch.take() {
                Err(TryRecvError::Empty) => return Ok(taken),
                Err(TryRecvError::Disconnected) => return Ok(Taken::All),
                Ok(WatchMessage::Failed(error)) => return Err(error.into()),
                Ok(WatchMessage::Suspend) => return Ok(Taken::Suspend),
                Ok(WatchMessage::Ask) => self.ask(),
                Ok(WatchMessage::Sample { sample, is_last }) => {
                    self.update(sample)?;
                    observe(self.snapshot());
                    if is_last {
                        return Ok(Taken::All);
                    }
                    taken = Taken::Sample;
                }
            }
        }
    }

    /// Prepares a recording for seeks. `None` if the run watches the machine.
    pub(crate) fn browse(&mut self) -> Result<Option<SeekRange>, Failure> {
        let SampleSource::Recording(player) = &mut self.source else {
            return Ok(None);
        };
        let (span, at) = player.browse()?;
        Ok(Some(SeekRange {
            span,
            at,
            marks: player.flags(span)?,
            gaps: player.gaps(),
            machine: player.machine_reader(span),
        }))
    }

    /// The notes in the wanted part of a recording, with their times (wall clock, ns since
    /// 1970); none if the run watches the machine.
    pub(crate) fn notes(&mut self) -> Result<Vec<(i128, Note)>, Failure> {
        match &mut self.source {
            SampleSource::Machine(_) => Ok(Vec::new()),
            SampleSource::Recording(player) => player.wanted_notes(),
        }
    }

    /// Wall clock of the next sample of a recording, ns since 1970; `None` after the
    /// last sample, and if the run watches the machine.
    pub(crate) fn next_wall_ns(&self) -> Option<i128> {
        match &self.source {
            SampleSource::Machine(_) => None,
            SampleSource::Recording(player) => player.next_wall_ns(),
        }
    }

    /// Seeks to a place in a recording from which reading leads to a moment, wall clock
    /// in ns since 1970, and through at least `look_back_ns` before it.
    pub(crate) fn seek(&mut self, wall_ns: i128, look_back_ns: u64) -> Result<(), Failure> {
        let SampleSource::Recording(player) = &mut self.source else {
            return Ok(());
        };
        player.look_back(look_back_ns);
        player.seek(wall_ns, &mut self.tracker)
    }

    /// The trails before the next sample of a recording. They are returned once after
    /// each seek that does not lead to the beginning.
    pub(crate) fn take_past(&mut self) -> Option<Past> {
        match &mut self.source {
            SampleSource::Machine(_) => None,
            SampleSource::Recording(player) => player.take_past(),
        }
    }

    /// The scope to show: `wanted`, but processes if the recording holds no threads.
    pub(crate) fn scope(&self, wanted: Scope) -> Scope {
        if wanted == Scope::Processes || self.has_threads() {
            return wanted;
        }
        warn(Warning::OnlyProcesses);
        Scope::Processes
    }

    /// Whether the samples hold threads.
    pub(crate) fn has_threads(&self) -> bool {
        match &self.source {
            SampleSource::Machine(_) => true,
            SampleSource::Recording(player) => player.has_threads(),
        }
    }

    /// The filter from the command line.
    pub(crate) fn filter(&self) -> &Filter {
        self.tracker.filter()
    }

    /// Sends an order to the sampling thread.
    pub(crate) fn order(&self, order: Order) {
        if let SampleSource::Machine(watch) = &self.source {
            watch.order(order);
        }
    }

    fn update(&mut self, mut sample: Box<Sample>) -> Result<(), Failure> {
        self.take_in(&sample, true);
        let snapshot = self.tracker.snapshot();
        if let Some(child) = self.child.as_mut().filter(|_| snapshot.tick == 1) {
            // procviz watches now, so the command can start.
            if let Some(summary) = &mut self.summary {
                summary.begin(self.tracker.snapshot());
            }
            child.start()?;
        }
        self.users.look_up(sample.users());
        sample.clear();
        sample.machine.deaths = None;
        if let SampleSource::Machine(watch) = &self.source {
            watch.give_back(sample);
        }
        Ok(())
    }

    /// Writes what the ring holds, after a SIGUSR2.
    fn ask(&mut self) {
        let now = self.tracker.snapshot().stamp.boot_ns;
        if let Some(recorder) = &mut self.recorder {
            recorder.ask(now);
        }
    }

    /// Takes in a sample. The recorder does not keep samples before the part to show, but
    /// begins with the state that these samples lead to.
    fn take_in(&mut self, sample: &Sample, is_shown: bool) {
        let is_opening = self.tracker.snapshot().tick == 0;
        if let Some(recorder) = &mut self.recorder
            && is_shown
            && !recorder.has_begun()
            && !is_opening
        {
            recorder.go_on_from(&self.tracker, &self.users);
        }
        if let (Some(recorder), Some(gap_ns)) = (&mut self.recorder, sample.gap_ns)
            && recorder.has_begun()
            && (is_shown || self.keeps_all)
        {
            // A keyframe can have restored the state at the end of the gap.
            let known = self.tracker.snapshot().stamp.boot_ns > gap_ns.0;
            let known = known.then_some(&self.tracker);
            let deaths = match &self.source {
                SampleSource::Recording(player) => player.unknown_deaths(gap_ns),
                SampleSource::Machine(_) => 0,
            };
            recorder.add_gap((gap_ns, deaths), sample, (known, &self.users));
        }
        self.tracker.update(sample);
        if let Some(summary) = &mut self.summary {
            summary.take(sample, self.tracker.snapshot());
        }
        if let Some(recorder) = &mut self.recorder
            && (is_shown || self.keeps_all)
        {
            recorder.add(sample, &self.users, &self.tracker);
        }
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        self.tracker.snapshot()
    }

    /// Takes the snapshot out, for the last picture: nothing can be added to it any more.
    pub(crate) fn take_snapshot(&mut self) -> Snapshot {
        let snapshot = self.tracker.take_snapshot();
        if let Some(summary) = &mut self.summary {
            summary.finish(&snapshot);
        }
        snapshot
    }

    /// The exit status: of the command if it has exited, of the recording, or 0.
    pub(crate) fn status_now(mut self) -> u8 {
        let recorded = self.end_recording();
        match (&mut self.source, self.child.take()) {
            (SampleSource::Recording(player), _) => player.status().max(recorded),
            (SampleSource::Machine(_), None) => recorded,
            (SampleSource::Machine(_), Some(child)) => match child.ended_now() {
                Some(ended) => self.sum_up(ended),
                None => 0,
            },
        }
    }

    /// Whether the file that this run records to has been removed.
    pub(crate) fn recording_is_gone(&self) -> bool {
        self.recorder.as_ref().is_some_and(Recorder::is_gone)
    }

    /// Finishes the file that this run records to; returns 1 if the file is not there.
    fn end_recording(&mut self) -> u8 {
        let recorder = self.recorder.take();
        u8::from(recorder.is_some_and(|recorder| !recorder.finish()))
    }

    /// The exit status: of the command, after its exit; of the recording, which is 3 if
    /// the recording is damaged; or 0.
    pub(crate) fn status(mut self) -> u8 {
        let recorded = self.end_recording();
        match (&mut self.source, self.child.take()) {
            (SampleSource::Recording(player), _) => player.status().max(recorded),
            (SampleSource::Machine(_), None) => recorded,
            (SampleSource::Machine(_), Some(child)) => self.sum_up(child.ended()),
        }
    }

    /// Prints what the command used. Returns its exit status.
    fn sum_up(&mut self, ended: Ended) -> u8 {
        if let Some(summary) = self.summary.take() {
            summary.print(self.tracker.snapshot(), ended);
        }
        ended.shell
    }
}

/// Properties of the sample that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// No other sample follows.
    pub(crate) is_last: bool,
    /// The sample is to be shown: it is not the opening census, and not before the part
    /// of a recording that the user asked for.
    pub(crate) is_shown: bool,
}
