//! Draws snapshots as scenes. All functions are pure, do no I/O and cannot fail.

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
mod largest;
mod lines;
mod margin;
mod numbers;
mod oklab;
mod palette;
mod path_end;
mod report;
mod sorting;
#[cfg(test)]
mod stays;
mod table;
mod timeline;
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
pub(crate) use largest::{foremost, largest};
pub(crate) use lines::Series;
pub use lines::{ANGLE, Lines, LinesOptions};
pub(crate) use margin::{heading, quiet, subject};
pub use palette::{ColorError, Colors, Palette, PaletteKind, Theme, parse_color};
pub use report::{facts, report};
pub use sorting::Sorting;
pub(crate) use table::{Column, RecentlyDead, Table, TableOrder, TableRow, Tone};
pub use timeline::{HeatOf, HeatOptions, HeatRows, Timeline, TimelineOptions};
pub(crate) use timeline::{LifeCell, LifeRows, LifeSign};

use crate::{
    model::{Args, TaskId, TaskView, Untrusted},
    scene::Font,
};

/// The plot area of a picture of this size: left, top, right, bottom, in pixels.
#[cfg(feature = "window")]
pub(crate) fn plot_of((width, height): (f32, f32)) -> (f32, f32, f32, f32) {
    let (right, bottom) = (
        width - margin::width((width, height)),
        height - foot::height((width, height)),
    );
    (0.0, head::HEIGHT, right, bottom)
}

/// Input of a chart besides the snapshot.
pub struct Context<'a> {
    /// Font for measuring text.
    pub font: &'a Font,
    /// Returns the name of a user id. `None` is a user id that could not be read.
    pub user: &'a dyn Fn(Option<u32>) -> Arc<str>,
    /// The period that the picture shows, in local time with the time zone; in a live view
    /// the time of the last sample.
    pub time: String,
    /// Whether the picture is part of a live view.
    pub is_live: bool,
    /// What the picture is restricted to, such as `user www-data`: the filter and the
    /// command, each escaped for a picture.
    pub selection: Vec<String>,
    /// Width and height of the picture, in pixels.
    pub size: (f32, f32),
    /// Whether labels show the arguments, which can contain secrets.
    pub arguments: Arguments,
}

/// Whether labels show the arguments of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arguments {
    /// Labels show only the name.
    #[default]
    Hidden,
    /// Labels show the arguments instead of the name, if the arguments are known.
    Shown,
}

impl Context<'_> {
    /// The label `name pid · user: arguments` of a task, escaped for a picture.
    fn name(&self, task: &TaskView<'_>, user: &str) -> String {
        let command = (task.name(), task.process.args.as_deref());
        self.label(task.id(), user, command)
    }

    /// A process or group and its user: `reporter 42 · www-data`.
    fn with_user(&self, who: &str, uid: Option<u32>) -> String {
        let user = (self.user)(uid);
        format!("{who} · {}", Untrusted::new(user.as_bytes()).picture())
    }

    /// The same label from name and arguments, for a task that can be gone.
    fn label(
        &self,
        id: TaskId,
        user: &str,
        (name, args): (Untrusted<'_>, Option<&[u8]>),
    ) -> String {
        let user = Untrusted::new(user.as_bytes()).picture();
        let args = args.filter(|_| self.arguments == Arguments::Shown);
        let args = args.map_or_else(String::new, |args| {
            format!(": {}", Untrusted::new(&Args::new(args).line()).picture())
        });
        format!("{} {} · {user}{args}", name.picture(), id.tid)
    }
}
