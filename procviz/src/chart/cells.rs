//! Lays out the grid in character cells for terminals, one cell per task.

use std::sync::Arc;

use super::{
    Context,
    grid::{Places, Shown},
    grouping::{Grouping, Groups, group_name},
    head::Counts,
    oklab::mix,
    palette::Palette,
    sorting::Sorting,
};
use crate::{
    model::{Activity, Scope, Snapshot, State, TaskId, TaskView, count_text},
    scene::Color,
};

/// The cell of a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dot {
    pub(crate) id: TaskId,
    pub(crate) column: usize,
    /// Row from the top of the whole grid, not of the screen. In half cells if
    /// [`Cells::is_half`].
    pub(crate) row: usize,
    /// Size by RSS, 0 to 4; 0 is the smallest.
    pub(crate) size: usize,
    pub(crate) color: Color,
    pub(crate) activity: Activity,
    pub(crate) state: State,
    pub(crate) ran: bool,
}

/// Name and count of a group, in its first row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    /// Row from the top of the whole grid, in whole cells.
    pub(crate) row: usize,
    pub(crate) name: String,
    pub(crate) count: String,
}

/// The density of the grid, from the lowest to the highest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Density {
    #[default]
    Whole,
    /// Two tasks per cell, one above the other.
    Half,
    /// As `Half`, and sleeping kernel threads are only counted, not shown.
    Folded,
}

/// Whether a group gets extra lines to grow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spare {
    Some,
    None,
}

/// Lines with tasks of one group, one below the other.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Index of the group.
    group: usize,
    /// First place of the group in this piece.
    from: usize,
    lines: usize,
}

/// Allowed number of places beyond three times the number of tasks.
const WASTE: usize = 1_500;

/// The grid as cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cells {
    pub(crate) dots: Vec<Dot>,
    pub(crate) labels: Vec<Label>,
    /// Height of the whole grid, in cells. A grid that is higher than the screen is
    /// scrolled.
    pub(crate) rows: usize,
    pub(crate) is_half: bool,
    /// Number of sleeping kernel threads that are not shown.
    pub(crate) folded: u64,
    /// Number of short-lived tasks that are not shown.
    pub(crate) ended: u64,
}

impl Cells {
    /// The text for the head about reduced detail; empty if the grid has enough room.
    pub(crate) fn notes(&self) -> String {
        let mut notes = String::new();
        if self.is_half {
            notes.push_str("two tasks per cell  ·  ");
        }
        if self.folded > 0 {
            let count = count_text(self.folded);
            notes.push_str(&format!("sleeping kernel threads not shown: {count}  ·  "));
        }
        notes
    }
}

/// A grid in cells. Tasks keep their cells from frame to frame.
pub(crate) struct CellGrid {
    scope: Scope,
    grouping: Grouping,
    sorting: Sorting,
    palette: Palette,
    idle: Color,
    places: Places,
    density: Density,
    /// The pieces from top to bottom. They stay in place. A group that is new, or that
    /// has outgrown its lines, gets lines below all others.
    pieces: Vec<Piece>,
    columns: usize,
}

/// Number of symbol sizes of a cell.
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
            pieces: Vec::new(),
            columns: 0,
        }
    }

    /// Lays out a snapshot in the given columns and rows. Returns the cells and the
    /// counts of tasks.
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
        let Shown {
            tasks: shown,
            folded,
        } = Shown::new(snapshot, self.scope);
        for task in shown.iter().chain(&folded) {
            counts.add(task);
            largest = largest.max(task.process.rss.unwrap_or(0));
        }
        let mut cells;
        if self.columns != columns {
            self.columns = columns;
            self.pieces.clear();
        }
        loop {
            let folds = self.density == Density::Folded;
            let tasks = || {
                let shown = shown.iter().copied();
                shown.filter(|task| !(folds && sleeps_in_kernel(task)))
            };
            self.places.update(tasks(), |task| groups.key(task));
            self.places.arrange(self.sorting, tasks());
            // What a group needed in a burst is empty after it. Only the last pieces go: nothing
            // below them moves.
            while self
                .pieces
                .pop_if(|last| is_empty(last, &self.places))
                .is_some()
            {}
            let kept = self.pieces.clone();
            self.give_lines(&groups, context, Spare::Some);
            if self.rows() > height || self.is_too_empty() {
                self.pieces.clear();
                self.give_lines(&groups, context, Spare::Some);
            }
            if self.rows() > height {
                self.pieces.clear();
                self.give_lines(&groups, context, Spare::None);
            }
            if self.rows() > height && self.density < Density::Folded {
                self.pieces.clear();
                self.density = match self.density {
                    Density::Whole => Density::Half,
                    _ => Density::Folded,
                };
                continue;
            }
            if self.rows() > height {
                // A scrolled grid has room to grow.
                self.pieces = kept;
                if self.is_too_empty() {
                    self.pieces.clear();
                }
                self.give_lines(&groups, context, Spare::Some);
            }
            cells = self.cells(&groups, context);
            self.put(&mut cells, tasks(), (largest, columns));
            break;
        }
        let folds = snapshot.folds.iter().map(|fold| fold.count);
        cells.ended = folded.len() as u64 + folds.sum::<u64>();
        if self.density == Density::Folded {
            let asleep = shown.iter().filter(|task| sleeps_in_kernel(task));
            cells.folded = asleep.count() as u64;
        }
        self.relax(shown.len() + folded.len(), columns, height);
        (cells, counts)
    }

    /// Lowers the density of the next frame if all tasks then fit into nine tenths of
    /// the height.
    fn relax(&mut self, tasks: usize, columns: usize, height: usize) {
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
            self.pieces.clear();
        }
    }

    /// Gives lines to all groups that have too few, in order of name.
    fn give_lines(&mut self, groups: &Groups<'_>, context: &Context<'_>, spare: Spare) {
        let all = self.places.groups();
        let mut given = vec![0; all.len()];
        for piece in &self.pieces {
            given[piece.group] = piece.from + piece.lines * self.columns;
        }
        let mut without: Vec<(Arc<str>, usize)> = all
            .iter()
            .enumerate()
            .filter(|(index, group)| group.is_shown() && group.len() > given[*index])
            .map(|(index, group)| (groups.name(&group.key, context), index))
            .collect();
        without.sort_unstable();
        for (_, group) in without {
            // The last piece grows in place.
            let last = self.pieces.pop_if(|last| last.group == group);
            let from = last.map_or(given[group], |last| last.from);
            let len = all[group].len() - from;
            let spare = match spare {
                Spare::Some => len / 8 + 4,
                Spare::None => 0,
            };
            self.pieces.push(Piece {
                group,
                from,
                lines: (len + spare).div_ceil(self.columns),
            });
        }
    }

    /// Height of a piece, in cells.
    fn rows_of(&self, piece: &Piece) -> usize {
        match self.density {
            Density::Whole => piece.lines,
            Density::Half | Density::Folded => piece.lines.div_ceil(2),
        }
    }

    fn rows(&self) -> usize {
        self.pieces.iter().map(|piece| self.rows_of(piece)).sum()
    }

    /// Whether most of the given places are free now.
    fn is_too_empty(&self) -> bool {
        let lines: usize = self.pieces.iter().map(|piece| piece.lines).sum();
        let tasks: usize = self.places.groups().iter().map(|group| group.len()).sum();
        let labels = self.pieces.len();
        lines.saturating_sub(labels) * self.columns > tasks * 3 + WASTE
    }

    /// Makes the labels of the pieces. `put` adds the dots.
    fn cells(&self, groups: &Groups<'_>, context: &Context<'_>) -> Cells {
        let mut cells = Cells {
            is_half: self.density != Density::Whole,
            ..Cells::default()
        };
        for piece in &self.pieces {
            let group = &self.places.groups()[piece.group];
            let name = group_name(&groups.name(&group.key, context), &group.key);
            let (name, count) = match piece.from {
                _ if is_empty(piece, &self.places) => (String::new(), String::new()),
                0 => (name, count_text(group.alive as u64)),
                _ => (format!("{name}, more"), String::new()),
            };
            cells.labels.push(Label {
                row: cells.rows,
                name,
                count,
            });
            cells.rows += self.rows_of(piece);
        }
        cells
    }

    fn put<'a>(
        &self,
        cells: &mut Cells,
        tasks: impl Iterator<Item = TaskView<'a>>,
        (largest, columns): (u64, usize),
    ) {
        // For each group the first row and the first place of its pieces, last piece first.
        let mut pieces = vec![Vec::new(); self.places.groups().len()];
        for (label, piece) in cells.labels.iter().zip(&self.pieces).rev() {
            pieces[piece.group].push((label.row, piece.from));
        }
        for task in tasks {
            let Some((group, place)) = self.places.home(&task) else {
                continue;
            };
            let piece = pieces[group].iter().find(|(_, from)| *from <= place);
            let Some((row, from)) = piece else { continue };
            let place = place - from;
            let row = if cells.is_half { row * 2 } else { *row };
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
            (Activity::Exited, _) if !task.crashed() => self.palette.faint,
            (activity, ran) => self.palette.shade(activity, task.cpu_share(), ran),
        }
    }

    /// One of five sizes by the square root of RSS, like the areas in a picture. Only
    /// the group leader shows the memory that its threads share.
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

/// The colour of idle tasks in a terminal. A symbol covers little of its cell, so the
/// pale colour of a picture would not be visible.
pub(crate) fn idle_in_cells(palette: &Palette) -> Color {
    mix(palette.idle, palette.faint, 0.45)
}

/// Whether a piece that continues a group has no task.
fn is_empty(piece: &Piece, places: &Places) -> bool {
    piece.from > 0 && piece.from >= places.groups()[piece.group].len()
}

fn sleeps_in_kernel(task: &TaskView<'_>) -> bool {
    task.process.kthread && task.activity() == Activity::Idle && task.state() != State::Blocked
}
