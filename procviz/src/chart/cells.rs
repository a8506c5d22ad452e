//! The grid in character cells: a cell per task, for terminals.

use std::sync::Arc;

use super::{
    Context,
    grid::{Places, short_lives_without_dot},
    grouping::{Grouping, Groups, shown},
    head::Counts,
    oklab::mix,
    palette::Palette,
    sorting::Sorting,
};
use crate::{
    model::{Activity, Scope, Snapshot, State, TaskId, TaskView, count_text},
    scene::Color,
};

/// A task's cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dot {
    pub(crate) id: TaskId,
    pub(crate) column: usize,
    /// From the top of the whole, not of the screen; in half cells where
    /// [`Cells::is_half`].
    pub(crate) row: usize,
    /// By RSS: 0 is the smallest of five.
    pub(crate) size: usize,
    pub(crate) color: Color,
    pub(crate) activity: Activity,
    pub(crate) state: State,
    pub(crate) ran: bool,
}

/// A group's name and count, at its first row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    /// In whole cells.
    pub(crate) row: usize,
    pub(crate) name: String,
    pub(crate) count: String,
}

/// What fits where, from the roomiest to the densest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Density {
    #[default]
    Whole,
    /// Two tasks a cell, one above the other.
    Half,
    /// Sleeping kernel threads are counted instead of shown, too.
    Folded,
}

/// Whether a group that is laid out for the first time has room to grow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spare {
    Some,
    None,
}

/// The grid as cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cells {
    pub(crate) dots: Vec<Dot>,
    pub(crate) labels: Vec<Label>,
    /// Rows of the whole, in cells; what is more than the room is to be scrolled.
    pub(crate) rows: usize,
    pub(crate) is_half: bool,
    /// Sleeping kernel threads that are not shown.
    pub(crate) folded: u64,
    /// Short lives that are not shown.
    pub(crate) ended: u64,
}

impl Cells {
    /// What is not as in a roomy grid, for the head.
    pub(crate) fn notes(&self) -> String {
        let mut notes = String::new();
        if self.is_half {
            notes.push_str("two tasks a cell  ·  ");
        }
        if self.folded > 0 {
            let count = count_text(self.folded);
            notes.push_str(&format!("{count} sleeping kernel threads not shown  ·  "));
        }
        notes
    }
}

/// A grid that keeps its tasks' cells from frame to frame.
pub(crate) struct CellGrid {
    scope: Scope,
    grouping: Grouping,
    sorting: Sorting,
    palette: Palette,
    idle: Color,
    places: Places,
    density: Density,
    /// Lines that each group has had, by its number: it does not shrink, so
    /// that those below stay where they are.
    lines: Vec<usize>,
    columns: usize,
}

/// Sizes of a cell's sign.
pub(crate) const SIZES: usize = 5;

impl CellGrid {
    pub(crate) fn new(
        scope: Scope,
        grouping: Grouping,
        sorting: Sorting,
        palette: Palette,
    ) -> Self {
        Self {
            scope,
            grouping,
            sorting,
            idle: idle_in_cells(&palette),
            palette,
            places: Places::default(),
            density: Density::default(),
            lines: Vec::new(),
            columns: 0,
        }
    }

    /// Lays a snapshot out in so many columns and rows; counts what it sees.
    pub(crate) fn draw(
        &mut self,
        snapshot: &Snapshot,
        context: &Context<'_>,
        (columns, height): (usize, usize),
    ) -> (Cells, Counts) {
        let columns = columns.max(1);
        let groups = Groups::new(self.grouping, snapshot);
        let mut counts = Counts::new(snapshot);
        let mut largest = 0;
        for task in snapshot.tasks(self.scope).filter(is_shown) {
            counts.add(&task);
            largest = largest.max(task.process.rss.unwrap_or(0));
        }
        let short = short_lives_without_dot(snapshot, self.scope);
        let mut cells;
        if self.columns != columns {
            self.columns = columns;
            self.lines.clear();
        }
        loop {
            let folds = self.density == Density::Folded;
            let scope = self.scope;
            let tasks = || {
                snapshot.tasks(scope).filter(|task| {
                    let is_folded = (folds && sleeps_in_kernel(task)) || short.contains(&task.id());
                    is_shown(task) && !is_folded
                })
            };
            self.places.update(tasks(), |task| groups.key(task));
            self.places.arrange(self.sorting, tasks());
            let mut order;
            (cells, order) = self.lay(&groups, context, Spare::Some);
            if cells.rows > height {
                self.lines.clear();
                (cells, order) = self.lay(&groups, context, Spare::None);
            }
            if cells.rows > height && self.density < Density::Folded {
                self.lines.clear();
                self.density = match self.density {
                    Density::Whole => Density::Half,
                    _ => Density::Folded,
                };
                continue;
            }
            self.put(&mut cells, &order, tasks(), (largest, columns));
            break;
        }
        let folds = snapshot.folds.iter().map(|fold| fold.count);
        cells.ended = short.len() as u64 + folds.sum::<u64>();
        if self.density == Density::Folded {
            let folded = snapshot.tasks(self.scope).filter(sleeps_in_kernel);
            cells.folded = folded.count() as u64;
        }
        self.relax(snapshot, columns, height);
        (cells, counts)
    }

    /// The next frame is roomier when everything fits with a tenth to spare.
    fn relax(&mut self, snapshot: &Snapshot, columns: usize, height: usize) {
        let tasks = snapshot.tasks(self.scope).filter(is_shown).count();
        let groups = self.places.groups().len();
        let room = height * 9 / 10;
        let whole = tasks.div_ceil(columns) + groups;
        let roomy = if whole <= room {
            Density::Whole
        } else if whole.div_ceil(2) + groups <= room {
            self.density.min(Density::Half)
        } else {
            self.density
        };
        if roomy != self.density {
            self.density = roomy;
            self.lines.clear();
        }
    }

    /// Where each group begins, in order of name, and which group that is.
    fn lay(
        &mut self,
        groups: &Groups<'_>,
        context: &Context<'_>,
        spare: Spare,
    ) -> (Cells, Vec<usize>) {
        let is_half = self.density != Density::Whole;
        self.lines.resize(self.places.groups().len(), 0);
        let named = self.places.groups().iter().enumerate();
        let mut named: Vec<(Arc<str>, usize)> = named
            .filter(|(index, group)| group.is_shown() || self.lines[*index] > 0)
            .map(|(index, group)| (groups.name(&group.key, context), index))
            .collect();
        named.sort_unstable();
        let mut cells = Cells {
            is_half,
            ..Cells::default()
        };
        for (name, index) in &named {
            let group = &self.places.groups()[*index];
            let lines = &mut self.lines[*index];
            let spare = match spare {
                Spare::Some if *lines == 0 => group.len() / 8 + 4,
                _ => 0,
            };
            let needed = (group.len() + spare).div_ceil(self.columns).max(1);
            *lines = needed.max(*lines);
            cells.labels.push(Label {
                row: cells.rows,
                name: shown(name, &group.key),
                count: count_text(group.alive as u64),
            });
            cells.rows += if is_half { lines.div_ceil(2) } else { *lines };
        }
        (cells, named.into_iter().map(|(_, index)| index).collect())
    }

    fn put<'a>(
        &self,
        cells: &mut Cells,
        order: &[usize],
        tasks: impl Iterator<Item = TaskView<'a>>,
        (largest, columns): (u64, usize),
    ) {
        let mut first = vec![None; self.places.groups().len()];
        for (label, index) in cells.labels.iter().zip(order) {
            first[*index] = Some(label.row);
        }
        for task in tasks {
            let Some((group, place)) = self.places.home(&task) else {
                continue;
            };
            let Some(row) = first[group] else { continue };
            let row = if cells.is_half { row * 2 } else { row };
            cells.dots.push(Dot {
                id: task.id(),
                column: place % columns,
                row: row + place / columns,
                size: self.size(&task, largest),
                color: self.color(&task),
                activity: task.activity(),
                state: task.state(),
                ran: task.change().ran,
            });
        }
    }

    fn color(&self, task: &TaskView<'_>) -> Color {
        match (task.activity(), task.change().ran) {
            (Activity::Idle, false) => self.idle,
            (Activity::Idle, true) => self.palette.faint,
            (activity, ran) => self.palette.shade(activity, task.cpu_share(), ran),
        }
    }

    /// Of five sizes by the root of RSS, as areas are in a picture; only a
    /// leader carries what threads share.
    fn size(&self, task: &TaskView<'_>, largest: u64) -> usize {
        let shares = self.scope == Scope::Threads && !task.is_leader();
        let rss = if shares {
            0
        } else {
            task.process.rss.unwrap_or(0)
        };
        let part = (rss as f64 / largest.max(1) as f64).sqrt();
        ((part * SIZES as f64) as usize).min(SIZES - 1)
    }
}

/// The colour of who is idle: a sign of one cell covers little, and what is
/// pale in a picture is not seen there.
pub(crate) fn idle_in_cells(palette: &Palette) -> Color {
    mix(palette.idle, palette.faint, 0.45)
}

fn is_shown(task: &TaskView<'_>) -> bool {
    task.exited() || task.state() != State::Dead
}

fn sleeps_in_kernel(task: &TaskView<'_>) -> bool {
    task.process.kthread && task.activity() == Activity::Idle && task.state() != State::Blocked
}
