//! Recordings in a real terminal: seeks, the time bar and what is over it, heat maps.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use crate::{
    Needs, Test,
    support::{Folder, Running, Value, output, procviz, stderr},
    terminal::{Terminal, tmux},
    timeline::Spikes,
};

pub(crate) const TESTS: &[Test] = &[
    (
        "a_recording_is_seeked_in_both_directions",
        Needs::Events,
        || tmux(a_recording),
    ),
    ("a_heat_map_has_stripes", Needs::Events, || tmux(a_heat_map)),
];

/// A sample: its time to the millisecond, as the screen shows it, and its number of threads.
type Moment = (String, usize);

/// The sample of a recording that the screen shows.
fn moment(screen: &str) -> Moment {
    let clock = screen.split("recorded ").nth(1).unwrap_or_default();
    let clock = clock.split(',').next().unwrap_or_default();
    let threads = screen.split(" threads").next().unwrap_or_default();
    let threads = threads.split_whitespace().next_back().unwrap_or_default();
    (clock.to_owned(), threads.parse().unwrap_or_default())
}

fn clock(value: &Value) -> String {
    let time: jiff::Timestamp = value["time"].as_str().unwrap().parse().unwrap();
    let there = time.to_zoned(jiff::tz::TimeZone::system());
    there.strftime("%H:%M:%S%.3f").to_string()
}

/// A recording of 40 s, in which a process exits after 5 s and another one burns a CPU from the
/// 30th second on, for 6 s.
struct Recording {
    _folder: Folder,
    file: PathBuf,
    samples: Vec<Moment>,
    /// The samples in which findings begin, and that of the one about the burner.
    begins: BTreeSet<usize>,
    begun: usize,
}

impl Recording {
    fn make() -> Result<Self, Failed> {
        let folder = Folder::new("to-and-fro");
        let file = folder.file("run.pvz");
        let mut recorder = Running::new(
            procviz()
                .args(["record", "--require-ebpf", "-F", "5", "-o"])
                .arg(&file)
                .env("PROCVIZ_TEST_KEYFRAMES_NS", "1000000000")
                .stderr(Stdio::null()),
        );
        std::thread::sleep(Duration::from_secs(5));
        assert!(Command::new("true").status()?.success());
        std::thread::sleep(Duration::from_secs(25));
        {
            let _burner = Running::new(Command::new("sh").args(["-c", "while :; do :; done"]));
            std::thread::sleep(Duration::from_secs(6));
        }
        std::thread::sleep(Duration::from_secs(4));
        recorder.signal(Signal::SIGINT);
        assert!(recorder.0.wait()?.success());
        let json = |args: &[&str]| -> Vec<Value> {
            let result = output(procviz().args(args).arg("--from").arg(&file));
            assert!(result.status.success(), "{}", stderr(&result));
            let text = String::from_utf8(result.stdout).unwrap();
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        };
        let samples: Vec<Moment> = json(&["dump"])
            .iter()
            .map(|line| (clock(line), line["tasks_total"].as_u64().unwrap() as usize))
            .collect();
        let findings = json(&["findings", "--json"]);
        let begins = findings.iter().filter(|line| line["change"] == "begins");
        let number = |line: &Value| {
            let is_it = |(time, _): &Moment| *time == clock(line);
            samples.iter().position(is_it)
        };
        // Findings about other tasks of this machine begin at other times.
        let all = begins.clone().filter_map(number).collect();
        let begun = begins
            .filter(|line| line["rule"] == "cpu")
            .find_map(number)
            .ok_or("no finding about the burner")?;
        Ok(Self {
            _folder: folder,
            file,
            samples,
            begins: all,
            begun,
        })
    }

    fn last(&self) -> usize {
        self.samples.len() - 1
    }

    /// Waits for a sample.
    fn at(&self, terminal: &Terminal, what: &str, index: usize) -> String {
        terminal.wait(what, |text| moment(text) == self.samples[index])
    }

    /// Goes to the start of the finding and from sample to sample, ending one after the start.
    fn steps(&self, terminal: &Terminal) -> Result<(), Failed> {
        let (begun, last) = (self.begun, self.last());
        let screen = terminal.wait("stop at `--at`", |text| {
            text.contains("PAUSED") && text.contains(&self.samples[last].0[..6])
        });
        let is_shown = |sample: &Moment| *sample == moment(&screen);
        let from = self.samples.iter().position(is_shown);
        let from = from.ok_or("the view stops between samples")?;
        terminal.type_in(&"[".repeat(self.begins.range(begun..from).count()));
        let screen = self.at(terminal, "the start of the finding", begun);
        assert!(screen.contains(" cores for "), "{screen}");
        terminal.keys(&["Left"]);
        let screen = self.at(terminal, "the sample before", begun - 1);
        assert!(!screen.contains(" cores for "), "{screen}");
        terminal.keys(&["Left"]);
        self.at(terminal, "two samples before", begun - 2);
        terminal.keys(&["Right", "Right", "Right"]);
        self.at(terminal, "three samples later", begun + 1);
        Ok(())
    }

    /// The table lists who exited in the last minute, or since the recording began, although the
    /// last keyframe before this is a few seconds old.
    fn table(&self, terminal: &Terminal) {
        terminal.type_in("T");
        terminal.wait("the table", |text| {
            let (_, after) = text.split_once("exited in the last ").unwrap_or_default();
            let number = after.split(' ').next();
            let seconds = number.and_then(|number| number.parse().ok());
            seconds.is_some_and(|seconds: u32| seconds >= 30)
        });
        terminal.type_in("T");
        self.at(terminal, "the same sample", self.begun + 1);
    }

    /// Over the bar is what the machine did: most while the burner ran. The pointer on the bar
    /// shows the finding there; a click goes there.
    fn bar(&self, terminal: &Terminal) -> Result<(), Failed> {
        let (begun, last) = (self.begun, self.last());
        let text = terminal.text();
        let line = text.trim_end().lines().last().unwrap_or_default();
        let cells: Vec<char> = line.chars().collect();
        let is_bar = |ch: &char| "\u{2501}\u{2500}\u{257f}\u{25cf}".contains(*ch);
        let first = cells.iter().position(is_bar).unwrap();
        let count = cells.iter().filter(|ch| is_bar(ch)).count();
        let cell = |index: usize| first + index * (count - 1) / last;
        let busy = |text: &str, from: usize, until: usize| {
            let mut lines = text.lines().rev();
            let cpu = lines.find(|line| line.trim_start().starts_with("CPU "));
            let cpu: Vec<char> = cpu.unwrap_or_default().chars().collect();
            let cells = cpu.get(cell(from)..cell(until)).unwrap_or_default();
            let height = |sign: &char| SIGNS.chars().position(|of| of == *sign);
            let heights: Vec<usize> = cells.iter().filter_map(height).collect();
            heights.iter().sum::<usize>() as f64 / heights.len().max(1) as f64
        };
        let screen = terminal.wait("the machine over the time bar", |text| {
            busy(text, begun - 8, begun + 8) > 1.5 * busy(text, begun / 4, begun - 30).max(0.5)
        });
        for name in ["memory pressure", "IO pressure"] {
            assert!(screen.contains(name), "{screen}");
        }
        let ticks = cells.iter().enumerate();
        let ticks = ticks.filter(|(_, ch)| **ch == '\u{257f}');
        let tick = ticks
            .map(|(at, _)| at)
            .min_by_key(|at| at.abs_diff(cell(begun)));
        let tick = tick.ok_or("no tick at a finding")?;
        terminal.type_in(&format!("\u{1b}[<35;{};40M", tick + 1));
        terminal.wait("the finding under the pointer", |text| {
            let foot = text.trim_end().lines().rev().nth(5).unwrap_or_default();
            foot.contains(": uses ") && foot.contains(" cores for ")
        });
        let column = first + 1;
        terminal.type_in(&format!("\u{1b}[<0;{column};40M\u{1b}[<0;{column};40m"));
        terminal.wait("the start", |text| {
            moment(text).0 < self.samples[10].0 && text.contains("PAUSED")
        });
        Ok(())
    }

    /// Playback runs faster and stops at the end.
    fn playback(&self, terminal: &Terminal) {
        terminal.type_in("[");
        terminal.wait("message on no earlier finding", |text| {
            text.contains("no finding begins before this")
        });
        terminal.type_in(" +++");
        terminal.wait("faster playback", |text| text.contains("plays 10x"));
        terminal.wait("the end", |text| {
            text.contains("the end of the recording") || moment(text) == self.samples[self.last()]
        });
    }
}

/// The signs of shares, from nothing to all.
const SIGNS: &str = "\u{2500}▁▂▃▄▅▆▇█";

/// After each seek the view shows the recorded sample, whatever it showed before.
fn a_recording() -> Result<(), Failed> {
    let recording = Recording::make()?;
    let args = format!(
        "--from {} --view terminal --at -1s",
        recording.file.display()
    );
    let terminal = Terminal::procviz(160, 40, &[], &args);
    recording.steps(&terminal)?;
    recording.table(&terminal);
    recording.bar(&terminal)?;
    recording.playback(&terminal);
    terminal.type_in("?");
    terminal.wait("help", |text| {
        text.contains("slower, faster") && !text.contains("refresh now")
    });
    terminal.escape();
    terminal.type_in("q");
    terminal.wait("prompt", |_| !terminal.is_taken());
    Ok(())
}

/// The stripes of a heat map are where the samples have the load.
fn a_heat_map() -> Result<(), Failed> {
    let spikes = Spikes::record("heat-terminal")?;
    let args = format!(
        "timeline --heat=tasks --pid {} --from {} --view terminal --at -1ms",
        spikes.pid,
        spikes.recording.display()
    );
    let terminal = Terminal::procviz(140, 40, &[], &args);
    // The row of the load is the first one below the head: its name, then cells.
    let heights = |text: &str| -> Vec<usize> {
        let mut rows = text
            .lines()
            .skip_while(|line| !line.contains("processes shown"));
        let row = rows.nth(1).unwrap_or_default();
        let cells = row.chars().skip_while(|ch| !SIGNS.contains(*ch));
        cells
            .map_while(|ch| SIGNS.chars().position(|sign| sign == ch))
            .collect()
    };
    let text = terminal.wait("the heat map", |text| heights(text).len() >= 20);
    let heights = heights(&text);
    let count = heights.len();
    spikes.check(|tenth| {
        let cells = tenth * count / 10..(tenth + 1) * count / 10;
        heights[cells].iter().any(|height| *height >= 3)
    });
    Ok(())
}
