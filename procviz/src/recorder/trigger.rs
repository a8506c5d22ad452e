//! Evaluates the triggers of a ring: exits of processes, resident set, forks, pressure, load
//! and findings. An event fires each time, a state only when it begins to hold.

use glob::Pattern;

use crate::{
    model::{
        Event, ExitRecord, MachineFigures, Process, Rule, Sample, Snapshot, Sources, Status,
        bytes_text,
    },
    runtime::{Failure, config, text::escaped},
};

/// A trigger, with its text from the command line.
#[derive(Debug)]
struct Trigger {
    text: String,
    kind: Kind,
    /// Whether the state held at the last sample.
    held: bool,
}

#[derive(Debug)]
enum Kind {
    Exit(Pattern),
    Signal(u32),
    Rss(Pattern, u64),
    Forks(f64),
    Pressure(Pressure, f64),
    Load(f64),
    Gone(u32),
    Finding(Rule),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pressure {
    CpuSome,
    MemorySome,
    MemoryFull,
    IoSome,
    IoFull,
}

/// A trigger that fired, and the reason in words for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fired {
    pub(crate) trigger: String,
    pub(crate) words: String,
}

/// All triggers of a ring.
#[derive(Debug)]
pub(crate) struct Triggers(Vec<Trigger>);

const KNOWN: &str = "exit:COMMAND, signal:N, rss:COMMAND:SIZE, forks:PER_SECOND, psi:memory.some:PERCENT% (cpu.some, memory.full, io.some, io.full), load:N, gone:PID or finding:RULE";

impl Triggers {
    /// Parses the values of `--on`.
    ///
    /// # Errors
    ///
    /// When a value is not a valid trigger.
    pub(crate) fn parse(texts: &[String]) -> Result<Self, Failure> {
        let triggers = texts.iter().map(|text| {
            Ok(Trigger {
                text: text.clone(),
                kind: Kind::parse(text)?,
                held: false,
            })
        });
        Ok(Self(triggers.collect::<Result<_, Failure>>()?))
    }

    /// The first trigger that waits for pressure, as typed.
    pub(crate) fn on_pressure(&self) -> Option<&str> {
        let waits = |trigger: &&Trigger| matches!(trigger.kind, Kind::Pressure(..));
        self.0
            .iter()
            .find(waits)
            .map(|trigger| trigger.text.as_str())
    }

    /// The triggers that fire with a sample. `snapshot` already includes the sample.
    pub(crate) fn judge(&mut self, sample: &Sample, snapshot: &Snapshot) -> Vec<Fired> {
        let mut fired = Vec::new();
        // Exits in the opening census happened before the recording.
        let is_opening = snapshot.tick <= 1;
        let ends: Vec<End<'_>> = if is_opening {
            Vec::new()
        } else {
            ends(sample, snapshot)
        };
        for trigger in &mut self.0 {
            let mut fire = |words: String| {
                fired.push(Fired {
                    trigger: trigger.text.clone(),
                    words: format!("{}: {words}", trigger.text),
                });
            };
            for end in &ends {
                if trigger.kind.is_about(end) {
                    fire(end.words());
                }
            }
            let state = trigger.kind.state(sample, snapshot);
            if let Some(words) = &state
                && !trigger.held
                && !is_opening
            {
                fire(words.clone());
            }
            // A state that holds from the beginning fires at the second sample.
            trigger.held = state.is_some() && !is_opening;
        }
        fired
    }
}

/// The exit of a process.
struct End<'a> {
    pid: u32,
    /// The name of the program, and what the leader calls itself.
    names: [String; 2],
    status: Option<Status>,
    record: Option<&'a ExitRecord>,
}

impl End<'_> {
    fn words(&self) -> String {
        let how = match self.status {
            Some(status) if status.signal().is_some() => {
                format!("was killed by {}", status.words())
            }
            Some(status) => format!("exited ({})", status.words()),
            None => "exited".to_owned(),
        };
        let oom = match self.record {
            Some(record) if record.oom => " (OOM killer)",
            _ => "",
        };
        format!("{} (pid {}) {how}{oom}", self.names[0], self.pid)
    }
}

fn ends<'a>(sample: &'a Sample, snapshot: &'a Snapshot) -> Vec<End<'a>> {
    if sample.sources == Sources::ProcOnly {
        let gone = |process: &&Process| process.end.is_some_and(|end| end.tick == snapshot.tick);
        let ended = snapshot.processes.iter().filter(gone);
        return ended
            .map(|process| End {
                pid: process.id.tid,
                names: names_of(snapshot, process),
                status: None,
                record: None,
            })
            .collect();
    }
    let records = sample.events.iter().filter_map(|event| match event {
        Event::ProcessEnd(record) => Some(record),
        _ => None,
    });
    records
        .map(|record| End {
            pid: record.process.tid,
            names: [text(record.name()), text(record.comm.bytes())],
            status: Some(record.status),
            record: Some(record),
        })
        .collect()
}

/// The name of the program of a process, and what its leader calls itself.
fn names_of(snapshot: &Snapshot, process: &Process) -> [String; 2] {
    let leader = snapshot.leader(process);
    let comm = leader.map(|leader| leader.comm).unwrap_or_default();
    [text(snapshot.name_of(process).bytes()), text(comm.bytes())]
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// The text of a trigger, for parsing its parts and for errors.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl Text<'_> {
    fn bad(self, why: &str) -> Failure {
        Failure::usage(format!(
            "invalid trigger in `--on {}`: {why}",
            escaped(self.0)
        ))
    }

    fn unknown(self) -> Failure {
        self.bad(&format!("expected {KNOWN}"))
    }

    /// A pattern for the name of a command.
    fn command(self, name: &str) -> Result<Pattern, Failure> {
        if name.is_empty() {
            return Err(self.bad("expected the name of a command, such as `nginx`"));
        }
        // The kernel keeps only 15 bytes of the name of a task.
        let end = name.char_indices().map(|(at, ch)| at + ch.len_utf8());
        let end = end.take_while(|end| *end <= 15).last().unwrap_or(0);
        let name = if name.contains('*') {
            name
        } else {
            &name[..end]
        };
        Pattern::new(name).map_err(|error| self.bad(&error.to_string()))
    }

    fn number(self, part: &str, what: &str) -> Result<f64, Failure> {
        part.parse::<f64>()
            .ok()
            .filter(|value| value.is_finite() && *value > 0.0)
            .ok_or_else(|| self.bad(&format!("expected {what}")))
    }

    fn pressure(self, part: &str) -> Result<Kind, Failure> {
        let (what, percent) = part.split_once(':').ok_or_else(|| self.unknown())?;
        let what = match what {
            "cpu.some" => Pressure::CpuSome,
            "memory.some" => Pressure::MemorySome,
            "memory.full" => Pressure::MemoryFull,
            "io.some" => Pressure::IoSome,
            "io.full" => Pressure::IoFull,
            _ => return Err(self.unknown()),
        };
        let percent = percent.strip_suffix('%').unwrap_or(percent);
        let percent = self.number(percent, "a percentage, such as `psi:io.full:20%`")?;
        Ok(Kind::Pressure(what, percent))
    }

    fn rule(self, word: &str) -> Result<Rule, Failure> {
        let rule = Rule::ALL.iter().copied().find(|rule| rule.word() == word);
        rule.ok_or_else(|| {
            let words: Vec<_> = Rule::ALL.iter().map(|rule| rule.word()).collect();
            self.bad(&format!(
                "unknown rule, expected one of {}",
                words.join(", ")
            ))
        })
    }
}

impl Kind {
    fn parse(text: &str) -> Result<Self, Failure> {
        let all = Text(text);
        let (kind, rest) = text.split_once(':').ok_or_else(|| all.unknown())?;
        Ok(match kind {
            "exit" => Self::Exit(all.command(rest)?),
            "signal" => Self::Signal(signal(rest).ok_or_else(|| {
                all.bad("expected the number or name of a signal, such as `11` or `SEGV`")
            })?),
            "rss" => {
                let (name, size) = rest.rsplit_once(':').ok_or_else(|| {
                    all.bad("expected a command and a size, such as `rss:java:2G`")
                })?;
                let size = config::bytes("--on", text, size)?;
                Self::Rss(all.command(name)?, size)
            }
            "forks" => {
                Self::Forks(all.number(rest, "a number of forks per second, such as `forks:500`")?)
            }
            "psi" => all.pressure(rest)?,
            "load" => Self::Load(all.number(rest, "a load, such as `load:40`")?),
            "gone" => Self::Gone(
                rest.parse()
                    .map_err(|_| all.bad("expected a pid, such as `gone:1234`"))?,
            ),
            // `notable` is the old name of a finding, from before the first release.
            "finding" | "notable" => Self::Finding(all.rule(rest)?),
            _ => return Err(all.unknown()),
        })
    }

    fn is_about(&self, end: &End<'_>) -> bool {
        match self {
            Self::Exit(pattern) => end.names.iter().any(|name| pattern.matches(name)),
            Self::Signal(signal) => end.status.and_then(Status::signal) == Some(*signal),
            Self::Gone(pid) => end.pid == *pid,
            _ => false,
        }
    }

    /// Why the state holds, in words for the user; `None` if it does not hold or is not known.
    fn state(&self, sample: &Sample, snapshot: &Snapshot) -> Option<String> {
        let machine = &sample.machine;
        let seconds = sample.stamp.interval_ns as f64 / 1e9;
        match self {
            Self::Rss(pattern, most) => {
                let large = snapshot.processes.iter().find(|process| {
                    process.end.is_none()
                        && process.rss.is_some_and(|rss| rss >= *most)
                        && names_of(snapshot, process)
                            .iter()
                            .any(|name| pattern.matches(name))
                })?;
                Some(format!(
                    "{} (pid {}) has {} resident",
                    text(snapshot.name_of(large).bytes()),
                    large.id.tid,
                    bytes_text(large.rss?)
                ))
            }
            Self::Forks(most) => {
                let rate = machine.forks? as f64 / seconds;
                (seconds > 0.0 && rate >= *most).then(|| format!("{rate:.1} forks/s"))
            }
            Self::Pressure(what, most) => {
                let percent = what.of(machine)? as f64 / seconds / 1e4;
                (seconds > 0.0 && percent >= *most)
                    .then(|| format!("tasks stalled {percent:.1} % of the time"))
            }
            Self::Load(most) => {
                let load = machine.load1?;
                (load >= *most).then(|| format!("load {load:.2}"))
            }
            Self::Finding(rule) => {
                let finding = snapshot.findings.iter().find(|found| found.rule == *rule)?;
                Some(finding.text.clone())
            }
            Self::Exit(_) | Self::Signal(_) | Self::Gone(_) => None,
        }
    }
}

impl Pressure {
    /// Stall time in the interval, us.
    fn of(self, machine: &MachineFigures) -> Option<u64> {
        match self {
            Self::CpuSome => machine.psi_cpu_some_us,
            Self::MemorySome => machine.psi_memory.map(|psi| psi.some_us),
            Self::MemoryFull => machine.psi_memory.map(|psi| psi.full_us),
            Self::IoSome => machine.psi_io.map(|psi| psi.some_us),
            Self::IoFull => machine.psi_io.map(|psi| psi.full_us),
        }
    }
}

/// Parses a signal: `11`, `SEGV` or `SIGSEGV`.
fn signal(text: &str) -> Option<u32> {
    let number = text.parse::<u32>().ok();
    let upper = text.to_ascii_uppercase();
    let long = format!("SIG{}", upper.strip_prefix("SIG").unwrap_or(&upper));
    let named = (1..=64).find(|signal| Status(*signal).signal_name().as_deref() == Some(&long));
    number.filter(|number| (1..=64).contains(number)).or(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Triggers, Failure> {
        Triggers::parse(&[text.to_owned()])
    }

    #[test]
    fn as_people_say_it() {
        for good in [
            "exit:nginx",
            "exit:worker-*",
            "signal:11",
            "signal:SEGV",
            "rss:java:2G",
            "forks:500",
            "psi:memory.some:10%",
            "psi:io.full:20",
            "load:40",
            "gone:1",
            "finding:oom",
            "notable:oom",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_is_none_says_why() {
        for (bad, why) in [
            ("", "expected exit:COMMAND"),
            ("exit", "expected exit:COMMAND"),
            ("exit:", "name of a command"),
            ("signal:99", "such as `11` or `SEGV`"),
            ("rss:java", "such as `rss:java:2G`"),
            ("rss:java:much", "much"),
            ("forks:-1", "forks per second"),
            ("psi:disk.some:10%", "expected exit:COMMAND"),
            ("load:x", "such as `load:40`"),
            ("gone:me", "such as `gone:1234`"),
            ("finding:noise", "expected one of oom, stall"),
            ("rm:-rf", "expected exit:COMMAND"),
        ] {
            let failure = parse(bad).unwrap_err();
            assert_eq!(failure.status, 2, "{bad}");
            let message = format!("{:#}", failure.error);
            assert!(message.contains(why), "{bad}: {message}");
        }
    }

    #[test]
    fn signals() {
        assert_eq!(signal("segv"), Some(11));
        assert_eq!(signal("SIGKILL"), Some(9));
        assert_eq!(signal("65"), None);
        assert_eq!(signal("0"), None);
    }
}
