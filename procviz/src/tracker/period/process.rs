//! What changed of one process.

use crate::model::{Change, Process, Snapshot};

/// Totals of a process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ProcessTotals {
    pub(super) change: Change,
    /// Change of the resident set, bytes; `None`: not known.
    pub(super) rss: Option<i64>,
    /// The same for [`Process::private`].
    pub(super) private: Option<i64>,
    /// Most CPU used in one interval, cores.
    pub(super) peak_cores: f64,
}

impl ProcessTotals {
    /// What changed in the last sample of a snapshot.
    pub(super) fn of(process: &Process, snapshot: &Snapshot) -> Self {
        let at_this_tick = |(tick, delta): (u64, Option<i64>)| match tick == snapshot.tick {
            true => delta,
            false => Some(0),
        };
        let interval_ns = snapshot.stamp.interval_ns.max(1);
        Self {
            change: process.change,
            rss: at_this_tick(process.rss_change),
            private: at_this_tick(process.private_change),
            peak_cores: process.change.cpu_ns as f64 / interval_ns as f64,
        }
    }

    pub(super) fn add(&mut self, later: Self) {
        // The size before the first read of a process is not known: growth counts from then.
        let sum = |a: Option<i64>, b: Option<i64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
        *self = Self {
            change: sum_of_changes(self.change, later.change),
            rss: sum(self.rss, later.rss),
            private: sum(self.private, later.private),
            peak_cores: self.peak_cores.max(later.peak_cores),
        };
    }
}

pub(super) fn sum_of_changes(a: Change, b: Change) -> Change {
    Change {
        tick: b.tick,
        ran: a.ran || b.ran,
        cpu_ns: a.cpu_ns.saturating_add(b.cpu_ns),
        wait_ns: known_sum(a.wait_ns, b.wait_ns),
        wait_max_ns: a.wait_max_ns.max(b.wait_max_ns),
        io_bytes: a.io_bytes.saturating_add(b.io_bytes),
        read_kib: a.read_kib.saturating_add(b.read_kib),
    }
}

/// A process that did not run in a sample has no known wait there.
fn known_sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    }
}
