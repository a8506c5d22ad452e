//! The table of a live view: the processes, and those that exited in the last minute, sorted by
//! a column, flat or as a tree.

mod column;
mod dead;
mod row;
#[cfg(test)]
mod tests;
mod tree;

use rustc_hash::FxHashSet;

pub(crate) use self::{column::Column, dead::RecentlyDead, row::Tone};
use self::{row::Row, tree::below_parents};
use super::Context;
use crate::model::{Process, Scope, Snapshot, State, TaskId, Thread, count_text};

/// How the table is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TableOrder {
    pub(crate) column: Column,
    /// Whether the usual order of the column is turned around.
    pub(crate) is_reversed: bool,
    /// Whether children are below their parents.
    pub(crate) is_tree: bool,
}

impl Default for TableOrder {
    /// Who uses most CPU is at the top.
    fn default() -> Self {
        Self {
            column: Column::Cpu,
            is_reversed: false,
            is_tree: false,
        }
    }
}

/// Deeper rows of a tree are not indented further.
const DEEPEST: usize = 20;

/// Decides whether the filter shows a process that has exited.
pub(crate) type ShowsDead<'a> = &'a dyn Fn(&Process, &Thread) -> bool;

/// The rows in their order.
pub(crate) struct Table<'a> {
    rows: Vec<Row<'a>>,
    /// Number of lives that exited and are not listed.
    others: u64,
    /// How much of the last minute was watched, ns.
    watched_ns: u64,
}

/// A row with its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableRow {
    pub(crate) id: TaskId,
    pub(crate) tone: Tone,
    /// Number of its ancestors in the table, if this is a tree.
    pub(crate) depth: usize,
    pub(crate) cells: Vec<String>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        (dead, shows): (&'a RecentlyDead, ShowsDead<'_>),
        order: TableOrder,
        context: &Context<'_>,
    ) -> Self {
        let living = snapshot.tasks(Scope::Processes);
        let living = living.filter(|task| task.state() != State::Dead);
        let mut rows: Vec<Row<'_>> = living.map(|task| Row::of_living(&task, context)).collect();
        // A zombie has exited and is listed.
        let listed: FxHashSet<TaskId> = rows.iter().map(|row| row.id).collect();
        let (others, watched_ns) = (dead.others(), dead.watched_ns());
        let dead = dead
            .iter()
            .filter(|dead| !listed.contains(&dead.process.id));
        let shown = dead.filter(|dead| shows(&dead.process, &dead.thread));
        let now_ns = snapshot.stamp.boot_ns;
        rows.extend(shown.map(|dead| Row::of_dead(dead, now_ns, context)));
        rows.sort_unstable_by(|one, two| one.order(two, (order.column, order.is_reversed)));
        if order.is_tree {
            rows = below_parents(rows);
        }
        Self {
            rows,
            others,
            watched_ns,
        }
    }

    /// The ids of the processes, from top to bottom.
    pub(crate) fn ids(&self) -> Vec<TaskId> {
        self.rows.iter().map(|row| row.id).collect()
    }

    /// What the table holds: `214 processes; exited in the last 60 s: 12`.
    pub(crate) fn title(&self) -> String {
        let over = self.rows.iter().filter(|row| row.is_over()).count();
        let alive = match self.rows.len() - over {
            1 => "1 process".to_owned(),
            alive => format!("{} processes", count_text(alive as u64)),
        };
        let others = match self.others {
            0 => String::new(),
            others => format!(", and {} that are not listed", count_text(others)),
        };
        match (over, self.others) {
            (0, 0) => alive,
            (over, _) => format!(
                "{alive}; exited in the last {} s: {}{others}",
                self.watched_ns / 1_000_000_000,
                count_text(over as u64)
            ),
        }
    }

    /// A row, from the top.
    pub(crate) fn row(
        &self,
        index: usize,
        columns: &[Column],
        context: &Context<'_>,
    ) -> Option<TableRow> {
        let row = self.rows.get(index)?;
        let cells = columns.iter().map(|column| row.cell(*column, context));
        Some(TableRow {
            id: row.id,
            tone: row.tone,
            depth: row.depth.min(DEEPEST),
            cells: cells.collect(),
        })
    }
}
