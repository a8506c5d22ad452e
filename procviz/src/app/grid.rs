//! `procviz grid`: samples to snapshots to scenes to files.

use std::{io::IsTerminal, sync::Arc, time::Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Failure, config,
    config::Schedule,
    open,
    output::{Format, Target, Writer},
    stdout::say,
    watch::{Said, Watch},
};
use crate::{
    chart::{Colors, Context, Grid, GridOptions, Grouping, Theme, report},
    cli::{GridArgs, ThemeArg},
    export::time,
    model::{Host, Sample, Scope, Snapshot, TaskId},
    paint,
    scene::{Font, Scene},
    source::{Keep, Users, back_to_normal, host},
    tracker::Tracker,
};

/// Intervals that a single picture watches.
const WATCHED: u64 = 3;

pub(super) fn run(args: &GridArgs) -> Result<u8, Failure> {
    let mut schedule = Schedule::new(&args.sampling)?;
    let options = options(args)?;
    let size = config::size(&args.size)?;
    let Some(path) = &args.output else {
        return Err(Failure::usage("there is no window and no terminal view yet: name a file with -o, as in `procviz grid -o tasks.png`".to_owned()));
    };
    let target = Target::new(path, args.force, schedule.samples)?;
    if !target.is_series && schedule.samples.is_none() && schedule.duration.is_none() {
        schedule.samples = Some(WATCHED);
    }
    let host = host()?;
    let writer = Writer::start(&target)?;
    let sampler = open::sampler(&host, schedule.require_ebpf, Keep::Reading)?;
    let progress = Progress::new(&schedule);
    let tracker = Tracker::new(host.clone(), sampler.sources());
    let watch = Watch::start(sampler, &schedule)?;
    back_to_normal();
    let mut draw = Draw {
        host,
        scope: options.scope,
        grid: Grid::new(options),
        font: Font::embedded()?,
        users: Users::read(),
        size,
        target,
        writer,
        tracker,
        number: 0,
        raster: None,
    };
    draw.all(&watch, &progress)?;
    progress.end();
    let (number, target) = (draw.number, draw.target.clone());
    let last = target.name(number, "{time}");
    draw.writer.finish()?;
    match number {
        0 => say("procviz: nothing was drawn"),
        1 if !target.is_series => say(&format!("procviz: wrote {}", last.display())),
        _ => say(&format!(
            "procviz: wrote {number} pictures, the last as {}",
            last.display()
        )),
    }
    Ok(0)
}

fn options(args: &GridArgs) -> Result<GridOptions, Failure> {
    let columns = args
        .columns
        .as_deref()
        .map(|text| config::whole("--columns", text, 1, 100_000))
        .transpose()?;
    let allowed = "square points from 1 to 100000";
    let point_size = config::number("--point-size", &args.point_size, allowed, |value| {
        (1.0..=100_000.0).contains(&value)
    })?;
    let colors = match &args.colors {
        Some(text) => {
            Colors::parse(text).map_err(|error| Failure::usage(format!("--colors: {error}")))?
        }
        None => Colors::default(),
    };
    Ok(GridOptions {
        scope: if args.no_threads {
            Scope::Processes
        } else {
            Scope::Threads
        },
        grouping: Grouping::User,
        columns: columns.map(|columns| columns as usize),
        point_size: point_size as f32,
        theme: match args.theme {
            ThemeArg::Light => Theme::Light,
            ThemeArg::Dark => Theme::Dark,
        },
        colors,
        classic: args.classic,
    })
}

struct Draw {
    host: Host,
    scope: Scope,
    grid: Grid,
    font: Font,
    users: Users,
    size: (f32, f32),
    target: Target,
    writer: Writer,
    tracker: Tracker,
    number: u64,
    raster: Option<paint::Raster>,
}

impl Draw {
    fn all(&mut self, watch: &Watch, progress: &Progress) -> Result<(), Failure> {
        while let Some(said) = watch.next() {
            match said {
                Said::Failed(error) => {
                    // What was watched until then is worth having.
                    if self.tracker.snapshot().tick > 1 && !self.target.is_series {
                        self.picture()?;
                    }
                    return Err(error.into());
                }
                Said::Sample { sample, is_last } => {
                    self.tracker.update(&sample);
                    let is_opening = self.tracker.snapshot().tick == 1;
                    let is_drawn = is_last || (self.target.is_series && !is_opening);
                    self.give_back(watch, sample);
                    if is_drawn {
                        self.picture()?;
                    }
                    progress.step(is_opening);
                    if is_last {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn give_back(&self, watch: &Watch, mut sample: Box<Sample>) {
        sample.clear();
        sample.machine.deaths = None;
        watch.give_back(sample);
    }

    fn picture(&mut self) -> Result<(), Failure> {
        let snapshot = self.tracker.snapshot();
        let boot_ns = snapshot.stamp.boot_ns;
        self.users
            .look_up(snapshot.threads.iter().filter_map(|thread| thread.uid));
        let users = &self.users;
        let user =
            |uid: Option<u32>| uid.map_or_else(|| Arc::from("unknown"), |uid| users.name(uid));
        let context = Context {
            font: &self.font,
            user: &user,
            time: time::local(&self.host, boot_ns),
            size: self.size,
        };
        let scene = self.grid.draw(snapshot, &context);
        let bytes = match self.target.format {
            Format::Png => {
                let raster = self
                    .raster
                    .get_or_insert_with(|| paint::Raster::new(self.font.clone()));
                let command: Vec<_> = std::env::args_os()
                    .map(|arg| arg.to_string_lossy().into_owned())
                    .collect();
                let when = time::rfc3339(&self.host, boot_ns).unwrap_or_default();
                let notes = [
                    ("Software", format!("procviz {}", env!("CARGO_PKG_VERSION"))),
                    ("Comment", command.join(" ")),
                    ("Creation Time", when),
                ];
                paint::encode(raster.paint(&scene, 1.0)?, &notes)?
            }
            Format::Svg => svg(&scene, &self.font, snapshot, self.scope, &user).into_bytes(),
        };
        self.number += 1;
        let name = self
            .target
            .name(self.number, &time::for_file_name(&self.host, boot_ns));
        self.writer.write(name, bytes)?;
        Ok(())
    }
}

fn svg(
    scene: &Scene,
    font: &Font,
    snapshot: &Snapshot,
    scope: Scope,
    user: &dyn Fn(Option<u32>) -> Arc<str>,
) -> String {
    let tasks: rustc_hash::FxHashMap<TaskId, _> = snapshot
        .tasks(scope)
        .map(|task| (task.id(), task))
        .collect();
    paint::svg(scene, font, |id| {
        tasks
            .get(&id)
            .map_or_else(String::new, |task| report(task, &user(task.thread.uid)))
    })
}

/// A bar on stderr, once it takes longer than two seconds and somebody looks.
struct Progress(Option<(ProgressBar, Instant)>);

impl Progress {
    fn new(schedule: &Schedule) -> Self {
        let intervals = schedule
            .intervals()
            .filter(|intervals| schedule.interval.as_secs_f64() * *intervals as f64 > 2.0);
        let shown = intervals.filter(|_| std::io::stderr().is_terminal());
        Self(shown.map(|intervals| {
            let bar = ProgressBar::hidden();
            bar.set_length(intervals);
            if let Ok(style) =
                ProgressStyle::with_template("watching {wide_bar} {pos}/{len} samples, {eta} left")
            {
                bar.set_style(style);
            }
            (bar, Instant::now())
        }))
    }

    fn step(&self, is_opening: bool) {
        let Some((bar, began)) = &self.0 else { return };
        if !is_opening {
            bar.inc(1);
        }
        if began.elapsed().as_secs_f64() > 2.0 && bar.is_hidden() {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
    }

    fn end(&self) {
        if let Some((bar, _)) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
