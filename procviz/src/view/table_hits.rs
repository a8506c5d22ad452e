//! Maps positions on the screen to rows and headings of the table.

use super::boxes::Bounds;
use crate::{chart::Column, model::TaskId};

/// Where the table is, and what it holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TableHits {
    pub(crate) room: Option<Bounds>,
    /// The rows that are visible.
    pub(crate) rows: Vec<(Bounds, TaskId)>,
    /// The headings.
    pub(crate) columns: Vec<(Bounds, Column)>,
    /// All rows, from top to bottom.
    pub(crate) order: Vec<TaskId>,
    /// The processes of the tasks with open popups; that of the selected one is the last.
    pub(crate) marked: Vec<TaskId>,
}

impl TableHits {
    /// Whether a position is in the table.
    pub(crate) fn contains(&self, x: f32, y: f32) -> bool {
        self.room.is_some_and(|room| is_in(room, (x, y)))
    }

    /// The row at a position.
    pub(super) fn row(&self, at: (f32, f32)) -> Option<TaskId> {
        let row = self.rows.iter().find(|(place, _)| is_in(*place, at));
        row.map(|(_, id)| *id)
    }

    /// The heading at a position.
    pub(super) fn column(&self, at: (f32, f32)) -> Option<Column> {
        let column = self.columns.iter().find(|(place, _)| is_in(*place, at));
        column.map(|(_, column)| *column)
    }
}

/// Whether a position is in a box.
pub(super) fn is_in((left, top, right, bottom): Bounds, (x, y): (f32, f32)) -> bool {
    (left..right).contains(&x) && (top..bottom).contains(&y)
}
