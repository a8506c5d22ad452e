//! Adds up the samples of a period, so that a picture can show the whole period and not
//! only its last interval.

mod picture;
mod process;
mod step;
#[cfg(test)]
mod tests;
mod totals;

use std::collections::VecDeque;

use self::{
    step::Step,
    totals::{MOST_ENDED, Totals},
};
use crate::model::Snapshot;

/// The samples of a period that ends with the last observed sample.
pub struct Period {
    /// The period has at least this length, ns, and at least [`INTERVALS`] samples; `None`:
    /// it has all observed samples.
    length_ns: Option<u64>,
    /// Totals of all samples, if the period has no length.
    all: Totals,
    /// The last samples, if the period has a length.
    recent: VecDeque<Step>,
    /// Sums over `recent`: processes that ended, and intervals, ns.
    kept: usize,
    covered_ns: u64,
    /// Number of the sample that was observed last.
    tick: u64,
}

/// Shortest period of a picture, ns.
const LENGTH_NS: u64 = 3_000_000_000;
/// Least number of samples in the period of a picture.
pub const INTERVALS: usize = 3;

impl Period {
    /// A period of all samples that will be observed.
    pub fn whole() -> Self {
        Self {
            length_ns: None,
            all: Totals::default(),
            recent: VecDeque::new(),
            kept: 0,
            covered_ns: 0,
            tick: 0,
        }
    }

    /// The last `length_ns` of the samples that will be observed; `None`: the last 3 s, or
    /// three samples if these take longer.
    pub fn last(length_ns: Option<u64>) -> Self {
        Self {
            length_ns: Some(length_ns.unwrap_or(LENGTH_NS)),
            ..Self::whole()
        }
    }

    /// Whether the period has only the last of the samples.
    pub fn is_last(&self) -> bool {
        self.length_ns.is_some()
    }

    /// Takes in a sample. A sample without an interval, such as the opening census, is the
    /// state at the beginning of the period, and not a part of it.
    pub fn observe(&mut self, snapshot: &Snapshot) {
        if snapshot.stamp.interval_ns == 0 {
            return;
        }
        if snapshot.tick <= self.tick {
            // Another file or another boot: what was before has nothing to do with it.
            *self = Self {
                length_ns: self.length_ns,
                ..Self::whole()
            };
        }
        self.tick = snapshot.tick;
        let mut step = Step::of(snapshot);
        let Some(length_ns) = self.length_ns else {
            self.all.add(step);
            return;
        };
        step.keep_ended(MOST_ENDED.saturating_sub(self.kept));
        self.kept += step.ended.len();
        self.covered_ns = self.covered_ns.saturating_add(step.interval_ns);
        self.recent.push_back(step);
        // Ticks are never exactly on time.
        let least_ns = length_ns - length_ns / 20;
        while self.recent.len() > INTERVALS
            && let Some(first) = self.recent.front()
            && self.covered_ns.saturating_sub(first.interval_ns) >= least_ns
        {
            self.kept -= first.ended.len();
            self.covered_ns = self.covered_ns.saturating_sub(first.interval_ns);
            self.recent.pop_front();
        }
    }

    /// The snapshot of the period: the last state, with the changes and exits of the whole
    /// period. `latest` is the snapshot that was observed last.
    pub fn snapshot(mut self, latest: Snapshot) -> Snapshot {
        for step in self.recent {
            self.all.add(step);
        }
        self.all.snapshot(latest)
    }
}
