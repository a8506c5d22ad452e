//! The lives that a timeline draws are those of the exit records.

use std::{collections::BTreeMap, path::PathBuf};

use libtest_mimic::Failed;
use procviz::{
    chart::{Colors, Palette, PaletteKind, Theme},
    model::Activity,
    scene::Color,
};

use crate::{
    Needs, Test,
    support::{Folder, Value, output, procviz, started, stderr, workload},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "every_process_of_a_build_is_there_once",
        Needs::Events,
        a_build,
    ),
    ("a_moment_of_a_recording", Needs::Events, a_moment),
    ("a_heat_map_has_stripes", Needs::Events, a_heat_map),
    ("threads_end_when_they_end", Needs::Events, threads),
    (
        "a_gap_between_files_is_a_gap",
        Needs::Events,
        a_missing_file,
    ),
];

/// A project of 60 files, which make builds with two jobs.
fn project(folder: &Folder) -> Result<(), Failed> {
    for number in 0..60 {
        let code = format!("int f{number}(int x) {{ return x * {number}; }}\n");
        std::fs::write(folder.file(&format!("f{number}.c")), code)?;
    }
    let rules = "SRC = $(wildcard *.c)\nall: $(SRC:.c=.o)\n%.o: %.c\n\tcc -O1 -c $<\n";
    std::fs::write(folder.file("Makefile"), rules)?;
    Ok(())
}

/// The marks of an SVG: what is said of each, the left end of its shape, and its middle from
/// the top.
fn marks(svg: &str) -> Vec<(String, (f64, f64))> {
    let parts = svg.split("<g><title>").skip(1);
    let mark = |part: &str| {
        let (title, shape) = part.split_once("</title>")?;
        let points = shape.split_once("points=\"")?.1.split_once('"')?.0;
        let points = numbers(points);
        let left = points.iter().step_by(2).copied();
        let ys = points.iter().skip(1).step_by(2);
        let middle = ys.sum::<f64>() / (points.len() / 2) as f64;
        Some((
            title.to_owned(),
            (left.fold(f64::INFINITY, f64::min), middle),
        ))
    };
    parts.filter_map(mark).collect()
}

/// Numbers in a text, in their order.
fn numbers(text: &str) -> Vec<f64> {
    let parts = text.split(|ch: char| !(ch.is_ascii_digit() || ch == '.'));
    parts.filter_map(|part| part.parse().ok()).collect()
}

/// A bar: left, top, right, bottom.
type Bar = [f64; 4];

/// The bars of an SVG, in the colour of a life that does nothing.
fn bars(svg: &str) -> Vec<Bar> {
    let rects = svg.split("<rect ").skip(1);
    let rects = rects.filter_map(|rect| rect.split_once(" fill=\"#bcc5cd\""));
    let rects = rects.filter_map(|(place, _)| <[f64; 4]>::try_from(numbers(place)).ok());
    rects
        .map(|[x, y, width, height]| [x, y, x + width, y + height])
        .collect()
}

/// The parts of bars in which a process used a CPU, and how much of a core.
fn shades(svg: &str) -> Vec<(Bar, f64)> {
    let palette = Palette::new(Theme::Light, PaletteKind::Default, &Colors::default());
    let steps = (1..=32).map(|step| {
        let share = f64::from(step) / 32.0;
        let Color(red, green, blue, _) = palette.shade(Activity::Cpu, share, true);
        (format!("#{red:02x}{green:02x}{blue:02x}"), share)
    });
    let shares: BTreeMap<String, f64> = steps.collect();
    let rects = svg.split("<rect ").skip(1);
    let shades = rects.filter_map(|rect| {
        let (place, after) = rect.split_once(" fill=\"")?;
        let share = shares.get(after.get(..7)?)?;
        let [x, y, width, height] = numbers(place).try_into().ok()?;
        Some(([x, y, x + width, y + height], *share))
    });
    shades.collect()
}

/// The lines of an SVG with two ends: their coordinates.
fn strokes(svg: &str) -> Vec<[f64; 4]> {
    let lines = svg.split("<polyline points=\"").skip(1);
    let points = lines.filter_map(|line| line.split('"').next());
    points
        .filter_map(|points| numbers(points).try_into().ok())
        .collect()
}

/// The bar of a life by its two ends and by a place from the top in it, pixels.
fn bar_of(bars: &[Bar], (begin, end): (f64, f64), y: f64) -> Option<Bar> {
    // A life shorter than a pixel is drawn with one and a half.
    let end = end.max(begin + 1.5);
    let is_it = |bar: &&Bar| {
        let is_there = (bar[0] - begin).abs() <= 1.0 && (bar[2] - end).abs() <= 1.0;
        is_there && (bar[1]..bar[3]).contains(&y)
    };
    bars.iter().find(is_it).copied()
}

fn lines(text: Vec<u8>) -> Result<Vec<Value>, Failed> {
    let text = String::from_utf8(text)?;
    let lines = text.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
}

/// The time of day of a line, in seconds.
fn seconds(line: &Value) -> Result<f64, Failed> {
    let time = line["time"].as_str().ok_or("no time")?;
    let (_, clock) = time
        .trim_end_matches('Z')
        .split_once('T')
        .ok_or("no clock")?;
    let parts: Result<Vec<f64>, _> = clock.split(':').map(str::parse).collect();
    match parts?[..] {
        [hours, minutes, seconds] => Ok(hours * 3600.0 + minutes * 60.0 + seconds),
        _ => Err(format!("{time} is no time").into()),
    }
}

/// A picture of a build, and what the recording says of it.
struct Build {
    exits: Vec<Value>,
    svg: String,
    /// Begin and end of the picture: seconds of the day, and pixels.
    seconds: (f64, f64),
    pixels: (f64, f64),
    /// Of each process with a mark: where the mark begins, and its middle from the top.
    single: BTreeMap<String, (f64, f64)>,
    /// The numbers of processes without one, by name.
    bands: BTreeMap<String, u64>,
    bars: Vec<Bar>,
}

impl Build {
    fn record() -> Result<Self, Failed> {
        let folder = Folder::new("timeline");
        project(&folder)?;
        let recording = folder.file("build.pvz");
        let run = |args: &[&str]| -> Result<Vec<u8>, Failed> {
            let result = output(procviz().args(args).arg("--from").arg(&recording));
            assert!(result.status.success(), "{args:?}: {}", stderr(&result));
            Ok(result.stdout)
        };
        let result = output(
            procviz()
                .args(["record", "--require-ebpf", "-F", "5", "-o"])
                .arg(&recording)
                .args(["--", "make", "-s", "-j2"])
                .current_dir(&folder.0),
        );
        assert!(result.status.success(), "{}", stderr(&result));
        let exits = lines(run(&["exits", "--json"])?)?;
        assert!(exits.len() > 150, "{} exits", exits.len());
        let svg = folder.file("build.svg");
        run(&["timeline", "-o", svg.to_str().unwrap()])?;
        let svg = std::fs::read_to_string(svg)?;
        let samples = lines(run(&["dump", "--json", "-p"])?)?;
        let interval = samples[0]["interval_ns"].as_f64().ok_or("no interval")? / 1e9;
        let last = seconds(samples.last().ok_or("no samples")?)?;
        let mut build = Self {
            exits,
            seconds: (seconds(&samples[0])? - interval, last),
            // Where the plot is, as the picture is laid out.
            pixels: (166.0, 1600.0 - 340.0 - 10.0),
            single: BTreeMap::new(),
            bands: BTreeMap::new(),
            bars: bars(&svg),
            svg,
        };
        build.find_marks()?;
        Ok(build)
    }

    /// Each process has a mark, or is counted in one.
    fn find_marks(&mut self) -> Result<(), Failed> {
        for (title, place) in marks(&self.svg) {
            let words = title.split(',').next().unwrap_or_default().to_owned();
            match words.split_once(" × ") {
                Some((count, name)) => {
                    *self.bands.entry(name.to_owned()).or_default() += count.parse::<u64>()?;
                }
                None if words.contains(' ') => {
                    let twice = self.single.insert(words.clone(), place);
                    assert!(twice.is_none(), "{words} is there twice");
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Where a life has to begin and to end, in pixels.
    fn ends(&self, exit: &Value) -> Result<(f64, f64), Failed> {
        let ((first, last), (left, right)) = (self.seconds, self.pixels);
        let x = |at: f64| left + (at - first) / (last - first) * (right - left);
        let end = seconds(exit)?;
        let lived = exit["lifetime_ns"].as_f64().ok_or("no lifetime")? / 1e9;
        Ok((x(end - lived).max(left), x(end)))
    }

    /// The bar of a process with a mark, if it is where it has to be.
    fn bar(&self, exit: &Value) -> Result<Option<Bar>, Failed> {
        let ends = self.ends(exit)?;
        let place = self.single.get(&who(exit));
        Ok(place.and_then(|(_, y)| bar_of(&self.bars, ends, *y)))
    }

    /// Every process is there once, from its start to its end.
    fn check_lives(&self) -> Result<(), Failed> {
        let (mut single, mut bands) = (self.single.clone(), self.bands.clone());
        let mut missing = Vec::new();
        for exit in &self.exits {
            let name = exit["comm"].as_str().unwrap();
            match (single.remove(&who(exit)), bands.get_mut(name)) {
                (Some((end, _)), _) => {
                    let (begin, expected) = self.ends(exit)?;
                    let there = self.bar(exit)?.is_some();
                    assert!(there, "no bar from {begin} to {expected}: {exit}");
                    // The mark at the end has a width.
                    assert!(
                        (end - expected).abs() <= 2.5,
                        "{exit} ends at {end}, not at {expected}"
                    );
                }
                (None, Some(count)) if *count > 0 => *count -= 1,
                (None, _) => missing.push(who(exit)),
            }
        }
        assert!(missing.is_empty(), "not in the picture: {missing:?}");
        assert!(bands.values().all(|left| *left == 0), "too many: {bands:?}");
        assert!(single.len() <= 1, "not in the records: {single:?}");
        Ok(())
    }

    /// There is a line from each parent that is above to its child, at the start of the child.
    fn check_parents(&self) -> Result<(), Failed> {
        let strokes = strokes(&self.svg);
        let mut children = 0;
        for exit in &self.exits {
            let parent = self.exits.iter().find(|other| other["pid"] == exit["ppid"]);
            let Some((bar, parent)) = self.bar(exit)?.zip(parent) else {
                continue;
            };
            let Some(above) = self.bar(parent)?.filter(|above| above[3] < bar[1]) else {
                continue;
            };
            let (begin, _) = self.ends(exit)?;
            let is_fork = |line: &[f64; 4]| {
                let is_here = (line[0] - begin).abs() <= 1.0 && line[0] == line[2];
                let from_parent = (line[1] - above[3]).abs() <= 0.1;
                is_here && from_parent && (line[3] - bar[1]).abs() <= 0.1
            };
            children += 1;
            let near = || strokes.iter().filter(|line| (line[0] - begin).abs() <= 3.0);
            assert!(
                strokes.iter().any(is_fork),
                "no line from {above:?} to {bar:?} at {begin}, but {:?}: {exit}",
                near().collect::<Vec<_>>()
            );
        }
        assert!(children > 20, "{children} children");
        Ok(())
    }

    /// The shades of the compilers' bars are their CPU time. What a process uses after the
    /// kernel has reported its exit, to give its memory back, is not in its life.
    fn check_shades(&self) -> Result<(), Failed> {
        let shades = shades(&self.svg);
        let (mut shaded, mut recorded_ns) = (0.0, 0.0);
        for exit in self.exits.iter().filter(|exit| exit["comm"] == "cc1") {
            let Some(bar) = self.bar(exit)? else { continue };
            let within = shades.iter().filter(|([left, top, ..], _)| {
                (bar[1] - 0.1..bar[3]).contains(top) && (bar[0] - 0.1..bar[2]).contains(left)
            });
            shaded += within
                .map(|([left, _, right, _], share)| (right - left) * share)
                .sum::<f64>();
            let cpu_ns = exit["cpu_ns"].as_f64().ok_or("no CPU time")?;
            recorded_ns += cpu_ns.min(exit["lifetime_ns"].as_f64().ok_or("no lifetime")?);
        }
        let ((first, last), (left, right)) = (self.seconds, self.pixels);
        let shown_ns = shaded / (right - left) * (last - first) * 1e9;
        let off = (shown_ns / recorded_ns - 1.0).abs();
        assert!(
            off < 0.02,
            "shades are {shown_ns} ns CPU, not {recorded_ns}"
        );
        Ok(())
    }
}

/// `cc1 4711`.
fn who(exit: &Value) -> String {
    format!("{} {}", exit["comm"].as_str().unwrap(), exit["pid"])
}

fn a_build() -> Result<(), Failed> {
    let build = Build::record()?;
    build.check_lives()?;
    build.check_parents()?;
    build.check_shades()
}

/// With `--at`, all of the recording until then; with `--duration`, too, that much of it.
fn a_moment() -> Result<(), Failed> {
    let folder = Folder::new("timeline-at");
    let recording = folder.file("a.pvz");
    let lives = "sleep 1.5; sleep 2.5; sleep 3.5; sleep 0.5";
    let result = output(
        procviz()
            .args(["record", "--require-ebpf", "-F", "5", "-o"])
            .arg(&recording)
            .args(["--", "sh", "-c", lives]),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let exits = output(
        procviz()
            .args(["exits", "--json", "--from"])
            .arg(&recording),
    );
    let exits = lines(exits.stdout)?;
    // 700 ms after the third one has ended.
    let third = seconds(&exits[2])? + 0.7;
    let (minutes, rest) = ((third / 60.0).floor(), third % 60.0);
    let at = format!(
        "{}T{:02}:{:02}:{rest:06.3}Z",
        exits[2]["time"]
            .as_str()
            .unwrap()
            .split('T')
            .next()
            .unwrap(),
        (minutes / 60.0).floor(),
        minutes % 60.0
    );
    let svg = folder.file("a.svg");
    for (more, ended) in [(&[][..], 3), (&["--duration", "3s"], 1)] {
        let result = output(
            procviz()
                .args(["timeline", "--force", "-o"])
                .arg(&svg)
                .args(["--at", &at])
                .args(more)
                .arg("--from")
                .arg(&recording),
        );
        assert!(result.status.success(), "{}", stderr(&result));
        let svg = std::fs::read_to_string(&svg)?;
        let pids: Vec<String> = exits[..3]
            .iter()
            .map(|exit| format!("sleep {}", exit["pid"]))
            .collect();
        let marks = marks(&svg);
        let shown = |who: &&String| marks.iter().any(|(title, _)| title.starts_with(*who));
        assert_eq!(
            pids.iter().filter(shown).count(),
            ended,
            "{more:?}: {marks:?}"
        );
        assert!(shown(&&pids[2]), "{marks:?}");
    }
    Ok(())
}

/// With `-t`, each thread has a bar below its process. It ends when the thread ends, and not with
/// the interval.
fn threads() -> Result<(), Failed> {
    let folder = Folder::new("timeline-threads");
    let file = folder.file("t.svg");
    let load = workload(&["threads-end", "6", "330"]);
    let mut command = procviz();
    command
        .args(["timeline", "-t", "--require-ebpf", "-s", "0.5", "-o"])
        .arg(&file)
        .arg("--");
    let result = output(command.arg(load.get_program()).args(load.get_args()));
    assert!(result.status.success(), "{}", stderr(&result));
    let svg = std::fs::read_to_string(&file)?;
    let mut all = bars(&svg);
    // The legend is below, and has squares.
    all.retain(|bar| bar[2] - bar[0] > 12.0);
    all.sort_by(|one, two| one[2].total_cmp(&two[2]));
    // Six threads, and their process, which lives 330 ms longer.
    assert_eq!(all.len(), 7, "{all:?}");
    let process = all[6];
    let pixels = (process[2] - all[0][2]) / 6.0;
    for (number, bar) in all.iter().take(6).enumerate() {
        let expected = all[0][2] + pixels * number as f64;
        // A thread can be late by some milliseconds; the interval has 500.
        let late = (bar[2] - expected) / pixels * 330.0;
        assert!(late.abs() < 60.0, "{late} ms: {all:?}");
        assert!(bar[1] > process[3], "not below its process: {all:?}");
    }
    Ok(())
}

/// Where a file of a folder is missing, pictures begin with the first file, say how much is
/// missing, and a timeline shows no lives there.
fn a_missing_file() -> Result<(), Failed> {
    let folder = Folder::new("timeline-gap");
    let recordings = folder.file("recordings");
    std::fs::create_dir(&recordings)?;
    let result = output(
        procviz()
            .args(["record", "--require-ebpf", "-F", "10", "--rotate", "2s"])
            .args(["--duration", "9s", "-o"])
            .arg(format!("{}/", recordings.display())),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let list = || -> Result<Vec<_>, Failed> {
        let files = std::fs::read_dir(&recordings)?;
        let files: Result<Vec<_>, _> = files.map(|file| file.map(|file| file.path())).collect();
        let mut files = files?;
        files.sort();
        Ok(files)
    };
    let files = list()?;
    assert!(files.len() >= 4, "{files:?}");
    std::fs::remove_file(&files[1])?;
    std::fs::remove_file(&files[2])?;
    let picture = |args: &[&str], from: &std::path::Path| -> Result<String, Failed> {
        let file = folder.file("gap.svg");
        let mut command = procviz();
        let command = command.args(args).args(["--force", "--from"]);
        let result = output(command.arg(from).arg("-o").arg(&file));
        assert!(result.status.success(), "{}", stderr(&result));
        Ok(std::fs::read_to_string(file)?)
    };
    let clock = |svg: &str| -> Option<String> {
        let (before, _) = svg.split_once(" to ")?;
        // A short period has milliseconds.
        let time = before.rsplit(['>', ' ']).next()?;
        Some(time.split('.').next()?.to_owned())
    };
    let first = clock(&picture(&["timeline"], &files[0])?);
    let whole = ["--duration", "60s"];
    for chart in ["timeline", "grid", "bubble"] {
        let svg = picture(&[&[chart], &whole[..]].concat(), &recordings)?;
        assert_eq!(clock(&svg), first, "{chart}");
        // Two files of 2 s, between which nothing is missing.
        let (_, after) = svg.split_once(" s), ").ok_or("nothing is missing")?;
        let (missing, _) = after.split_once(" s of it missing").ok_or("no length")?;
        let missing: f64 = missing.parse()?;
        assert!((3.5..5.0).contains(&missing), "{chart}: {missing} s");
        assert_eq!(svg.contains(">not recorded<"), chart == "timeline");
    }
    Ok(())
}

/// A recording of a load that comes every 2.5 s.
pub(crate) struct Spikes {
    folder: Folder,
    pub(crate) recording: PathBuf,
    pub(crate) pid: u32,
    /// The CPU time of the load by the offset of the middle of its sample within the second, in
    /// tenths of a second.
    tenths: [f64; 10],
}

impl Spikes {
    pub(crate) fn record(name: &str) -> Result<Self, Failed> {
        let folder = Folder::new(name);
        let recording = folder.file("heat.pvz");
        let load = started(&mut workload(&["spike-every", "2500"]));
        let result = output(
            procviz()
                .args(["record", "--require-ebpf", "-s", "0.05"])
                .args(["--duration", "16s", "-o"])
                .arg(&recording),
        );
        assert!(result.status.success(), "{}", stderr(&result));
        let pid = load.pid();
        let dump = output(procviz().args(["dump", "--from"]).arg(&recording));
        assert!(dump.status.success(), "{}", stderr(&dump));
        let mut tenths = [0.0; 10];
        for sample in lines(dump.stdout)? {
            let tasks = sample["tasks"].as_array().into_iter().flatten();
            let used = tasks.filter(|task| task["tid"].as_u64() == Some(pid.into()));
            let used: f64 = used.filter_map(|task| task["cpu_delta_ns"].as_f64()).sum();
            let middle = seconds(&sample)? - 0.025;
            tenths[(middle.rem_euclid(1.0) * 10.0) as usize % 10] += used;
        }
        Ok(Self {
            folder,
            recording,
            pid,
            tenths,
        })
    }

    /// Checks which tenths of a second are hot in a heat map: those in which the samples have
    /// the load, among them two that are half a second apart.
    pub(crate) fn check(&self, is_hot: impl Fn(usize) -> bool) {
        let tenths = &self.tenths;
        let most = tenths.iter().copied().fold(0.0, f64::max);
        assert!(most > 0.0, "the load is not in the recording");
        let hot: Vec<usize> = (0..10).filter(|tenth| is_hot(*tenth)).collect();
        for (tenth, used) in tenths.iter().enumerate() {
            if *used > most / 2.0 {
                assert!(hot.contains(&tenth), "tenth {tenth}: {tenths:?} {hot:?}");
            }
            let beside = tenths[(tenth + 1) % 10].max(tenths[(tenth + 9) % 10]);
            if used.max(beside) < most / 50.0 {
                assert!(!hot.contains(&tenth), "tenth {tenth}: {tenths:?} {hot:?}");
            }
        }
        let has_other = |tenth: &usize| hot.iter().any(|other| (tenth + 5) % 10 == *other);
        assert!(
            hot.iter().any(has_other),
            "no stripes half a second apart: {hot:?}"
        );
    }
}

/// A load that comes every 2.5 s makes two stripes, half a second apart, at the offsets at which
/// the samples have it. The same is tried in a window and in a terminal.
fn a_heat_map() -> Result<(), Failed> {
    let spikes = Spikes::record("heat")?;
    let file = spikes.folder.file("heat.svg");
    let result = output(
        procviz()
            .args(["timeline", "--heat=tasks", "--pid"])
            .args([&spikes.pid.to_string(), "-o"])
            .arg(&file)
            .arg("--from")
            .arg(&spikes.recording),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let svg = std::fs::read_to_string(&file)?;
    assert!(svg.contains("CPU of the processes that use most"), "{svg}");
    let cells = cells(&svg);
    assert_eq!(cells.len(), 20, "{cells:?}");
    // The colour of the load has less green than that of nothing.
    spikes.check(|tenth| cells[2 * tenth].min(cells[2 * tenth + 1]) < 0x90);
    // With samples a second apart there is nothing to see within a second.
    let coarse = spikes.folder.file("coarse.svg");
    let result = output(
        procviz()
            .args(["timeline", "--heat", "-s", "0.5", "--samples", "4", "-o"])
            .arg(&coarse),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let svg = std::fs::read_to_string(&coarse)?;
    assert!(
        svg.contains("needs at least 10 samples per second"),
        "{svg}"
    );
    Ok(())
}

/// The green part of the cells in the first row of a heat map, from left to right.
fn cells(svg: &str) -> Vec<u8> {
    let rects = svg.split("<rect ").skip(1);
    let rects = rects.filter_map(|rect| rect.split('>').next());
    let rects = rects.filter_map(|rect| {
        let value = |name: &str| {
            let from = rect.split_once(&format!("{name}=\""))?.1;
            Some(from.split_once('"')?.0)
        };
        let (x, y): (f64, f64) = (value("x")?.parse().ok()?, value("y")?.parse().ok()?);
        let green = u8::from_str_radix(value("fill")?.get(3..5)?, 16).ok()?;
        Some((y, x, green))
    });
    let rects: Vec<(f64, f64, u8)> = rects
        .filter(|(_, x, _)| (186.0..1_250.0).contains(x))
        .collect();
    // Below the head and the line that says what the cells are.
    let top = 98.0;
    rects
        .iter()
        .filter(|(y, ..)| *y == top)
        .map(|(.., green)| *green)
        .collect()
}
