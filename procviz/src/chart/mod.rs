//! Draws snapshots as scenes: pure functions, without I/O, that cannot fail.

mod any;
mod axis;
mod bubble;
mod cells;
mod foot;
#[cfg(test)]
mod golden;
mod grid;
mod grouping;
mod head;
mod labels;
mod lines;
mod margin;
mod numbers;
mod oklab;
mod palette;
mod report;
mod sorting;
#[cfg(test)]
mod stays;
mod users;

use std::sync::Arc;

pub(crate) use any::Chart;
pub(crate) use axis::{share_at, share_end, share_ticks};
pub(crate) use bubble::Interesting;
pub use bubble::{Bubble, BubbleOptions};
pub(crate) use cells::{CellGrid, Cells, SIZES, idle_in_cells};
pub(crate) use foot::ground;
pub use grid::{Grid, GridOptions};
pub use grouping::Grouping;
pub(crate) use head::{Counts, Words, words};
pub(crate) use lines::Series;
pub use lines::{ANGLE, Lines, LinesOptions};
pub(crate) use margin::quiet;
pub use palette::{ColorError, Colors, Palette, PaletteKind, Theme, parse_color};
pub use report::{facts, report};
pub use sorting::Sorting;

use crate::{
    model::{Comm, TaskId, TaskView, Untrusted},
    scene::Font,
};

/// Where a picture of this size has its plot: left, top, right, bottom, pixels.
#[cfg(feature = "window")]
pub(crate) fn plot_of((width, height): (f32, f32)) -> (f32, f32, f32, f32) {
    let (right, bottom) = (width - margin::WIDTH, height - foot::HEIGHT);
    (0.0, head::HEIGHT, right, bottom)
}

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
    /// Whether names are followed by arguments, which may hold secrets.
    pub arguments: Arguments,
}

/// Whether arguments are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arguments {
    /// The name alone.
    #[default]
    Hidden,
    /// The arguments in place of the name, where they are known.
    Shown,
}

impl Context<'_> {
    /// `pid user command` of a task, as a picture may show it.
    fn name(&self, task: &TaskView<'_>, user: &str) -> String {
        let command = (task.thread.comm, task.process.args.as_deref());
        self.label(task.id(), user, command)
    }

    /// The same of one who may be gone: name and arguments.
    fn label(&self, id: TaskId, user: &str, (comm, args): (Comm, Option<&[u8]>)) -> String {
        let user = Untrusted::new(user.as_bytes()).picture();
        let command = match args.filter(|_| self.arguments == Arguments::Shown) {
            Some(args) => {
                let args = args.strip_suffix(b"\0").unwrap_or(args);
                let line: Vec<u8> = args
                    .iter()
                    .map(|byte| if *byte == 0 { b' ' } else { *byte })
                    .collect();
                Untrusted::new(&line).picture()
            }
            None => comm.text().picture(),
        };
        format!("{} {user} {command}", id.tid)
    }
}
