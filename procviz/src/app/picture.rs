//! Draws snapshots with any chart into files.

use std::{path::Path, sync::Arc, time::Duration};

use super::page::Pages;
use crate::{
    chart::{Arguments, Chart, Context, report},
    cli::{PictureArgs, ThemeArg},
    export::time,
    model::{Scope, Snapshot, TaskId},
    paint::{self, MOST_FRAMES, PageTheme},
    recorder::RecordingOptions,
    runtime::{
        Failure,
        config::{self, Schedule},
        drawing::{arguments, font, name, notes, selection},
        measures::Measures,
        output::{Format, Job, Shows, Target, Writer},
        progress::Progress,
        stderr::summary,
        text::{escaped, noun},
        warning::{Warning, warn},
    },
    scene::{Font, Scene},
    session::{Next, Plan, Session, WantArgs, rules},
    tracker::{INTERVALS, Period},
};

/// Shortest time to watch for a single picture.
const WATCHED: Duration = Duration::from_secs(3);

/// Longer than any recording.
const EVER_NS: u64 = i64::MAX as u64;

/// Watches, draws and writes. `interval` is the default interval of the chart, seconds.
pub(super) fn run(
    chart: Box<dyn Chart>,
    scope: Scope,
    (path, args): (&Path, &PictureArgs),
    interval: f64,
) -> Result<u8, Failure> {
    let mut schedule = Schedule::new(&args.sampling, interval)?;
    let measures = Measures::new(args)?;
    let font = font(args)?;
    let shows_past = chart.shows_past();
    let needs_all = chart.needs_all_samples();
    let shows = match shows_past {
        true => Shows::AllSamples,
        false => Shows::OneSample,
    };
    let mode = measures.mode;
    let target = Target::new(path, (args.force, mode), schedule.samples, shows)?;
    if target.has_pixels() {
        config::check_pixels(measures.size, measures.scale, (&args.size, &args.scale))?;
    }
    let chart = match target.has_many() {
        true => chart.in_series(),
        false => chart,
    };
    let is_live = args.sampling.from.is_none();
    let is_still = !target.has_many();
    // With `--at`, a duration looks back from the moment.
    let is_moment = is_still && !is_live && args.sampling.range.at.is_some();
    let length = schedule.duration.take_if(|_| is_moment);
    let length_ns = length.map(|length| length.as_nanos() as u64);
    let is_bounded = schedule.samples.is_some() || schedule.duration.is_some();
    if is_still && !is_bounded && args.run.is_empty() && is_live {
        let intervals = WATCHED.as_secs_f64() / schedule.interval.as_secs_f64();
        schedule.samples = Some((intervals.round() as u64).max(INTERVALS as u64));
    }
    let one_picture = is_still && !is_bounded && !args.sampling.range.is_given() && !needs_all;
    let period = is_still.then(|| match !is_live && (one_picture || is_moment) {
        true if !needs_all || length_ns.is_some() => Period::last(length_ns),
        true => Period::whole(),
        false => Period::whole(),
    });
    let arguments = arguments(args);
    let save = args.save.as_deref();
    let save = save
        .map(|path| RecordingOptions::all(path, (args.force, mode)))
        .transpose()?;
    let (session, writer) = Session::start(
        Plan {
            want_args: WantArgs::new(args.args),
            wants_past: shows_past && !needs_all,
            lists_short_lived: is_still || target.format == Format::Html,
            one_picture,
            looks_back_ns: length_ns.unwrap_or(if needs_all && is_moment { EVER_NS } else { 0 }),
            save,
            writes: Some(target.folder()),
            takes_work: true,
            summary: Some(args.summary),
            rules: rules::settings(&args.rules)?,
            ..Plan::plain(&schedule, &args.sampling, &args.filter, &args.run)
        },
        |_| Ok(Writer::start(&target)?),
    )?;
    let scope = session.scope(scope);
    let chart = chart.in_scope(scope);
    let collected = Collected::new(&target, (&*chart, scope), args, &font);
    if target.is_animation() && !is_bounded && args.run.is_empty() && is_live {
        warn(Warning::UntilInterrupted);
    }
    let draw = Draw {
        max_size: measures.max_size,
        scope,
        begins_later: shows_past && args.sampling.range.begin.is_some(),
        lists_all_exits: !args.sampling.range.is_given(),
        chart,
        raster: paint::Raster::new(font.clone()),
        font,
        size: measures.size,
        scale: measures.scale as f32,
        arguments,
        delay_ms: (schedule.interval.as_millis() as u32).max(20),
        target,
        writer,
        collected,
        shows_all: needs_all && is_moment && length_ns.is_none(),
        period,
        selection: selection(&args.filter, &args.run),
        number: 0,
    };
    draw.all(session, &schedule)
}

struct Draw {
    scope: Scope,
    chart: Box<dyn Chart>,
    raster: paint::Raster,
    font: Font,
    size: (f32, f32),
    scale: f32,
    arguments: Arguments,
    /// Time between two frames of an animation, ms.
    delay_ms: u32,
    max_size: u64,
    target: Target,
    /// The lines do not show the samples before `--begin`.
    begins_later: bool,
    /// The whole recording is read, so exits before the first picture are listed, too.
    lists_all_exits: bool,
    writer: Writer,
    collected: Collected,
    /// The samples before a moment belong to its picture.
    shows_all: bool,
    /// The time that one picture shows; `None`: each picture shows its last interval.
    period: Option<Period>,
    /// What the picture is restricted to.
    selection: Vec<String>,
    number: u64,
}

/// The content so far of a file with many pictures.
enum Collected {
    /// Each picture is a file of its own.
    Nothing,
    /// An animation, whose frames the writer keeps: their number and size, bytes.
    Frames {
        count: usize,
        bytes: u64,
    },
    Page(Box<Pages>),
}

impl Collected {
    fn new(
        target: &Target,
        (chart, scope): (&dyn Chart, Scope),
        args: &PictureArgs,
        font: &Font,
    ) -> Self {
        match target.format {
            Format::Png | Format::Svg => Self::Nothing,
            Format::Gif | Format::Apng => Self::Frames { count: 0, bytes: 0 },
            Format::Html => {
                let opens = match args.theme {
                    None => PageTheme::AsBrowser,
                    Some(ThemeArg::Light) => PageTheme::Light,
                    Some(ThemeArg::Dark) => PageTheme::Dark,
                };
                let pages = Pages::new(chart, scope, arguments(args), opens, font.clone());
                Self::Page(Box::new(pages))
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Frames { count, .. } => *count,
            Self::Page(pages) => pages.len(),
        }
    }
}

impl Draw {
    fn all(mut self, mut session: Session, schedule: &Schedule) -> Result<u8, Failure> {
        let progress = Progress::new(schedule);
        loop {
            let Next { is_last, is_shown } = match session.next() {
                Ok(None) => break,
                Ok(Some(next)) => next,
                Err(failure) => {
                    // A picture of the samples before the error is still useful.
                    if session.snapshot().tick > 1 && !self.target.has_many() {
                        self.picture(&mut session)?;
                    }
                    self.finish()?;
                    return Err(failure);
                }
            };
            if let Some(past) = session.take_past() {
                self.chart.recall(&past);
            }
            if is_shown || !self.begins_later {
                self.observe(&session, is_shown || self.lists_all_exits);
            }
            if let Some(period) = &mut self.period
                && (is_shown || period.is_last() || self.shows_all)
            {
                period.observe(session.snapshot());
            }
            let mut has_room = true;
            if is_last || (self.target.has_many() && is_shown) {
                has_room = self.picture(&mut session)?;
            }
            progress.step(is_shown);
            if is_last {
                break;
            }
            if !has_room || self.collected.len() >= MOST_FRAMES {
                let snapshot = session.snapshot();
                warn(Warning::FileIsFull {
                    most: MOST_FRAMES,
                    pictures: self.collected.len(),
                    time: time::local_precise(&snapshot.host, snapshot.stamp.boot_ns),
                });
                break;
            }
        }
        progress.end();
        self.finish()?;
        Ok(session.status())
    }

    fn finish(self) -> Result<(), Failure> {
        let number = self.number;
        let last = self.target.name(number, "{time}");
        let job = match self.collected {
            _ if number == 0 => None,
            Collected::Nothing => None,
            Collected::Frames { .. } => Some(Job::Animation {
                format: self.target.format,
                delay_ms: self.delay_ms,
            }),
            Collected::Page(pages) => Some(Job::File(pages.finish()?)),
        };
        if let Some(job) = job {
            self.writer.write(last.clone(), job)?;
        }
        self.writer.finish()?;
        match number {
            0 => summary("nothing was drawn"),
            _ if !self.target.is_series => {
                summary(format!("wrote `{}`", escaped(self.target.path_of(&last))))
            }
            _ => summary(format!(
                "wrote {number} {}, the last as `{}`",
                noun(number, "picture", "pictures"),
                escaped(self.target.path_of(&last))
            )),
        }
        Ok(())
    }

    /// Takes in a sample. With `lists_exits`, a page also lists the processes that exited in
    /// the sample.
    fn observe(&mut self, session: &Session, lists_exits: bool) {
        let snapshot = session.snapshot();
        match &mut self.collected {
            Collected::Page(pages) => {
                pages.observe(snapshot);
                if lists_exits {
                    pages.ends(snapshot, &|uid| name(&session.users, uid));
                }
            }
            // A chart that shows no past sees the period as one interval.
            Collected::Nothing if self.period.is_some() && !self.chart.shows_past() => {}
            Collected::Nothing | Collected::Frames { .. } => self.chart.observe(snapshot),
        }
    }

    fn context<'a>(
        &self,
        user: &'a dyn Fn(Option<u32>) -> Arc<str>,
        snapshot: &Snapshot,
        font: &'a Font,
    ) -> Context<'a> {
        let until_ns = snapshot.stamp.boot_ns;
        let length_ns = until_ns.saturating_sub(snapshot.sums_from_ns());
        Context {
            font,
            user,
            time: time::period(&snapshot.host, until_ns, length_ns),
            is_live: false,
            selection: self.selection.clone(),
            size: self.size,
            arguments: self.arguments,
        }
    }

    /// Draws a picture; returns whether there is room for another picture.
    fn picture(&mut self, session: &mut Session) -> Result<bool, Failure> {
        let period = self.period.take();
        let of_period = period.map(|period| period.snapshot(session.take_snapshot()));
        if let Some(snapshot) = of_period.as_ref().filter(|_| !self.chart.shows_past()) {
            self.chart.observe(snapshot);
        }
        let snapshot = match &of_period {
            Some(snapshot) => snapshot,
            None => session.snapshot(),
        };
        let user = |uid| name(&session.users, uid);
        let font = self.font.clone();
        let context = self.context(&user, snapshot, &font);
        if let Collected::Page(pages) = &mut self.collected {
            self.number += 1;
            return Ok(pages.add(snapshot, &context)? && (pages.bytes() as u64) < self.max_size);
        }
        let scene = self.chart.draw(snapshot, &context);
        let bytes = match self.target.format {
            Format::Svg => {
                let about = |id| self.chart.about(id, &context);
                let drawn = (&scene, snapshot, self.scope);
                svg(drawn, (&font, self.scale), &user, &about).into_bytes()
            }
            _ => {
                let pixels = self.raster.paint(&scene, self.scale)?;
                paint::encode(pixels, &notes(&scene, snapshot))?
            }
        };
        self.number += 1;
        if let Collected::Frames {
            count,
            bytes: collected_bytes,
        } = &mut self.collected
        {
            *count += 1;
            *collected_bytes += bytes.len() as u64;
            let has_room = *collected_bytes < self.max_size;
            self.writer
                .write(self.target.name(1, ""), Job::Frame(bytes))?;
            return Ok(has_room);
        }
        let time = time::for_file_name(&snapshot.host, snapshot.stamp.boot_ns);
        let name = self.target.name(self.number, &time);
        self.writer.write(name, Job::File(bytes))?;
        Ok(true)
    }
}

fn svg(
    (scene, snapshot, scope): (&Scene, &Snapshot, Scope),
    (font, scale): (&Font, f32),
    user: &dyn Fn(Option<u32>) -> Arc<str>,
    about: &dyn Fn(TaskId) -> Option<String>,
) -> String {
    let tasks: rustc_hash::FxHashMap<TaskId, _> = snapshot
        .tasks(scope)
        .map(|task| (task.id(), task))
        .collect();
    paint::svg(scene, font, scale, |id| {
        about(id).unwrap_or_else(|| {
            let known = tasks.get(&id);
            known.map_or_else(String::new, |task| {
                report(task, &user(task.thread.uid), snapshot)
            })
        })
    })
}
