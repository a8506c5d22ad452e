//! Measures drawing with several numbers of tasks, and the rules.

use std::{process::Command, sync::Arc};

use anyhow::Result;
use procviz::{
    chart::{
        ANGLE, Arguments, Bubble, BubbleOptions, Colors, Context, Grid, GridOptions, Grouping,
        Lines, LinesOptions, PaletteKind, Sorting, Theme, Timeline, TimelineOptions,
    },
    model::{
        Comm, Found, Gone, Host, Io, MemorySizes, Reading, Sample, Scope, Sources, Stamp, State,
        TaskId,
    },
    paint::{Raster, encode, svg},
    scene::{Font, Scene},
    tracker::Tracker,
};

use super::{Row, median, own_cpu_ns};

const SECOND: u64 = 1_000_000_000;

pub(super) fn run() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for tasks in [100, 2_000, 20_000] {
        rows.extend(charts(tasks)?);
    }
    rows.extend(timeline(5_000)?);
    rows.push(rules(20_000, 200));
    rows.extend(matplotlib());
    Ok(rows)
}

/// A simulated machine; some of its tasks ran in the last second.
struct Machine {
    tracker: Tracker,
    sample: Sample,
    second: u64,
}

impl Machine {
    fn new(tasks: u32) -> Self {
        let host = Host::new("bench", 2);
        let mut machine = Self {
            tracker: Tracker::new(host, Sources::EbpfAndProc),
            sample: Sample::new(Sources::EbpfAndProc),
            second: 0,
        };
        machine.sample.found.extend((1..=tasks).map(found));
        machine.sample.complete = true;
        machine.update();
        machine
    }

    fn update(&mut self) {
        self.second += 1;
        self.sample.stamp = Stamp {
            boot_ns: (100 + self.second) * SECOND,
            interval_ns: SECOND,
        };
        self.tracker.update(&self.sample);
        self.sample.clear();
    }

    /// Simulates a second in which the first `active` tasks ran.
    fn run(&mut self, active: u32) {
        let second = self.second;
        self.sample.readings.extend((1..=active).map(|tid| Reading {
            id: id(tid),
            uid: None,
            state: State::Sleeping,
            on_cpu: false,
            preempted: false,
            in_iowait: false,
            cpu_ns: second * u64::from(tid % 300) * 3_000_000,
            run_delay_ns: Some(0),
            wait_max_ns: None,
            io: Some(Io::default()),
        }));
        self.update();
    }
}

fn charts(tasks: u32) -> Result<Vec<Row>> {
    let mut machine = Machine::new(tasks);
    // The tasks that ran have a bubble, and some of them have a line.
    machine.run(tasks.min(200));
    let font = Font::embedded()?;
    let user = |uid: Option<u32>| -> Arc<str> { format!("user-{}", uid.unwrap_or(0)).into() };
    let context = context(&font, &user);
    let mut grid = Grid::new(GridOptions {
        scope: Scope::Threads,
        grouping: Grouping::User,
        sorting: Sorting::Start,
        columns: None,
        point_size: 300.0,
        theme: Theme::Light,
        palette: PaletteKind::Default,
        colors: Colors::default(),
        classic: false,
    });
    let mut bubble = Bubble::new(BubbleOptions {
        even_axes: false,
        by_rss: false,
        scope: Scope::Processes,
        theme: Theme::Light,
        palette: PaletteKind::Default,
        grouping: Grouping::User,
        user_colors: Vec::new(),
    });
    let mut lines = Lines::new(LinesOptions {
        scope: Scope::Threads,
        theme: Theme::Light,
        palette: PaletteKind::Default,
        is_3d: false,
        angle: ANGLE,
    });
    let snapshot = machine.tracker.snapshot();
    bubble.observe(snapshot);
    lines.observe(snapshot);
    let bars: [Option<&str>; 2] = match tasks {
        20_000 => [Some("<= 5"), Some("<= 15")],
        _ => [None, None],
    };
    let bubbles = tasks.min(200);
    let bubble_bar = (tasks == 2_000).then_some("<= 6");
    let mut rows = Vec::new();
    rows.extend(cost(&format!("grid of {tasks} dots"), bars, &font, || {
        grid.draw(snapshot, &context)
    })?);
    rows.extend(cost(
        &format!("{bubbles} bubbles with labels, {tasks} tasks"),
        [bubble_bar, None],
        &font,
        || bubble.draw(snapshot, &context),
    )?);
    rows.extend(cost(
        &format!("lines of {tasks} tasks"),
        [None, None],
        &font,
        || lines.draw(snapshot, &context),
    )?);
    Ok(rows)
}

fn context<'a>(font: &'a Font, user: &'a dyn Fn(Option<u32>) -> Arc<str>) -> Context<'a> {
    Context {
        font,
        user,
        time: "2026-01-01 00:00:00 UTC".to_owned(),
        size: (1600.0, 900.0),
        is_live: false,
        selection: Vec::new(),
        arguments: Arguments::Hidden,
    }
}

/// A timeline of processes that live for a second each, 84 at a time, for a minute.
fn timeline(lives: u32) -> Result<Vec<Row>> {
    let mut machine = Machine::new(1);
    let mut timeline = Timeline::new(TimelineOptions::default());
    let seconds = 60;
    for second in 0..seconds {
        let begins = lives * second / seconds..lives * (second + 1) / seconds;
        machine.sample.complete = true;
        machine.sample.found.push(found(1));
        let start_ns = (100 + machine.second) * SECOND;
        machine.sample.found.extend(begins.map(|number| Found {
            id: TaskId {
                tid: number + 2,
                start_ns: start_ns + u64::from(number % 84) * 10_000_000,
            },
            process: TaskId {
                tid: number + 2,
                start_ns: start_ns + u64::from(number % 84) * 10_000_000,
            },
            // Not all have one name: then one band would do.
            comm: Comm::new(format!("job-{}", number % 1_700).as_bytes()),
            cpu_ns: u64::from(number % 90) * 10_000_000,
            ..found(number + 2)
        }));
        machine.update();
        timeline.observe(machine.tracker.snapshot());
    }
    let font = Font::embedded()?;
    let user = |uid: Option<u32>| -> Arc<str> { format!("user-{}", uid.unwrap_or(0)).into() };
    let context = context(&font, &user);
    let bars = [Some("<= 10"), Some("<= 25")];
    cost(&format!("timeline of {lives} lives"), bars, &font, || {
        timeline.draw(machine.tracker.snapshot(), &context)
    })
}

/// Cost of a chart: drawn into pixels, with PNG encoding, and as SVG.
fn cost(
    what: &str,
    [draw_bar, png_bar]: [Option<&str>; 2],
    font: &Font,
    mut draw: impl FnMut() -> Scene,
) -> Result<Vec<Row>> {
    let mut raster = Raster::new(font.clone());
    let (mut drawn, mut encoded, mut written) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..15 {
        let before = own_cpu_ns();
        let scene = draw();
        let pixels = raster.paint(&scene, 1.0)?;
        drawn.push((own_cpu_ns() - before) / 1e6);
        encode(pixels, &[])?;
        encoded.push((own_cpu_ns() - before) / 1e6);
        let before = own_cpu_ns();
        svg(&scene, font, 1.0, |id| id.tid.to_string());
        written.push((own_cpu_ns() - before) / 1e6);
    }
    let row = |what: String, values, bar: Option<&str>| {
        let row = Row::new(what, median(values), "ms");
        match bar {
            Some(bar) => row.bar(bar),
            None => row,
        }
    };
    Ok(vec![
        row(format!("{what}, 1600x900"), drawn, draw_bar),
        row("... with PNG encoding".to_owned(), encoded, png_bar),
        row("... as SVG, from the scene".to_owned(), written, None),
    ])
}

/// Cost of a sample in the tracker, including the rules.
fn rules(tasks: u32, active: u32) -> Row {
    let mut machine = Machine::new(tasks);
    let mut values = Vec::new();
    for _ in 0..40 {
        let before = own_cpu_ns();
        machine.run(active);
        values.push((own_cpu_ns() - before) / 1e6);
    }
    let what = format!("tracker with all rules, {tasks} tasks, {active} ran");
    Row::new(what, median(values), "ms").bar("<= 0.2 for the rules")
}

/// The same dots, drawn by matplotlib; `None` if it is not installed.
fn matplotlib() -> Option<Row> {
    const SCRIPT: &str = "\
import time, random, matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
n = 20000
xs = [i % 200 for i in range(n)]; ys = [i // 200 for i in range(n)]
sizes = [20 + i % 60 for i in range(n)]; colors = ['red' if i % 50 == 0 else 'honeydew' for i in range(n)]
times = []
for _ in range(3):
    figure = plt.figure(figsize=(16, 9), dpi=100)
    start = time.process_time()
    figure.gca().scatter(xs, ys, s=sizes, c=colors)
    figure.canvas.draw()
    times.append(time.process_time() - start)
    plt.close(figure)
print(sorted(times)[1] * 1000)
";
    let output = Command::new("python3").args(["-c", SCRIPT]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let ms = text.trim().parse().ok()?;
    Some(Row::new(
        "matplotlib: scatter plot of 20,000 dots, 1600x900",
        ms,
        "ms",
    ))
}

fn id(tid: u32) -> TaskId {
    TaskId {
        tid,
        start_ns: u64::from(tid) * 1_000,
    }
}

fn found(tid: u32) -> Found {
    Found {
        id: id(tid),
        process: id(tid),
        ppid: 1,
        uid: Some(tid % 8),
        ns_pid: Some(tid),
        kthread: false,
        comm: Comm::new(b"task"),
        state: if tid.is_multiple_of(50) {
            State::Running
        } else {
            State::Sleeping
        },
        on_cpu: false,
        in_iowait: tid.is_multiple_of(70),
        cpu_ns: 0,
        run_delay_ns: Some(0),
        off_cpu_ns: Some(0),
        io: Some(Io::default()),
        memory: Some(MemorySizes::new(
            u64::from(tid % 997) * 40_960,
            1 << (24 + tid % 10),
        )),
        is_rough: false,
        threads: 1,
        gone: Gone::default(),
        whole: None,
        cgroup: None,
        watched: true,
    }
}
