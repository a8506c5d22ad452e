//! Sums of values by their offsets within a second.

use super::{Moment, SECOND_NS};

/// Sums of values by the time that they are about.
#[derive(Clone)]
pub(super) struct Sums(Vec<(f64, f64)>);

impl Sums {
    pub(super) fn new(columns: usize) -> Self {
        Self(vec![(0.0, 0.0); columns])
    }

    /// A sample is about this time, ns.
    pub(super) fn add_time(&mut self, column: usize, ns: f64) {
        self.0[column].1 += ns;
    }

    /// Adds a value, multiplied by the time that it is about, ns.
    pub(super) fn add(&mut self, column: usize, value: f64) {
        self.0[column].0 += value;
    }

    pub(super) fn means(self) -> Vec<Option<f32>> {
        let mean = |(sum, ns): (f64, f64)| (ns > 0.0).then(|| (sum / ns) as f32);
        self.0.into_iter().map(mean).collect()
    }
}

/// Calls `put` with the second, the column and the time in it, ns, of each part of a sample.
pub(super) fn spread(moment: &Moment, columns: usize, mut put: impl FnMut(u64, usize, f64)) {
    let width_ns = SECOND_NS / columns as u64;
    let mut from = moment.wall_ns.saturating_sub(moment.interval_ns);
    while from < moment.wall_ns {
        let (second, offset) = (from / SECOND_NS, from % SECOND_NS);
        let column = ((offset / width_ns) as usize).min(columns - 1);
        let end = match column + 1 == columns {
            true => SECOND_NS,
            false => (column as u64 + 1) * width_ns,
        };
        let until = (second * SECOND_NS + end).min(moment.wall_ns);
        put(second, column, (until - from) as f64);
        from = until;
    }
}
