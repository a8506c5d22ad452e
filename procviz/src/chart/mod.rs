//! Draws snapshots as scenes: pure functions, without I/O, that cannot fail.

mod foot;
#[cfg(test)]
mod golden;
mod grid;
mod grouping;
mod head;
mod margin;
mod numbers;
mod oklab;
mod palette;
mod report;

use std::sync::Arc;

pub use grid::{Grid, GridOptions};
pub use grouping::Grouping;
pub use palette::{ColorError, Colors, Palette, Theme, parse_color};
pub use report::report;

use crate::scene::Font;

/// What a chart needs beside the snapshot.
pub struct Context<'a> {
    /// Measures text.
    pub font: &'a Font,
    /// Names a user; `None` is one that could not be read.
    pub user: &'a dyn Fn(Option<u32>) -> Arc<str>,
    /// Local time of the snapshot, with its zone.
    pub time: String,
    /// Pixels.
    pub size: (f32, f32),
}
