//! What a line shows, as steps from one point of its trail to the next.

use crate::{chart::axis, model::bytes_text, trails::Point};

/// What a panel shows.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::chart::lines) enum Figure {
    Cpu,
    Rss,
}

/// A step of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::chart::lines) struct Step {
    /// ns since boot.
    pub(in crate::chart::lines) begin_ns: u64,
    pub(in crate::chart::lines) end_ns: u64,
    /// The value at the begin.
    pub(in crate::chart::lines) first: f64,
    /// The value of the step: CPU is a mean, a resident set that at the end, or the largest if
    /// several steps were put together.
    pub(in crate::chart::lines) value: f64,
}

/// CPU use between two points, cores; `None` if there is no time between them.
fn cores(before: &Point, after: &Point) -> Option<f64> {
    let time_ns = after.boot_ns.saturating_sub(before.boot_ns);
    let used_ns = after.cpu_ns.saturating_sub(before.cpu_ns);
    (time_ns > 0).then(|| used_ns as f64 / time_ns as f64)
}

impl Figure {
    /// The steps of a piece of a trail; those shorter than `least_ns` are put together.
    pub(in crate::chart::lines) fn steps(self, piece: &[Point], least_ns: u64) -> Vec<Step> {
        let Some((mut before, rest)) = piece.split_first() else {
            return Vec::new();
        };
        let mut steps = Vec::new();
        let mut most = 0;
        for (at, point) in rest.iter().enumerate() {
            most = most.max(point.rss);
            let is_short = point.boot_ns.saturating_sub(before.boot_ns) < least_ns;
            if is_short && at + 1 < rest.len() {
                continue;
            }
            let values = match self {
                Self::Cpu => cores(before, point).map(|cores| (cores, cores)),
                // That of a process that is gone is not known.
                Self::Rss => (most > 0).then_some((before.rss as f64, most as f64)),
            };
            steps.extend(values.map(|(first, value)| Step {
                begin_ns: before.boot_ns,
                end_ns: point.boot_ns,
                first,
                value,
            }));
            (before, most) = (point, 0);
        }
        steps
    }

    pub(super) fn ticks(self, most: f64) -> Vec<(f64, String)> {
        match self {
            Self::Cpu => axis::core_ticks(most),
            Self::Rss => axis::bytes_ticks(most),
        }
    }

    /// The least upper edge of the panel: 0.1 cores, or 1 MiB.
    pub(super) fn least(self) -> f64 {
        match self {
            Self::Cpu => 0.1,
            Self::Rss => f64::from(1 << 20),
        }
    }

    /// A value with its unit.
    pub(super) fn words(self, value: f64) -> String {
        match self {
            Self::Cpu => format!("{value:.2} cores"),
            Self::Rss => bytes_text(value as u64),
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU, cores, mean of each interval",
            Self::Rss => "RSS (resident set)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: u64, cpu_ms: u64, rss: u64) -> Point {
        Point {
            boot_ns: second * 1_000_000_000,
            cpu_ns: cpu_ms * 1_000_000,
            rss,
        }
    }

    /// Begin and end in seconds, and the value.
    fn steps(figure: Figure, piece: &[Point], least: u64) -> Vec<(u64, u64, f64)> {
        let steps = figure.steps(piece, least * 1_000_000_000).into_iter();
        let second = |ns: u64| ns / 1_000_000_000;
        steps
            .map(|step| (second(step.begin_ns), second(step.end_ns), step.value))
            .collect()
    }

    #[test]
    fn steps_are_means_and_short_ones_are_put_together() {
        let piece = [
            point(1, 0, 5),
            point(2, 500, 9),
            point(4, 2_500, 7),
            point(5, 2_500, 8),
        ];
        let cpu = steps(Figure::Cpu, &piece, 0);
        assert_eq!(cpu, [(1, 2, 0.5), (2, 4, 1.0), (4, 5, 0.0)]);
        let merged = steps(Figure::Cpu, &piece, 3);
        assert_eq!(merged, [(1, 4, 2.5 / 3.0), (4, 5, 0.0)]);
        // A peak between two steps stays.
        let rss = steps(Figure::Rss, &piece, 3);
        assert_eq!(rss, [(1, 4, 9.0), (4, 5, 8.0)]);
        assert_eq!(Figure::Rss.steps(&piece, 0)[0].first, 5.0);
    }

    #[test]
    fn what_is_not_known_is_no_step() {
        assert!(steps(Figure::Cpu, &[], 0).is_empty());
        assert!(steps(Figure::Cpu, &[point(1, 0, 5)], 0).is_empty());
        // Two points at one time tell no use, and a process that is gone no resident set.
        let twice = [point(1, 0, 0), point(1, 500, 0), point(2, 1_000, 0)];
        assert_eq!(steps(Figure::Cpu, &twice, 0), [(1, 2, 0.5)]);
        assert!(steps(Figure::Rss, &twice, 0).is_empty());
    }
}
