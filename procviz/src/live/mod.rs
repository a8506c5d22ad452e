//! Shows a live view: everything between the sampler and the screen that window and
//! terminal share.

#[cfg(feature = "window")]
mod display;
mod options;
mod place;
mod playback;
mod popups;
mod saved;
mod scenes;
mod status;
mod table;
mod terminal;
mod travel;
#[cfg(feature = "window")]
mod window;

use std::{
    collections::HashMap,
    fs::File,
    time::{Duration, Instant},
};

pub(crate) use self::options::ChartOptions;
use self::{
    place::{Place, place},
    playback::Replay,
    scenes::context,
};
use crate::{
    chart::{Arguments, Bubble, Grid, HeatOptions, Lines, RecentlyDead, Theme, Timeline},
    cli::PictureArgs,
    model::{Host, Snapshot, TaskId, duration_text},
    recorder::RecordingOptions,
    runtime::{
        Failure,
        config::Schedule,
        drawing,
        measures::Measures,
        output::{Target, Writer},
        stderr::summary,
    },
    scene::Font,
    session::{
        Plan, Session, Taken, WantArgs, rules, typed,
        watch::{Order, Wake},
    },
    source::{Details, boot_now_ns, own_cpu_ns},
    tracker::Filter,
    view::{Effect, Governor, Hits, Input, Popup, Stage, View},
};

/// Shows a live view until the user leaves it. Returns the exit status.
///
/// # Errors
///
/// When there is no screen, or nothing can be watched or read.
pub(crate) fn run(
    mut charts: ChartOptions,
    args: &PictureArgs,
    interval: f64,
) -> Result<u8, Failure> {
    let schedule = Schedule::new(&args.sampling, interval)?;
    if args.sampling.from.is_some() && args.save.is_some() {
        return Err(Failure::usage(
            "`--save` records a live view: use `procviz record --from` to copy a part of a recording".to_owned(),
        ));
    }
    if args.speed.is_some() && args.sampling.from.is_none() {
        return Err(Failure::usage(
            "`--speed` is for recordings: name one with --from".to_owned(),
        ));
    }
    let measures = Measures::new(args)?;
    match place(args)? {
        #[cfg(feature = "window")]
        Place::Window(display) => window::run(charts, (args, &measures), &schedule, &display),
        Place::Terminal => {
            if args.theme.is_none() {
                charts.in_theme(Theme::Dark);
            }
            terminal::run(charts, (args, &measures), &schedule)
        }
    }
}

/// The time that a timeline in a live view shows, ns.
const LIVE_NS: u64 = 120_000_000_000;

/// The part of a live view that window and terminal share.
struct Live {
    session: Session,
    view: View,
    charts: ChartOptions,
    bubble: Bubble,
    grid: Grid,
    lines: Lines,
    timeline: Timeline,
    /// The processes that exited in the last minute, for the table.
    dead: RecentlyDead,
    font: Font,
    arguments: Arguments,
    /// What the command line restricts the view to.
    selection: Vec<String>,
    /// When the filter line was typed, ns since boot: a pid in it means the task of that time.
    /// `None` in a recording.
    typed_ns: Option<u64>,
    /// The filter of the command line. The filter that is typed narrows it.
    base: Filter,
    has_asked_for_args: bool,
    governor: Governor,
    details: Details,
    /// The task of the last details, the details, and when they came.
    detailed: Option<(TaskId, Vec<String>, Instant)>,
    /// The last popup of each task that is shown: it stays when the task is gone.
    last_popups: HashMap<TaskId, Popup>,
    /// Where pictures are saved, or why none can be.
    saved: Result<(Target, Writer), String>,
    started: Instant,
    is_over: bool,
    replay: Option<Replay>,
    /// Seeks go through the time before, for the table.
    looks_back: bool,
}

/// The state in which a view opens.
fn view(charts: &ChartOptions, args: &PictureArgs, schedule: &Schedule, session: &Session) -> View {
    let mut view = View::new(
        charts.first,
        [
            charts.grid.scope,
            charts.bubble.scope,
            charts.lines.scope,
            charts.timeline.scope,
        ],
        charts.grid.grouping,
        schedule.interval,
    );
    view.lines_in_3d = charts.lines.is_3d;
    view.shows_heat = charts.timeline.heat.is_some();
    view.is_recording = args.sampling.from.is_some();
    view.has_threads = session.has_threads();
    // `--at` names a moment to look at.
    view.is_paused = view.is_recording && args.sampling.range.at.is_some();
    view
}

/// What remembers samples: the charts that show more than the last one, and who exited.
type Watching<'a> = (
    (&'a mut Bubble, &'a mut Lines, &'a mut Timeline),
    &'a mut RecentlyDead,
);

fn observe(((bubble, lines, timeline), dead): &mut Watching<'_>, snapshot: &Snapshot) {
    bubble.observe(snapshot);
    lines.observe(snapshot);
    timeline.observe(snapshot);
    dead.observe(snapshot);
}

/// What the user's input does to the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    On,
    Redraw,
    /// Tasks appear, disappear or move: draw before the next key, which is meant for
    /// the new picture.
    Relayout,
    Over,
}

impl Live {
    /// Starts sampling, or opens the recording.
    fn start(
        charts: ChartOptions,
        (args, measures): (&PictureArgs, &Measures),
        schedule: &Schedule,
        wake: Wake,
        kept: Option<&File>,
    ) -> Result<Self, Failure> {
        // Saved pictures go into the folder where procviz was called.
        let mode = measures.mode;
        let saved = Target::for_views(mode);
        // Before root's privileges are given away: only root can perhaps read the file.
        let font = drawing::font(args)?;
        let (wake, wake_replay) = match args.sampling.from.is_some() {
            true => (None, Some(wake)),
            false => (Some(wake), None),
        };
        let save = args.save.as_deref();
        let plan = Plan {
            want_args: WantArgs::new(args.args),
            wake,
            kept,
            wants_past: true,
            writes: saved.as_ref().ok().map(Target::folder),
            rules: rules::settings(&args.rules)?,
            summary: Some(args.summary),
            save: save
                .map(|path| RecordingOptions::all(path, (args.force, mode)))
                .transpose()?,
            ..Plan::plain(schedule, &args.sampling, &args.filter, &args.run)
        };
        let (mut session, (writer, tick_ns)) = Session::start(plan, |host: &Host| {
            let writer = saved.as_ref().ok().map(Writer::start).transpose()?;
            Ok((writer, host.tick_ns))
        })?;
        let mut replay = None;
        let browsed = session.browse()?;
        if let (Some(browsed), Some(wake)) = (browsed, wake_replay) {
            replay = Some(Replay::start(browsed, measures.speed, wake)?);
        }
        let view = view(&charts, args, schedule, &session);
        let mut live = Self {
            base: session.filter().clone(),
            session,
            view,
            bubble: Bubble::new(charts.bubble.clone()),
            grid: Grid::new(charts.grid.clone()).stable(),
            lines: Lines::new(charts.lines.clone()),
            timeline: Timeline::new(charts.timeline.clone()).of_the_last(LIVE_NS),
            dead: RecentlyDead::default(),
            charts,
            font,
            arguments: drawing::arguments(args),
            selection: drawing::selection(&args.filter, &args.run),
            has_asked_for_args: args.args,
            governor: Governor::new(measures.max_cpu),
            details: Details::start(tick_ns),
            detailed: None,
            last_popups: HashMap::new(),
            saved: match (saved, writer) {
                (Ok(target), Some(writer)) => Ok((target, writer)),
                (Err(failure), _) => Err(format!("{:#}", failure.error)),
                (Ok(_), None) => Err("there is no thread that writes".to_owned()),
            },
            started: Instant::now(),
            is_over: false,
            replay,
            looks_back: false,
            typed_ns: None,
        };
        live.settle()?;
        Ok(live)
    }

    /// Takes the samples that have come, or that are due in a recording.
    fn take(&mut self) -> Result<Taken, Failure> {
        if self.replay.is_some() {
            return self.play();
        }
        let charts = (&mut self.bubble, &mut self.lines, &mut self.timeline);
        let mut watching = (charts, &mut self.dead);
        let taken = self
            .session
            .take(|snapshot| observe(&mut watching, snapshot))?;
        if taken == Taken::All {
            self.is_over = true;
        }
        if matches!(taken, Taken::Sample | Taken::All) {
            self.follow_filter();
            self.govern();
        }
        Ok(taken)
    }

    /// Whether there is anything to show.
    fn has_begun(&self) -> bool {
        self.session.snapshot().tick > 0
    }

    /// Whether details have come that are not shown yet.
    #[cfg(feature = "window")]
    fn has_details(&mut self) -> bool {
        let answer = self.details.take();
        let is_there = answer.is_some();
        if let Some((id, lines)) = answer {
            self.detailed = Some((id, lines, Instant::now()));
        }
        is_there
    }

    fn waits_for_details(&self) -> bool {
        self.details.is_open()
    }

    /// The heat map that the timeline shows; `None`: it shows lives.
    fn heat(&self) -> Option<HeatOptions> {
        let heat = self.charts.timeline.heat.unwrap_or_default();
        self.view.shows_heat.then_some(heat)
    }

    /// A filter for a tree follows its new descendants.
    fn follow_filter(&mut self) {
        if typed::moves(self.view.filter.text()) {
            self.apply_filter();
        }
    }

    fn observe(&mut self) {
        self.follow_filter();
        let charts = (&mut self.bubble, &mut self.lines, &mut self.timeline);
        observe(&mut (charts, &mut self.dead), self.session.snapshot());
    }

    fn govern(&mut self) {
        let used = Duration::from_nanos(own_cpu_ns());
        let asked = self.view.interval;
        if self.governor.look(self.started.elapsed(), used, asked) {
            let interval = self.governor.interval(asked);
            self.session.order(Order::Interval(interval));
            self.view.is_reduced = self.governor.is_reduced();
            self.change_chart();
        }
    }

    /// Carries out the user's input.
    fn input(&mut self, input: Input, hits: &Hits) -> Reaction {
        let findings: Vec<Option<TaskId>> = self
            .session
            .snapshot()
            .findings
            .iter()
            .map(|finding| {
                let is_shown = |id: &TaskId| hits.position(*id).is_some();
                finding.dots().find(is_shown).or(finding.dot)
            })
            .collect();
        let stage = Stage {
            hits,
            findings: &findings,
        };
        let mut goes = Reaction::On;
        for effect in self.view.input(input, &stage) {
            match effect {
                Effect::Quit => return Reaction::Over,
                Effect::Redraw if goes == Reaction::On => goes = Reaction::Redraw,
                Effect::Redraw => {}
                Effect::Sample => self.session.order(Order::Sample),
                Effect::Pause(_) if self.replay.is_some() => self.try_command(&effect),
                Effect::Pause(paused) => self.session.order(Order::Pause(paused)),
                Effect::Interval => {
                    let interval = self.governor.interval(self.view.interval);
                    self.session.order(Order::Interval(interval));
                }
                Effect::Filter => {
                    self.filter();
                    goes = Reaction::Relayout;
                }
                Effect::Chart => {
                    self.change_chart();
                    goes = Reaction::Relayout;
                }
                Effect::Save => self.save(),
                Effect::Step(_) | Effect::Seek(_) | Effect::Mark(_) | Effect::Speed(_) => {
                    self.try_command(&effect);
                }
            }
        }
        goes
    }

    fn filter(&mut self) {
        if !self.has_asked_for_args {
            self.has_asked_for_args = true;
            self.session.order(Order::Args);
        }
        self.typed_ns = self.replay.is_none().then(boot_now_ns);
        self.apply_filter();
    }

    /// Applies the filter line to the tasks of the last sample.
    fn apply_filter(&mut self) {
        let line = typed::Typed {
            base: &self.base,
            users: &self.session.users,
            pids_until_ns: self.typed_ns,
            snapshot: self.session.snapshot(),
        };
        match line.filter(self.view.filter.text()) {
            Ok(filter) => {
                self.view.filter_error = None;
                self.session.tracker.set_filter(filter);
            }
            // The filter is perhaps not typed to its end: the last one stays.
            Err(why) => self.view.filter_error = Some(why),
        }
    }

    /// Ends the view: prints the last line, and returns the exit status.
    fn end(self) -> Result<u8, Failure> {
        let snapshot = self.session.snapshot();
        summary(format!(
            "{} kernel events seen, {} lost, in {}",
            snapshot.events_seen,
            snapshot.losses.events(),
            duration_text(snapshot.watched_ns())
        ));
        if let Ok((_, writer)) = self.saved {
            writer.finish()?;
        }
        Ok(self.session.status_now())
    }
}
