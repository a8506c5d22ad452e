//! Writes names at dots: at all of few, else at those that stand out, and once for a row of
//! equal ones.

mod near;
mod runs;
mod standing;

use rustc_hash::{FxHashMap, FxHashSet};

use self::{
    near::Near,
    runs::{Likeness, Members, Run, runs},
    standing::{Standing, standing_out},
};
use super::news::News;
use crate::{
    chart::{
        Context,
        labels::{Box4, Labels},
        largest::Largest,
        margin,
        numbers::{Numbered, box_of},
        palette::Palette,
    },
    model::{Activity, Process, Scope, Snapshot, State, TaskId, Thread, Together},
    scene::{Anchor, Color, Item, Mark, Scene},
};

/// Upper limit for the dots that all have their names.
pub(super) const MOST_NAMED: usize = 150;
/// Width of a column of dots with their names, in pixels.
pub(super) const COLUMN: f32 = 132.0;
/// Least height of a row of dots with their names, in pixels.
pub(super) const ROW: f32 = 14.0;
/// Greatest height of such a row, in pixels.
pub(super) const LARGEST: f32 = 40.0;
const SIZE: f32 = 12.0;
/// Upper limit for the runs that are named.
const MOST_RUNS: usize = 40;
/// Widest name, in pixels.
const WIDEST: f32 = 260.0;
/// A dot of the grid.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) thread: &'a Thread,
    pub(super) process: &'a Process,
    /// Slot of the task in the snapshot.
    pub(super) slot: usize,
    /// Index of the mark in the scene.
    pub(super) mark: u32,
    /// Index of the group.
    pub(super) group: u32,
}

/// What names are drawn with.
pub(super) struct Names<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) palette: &'a Palette,
    /// Where dots and names can be.
    pub(super) bounds: Box4,
    /// Height of a row of dots, in pixels.
    pub(super) cell: f32,
    pub(super) scope: Scope,
}

/// A name that wants a place at its dot.
struct Wanted {
    /// The dot; of a run the last one, or the first if there is no room at the last.
    marks: [u32; 2],
    text: String,
    color: Color,
}

impl Names<'_> {
    /// Writes the name of each dot into its column.
    pub(super) fn of_all(
        &self,
        scene: &mut Scene,
        placed: &[Placed<'_>],
        snapshot: &Snapshot,
        wide: f32,
    ) {
        for Placed { slot, mark, .. } in placed {
            let task = snapshot.task_at(self.scope, *slot);
            let (Some(task), Some(mark)) = (task, mark_of(scene, *mark)) else {
                continue;
            };
            let (x, room) = (mark.x + self.cell / 2.0, wide - self.cell - 6.0);
            let font = self.context.font;
            let name = task.name().picture();
            let with_pid = format!("{name} {}", task.id().tid);
            let text = match font.width(&with_pid, SIZE) <= room {
                true => with_pid,
                false => font.fit(&name, SIZE, room),
            };
            let sleeps = matches!(task.state(), State::Sleeping | State::Idle);
            let is_quiet = sleeps && !task.change().ran;
            let color = if is_quiet {
                self.palette.faint
            } else {
                self.palette.ink
            };
            text_at(scene, (x + 2.0, mark.y + 4.0), color, text);
        }
    }

    /// Writes the names of the dots that stand out, and of runs of equal ones.
    pub(super) fn of_some(
        &self,
        scene: &mut Scene,
        placed: &[Placed<'_>],
        (snapshot, largest): (&Snapshot, &[Largest]),
        numbered: &[Numbered],
    ) {
        let (runs, members) = runs(placed, snapshot);
        for run in runs.iter().take(MOST_RUNS) {
            let run = &placed[run.from..run.until];
            self.bracket(scene, run, is_of_finding(run, snapshot));
        }
        let standing = standing_out(snapshot, largest);
        let wanted = self.wanted(placed, (&runs, &members, standing), snapshot);
        self.write(scene, wanted, numbered);
    }

    /// The names to write: first those of what stands out, then those of runs.
    fn wanted(
        &self,
        placed: &[Placed<'_>],
        (runs, members, standing): (&[Run<'_>], &Members<'_>, Vec<Standing>),
        snapshot: &Snapshot,
    ) -> Vec<Wanted> {
        let wanted_ids: FxHashSet<TaskId> = standing
            .iter()
            .flat_map(|of| of.dots.iter().copied())
            .collect();
        let places: FxHashMap<TaskId, usize> = placed
            .iter()
            .enumerate()
            .filter(|(_, placed)| wanted_ids.contains(&placed.thread.id))
            .map(|(place, placed)| (placed.thread.id, place))
            .collect();
        let news = News::new(snapshot);
        let text_of = |run: &Run<'_>, (who, figure): (Option<&str>, &str)| {
            let alike = members.get(&run.likeness);
            let alike = alike.map_or(&[][..], Vec::as_slice);
            runs::text(alike, (snapshot, self.scope), &news, (who, figure))
        };
        let ends = |run: &Run<'_>| [placed[run.until - 1].mark, placed[run.from].mark];
        let mut named: Vec<Likeness<'_>> = Vec::new();
        let mut wanted = Vec::new();
        let run_of = |place: usize| {
            let mut runs = runs.iter().take(MOST_RUNS);
            runs.find(|run| (run.from..run.until).contains(&place))
        };
        for standing in standing {
            let place_of = |dot| places.get(dot).copied();
            let Some(place) = standing.dots.iter().find_map(place_of) else {
                continue;
            };
            let figure = standing.figure.iter().map(|figure| {
                let sums = ["cores", "/s", "/s read", "/s written"];
                let is_sum = standing.is_group && sums.iter().any(|end| figure.ends_with(end));
                let together = if is_sum { " together" } else { "" };
                format!(", {figure}{together}")
            });
            let figure: String = figure.collect();
            let process = placed[place].process.id;
            let is_whole = |run: &&Run<'_>| {
                let mut run = placed[run.from..run.until].iter();
                standing.is_group || run.all(|placed| placed.process.id == process)
            };
            let (marks, text) = match run_of(place).filter(is_whole) {
                Some(run) if named.contains(&run.likeness) => continue,
                Some(run) => {
                    let who = standing.is_group.then_some(standing.who.as_str());
                    named.push(run.likeness);
                    (ends(run), text_of(run, (who, &figure)))
                }
                None => {
                    let is_new = news.has(placed[place].process) && !standing.is_group;
                    let new = if is_new { " (new)" } else { "" };
                    let text = format!("{}{new}{figure}", standing.who);
                    ([placed[place].mark; 2], text)
                }
            };
            let color = self.palette.ink;
            wanted.push(Wanted { marks, text, color });
        }
        for run in runs.iter().take(MOST_RUNS) {
            if !named.contains(&run.likeness) {
                named.push(run.likeness);
                wanted.push(Wanted {
                    marks: ends(run),
                    text: text_of(run, (None, "")),
                    color: self.palette.faint,
                });
            }
        }
        wanted
    }

    /// A line below the dots of a run, in each of its rows; in the colour of the numbers if a
    /// finding is about the run.
    fn bracket(&self, scene: &mut Scene, run: &[Placed<'_>], is_of_finding: bool) {
        let (width, color) = match is_of_finding {
            true => (2.0, self.palette.accent),
            false => (1.0, self.palette.idle),
        };
        let y = |placed: &Placed<'_>| mark_of(scene, placed.mark).map(|mark| mark.y);
        // The threads of a process have a line of their own.
        let is_alone = |placed: &Placed<'_>| {
            self.scope == Scope::Processes || placed.process.members.len() < 2
        };
        let touch = |a: &Placed<'_>, b: &Placed<'_>| {
            let is_one = a.process.id == b.process.id || (is_alone(a) && is_alone(b));
            y(a) == y(b) && is_one
        };
        let rows: Vec<_> = run.chunk_by(touch).collect();
        for row in rows {
            let (Some(first), Some(last)) = (row.first(), row.last()) else {
                continue;
            };
            let (Some(first), Some(last)) = (mark_of(scene, first.mark), mark_of(scene, last.mark))
            else {
                continue;
            };
            let half = self.cell * 0.4;
            let y = first.y + self.cell * 0.48;
            scene.items.push(Item::Line {
                points: vec![(first.x - half, y), (last.x + half, y)],
                width,
                color,
            });
            let is_leader = row
                .first()
                .is_some_and(|placed| placed.thread.id == placed.process.id);
            if is_leader && row.len() > 1 && is_dense(self.cell) {
                // So close, the gaps between the lines do not show.
                let x = first.x - self.cell * 0.5;
                scene.items.push(Item::Line {
                    points: vec![(x, y - self.cell), (x, y)],
                    width: 1.0,
                    color: self.palette.ink,
                });
            }
        }
    }

    /// Writes the names for which there is room, in the given order.
    fn write(&self, scene: &mut Scene, wanted: Vec<Wanted>, numbered: &[Numbered]) {
        let marks: Vec<Mark> = wanted
            .iter()
            .flat_map(|wanted| wanted.marks)
            .filter_map(|mark| mark_of(scene, mark))
            .collect();
        let near = Near::new(&marks, self.bounds);
        let around: Vec<&Mark> = scene.marks.iter().filter(|mark| near.has(mark)).collect();
        // Where dots are smaller than letters, there is no room between them. The names of what
        // stands out cover dots that do nothing, others cover none.
        let is_crowded = is_crowded(self.cell);
        let quiet = [self.palette.full(Activity::Idle), self.palette.ran];
        let is_quiet = |mark: &&&Mark| is_crowded && quiet.contains(&mark.color);
        let disc = |mark: &&Mark| (mark.x, mark.y, mark.r);
        let mut quiet: Option<Vec<_>> = Some(around.iter().filter(is_quiet).map(disc).collect());
        let around = around
            .iter()
            .filter(|mark| !is_quiet(mark))
            .map(disc)
            .collect();
        let numbers = numbered.iter().map(|numbered| numbered.at);
        let taken = scene.items.iter().filter_map(box_of).chain(numbers);
        let taken = taken.collect();
        let clear = marks.iter().map(|mark| (mark.x, mark.y, mark.r)).collect();
        let mut labels = Labels::new(self.bounds, around, taken).keep_clear(clear);
        for Wanted { marks, text, color } in wanted {
            if color != self.palette.ink {
                labels.avoid(quiet.take().into_iter().flatten());
            }
            let font = self.context.font;
            let text = font.fit(&text, SIZE, WIDEST);
            let size = (font.width(&text, SIZE), SIZE + 1.0);
            let mut spots = marks.into_iter().filter_map(|mark| {
                let mark = mark_of(scene, mark)?;
                let (at, _) = labels.place((mark.x, mark.y, mark.r), size, None)?;
                Some((mark, at))
            });
            let Some((mark, (x, y))) = spots.next() else {
                continue;
            };
            self.lead(scene, &mark, (x, y, x + size.0, y + size.1));
            let Color(red, green, blue, _) = self.palette.background;
            scene.items.push(Item::Rect {
                at: (x - 1.0, y, size.0 + 2.0, size.1),
                color: Color(red, green, blue, 200),
            });
            text_at(scene, (x, y + SIZE - 1.5), color, text);
        }
    }

    /// A line from a dot to its name, if the name is not beside the dot.
    fn lead(&self, scene: &mut Scene, mark: &Mark, (left, top, right, bottom): Box4) {
        let to = (mark.x.clamp(left, right), mark.y.clamp(top, bottom));
        let (dx, dy) = (to.0 - mark.x, to.1 - mark.y);
        let far = dx.hypot(dy);
        if far < mark.r + 6.0 {
            return;
        }
        let part = mark.r / far;
        scene.items.push(Item::Line {
            points: vec![(mark.x + dx * part, mark.y + dy * part), to],
            width: 1.0,
            color: self.palette.ink,
        });
    }
}

/// Whether a finding is about the processes of a run together.
fn is_of_finding(run: &[Placed<'_>], snapshot: &Snapshot) -> bool {
    let Some(first) = run.first() else {
        return false;
    };
    let name = snapshot.name_of(first.process);
    let shown = snapshot.findings.iter();
    let mut shown = shown.filter(|finding| finding.rank as usize <= margin::SHOWN);
    shown.any(|finding| match finding.together {
        Some(Together::Command) => finding.comm == Some(name) && finding.uid == first.thread.uid,
        Some(Together::Cgroup) => finding.cgroup == first.process.cgroup,
        Some(Together::Tree) | None => false,
    })
}

/// Whether dots in rows of this height, in pixels, are smaller than letters.
fn is_crowded(cell: f32) -> bool {
    cell < SIZE
}

/// Whether rows of this height, in pixels, are so close that gaps between lines do not show.
pub(super) fn is_dense(cell: f32) -> bool {
    cell < 7.0
}

fn mark_of(scene: &Scene, index: u32) -> Option<Mark> {
    scene.marks.get(index as usize).copied()
}

fn text_at(scene: &mut Scene, at: (f32, f32), color: Color, text: String) {
    scene.text(at, (SIZE, Anchor::Start, color), text);
}
