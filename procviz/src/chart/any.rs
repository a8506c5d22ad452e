//! The methods of every chart, for code that draws any of them.

use super::{Context, Theme};
use crate::{
    model::{Scope, Snapshot, TaskId},
    scene::Scene,
    trails::Past,
};

/// A kind of chart. A chart keeps what it needs from one sample to the next; it does no
/// I/O, and cannot fail.
pub(crate) trait Chart {
    /// Takes in a sample. Must be called for each sample.
    fn observe(&mut self, snapshot: &Snapshot);

    /// Whether the chart shows what was before the last sample, too.
    fn shows_past(&self) -> bool {
        false
    }

    /// Whether the chart must see all samples of a recording: its trails are not enough.
    fn needs_all_samples(&self) -> bool {
        false
    }

    /// What the chart itself says of a mark; `None`: what the snapshot says of the task.
    fn about(&self, id: TaskId, context: &Context<'_>) -> Option<String> {
        _ = (id, context);
        None
    }

    /// Takes over the history before the next samples.
    fn recall(&mut self, past: &Past) {
        _ = past;
    }

    /// Makes an empty chart with the same options and another theme.
    fn in_theme(&self, theme: Theme) -> Box<dyn Chart>;

    /// The same chart for threads or for processes. Call it before the first sample.
    fn in_scope(self: Box<Self>, scope: Scope) -> Box<dyn Chart>;

    /// The same chart for a series of pictures: a task keeps its place.
    fn in_series(self: Box<Self>) -> Box<dyn Chart>;

    /// Draws a snapshot.
    fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene;
}
