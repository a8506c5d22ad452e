//! What the largest processes have most of.

use super::counted::Counted;
use crate::model::{Process, Snapshot, bytes_text, count_text, per_second_text, rate_text};

/// What entries are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Cpu,
    Memory,
    Growth,
    Io,
    Waiting,
    Blocked,
    Starts,
    /// CPU before the period of a picture, of processes that use less in it.
    CpuBefore,
}

/// A process used at least this much CPU before the period, cores, over this time, ns.
const CORES_BEFORE: f64 = 0.05;
const LIVED_NS: u64 = 3_000_000_000;

impl Measure {
    pub(crate) const ALL: [Self; 8] = [
        Self::Cpu,
        Self::Memory,
        Self::Growth,
        Self::Io,
        Self::Waiting,
        Self::Blocked,
        Self::Starts,
        Self::CpuBefore,
    ];

    /// The heading of the entries.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Memory => "own memory",
            Self::Growth => "growth",
            Self::Io => "IO",
            Self::Waiting => "CPU waits",
            Self::Blocked => "blocked",
            Self::Starts => "starts",
            Self::CpuBefore => "CPU before",
        }
    }

    /// The value of a process in the interval. `None`: it has none worth a word.
    pub(super) fn of(
        self,
        process: &Process,
        snapshot: &Snapshot,
        counted: &Counted,
    ) -> Option<f64> {
        let change = process.change;
        let is_now = change.tick == snapshot.tick;
        let value = match self {
            Self::Cpu if is_now => change.cpu_ns as f64,
            Self::Io if is_now => change.io_bytes as f64,
            Self::Growth => {
                let (tick, delta) = process.private_change;
                let delta = delta.filter(|delta| tick == snapshot.tick && *delta > 0);
                delta? as f64
            }
            Self::Memory => process.held()? as f64,
            Self::Waiting if is_now => change.wait_ns? as f64,
            Self::Blocked => counted.blocked(process.id)?,
            Self::Starts => counted.starts(process.id)?,
            Self::CpuBefore if is_period(snapshot) => cores_before(process, snapshot)?,
            Self::Cpu | Self::Io | Self::Waiting | Self::CpuBefore => return None,
        };
        (value >= self.least(snapshot)).then_some(value)
    }

    /// Whether processes that did not change in the interval can have a value, too.
    pub(super) fn is_of_all(self, snapshot: &Snapshot, counted: &Counted) -> bool {
        match self {
            Self::Memory => true,
            Self::CpuBefore => is_period(snapshot),
            Self::Blocked => counted.has_blocked(),
            Self::Starts => counted.has_starts(),
            Self::Cpu | Self::Growth | Self::Io | Self::Waiting => false,
        }
    }

    /// Smaller values are not listed.
    fn least(self, snapshot: &Snapshot) -> f64 {
        match self {
            Self::Memory | Self::Growth => 64.0 * 1024.0,
            // Every task waits a little: this is a twentieth of the time.
            Self::Waiting => (snapshot.stamp.interval_ns / 20).max(1) as f64,
            Self::Cpu | Self::Io | Self::Blocked | Self::Starts => 1.0,
            Self::CpuBefore => CORES_BEFORE,
        }
    }

    /// Whether the value is too small to stand out, although nobody has more.
    pub(super) fn is_small(self, value: f64, seconds: f64) -> bool {
        let rate = value / seconds.max(1e-9);
        match self {
            Self::Cpu => rate / 1e9 < 0.05,
            Self::Growth | Self::Io => rate < 256.0 * 1024.0,
            Self::Memory => value < 32.0 * 1024.0 * 1024.0,
            Self::Starts => rate < 1.0,
            Self::Waiting | Self::Blocked | Self::CpuBefore => false,
        }
    }

    pub(super) fn figure(self, value: f64, seconds: f64) -> String {
        match self {
            Self::Cpu => cores_text(value / 1e9 / seconds),
            Self::CpuBefore => cores_text(value),
            Self::Memory => bytes_text(value as u64),
            Self::Growth => format!("+{}", rate_text(value / seconds)),
            Self::Io => rate_text(value / seconds),
            Self::Waiting => {
                let share = value / 1e9 / seconds;
                format!("{share:.2} threads")
            }
            Self::Blocked => format!("{} in D", count_text(value as u64)),
            Self::Starts => format!("{} starts", per_second_text(value as u64, seconds)),
        }
    }
}

/// Whether the snapshot is that of a still picture, which has something before it.
fn is_period(snapshot: &Snapshot) -> bool {
    snapshot.peaks.is_some()
}

fn cores_text(cores: f64) -> String {
    let digits = if cores < 0.095 { 3 } else { 2 };
    format!("{cores:.digits$} cores")
}

/// What a process used before the period, in cores; `None` if it uses at least half as much
/// now: then there is nothing to add.
fn cores_before(process: &Process, snapshot: &Snapshot) -> Option<f64> {
    let before = Before::new(process, snapshot);
    let now = before.now_ns as f64 / snapshot.stamp.interval_ns.max(1) as f64;
    let is_less = now < before.cores / 2.0;
    let lives = before.lived_ns >= LIVED_NS && process.end.is_none();
    (lives && is_less).then_some(before.cores)
}

/// The life of a process from its start to the beginning of the interval.
pub(super) struct Before {
    /// How long it was, ns.
    pub(super) lived_ns: u64,
    /// CPU that the process used then, cores on average.
    pub(super) cores: f64,
    /// CPU time that it used since, ns.
    now_ns: u64,
}

impl Before {
    pub(super) fn new(process: &Process, snapshot: &Snapshot) -> Self {
        let begin = snapshot.sums_from_ns();
        let lived_ns = begin.saturating_sub(process.id.start_ns);
        let now_ns = match process.change.tick == snapshot.tick {
            true => process.change.cpu_ns,
            false => 0,
        };
        let used_ns = process.cpu_ns.saturating_sub(now_ns);
        Self {
            lived_ns,
            cores: used_ns as f64 / lived_ns.max(1) as f64,
            now_ns,
        }
    }
}
