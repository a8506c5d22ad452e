//! The lives that a timeline draws are those of the exit records.

use std::collections::BTreeMap;

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Value, output, procviz, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "every_process_of_a_build_is_there_once",
        Needs::Events,
        a_build,
    ),
    ("a_moment_of_a_recording", Needs::Events, a_moment),
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

/// The marks of an SVG: what is said of each, and the left end of its shape.
fn marks(svg: &str) -> Vec<(String, f64)> {
    let parts = svg.split("<g><title>").skip(1);
    let mark = |part: &str| {
        let (title, shape) = part.split_once("</title>")?;
        let points = shape.split_once("points=\"")?.1.split_once('"')?.0;
        let xs = points.split([' ', ',']).step_by(2);
        let left = xs.filter_map(|x| x.parse::<f64>().ok());
        Some((title.to_owned(), left.fold(f64::INFINITY, f64::min)))
    };
    parts.filter_map(mark).collect()
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

fn a_build() -> Result<(), Failed> {
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

    // Each process has a mark, or is counted in one.
    let mut single: BTreeMap<String, f64> = BTreeMap::new();
    let mut bands: BTreeMap<String, u64> = BTreeMap::new();
    for (title, left) in marks(&svg) {
        let words = title.split(',').next().unwrap_or_default().to_owned();
        match words.split_once(" × ") {
            Some((count, name)) => {
                *bands.entry(name.to_owned()).or_default() += count.parse::<u64>()?;
            }
            None if words.contains(' ') => {
                let twice = single.insert(words.clone(), left);
                assert!(twice.is_none(), "{words} is there twice");
            }
            None => {}
        }
    }
    let samples = lines(run(&["dump", "--json", "-p"])?)?;
    let first = seconds(&samples[0])? - samples[0]["interval_ns"].as_f64().unwrap_or(0.0) / 1e9;
    let last = seconds(samples.last().ok_or("no samples")?)?;
    // Where the plot is, as the picture is laid out.
    let (left, right) = (166.0, 1600.0 - 340.0 - 10.0);
    let mut missing = Vec::new();
    for exit in &exits {
        let (name, pid) = (exit["comm"].as_str().unwrap(), &exit["pid"]);
        match single.remove(&format!("{name} {pid}")) {
            Some(end) => {
                let part = (seconds(exit)? - first) / (last - first);
                let expected: f64 = left + part * (right - left);
                // A life shorter than a pixel is drawn with one and a half.
                assert!(
                    (end - expected).abs() <= 2.5,
                    "{exit} ends at {end}, not at {expected}"
                );
            }
            None => match bands.get_mut(name) {
                Some(count) if *count > 0 => *count -= 1,
                _ => missing.push(format!("{name} {pid}")),
            },
        }
    }
    assert!(missing.is_empty(), "not in the picture: {missing:?}");
    assert!(bands.values().all(|left| *left == 0), "too many: {bands:?}");
    assert!(single.len() <= 1, "not in the records: {single:?}");
    Ok(())
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
