//! Stores the figures of the last seconds for rules that look back.

use serde::{Deserialize, Serialize};

use crate::model::Io;

use std::collections::VecDeque;

/// Longest time that is stored, ns.
const KEPT_NS: u64 = 12_000_000_000;
/// Upper limit for the points of a curve in the margin.
const CURVE_POINTS: usize = 60;

/// Sums of one process at one time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Point {
    pub(super) time_ns: u64,
    pub(super) cpu_ns: u64,
    /// See [`Process::private`](crate::model::Process::private).
    pub(super) private: u64,
    /// Storage IO so far; `None`: not known.
    pub(super) io: Option<Io>,
}

/// Figures of one process in the last seconds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct History {
    points: VecDeque<Point>,
}

impl History {
    pub(super) fn new(first: Point) -> Self {
        Self {
            points: VecDeque::from([first]),
        }
    }

    pub(super) fn push(&mut self, point: Point) {
        if point.time_ns <= self.last_time_ns() {
            // The opening census has no interval before it.
            return;
        }
        self.points.push_back(point);
        // At least two points, however far apart: rules also judge a long interval.
        while self.points.len() > 2
            && self
                .points
                .get(1)
                .is_some_and(|front| point.time_ns.saturating_sub(front.time_ns) > KEPT_NS)
        {
            self.points.pop_front();
        }
    }

    pub(super) fn last_time_ns(&self) -> u64 {
        self.points.back().map_or(0, |point| point.time_ns)
    }

    /// The newest point and the point `span_ns` before it; `None` if the history is
    /// shorter than that.
    pub(super) fn span(&self, span_ns: u64) -> Option<(Point, Point)> {
        let last = *self.points.back()?;
        // 5 % less, because ticks are never exactly on time.
        let from = last.time_ns.checked_sub(span_ns - span_ns / 20)?;
        let first = self
            .points
            .iter()
            .rev()
            .find(|point| point.time_ns <= from)?;
        Some((*first, last))
    }

    /// The newest point and the point at `since_ns`, or those of [`span`](Self::span) if the
    /// history does not reach back so far: the figure over a whole activity.
    pub(super) fn whole(&self, since_ns: u64, span: (Point, Point)) -> (Point, Point) {
        let is_it = |point: &&Point| point.time_ns == since_ns;
        let first = self.points.iter().find(is_it);
        first.map_or(span, |first| (*first, span.1))
    }

    /// CPU, private memory, IO and the part of it that is reading per second, on average over the
    /// last `span_ns`: cores, and bytes per second. `None` if nothing changed in that time.
    pub(super) fn over(&self, now_ns: u64, span_ns: u64) -> Option<[f64; 4]> {
        let last = *self.points.back()?;
        // 5 % less, because ticks are never exactly on time.
        let from = now_ns.saturating_sub(span_ns - span_ns / 20);
        if last.time_ns <= from {
            return None;
        }
        let mut earlier = self.points.iter().rev();
        let first = earlier.find(|point| point.time_ns <= from);
        let first = *first.or(self.points.front())?;
        // The changes of a process that was idle before are all within the span.
        let covered_ns = now_ns.saturating_sub(first.time_ns);
        let is_steady = (span_ns..span_ns.saturating_mul(2)).contains(&covered_ns);
        let seconds = if is_steady { covered_ns } else { span_ns } as f64 / 1e9;
        let per_second = |later: u64, earlier: u64| (later as f64 - earlier as f64) / seconds;
        let [all, read] = moved(first, last);
        Some([
            per_second(last.cpu_ns, first.cpu_ns) / 1e9,
            // A new process does not grow into what it needs to begin with.
            match first.time_ns <= from {
                true => per_second(last.private, first.private),
                false => 0.0,
            },
            per_second(all, 0),
            per_second(read, 0),
        ])
    }

    /// Start of the latest period in which `is_above` holds in every step, ns since boot.
    pub(super) fn since(&self, is_above: impl Fn(Point, Point) -> bool) -> u64 {
        let mut since = self.last_time_ns();
        for (later, earlier) in self
            .points
            .iter()
            .rev()
            .zip(self.points.iter().rev().skip(1))
        {
            if !is_above(*earlier, *later) {
                break;
            }
            since = earlier.time_ns;
        }
        since
    }

    /// A figure for each step, oldest first.
    pub(super) fn curve(&self, figure: impl Fn(Point, Point) -> f32) -> Vec<f32> {
        let steps = self.points.iter().zip(self.points.iter().skip(1));
        let skip = self.points.len().saturating_sub(CURVE_POINTS + 1);
        steps
            .skip(skip)
            .map(|(earlier, later)| figure(*earlier, *later))
            .collect()
    }
}

/// Storage IO between two points, bytes: all, and the part that was read. What a point does not
/// know counts as no IO: nobody is accused of it.
pub(super) fn moved(earlier: Point, later: Point) -> [u64; 2] {
    let (Some(before), Some(now)) = (earlier.io, later.io) else {
        return [0, 0];
    };
    let read = now.read.saturating_sub(before.read);
    let written = now.write.saturating_sub(before.write);
    [read.saturating_add(written), read]
}

/// The same, bytes per second.
pub(super) fn io_rates(earlier: Point, later: Point) -> [f64; 2] {
    let seconds = later.time_ns.saturating_sub(earlier.time_ns) as f64 / 1e9;
    let moved = moved(earlier, later).map(|bytes| bytes as f64);
    moved.map(|bytes| if seconds > 0.0 { bytes / seconds } else { 0.0 })
}

/// Change per second between two points.
pub(super) fn rate(earlier: Point, later: Point, value: impl Fn(Point) -> u64) -> f64 {
    let seconds = later.time_ns.saturating_sub(earlier.time_ns) as f64 / 1e9;
    if seconds <= 0.0 {
        0.0
    } else {
        (value(later) as f64 - value(earlier) as f64) / seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The IO of a process can become unreadable, and readable again: that is no IO.
    #[test]
    fn io_that_is_not_known_is_no_io() {
        let point = |second: u64, io: Option<(u64, u64)>| Point {
            time_ns: second * 1_000_000_000,
            cpu_ns: 0,
            private: 0,
            io: io.map(|(read, write)| Io { read, write }),
        };
        let much = Some((4 << 40, 5));
        assert_eq!(
            io_rates(point(0, Some((4, 5))), point(2, Some((8, 7)))),
            [3.0, 2.0]
        );
        assert_eq!(io_rates(point(0, much), point(1, None)), [0.0, 0.0]);
        assert_eq!(io_rates(point(1, None), point(2, much)), [0.0, 0.0]);
        assert_eq!(io_rates(point(1, much), point(1, much)), [0.0, 0.0]);
    }
}
