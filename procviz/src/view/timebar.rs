//! Describes the time bar of a recording: current position, starts of findings, gaps, and how
//! busy the machine was. Positions and shares are from 0 to 1.

use std::sync::Arc;

use crate::{chart::Palette, model::Activity, scene::Color};

/// The content of a time bar, for windows and terminals.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimeBar {
    pub(crate) at: f32,
    pub(crate) marks: Vec<f32>,
    /// Gaps without samples: from, to.
    pub(crate) gaps: Vec<(f32, f32)>,
    /// Times of the first and the last sample, as text.
    pub(crate) begin: String,
    pub(crate) end: String,
    /// The machine over the same time; `None`: not read yet.
    pub(crate) graph: Option<Arc<TimeGraph>>,
    /// The position of the pointer, and what is there.
    pub(crate) hover: Option<(f32, String)>,
}

/// CPU, memory pressure and IO pressure; `None`: not known.
pub(crate) type Shares = [Option<f32>; 3];

/// How busy the machine was over the time of a recording.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimeGraph(Vec<Shares>);

impl TimeGraph {
    /// What the three shares are.
    pub(crate) const NAMES: [&'static str; 3] = ["CPU", "memory pressure", "IO pressure"];
    /// Number of columns: enough for a bar of a large window.
    const COLUMNS: usize = 600;

    /// Their colours.
    pub(crate) fn colors(palette: &Palette) -> [Color; 3] {
        [
            palette.full(Activity::Cpu),
            palette.accent,
            palette.full(Activity::Io),
        ]
    }

    /// A graph in which nothing is known.
    pub(crate) fn new() -> Self {
        Self(vec![Shares::default(); Self::COLUMNS])
    }

    /// Adds the shares in a part of the time. A column has the largest share of all parts that
    /// it touches, so that a short load is seen.
    pub(crate) fn add(&mut self, (from, to): (f32, f32), shares: Shares) {
        if from > 1.0 || to < 0.0 {
            return;
        }
        for column in &mut self.0[columns_of(from, to, Self::COLUMNS)] {
            for (known, share) in column.iter_mut().zip(shares) {
                *known = known.iter().copied().chain(share).reduce(f32::max);
            }
        }
    }

    /// The largest share of a kind between two positions; `None`: none is known there.
    pub(crate) fn most(&self, kind: usize, (from, to): (f32, f32)) -> Option<f32> {
        let columns = &self.0[columns_of(from, to, self.0.len())];
        let shares = columns.iter().filter_map(|shares| shares[kind]);
        shares.reduce(f32::max)
    }
}

/// The columns that a part of the time touches, at least one.
fn columns_of(from: f32, to: f32, count: usize) -> std::ops::Range<usize> {
    let last = count - 1;
    let first = ((from.max(0.0) * count as f32) as usize).min(last);
    let end = (to.clamp(0.0, 1.0) * count as f32).ceil() as usize;
    first..end.clamp(first + 1, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_load_is_seen_and_what_is_not_known_is_not_zero() {
        let mut graph = TimeGraph::new();
        graph.add((0.0, 0.5), [Some(0.1), None, Some(0.0)]);
        // Shorter than a column, and within one that is known.
        graph.add((0.25, 0.2501), [Some(0.9), None, None]);
        // Before and after the part that is shown, and at its very end.
        graph.add((-0.5, -0.4), [Some(1.0); 3]);
        graph.add((1.1, 1.2), [Some(1.0); 3]);
        graph.add((1.0, 1.0), [Some(0.3), Some(0.2), None]);
        assert_eq!(graph.most(0, (0.0, 0.2)), Some(0.1));
        assert_eq!(graph.most(0, (0.2, 0.3)), Some(0.9));
        assert_eq!(graph.most(0, (0.6, 0.9)), None);
        assert_eq!(graph.most(1, (0.0, 0.9)), None);
        assert_eq!(graph.most(2, (0.0, 1.0)), Some(0.0));
        assert_eq!(graph.most(1, (0.999, 1.0)), Some(0.2));
    }
}
