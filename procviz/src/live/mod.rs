//! A live view: everything between the sampler and a screen that window and
//! terminal have in common.

#[cfg(feature = "window")]
mod display;
mod playback;
mod terminal;
mod travel;
#[cfg(feature = "window")]
mod window;

use std::{
    collections::HashMap,
    fs::File,
    io::IsTerminal as _,
    sync::Arc,
    time::{Duration, Instant},
};

#[cfg(feature = "window")]
use self::display::{Display, Forwarded};
use self::playback::Replay;
use crate::{
    chart::{
        ANGLE, Arguments, Bubble, BubbleOptions, Colors, Context, Grid, GridOptions, Grouping,
        Lines, LinesOptions, Sorting, Theme,
    },
    cli::{PictureArgs, ViewArg},
    export::time,
    model::{Host, Process, Scope, Snapshot, TaskId, Untrusted, duration_text},
    paint,
    recorder::Keeping,
    runtime::{
        Failure,
        config::Schedule,
        drawing::{self, palette, theme},
        measures::Measures,
        output::{Job, Target, Writer},
        stdout::{say, shown},
    },
    scene::{Font, Scene},
    session::{
        Plan, Session, Taken, WantArgs, selection,
        watch::{Order, Wake},
    },
    source::{Details, boot_now_ns, own_cpu_ns},
    tracker::Filter,
    view::{ChartKind, Effect, Governor, Hits, Input, Popup, Stage, Subject, View, popup},
};

/// How each chart is to look; a view can go from one to another.
#[derive(Clone)]
pub(crate) struct Looks {
    pub(crate) first: ChartKind,
    pub(crate) grid: GridOptions,
    pub(crate) bubble: BubbleOptions,
    pub(crate) lines: LinesOptions,
}

impl Looks {
    fn in_theme(&mut self, theme: Theme) {
        self.grid.theme = theme;
        self.bubble.theme = theme;
        self.lines.theme = theme;
    }

    /// Those of a view that is nothing but usual, for a chart's own to be put in.
    pub(crate) fn usual(first: ChartKind, args: &PictureArgs) -> Self {
        let (theme, palette) = (theme(args), palette(args));
        Self {
            first,
            grid: GridOptions {
                scope: Scope::Threads,
                grouping: Grouping::User,
                sorting: Sorting::Start,
                columns: None,
                point_size: 300.0,
                theme,
                palette,
                colors: Colors::default(),
                classic: args.classic,
            },
            bubble: BubbleOptions {
                scope: Scope::Processes,
                theme,
                palette,
                grouping: Grouping::User,
                even_axes: args.classic,
                user_colors: Vec::new(),
            },
            lines: LinesOptions {
                scope: Scope::Threads,
                theme,
                palette,
                angle: ANGLE,
            },
        }
    }
}

/// Between two readings of what a popup shows beyond the snapshot.
const DETAILS: Duration = Duration::from_secs(1);

/// Watches until somebody has seen enough.
pub(crate) fn run(mut looks: Looks, args: &PictureArgs, interval: f64) -> Result<u8, Failure> {
    let schedule = Schedule::new(&args.sampling, interval)?;
    if args.sampling.from.is_some() && args.save.is_some() {
        return Err(Failure::usage(
            "`--save` keeps what is watched live: `procviz record --from` cuts a piece out of a recording".to_owned(),
        ));
    }
    if args.speed.is_some() && args.sampling.from.is_none() {
        return Err(Failure::usage(
            "`--speed` is for a recording: name one with --from".to_owned(),
        ));
    }
    match place(args)? {
        #[cfg(feature = "window")]
        Place::Window(display) => window::run(looks, args, &schedule, &display),
        Place::Terminal => {
            if args.theme.is_none() {
                looks.in_theme(Theme::Dark);
            }
            terminal::run(looks, args, &schedule)
        }
    }
}

/// Where the live view is.
enum Place {
    #[cfg(feature = "window")]
    Window(Display),
    Terminal,
}

/// A window where a display answers, else the terminal where stdout is one.
fn place(args: &PictureArgs) -> Result<Place, Failure> {
    #[cfg(feature = "window")]
    let why_no_window = match args.view {
        Some(ViewArg::Terminal) => "it is not asked for".to_owned(),
        wanted => {
            let forwarded = match wanted {
                Some(ViewArg::Window) => Forwarded::Counts,
                _ => Forwarded::No,
            };
            match Display::find(forwarded) {
                Ok(display) => return Ok(Place::Window(display)),
                Err(why) => why,
            }
        }
    };
    #[cfg(not(feature = "window"))]
    let why_no_window = "procviz was built without it";
    if args.view == Some(ViewArg::Window) {
        return Err(Failure::usage(format!(
            "no window: {why_no_window}; `-o FILE` draws without, `--view terminal` shows it here"
        )));
    }
    if !std::io::stdout().is_terminal() {
        return Err(Failure::usage(format!(
            "no window ({why_no_window}), and stdout is no terminal: name a file with -o, as in `procviz grid -o tasks.png`"
        )));
    }
    Ok(Place::Terminal)
}

/// What window and terminal share.
struct Live {
    session: Session,
    view: View,
    looks: Looks,
    bubble: Bubble,
    grid: Grid,
    lines: Lines,
    font: Font,
    arguments: Arguments,
    /// The filter of the command line.
    base: Filter,
    has_asked_for_args: bool,
    governor: Governor,
    details: Details,
    /// Whom details are of, and when they came.
    detailed: Option<(TaskId, Vec<String>, Instant)>,
    /// What was said last of whoever is shown: it stays when the task is gone.
    said: HashMap<TaskId, Popup>,
    /// Why none can be saved, where that is so.
    saved: Result<(Target, Writer), String>,
    started: Instant,
    is_over: bool,
    replay: Option<Replay>,
}

/// Whether a view goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    On,
    Redraw,
    /// Others are to be seen, or elsewhere: what is typed next is meant for that picture.
    Relayout,
    Over,
}

impl Live {
    fn start(
        looks: Looks,
        args: &PictureArgs,
        schedule: &Schedule,
        wake: Wake,
        kept: Option<&File>,
    ) -> Result<Self, Failure> {
        // Saved pictures go into the folder where procviz was called.
        let measures = Measures::new(args)?;
        let mode = measures.mode;
        let saved = Target::for_views(mode);
        // Before root's rights are given away: it may lie where only root reads.
        let font = drawing::font(args)?;
        let is_recording = args.sampling.from.is_some();
        let (wake, wake_replay) = match is_recording {
            true => (None, Some(wake)),
            false => (Some(wake), None),
        };
        let save = args.save.as_deref();
        let plan = Plan {
            want_args: if args.args {
                WantArgs::Yes
            } else {
                WantArgs::No
            },
            wake,
            kept,
            wants_past: true,
            writes: saved.as_ref().ok().map(Target::folder),
            save: save
                .map(|path| Keeping::all(path, (args.force, mode)))
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
        let mut view = View::new(
            looks.first,
            [looks.grid.scope, looks.bubble.scope, looks.lines.scope],
            looks.grid.grouping,
            schedule.interval,
        );
        view.is_recording = is_recording;
        view.has_threads = session.has_threads();
        // Who asks for a moment wants to look at it.
        view.is_paused = is_recording && args.sampling.range.at.is_some();
        let mut live = Self {
            base: session.filter().clone(),
            session,
            view,
            bubble: Bubble::new(looks.bubble.clone()),
            grid: Grid::new(looks.grid.clone()).steady(),
            lines: Lines::new(looks.lines.clone()),
            looks,
            font,
            arguments: if args.args {
                Arguments::Shown
            } else {
                Arguments::Hidden
            },
            has_asked_for_args: args.args,
            governor: Governor::new(measures.max_cpu),
            details: Details::start(tick_ns),
            detailed: None,
            said: HashMap::new(),
            saved: match (saved, writer) {
                (Ok(target), Some(writer)) => Ok((target, writer)),
                (Err(failure), _) => Err(format!("{:#}", failure.error)),
                (Ok(_), None) => Err("nothing writes".to_owned()),
            },
            started: Instant::now(),
            is_over: false,
            replay,
        };
        live.settle()?;
        Ok(live)
    }

    /// Takes in what the sampler has said, or what is due of a recording.
    fn take(&mut self) -> Result<Taken, Failure> {
        if self.replay.is_some() {
            return self.play();
        }
        let taken = self.session.take()?;
        if taken == Taken::All {
            self.is_over = true;
        }
        if matches!(taken, Taken::Sample | Taken::All) {
            self.observe();
            self.govern();
        }
        Ok(taken)
    }

    /// Whether there is anything to show.
    fn has_begun(&self) -> bool {
        self.session.snapshot().tick > 0
    }

    /// Whether an answer has come that no picture shows yet.
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

    fn observe(&mut self) {
        let snapshot = self.session.snapshot();
        self.bubble.observe(snapshot);
        self.lines.observe(snapshot);
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

    /// Does what somebody asked for.
    fn input(&mut self, input: Input, hits: &Hits) -> Goes {
        let findings: Vec<Option<TaskId>> = self
            .session
            .snapshot()
            .findings
            .iter()
            .map(|finding| finding.dot)
            .collect();
        let stage = Stage {
            hits,
            findings: &findings,
        };
        let mut goes = Goes::On;
        for effect in self.view.input(input, &stage) {
            match effect {
                Effect::Quit => return Goes::Over,
                Effect::Redraw if goes == Goes::On => goes = Goes::Redraw,
                Effect::Redraw => {}
                Effect::Sample => self.session.order(Order::Sample),
                Effect::Pause(_) if self.replay.is_some() => self.try_to_travel(&effect),
                Effect::Pause(paused) => self.session.order(Order::Pause(paused)),
                Effect::Interval => {
                    let interval = self.governor.interval(self.view.interval);
                    self.session.order(Order::Interval(interval));
                }
                Effect::Filter => {
                    self.filter();
                    goes = Goes::Relayout;
                }
                Effect::Chart => {
                    self.change_chart();
                    goes = Goes::Relayout;
                }
                Effect::Save => self.save(),
                Effect::Step(_) | Effect::Seek(_) | Effect::Mark(_) | Effect::Speed(_) => {
                    self.try_to_travel(&effect);
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
        match selection::of_line(&self.view.filter, &self.base, &self.session.users) {
            Ok(filter) => self.session.tracker.set_filter(filter),
            // What was typed so far is not yet what is meant.
            Err(why) => self.view.message = Some(why),
        }
    }

    fn change_chart(&mut self) {
        let kinds = [ChartKind::Grid, ChartKind::Bubble, ChartKind::Lines];
        let [grid, bubble, lines] = kinds.map(|kind| self.view.scope_of(kind));
        let grouping = self.view.grouping;
        let looks = &mut self.looks.grid;
        let wanted = (grid, grouping, self.view.sorting);
        if (looks.scope, looks.grouping, looks.sorting) != wanted {
            (looks.scope, looks.grouping, looks.sorting) = wanted;
            self.grid = Grid::new(self.looks.grid.clone()).steady();
        }
        if self.looks.bubble.scope != bubble || self.looks.bubble.grouping != grouping {
            self.looks.bubble.scope = bubble;
            self.looks.bubble.grouping = grouping;
            self.bubble = Bubble::new(self.looks.bubble.clone());
            self.bubble.observe(self.session.snapshot());
        }
        if self.looks.lines.scope != lines {
            self.looks.lines.scope = lines;
            self.lines = Lines::new(self.looks.lines.clone());
            self.look_again();
        }
    }

    /// The picture as `-o` would draw it, into a file of its own.
    fn save(&mut self) {
        let target = match &self.saved {
            Ok((target, _)) => target.clone(),
            Err(why) => {
                self.view.message = Some(format!("not saved: {why}"));
                return;
            }
        };
        let snapshot = self.session.snapshot();
        let name = target.name(
            1,
            &time::for_file_name(&snapshot.host, snapshot.stamp.boot_ns),
        );
        // A picture of another size moves nobody on the screen.
        let on_screen = self.grid.clone();
        let scene = self.scene((1600.0, 900.0));
        self.grid = on_screen;
        let outcome = target.check_name(&name).and_then(|()| {
            let mut raster = paint::Raster::new(self.font.clone());
            let pixels = raster.paint(&scene, 1.0)?;
            let notes = drawing::notes(&scene, self.session.snapshot());
            let bytes = paint::encode(pixels, &notes)?;
            match &self.saved {
                Ok((_, writer)) => writer.write(name.clone(), Job::File(bytes)),
                Err(why) => Err(anyhow::anyhow!("{why}")),
            }
        });
        self.view.message = Some(match outcome {
            Ok(()) => format!("saved as {}", shown(target.path_of(&name))),
            Err(error) => format!("not saved: {error:#}"),
        });
    }

    /// The chart as a picture of so many pixels.
    fn scene(&mut self, size: (f32, f32)) -> Scene {
        let snapshot = self.session.snapshot();
        let users = &self.session.users;
        let user = |uid| drawing::name(users, uid);
        let context = context(&user, snapshot, &self.font, self.arguments, size);
        match self.view.chart {
            ChartKind::Grid => self.grid.draw(snapshot, &context),
            ChartKind::Bubble => self.bubble.draw(snapshot, &context),
            ChartKind::Lines => {
                self.lines.look_from(self.view.angle);
                self.lines.draw(snapshot, &context)
            }
        }
    }

    /// What is said of each task that somebody looks at, in order.
    fn popups(&mut self) -> Vec<(TaskId, Popup)> {
        let shown = self.view.shown();
        self.said.retain(|id, _| shown.contains(id));
        self.ask_for_details(shown.last().copied());
        for id in &shown {
            if let Some(popup) = self.popup(*id) {
                self.said.insert(*id, popup);
            } else if let Some(said) = self.said.get_mut(id) {
                said.is_over = true;
            }
        }
        shown
            .into_iter()
            .filter_map(|id| Some((id, self.said.get(&id)?.clone())))
            .collect()
    }

    fn popup(&self, id: TaskId) -> Option<Popup> {
        let tracker = &self.session.tracker;
        let task = tracker.task(self.view.scope(), id)?;
        let snapshot = tracker.snapshot();
        let details = self
            .detailed
            .as_ref()
            .filter(|(detailed, ..)| *detailed == id)
            .map_or(&[][..], |(_, lines, _)| lines.as_slice());
        let late = ["details: no answer from /proc".to_owned()];
        let is_late = self.details.overdue() == Some(id);
        let subject = Subject {
            user: drawing::name(&self.session.users, task.thread.uid),
            parent: self.name_of(task.process.ppid),
            started: time::local(&snapshot.host, id.start_ns),
            interval_ns: snapshot.stamp.interval_ns,
            details: if is_late { &late } else { details },
        };
        Some(popup(&task, &subject))
    }

    fn name_of(&self, pid: u32) -> Option<String> {
        let snapshot = self.session.snapshot();
        let is_it = |process: &&Process| process.id.tid == pid && process.end.is_none();
        let leader = snapshot.processes.iter().find(is_it)?.leader?;
        Some(snapshot.threads.get(leader)?.comm.text().picture())
    }

    fn ask_for_details(&mut self, id: Option<TaskId>) {
        if self.replay.is_some() {
            // This machine knows nothing of that one's tasks.
            return;
        }
        if let Some((id, lines)) = self.details.take() {
            self.detailed = Some((id, lines, Instant::now()));
        }
        let Some(id) = id else { return };
        let is_fresh = self
            .detailed
            .as_ref()
            .is_some_and(|(detailed, _, came)| *detailed == id && came.elapsed() < DETAILS);
        if !is_fresh {
            self.details.ask(id);
        }
    }

    /// How the view itself fares; empty when there is nothing to say.
    fn notes(&mut self) -> Vec<String> {
        let checked = self
            .saved
            .as_ref()
            .map_or(Ok(()), |(_, writer)| writer.check());
        if let Err(error) = checked {
            self.view.message = Some(format!("not saved: {error:#}"));
        }
        let mut parts = Vec::new();
        match &self.replay {
            Some(replay) => {
                let speed = replay.speed;
                let snapshot = self.session.snapshot();
                let clock = time::local_clock(&snapshot.host, snapshot.stamp.boot_ns);
                let how = if self.view.is_paused {
                    "PAUSED, space plays".to_owned()
                } else {
                    format!("plays {speed}x")
                };
                parts.push(format!("recorded {clock}, {how}"));
            }
            None if self.view.is_paused => {
                parts.push("PAUSED, . for one more sample".to_owned());
            }
            None => {}
        }
        let asked = self.view.interval;
        if self.governor.is_stretched() {
            let now = duration_text(self.governor.interval(asked).as_nanos() as u64);
            let detail = if self.view.is_reduced {
                " and processes shown for threads"
            } else {
                ""
            };
            parts.push(format!("interval stretched to {now}{detail} by --max-cpu"));
        }
        if self.is_late() {
            let age = duration_text(self.age().as_nanos() as u64);
            parts.push(format!("the last sample is {age} old"));
        }
        if self.view.sorting != Sorting::default() {
            parts.push(format!("in order of {}", self.view.sorting.word()));
        }
        #[cfg(feature = "window")]
        if self.view.glass.is_on() {
            let factor = self.view.glass.factor;
            parts.push(format!("enlarged {factor:.1}x, Esc shows all"));
        }
        if !self.view.filter.is_empty() {
            let line = Untrusted::new(self.view.filter.as_bytes()).picture();
            parts.push(format!("filter: {line}"));
        }
        parts
    }

    /// How old what is shown is.
    fn age(&self) -> Duration {
        let taken = self.session.snapshot().stamp.boot_ns;
        Duration::from_nanos(boot_now_ns().saturating_sub(taken))
    }

    /// Whether a sample should have come and has not: then the picture says
    /// how old it is. A paused one does not grow old.
    fn is_late(&self) -> bool {
        let patience = self.governor.interval(self.view.interval) * 2 + Duration::from_secs(1);
        self.replay.is_none() && !self.view.is_paused && self.has_begun() && self.age() > patience
    }

    /// The last line, once the screen is given back.
    fn end(self) -> Result<u8, Failure> {
        let snapshot = self.session.snapshot();
        say(&format!(
            "procviz: {} kernel events seen, {} lost, in {}",
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

fn context<'a>(
    user: &'a dyn Fn(Option<u32>) -> Arc<str>,
    snapshot: &Snapshot,
    font: &'a Font,
    arguments: Arguments,
    size: (f32, f32),
) -> Context<'a> {
    Context {
        font,
        user,
        time: time::local(&snapshot.host, snapshot.stamp.boot_ns),
        size,
        arguments,
    }
}
