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

/// Decides whether the filter shows a process that has exited.
pub(crate) type ShowsDead<'a> = &'a dyn Fn(&Process, &Thread) -> bool;

/// The rows in their order.
pub(crate) struct Table<'a> {
    rows: Vec<Row<'a>>,
    others: u64,
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
        Self { rows, others: 0 }
    }

    /// Says how many lives of the last minute are not listed.
    #[must_use]
    pub(crate) fn with_others(mut self, dead: &RecentlyDead) -> Self {
        self.others = dead.others();
        self
    }

    /// The ids of the processes, from top to bottom.
    pub(crate) fn ids(&self) -> Vec<TaskId> {
        self.rows.iter().map(|row| row.id).collect()
    }

    /// What the table holds: `214 processes; exited in the last minute: 12`.
    pub(crate) fn title(&self) -> String {
        let over = self.rows.iter().filter(|row| row.is_over()).count();
        let alive = match self.rows.len() - over {
            1 => "1 process".to_owned(),
            alive => format!("{} processes", count_text(alive as u64)),
        };
        let others = match self.others {
            0 => String::new(),
            others => format!(
                ", and {} short ones that are not listed",
                count_text(others)
            ),
        };
        match (over, others.is_empty()) {
            (0, true) => alive,
            (over, _) => format!(
                "{alive}; exited in the last minute: {}{others}",
                count_text(over as u64)
            ),
        }
    }

    /// The id, the look and the texts of a row, from the top.
    pub(crate) fn row(
        &self,
        index: usize,
        columns: &[Column],
        context: &Context<'_>,
    ) -> Option<(TaskId, Tone, Vec<String>)> {
        let row = self.rows.get(index)?;
        let cells = columns.iter().map(|column| row.cell(*column, context));
        Some((row.id, row.tone, cells.collect()))
    }
}
