//! Wraps the three kinds of charts in one type, for code that draws any of them.

use super::{Bubble, Context, Grid, Lines, Theme};
use crate::{
    model::{Scope, Snapshot},
    scene::Scene,
    trails::Past,
};

/// A grid, bubble or line chart.
pub(crate) enum Chart {
    Grid(Grid),
    Bubble(Bubble),
    Lines(Lines),
}

impl Chart {
    pub(crate) fn observe(&mut self, snapshot: &Snapshot) {
        match self {
            Self::Grid(_) => {}
            Self::Bubble(bubble) => bubble.observe(snapshot),
            Self::Lines(lines) => lines.observe(snapshot),
        }
    }

    /// Takes over the history before the next samples. Only the line chart uses it.
    pub(crate) fn recall(&mut self, past: &Past) {
        match self {
            Self::Grid(_) | Self::Bubble(_) => {}
            Self::Lines(lines) => lines.recall(past),
        }
    }

    /// Makes an empty chart with the same options and another theme.
    pub(crate) fn in_theme(&self, theme: Theme) -> Self {
        match self {
            Self::Grid(grid) => Self::Grid(grid.in_theme(theme)),
            Self::Bubble(bubble) => Self::Bubble(bubble.in_theme(theme)),
            Self::Lines(lines) => Self::Lines(lines.in_theme(theme)),
        }
    }

    /// The same chart for threads or for processes.
    pub(crate) fn in_scope(self, scope: Scope) -> Self {
        match self {
            Self::Grid(grid) => Self::Grid(grid.in_scope(scope)),
            Self::Bubble(bubble) => Self::Bubble(bubble.in_scope(scope)),
            Self::Lines(lines) => Self::Lines(lines.in_scope(scope)),
        }
    }

    pub(crate) fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        match self {
            Self::Grid(grid) => grid.draw(snapshot, context),
            Self::Bubble(bubble) => bubble.draw(snapshot, context),
            Self::Lines(lines) => lines.draw(snapshot, context),
        }
    }
}
