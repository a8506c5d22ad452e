//! What makes a flight ring write: an end, a size, a storm, pressure, or a
//! finding. A state fires when it begins to hold, an event each time.

use glob::Pattern;

use crate::{
    model::{
        Comm, Event, ExitRecord, MachineFigures, Process, Rule, Sample, Snapshot, Sources, Status,
        bytes_text,
    },
    runtime::{Failure, config, stdout::shown},
};

/// One of them, as it was typed.
#[derive(Debug)]
struct Trigger {
    text: String,
    kind: Kind,
    /// Whether its state held at the last sample.
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

/// What fired, and in words why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fired {
    pub(crate) trigger: String,
    pub(crate) words: String,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Triggers(Vec<Trigger>);

const KNOWN: &str = "exit:COMMAND, signal:N, rss:COMMAND:SIZE, forks:PER_SECOND, psi:memory.some:PERCENT% (cpu.some, memory.full, io.some, io.full), load:N, gone:PID and finding:RULE";

impl Triggers {
    /// # Errors
    ///
    /// When one is none.
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

    /// What fires with this sample, of which the snapshot has been made.
    pub(crate) fn judge(&mut self, sample: &Sample, snapshot: &Snapshot) -> Vec<Fired> {
        let mut fired = Vec::new();
        // The opening census tells what there was before.
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
            // What holds from the beginning is as much worth telling.
            trigger.held = state.is_some() && !is_opening;
        }
        fired
    }
}

/// The end of a process.
struct End<'a> {
    pid: u32,
    comm: Comm,
    status: Option<Status>,
    record: Option<&'a ExitRecord>,
}

impl End<'_> {
    fn words(&self) -> String {
        let how = match self.status {
            Some(status) if status.signal().is_some() => format!("was ended by {}", status.words()),
            Some(status) => format!("ended with {}", status.words()),
            None => "ended".to_owned(),
        };
        let oom = match self.record {
            Some(record) if record.oom => ", out of memory",
            _ => "",
        };
        format!("{} (pid {}) {how}{oom}", name(&self.comm), self.pid)
    }
}

fn ends<'a>(sample: &'a Sample, snapshot: &'a Snapshot) -> Vec<End<'a>> {
    if sample.sources == Sources::ProcOnly {
        let gone = |process: &&Process| process.end.is_some_and(|end| end.tick == snapshot.tick);
        let ended = snapshot.processes.iter().filter(gone);
        return ended
            .map(|process| End {
                pid: process.id.tid,
                comm: comm_of(snapshot, process),
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
            comm: record.comm,
            status: Some(record.status),
            record: Some(record),
        })
        .collect()
}

/// A process's name: its leader's.
fn comm_of(snapshot: &Snapshot, process: &Process) -> Comm {
    let leader = process.leader.and_then(|slot| snapshot.threads.get(slot));
    leader.map_or(Comm::default(), |thread| thread.comm)
}

fn name(comm: &Comm) -> String {
    String::from_utf8_lossy(comm.bytes()).into_owned()
}

/// The text of a trigger, for parsing its parts and for errors.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl Text<'_> {
    fn bad(self, why: &str) -> Failure {
        Failure::usage(format!("`--on {}`: {why}", shown(self.0)))
    }

    fn unknown(self) -> Failure {
        self.bad(&format!("no trigger; there are {KNOWN}"))
    }

    /// A pattern for the name of a command.
    fn command(self, name: &str) -> Result<Pattern, Failure> {
        if name.is_empty() {
            return Err(self.bad("it takes the name of a command"));
        }
        // The kernel keeps 15 bytes of a name.
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
            .ok_or_else(|| self.bad(&format!("it takes {what}")))
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
        let percent = self.number(percent, "percent, as in psi:io.full:20%")?;
        Ok(Kind::Pressure(what, percent))
    }

    fn rule(self, word: &str) -> Result<Rule, Failure> {
        let rule = Rule::ALL.into_iter().find(|rule| rule.word() == word);
        rule.ok_or_else(|| {
            let words: Vec<_> = Rule::ALL.iter().map(|rule| rule.word()).collect();
            self.bad(&format!("no rule; there are {}", words.join(", ")))
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
                all.bad("it takes a signal by its number or name, as in 11 or SEGV")
            })?),
            "rss" => {
                let (name, size) = rest
                    .rsplit_once(':')
                    .ok_or_else(|| all.bad("it takes a command and a size, as in rss:java:2G"))?;
                let size = config::bytes("--on", text, size)?;
                Self::Rss(all.command(name)?, size)
            }
            "forks" => Self::Forks(all.number(rest, "forks a second, as in forks:500")?),
            "psi" => all.pressure(rest)?,
            "load" => Self::Load(all.number(rest, "a load, as in load:40")?),
            "gone" => Self::Gone(
                rest.parse()
                    .map_err(|_| all.bad("it takes a pid, as in gone:1234"))?,
            ),
            // Before it was released, a finding was called a notable.
            "finding" | "notable" => Self::Finding(all.rule(rest)?),
            _ => return Err(all.unknown()),
        })
    }

    fn is_about(&self, end: &End<'_>) -> bool {
        match self {
            Self::Exit(pattern) => pattern.matches(&name(&end.comm)),
            Self::Signal(signal) => end.status.and_then(Status::signal) == Some(*signal),
            Self::Gone(pid) => end.pid == *pid,
            _ => false,
        }
    }

    /// Why a state holds; `None` where it does not, or is not known.
    fn state(&self, sample: &Sample, snapshot: &Snapshot) -> Option<String> {
        let machine = &sample.machine;
        let seconds = sample.stamp.interval_ns as f64 / 1e9;
        match self {
            Self::Rss(pattern, most) => {
                let large = snapshot.processes.iter().find(|process| {
                    process.end.is_none()
                        && process.rss.is_some_and(|rss| rss >= *most)
                        && pattern.matches(&name(&comm_of(snapshot, process)))
                })?;
                Some(format!(
                    "{} (pid {}) has {}",
                    name(&comm_of(snapshot, large)),
                    large.id.tid,
                    bytes_text(large.rss?)
                ))
            }
            Self::Forks(most) => {
                let rate = machine.forks? as f64 / seconds;
                (seconds > 0.0 && rate >= *most).then(|| format!("{rate:.0} forks/s"))
            }
            Self::Pressure(what, most) => {
                let percent = what.of(machine)? as f64 / seconds / 1e4;
                (seconds > 0.0 && percent >= *most).then(|| format!("{percent:.0} % of the time"))
            }
            Self::Load(most) => {
                let load = machine.load1?;
                (load >= *most).then(|| format!("load {load:.1}"))
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
    /// us in the interval.
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

/// `11`, `SEGV` or `SIGSEGV`.
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
            ("", "there are exit:COMMAND"),
            ("exit", "there are exit:COMMAND"),
            ("exit:", "name of a command"),
            ("signal:99", "as in 11 or SEGV"),
            ("rss:java", "as in rss:java:2G"),
            ("rss:java:much", "much"),
            ("forks:-1", "forks a second"),
            ("psi:disk.some:10%", "there are exit:COMMAND"),
            ("load:x", "as in load:40"),
            ("gone:me", "as in gone:1234"),
            ("finding:noise", "there are oom, stall"),
            ("rm:-rf", "there are exit:COMMAND"),
        ] {
            let failure = parse(bad).unwrap_err();
            assert_eq!(failure.status, 2, "{bad}");
            let said = format!("{:#}", failure.error);
            assert!(said.contains(why), "{bad}: {said}");
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
