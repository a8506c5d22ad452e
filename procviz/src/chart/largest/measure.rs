//! What the largest processes have most of.

use super::starts::Starts;
use crate::model::{Process, Snapshot, bytes_text, per_second_text, rate_text};

/// What entries are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Cpu,
    Memory,
    Growth,
    Io,
    Starts,
}

impl Measure {
    pub(crate) const ALL: [Self; 5] = [
        Self::Cpu,
        Self::Memory,
        Self::Growth,
        Self::Io,
        Self::Starts,
    ];

    /// The heading of the entries.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Memory => "memory",
            Self::Growth => "growth",
            Self::Io => "IO",
            Self::Starts => "starts",
        }
    }

    /// The value of a process in the interval. `None`: it has none worth a word.
    pub(super) fn of(self, process: &Process, snapshot: &Snapshot, starts: &Starts) -> Option<f64> {
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
            Self::Memory => held(process)? as f64,
            Self::Starts => starts.of(process.id)?,
            Self::Cpu | Self::Io => return None,
        };
        (value >= self.least()).then_some(value)
    }

    /// Smaller values are not listed.
    fn least(self) -> f64 {
        match self {
            Self::Memory | Self::Growth => 64.0 * 1024.0,
            Self::Cpu | Self::Io | Self::Starts => 1.0,
        }
    }

    pub(super) fn figure(self, value: f64, seconds: f64) -> String {
        match self {
            Self::Cpu => {
                let cores = value / 1e9 / seconds;
                let digits = if cores < 0.095 { 3 } else { 2 };
                format!("{cores:.digits$} cores")
            }
            Self::Memory => bytes_text(value as u64),
            Self::Growth => format!("+{}", rate_text(value / seconds)),
            Self::Io => rate_text(value / seconds),
            Self::Starts => per_second_text(value as u64, seconds),
        }
    }
}

/// Memory that the machine lacks because of a process, bytes.
fn held(process: &Process) -> Option<u64> {
    let parts = process
        .parts
        .map(|parts| parts.private().saturating_add(parts.shmem));
    parts.or(process.rss)
}
