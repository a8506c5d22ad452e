//! Keeps what procviz itself uses under a limit.

use std::{collections::VecDeque, time::Duration};

/// Over how long it is judged.
const SPAN: Duration = Duration::from_secs(5);
/// No interval is longer than this because of the limit.
const LONGEST: Duration = Duration::from_secs(10);

/// The most that an interval is stretched by.
const MOST: f64 = 1_000.0;

/// Watches the process's CPU time and stretches the interval where it uses
/// more than it may.
#[derive(Debug)]
pub(crate) struct Governor {
    /// Part of a core; `None`: no limit.
    limit: Option<f64>,
    /// When, and the process's CPU time until then.
    looks: VecDeque<(Duration, Duration)>,
    factor: f64,
}

impl Governor {
    /// `percent` of one core; 0 is no limit.
    pub(crate) fn new(percent: f64) -> Self {
        Self {
            limit: (percent > 0.0).then_some(percent / 100.0),
            looks: VecDeque::new(),
            factor: 1.0,
        }
    }

    /// Takes in what the process has used until `now`; returns by how much the
    /// interval is to be longer than asked for, where that has changed.
    pub(crate) fn look(&mut self, now: Duration, used: Duration) -> Option<f64> {
        self.looks.push_back((now, used));
        while self
            .looks
            .get(1)
            .is_some_and(|(time, _)| now.saturating_sub(*time) >= SPAN)
        {
            self.looks.pop_front();
        }
        let limit = self.limit?;
        let (since, before) = *self.looks.front()?;
        let watched = now.saturating_sub(since);
        if watched < SPAN / 2 {
            return None;
        }
        let share = used.saturating_sub(before).as_secs_f64() / watched.as_secs_f64();
        let wanted = if share > limit {
            self.factor * (share / limit) * 1.1
        } else if share < limit * 0.6 && self.factor > 1.0 {
            (self.factor * (share / limit / 0.8).max(0.5)).max(1.0)
        } else {
            return None;
        };
        if (wanted / self.factor - 1.0).abs() < 0.05 {
            return None;
        }
        self.factor = wanted.min(MOST);
        // What was used before says nothing of the new interval.
        self.looks.clear();
        self.looks.push_back((now, used));
        Some(self.factor)
    }

    /// The interval to sample at for one that was asked for.
    pub(crate) fn interval(&self, asked: Duration) -> Duration {
        asked.mul_f64(self.factor).min(LONGEST.max(asked))
    }

    /// Whether the interval is longer than asked for.
    pub(crate) fn is_stretched(&self) -> bool {
        self.factor > 1.0
    }
}
