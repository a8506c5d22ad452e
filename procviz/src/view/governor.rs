//! Keeps the CPU use of procviz itself under a limit.

use std::{collections::VecDeque, time::Duration};

/// Period over which the cost of a sample is averaged.
const SPAN: Duration = Duration::from_secs(5);
/// Longest interval that the limit can cause.
const LONGEST: Duration = Duration::from_secs(10);
/// Allowed burst beyond the limit: the CPU time that the limit allows in this many
/// seconds.
const BURST: f64 = 0.5;
/// Target CPU use, as a part of the limit.
const AIM: f64 = 0.95;
/// The interval stays unchanged if the new interval differs by less than this part.
const SAME: f64 = 0.1;

/// Watches the CPU time of procviz, and stretches the interval if procviz uses more
/// than the limit. If the longest interval is not enough, detail is reduced.
#[derive(Debug)]
pub(crate) struct Governor {
    /// Limit in cores; `None` is no limit.
    limit: Option<f64>,
    /// Time of each sample, and CPU time of procviz until then.
    measurements: VecDeque<(Duration, Duration)>,
    /// CPU time used beyond the limit and not yet compensated, in seconds.
    debt: f64,
    /// The stretched interval, which is longer than the requested interval.
    stretched: Option<Duration>,
    is_reduced: bool,
}

impl Governor {
    /// Makes a governor with a limit in percent of one core; 0 is no limit.
    pub(crate) fn new(percent: f64) -> Self {
        Self {
            limit: (percent > 0.0).then_some(percent / 100.0),
            measurements: VecDeque::new(),
            debt: 0.0,
            stretched: None,
            is_reduced: false,
        }
    }

    /// Records with each sample the CPU time that procviz has used until `now`. Returns
    /// whether the interval or the detail changes from now on. CPU time before the first
    /// call (to load, and for the first census) does not count.
    pub(crate) fn look(&mut self, now: Duration, used: Duration, asked: Duration) -> bool {
        let Some(limit) = self.limit else {
            return false;
        };
        if let Some((time, before)) = self.measurements.back() {
            let passed = now.saturating_sub(*time).as_secs_f64();
            let more = used.saturating_sub(*before).as_secs_f64();
            self.debt = (self.debt + more - limit * passed).max(0.0);
        }
        self.measurements.push_back((now, used));
        while self.measurements.len() > 2
            && self
                .measurements
                .front()
                .is_some_and(|(time, _)| now.saturating_sub(*time) > SPAN)
        {
            self.measurements.pop_front();
        }
        let Some(((_, first), samples)) = self
            .measurements
            .front()
            .zip(self.measurements.len().checked_sub(1))
        else {
            return false;
        };
        if samples == 0 {
            return false;
        }
        let each = used.saturating_sub(*first).as_secs_f64() / samples as f64;
        let owed = (self.debt - limit * BURST).max(0.0);
        let wanted = (each / AIM + owed) / limit;
        let was = (self.stretched, self.is_reduced);
        self.is_reduced = match self.is_reduced {
            // Reduced detail costs less than full detail, so full detail returns only below
            // a third of the longest interval.
            true => wanted > LONGEST.as_secs_f64() / 3.0,
            false => wanted > LONGEST.as_secs_f64(),
        };
        let longest = LONGEST.max(asked).as_secs_f64();
        let wanted = Duration::from_secs_f64(wanted.min(longest));
        let now_at = self.stretched.unwrap_or(asked).as_secs_f64();
        let is_same = (wanted.as_secs_f64() / now_at - 1.0).abs() < SAME;
        if wanted <= asked {
            self.stretched = None;
        } else if !is_same {
            self.stretched = Some(wanted);
        }
        was != (self.stretched, self.is_reduced)
    }

    /// The interval to use for a requested interval.
    pub(crate) fn interval(&self, asked: Duration) -> Duration {
        self.stretched
            .map_or(asked, |stretched| stretched.max(asked))
    }

    /// Whether the interval is longer than requested.
    pub(crate) fn is_stretched(&self) -> bool {
        self.stretched.is_some()
    }

    /// Whether processes must be shown instead of threads.
    pub(crate) fn is_reduced(&self) -> bool {
        self.is_reduced
    }
}

#[cfg(test)]
mod tests;
