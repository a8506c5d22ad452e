//! The table of processes in a live view: how it is sorted, and what of it is visible.

use crate::{
    chart::{Column, Context, Table, TableOrder, TableRow},
    model::TaskId,
};

/// The state of the table.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableView {
    pub(crate) is_open: bool,
    pub(crate) order: TableOrder,
    /// Number of rows above the visible ones.
    top: usize,
    /// The task whose process must become visible.
    pub(crate) goal: Option<TaskId>,
    /// Part of a row by which a touchpad has moved the table.
    part: f32,
}

/// What is visible of the table.
#[derive(Clone, Debug)]
pub(crate) struct ShownTable {
    /// What the table holds, and how it is sorted.
    pub(crate) title: String,
    pub(crate) order: TableOrder,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<TableRow>,
    /// All rows, from top to bottom.
    pub(crate) ids: Vec<TaskId>,
    /// The processes of the tasks with open popups.
    pub(crate) marked: Vec<TaskId>,
}

impl TableView {
    /// Sorts by a column; by the same column once more: in the other direction.
    pub(crate) fn sort_by(&mut self, column: Column) {
        let is_same = self.order.column == column;
        self.order.is_reversed = is_same && !self.order.is_reversed;
        self.order.column = column;
    }

    /// Moves the visible rows; down is positive.
    pub(crate) fn scroll(&mut self, rows: isize) {
        self.top = self.top.saturating_add_signed(rows);
    }

    /// Moves the visible rows by parts of rows; up is positive.
    #[cfg(feature = "window")]
    pub(crate) fn wheel(&mut self, rows: f32) {
        self.part -= rows;
        let whole = self.part.trunc();
        self.part -= whole;
        self.scroll(whole as isize);
    }

    /// The visible part of a table, for a room of so many characters and rows. `marked` are the
    /// processes of the tasks with open popups, `goal` is the process that must be visible.
    pub(crate) fn show(
        &mut self,
        table: &Table<'_>,
        (marked, goal): (Vec<TaskId>, Option<TaskId>),
        (room, rows): (usize, usize),
        context: &Context<'_>,
    ) -> ShownTable {
        let ids = table.ids();
        let place = goal.and_then(|goal| ids.iter().position(|id| *id == goal));
        if let Some(place) = place {
            let least = (place + 1).saturating_sub(rows);
            self.top = self.top.clamp(least, place);
        }
        self.goal = None;
        self.top = self.top.min(ids.len().saturating_sub(rows));
        let columns = Column::fitting(room);
        let visible = self.top..ids.len().min(self.top.saturating_add(rows));
        let rows = visible.filter_map(|index| table.row(index, &columns, context));
        let rows = rows.collect();
        let turned = if self.order.is_reversed {
            ", reversed"
        } else {
            ""
        };
        let tree = if self.order.is_tree {
            ", as a tree"
        } else {
            ""
        };
        let column = self.order.column.title();
        ShownTable {
            title: format!("{}; sorted by {column}{turned}{tree}", table.title()),
            order: self.order,
            columns,
            rows,
            ids,
            marked,
        }
    }
}
