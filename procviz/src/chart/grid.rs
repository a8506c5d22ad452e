//! A dot per task: every task of the machine at a glance.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{
    Context, foot, head, margin,
    palette::{Colors, Palette, Theme},
    places::{Group, Places},
};
use crate::{
    model::{Activity, Scope, Snapshot, State, TaskId, TaskView, count_text},
    scene::{Anchor, Color, Item, Mark, Scene, Shape, Text},
};

/// How a grid is to look.
#[derive(Clone, Debug)]
pub struct GridOptions {
    /// Threads or processes.
    pub scope: Scope,
    /// The most dots in a row.
    pub columns: Option<usize>,
    /// Area of the largest dot, square points.
    pub point_size: f32,
    /// Light or dark.
    pub theme: Theme,
    /// The user's own colours.
    pub colors: Colors,
    /// As in 2011: 30 columns, its colours, RSS on every thread.
    pub classic: bool,
}

/// A grid that keeps its tasks' places from picture to picture.
pub struct Grid {
    options: GridOptions,
    palette: Palette,
    places: Places,
}

/// Lives that began and ended between two samples and have a dot.
const SHOWN_SHORT_LIVES: usize = 60;
const LABELS: f32 = 150.0;
const LABEL_SIZE: f32 = 14.0;
const LEFT: f32 = 16.0;
/// Radius under which a dot's colour is lost, pixels.
const SMALLEST: f32 = 1.7;
/// Pixels to a point.
const POINT: f32 = 96.0 / 72.0;
/// The original's smallest dot, square points.
const CLASSIC_LEAST: f32 = 20.0;

/// Where the dots of a picture go.
struct Layout {
    cell: f32,
    columns: usize,
    gap: f32,
    top: f32,
}

impl Grid {
    /// An empty one.
    pub fn new(options: GridOptions) -> Self {
        let colors = if options.classic {
            options.colors.clone().or(Colors::classic())
        } else {
            options.colors.clone()
        };
        let palette = Palette::new(options.theme, &colors, options.classic);
        Self {
            options,
            palette,
            places: Places::default(),
        }
    }

    /// Draws a snapshot.
    pub fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        let mut tasks: FxHashMap<TaskId, TaskView<'_>> = FxHashMap::default();
        tasks.reserve(snapshot.threads.len());
        let is_shown = |task: &TaskView<'_>| task.exited() || task.state() != State::Dead;
        tasks.extend(
            snapshot
                .tasks(self.options.scope)
                .filter(is_shown)
                .map(|task| (task.id(), task)),
        );
        let names = names(&tasks, context);
        let folded = fold_short_lives(&mut tasks, snapshot, &names, context);
        self.places
            .update(&tasks, |task| Arc::clone(&names[&task.thread.uid]));
        let mut scene = Scene::new(context.size.0, context.size.1, self.palette.background);
        scene.marks.reserve(tasks.len() + 16);
        let largest = tasks
            .values()
            .filter_map(|task| task.process.rss)
            .max()
            .unwrap_or(0);
        head::draw(
            &mut scene,
            snapshot,
            self.options.scope,
            context,
            &self.palette,
        );
        foot::draw(&mut scene, snapshot, largest, context, &self.palette);
        let bottom = context.size.1 - foot::HEIGHT;
        margin::draw(
            &mut scene,
            snapshot,
            head::HEIGHT,
            bottom,
            context,
            &self.palette,
        );
        let layout = self.layout(context.size);
        self.draw_groups(&mut scene, &tasks, &folded, largest, &layout, context);
        self.number(&mut scene, snapshot);
        scene
    }

    /// The largest cells with which everybody fits.
    fn layout(&self, size: (f32, f32)) -> Layout {
        let width = (size.0 - margin::WIDTH - LABELS - LEFT).max(40.0);
        let top = head::HEIGHT + 10.0;
        let height = (size.1 - foot::HEIGHT - top - 4.0).max(20.0);
        let most = if self.options.classic {
            Some(self.options.columns.unwrap_or(30))
        } else {
            self.options.columns
        };
        let largest = self.largest_diameter() * 1.25;
        let columns_for =
            |cell: f32| ((width / cell).floor() as usize).clamp(1, most.unwrap_or(usize::MAX));
        let fits = |cell: f32| self.height(cell, columns_for(cell)) <= height;
        let (mut low, mut high) = (0.5, largest.max(0.5));
        if fits(high) {
            low = high;
        }
        for _ in 0..24 {
            let middle = f32::midpoint(low, high);
            if fits(middle) {
                low = middle
            } else {
                high = middle
            }
        }
        Layout {
            cell: low,
            columns: columns_for(low),
            gap: gap(low),
            top,
        }
    }

    /// Diameter of the largest dot, pixels.
    fn largest_diameter(&self) -> f32 {
        self.options.point_size.sqrt() * POINT
    }

    fn height(&self, cell: f32, columns: usize) -> f32 {
        self.places
            .groups()
            .map(|(_, group)| band(group, cell, columns) + gap(cell))
            .sum()
    }

    fn draw_groups(
        &self,
        scene: &mut Scene,
        tasks: &FxHashMap<TaskId, TaskView<'_>>,
        folded: &FxHashMap<Arc<str>, u64>,
        largest: u64,
        layout: &Layout,
        context: &Context<'_>,
    ) {
        let mut y = layout.top;
        for (user, group) in self.places.groups() {
            let band = band(group, layout.cell, layout.columns);
            let alive = group
                .places
                .iter()
                .flatten()
                .filter(|id| {
                    tasks
                        .get(id)
                        .is_some_and(|task| task.state() != State::Dead)
                })
                .count();
            let ended = group.len() - alive + folded.get(user).copied().unwrap_or(0) as usize;
            self.label(scene, user, (alive, ended), y, context);
            for (place, id) in group.places.iter().enumerate() {
                let Some(task) = id.and_then(|id| tasks.get(&id)) else {
                    continue;
                };
                let (row, column) = (place / layout.columns, place % layout.columns);
                let x = LEFT + LABELS + (column as f32 + 0.5) * layout.cell;
                scene.marks.push(self.mark(
                    task,
                    x,
                    y + (row as f32 + 0.5) * layout.cell,
                    largest,
                    layout.cell,
                ));
            }
            y += band + layout.gap;
        }
    }

    /// The user's name, how many live, and below how many have just ended.
    fn label(
        &self,
        scene: &mut Scene,
        user: &str,
        (alive, ended): (usize, usize),
        y: f32,
        context: &Context<'_>,
    ) {
        let size = LABEL_SIZE;
        let mut text = |x: f32, y: f32, anchor, size: f32, color, text: String| {
            scene.items.push(Item::Text(Text {
                x,
                y,
                size,
                anchor,
                color,
                text,
            }));
        };
        let count = count_text(alive as u64);
        let user = crate::model::Untrusted::new(user.as_bytes()).picture();
        let right = LEFT + LABELS - 10.0;
        let name = context.font.fit(
            &user,
            size,
            LABELS - 18.0 - context.font.width(&count, size),
        );
        text(LEFT, y + 13.0, Anchor::Start, size, self.palette.ink, name);
        text(
            right,
            y + 13.0,
            Anchor::End,
            size,
            self.palette.faint,
            count,
        );
        if ended > 0 {
            let ended = format!("+{} ended", count_text(ended as u64));
            text(
                right,
                y + 28.0,
                Anchor::End,
                size - 2.0,
                self.palette.faint,
                ended,
            );
        }
    }

    fn mark(&self, task: &TaskView<'_>, x: f32, y: f32, largest: u64, cell: f32) -> Mark {
        let activity = task.activity();
        let color = self
            .palette
            .shade(activity, task.cpu_share(), task.change().ran);
        let mut r = self.radius(task, largest, cell);
        let (mut shape, spot) = second_channel(activity, r, &self.palette);
        let mut color = color;
        match task.state() {
            State::Blocked => shape = Shape::Square,
            State::Zombie if activity != Activity::Exited => {
                shape = Shape::Ring;
                color = self.palette.faint;
                r = r.max(cell * 0.2);
            }
            State::Stopped | State::Traced => shape = Shape::Triangle,
            _ => {}
        }
        Mark {
            id: task.id(),
            x,
            y,
            r,
            shape,
            color,
            spot: spot.filter(|_| shape == Shape::Disc),
        }
    }

    /// Area is RSS; only the leader carries what threads share.
    fn radius(&self, task: &TaskView<'_>, largest: u64, cell: f32) -> f32 {
        let most = (cell * 0.46).min(self.largest_diameter() / 2.0);
        let shares =
            self.options.scope == Scope::Threads && !task.is_leader() && !self.options.classic;
        let rss = if shares {
            0
        } else {
            task.process.rss.unwrap_or(0)
        };
        let part = rss as f64 / largest.max(1) as f64;
        let least = if self.options.classic {
            f64::from((CLASSIC_LEAST / self.options.point_size).min(1.0))
        } else {
            // A third of the largest's radius still shows its colour.
            0.11
        };
        let area = part.max(least);
        let delta = if shares { 0 } else { task.rss_delta() };
        let swollen = match delta {
            0 => area,
            delta if delta > 0 => (area * 1.25).max(area + least * 0.5),
            _ => (area * 0.75).max(area * 0.5),
        };
        let r = most * (swollen.min(1.25).sqrt() as f32);
        if self.options.classic {
            return r;
        }
        // In a crowd the smallest still has to show its colour.
        let floor = if task.activity() == Activity::Idle {
            SMALLEST
        } else {
            SMALLEST * 1.3
        };
        r.max(floor.min(most))
    }

    /// Writes the number of each notable in the margin at its dot: first all
    /// rings, then the numbers where they hide neither a ring nor each other.
    fn number(&self, scene: &mut Scene, snapshot: &Snapshot) {
        let find = |id: TaskId| scene.marks.iter().find(|mark| mark.id == id).copied();
        let numbered: Vec<(u32, Mark)> = snapshot
            .notables
            .iter()
            .take(margin::SHOWN)
            .filter_map(|notable| Some((notable.rank, find(notable.dot?)?)))
            .collect();
        let reach = |mark: &Mark| mark.r.max(5.0) + 3.0;
        for (_, mark) in &numbered {
            scene.items.push(Item::Ring {
                at: (mark.x, mark.y),
                r: reach(mark),
                width: 2.0,
                color: self.palette.accent,
            });
        }
        let mut taken: Vec<(f32, f32, f32)> = numbered
            .iter()
            .map(|(_, mark)| (mark.x, mark.y, reach(mark)))
            .collect();
        for (rank, mark) in &numbered {
            let r = reach(mark) + 8.0;
            let around = [
                (0.7, -0.7),
                (-0.7, -0.7),
                (0.7, 0.7),
                (-0.7, 0.7),
                (0.0, -1.0),
                (0.0, 1.0),
                (1.0, 0.0),
                (-1.0, 0.0),
            ];
            let spots = [1.0, 2.2].into_iter().flat_map(|far| {
                around.map(|(dx, dy)| (mark.x + dx * r * far, mark.y + dy * r * far))
            });
            let is_free = |(x, y): &(f32, f32)| {
                taken
                    .iter()
                    .all(|(tx, ty, tr)| (tx - x).hypot(ty - y) > tr + 7.0)
            };
            let (x, y) = spots
                .into_iter()
                .find(is_free)
                .unwrap_or((mark.x + r, mark.y - r));
            taken.push((x, y, 7.0));
            let Color(red, green, blue, _) = self.palette.background;
            scene.items.push(Item::Rect {
                at: (x - 6.0, y - 7.0, 12.0, 14.0),
                color: Color(red, green, blue, 225),
            });
            let text = rank.to_string();
            scene.items.push(Item::Text(Text {
                x,
                y: y + 5.0,
                size: 14.0,
                anchor: Anchor::Middle,
                color: self.palette.accent,
                text,
            }));
        }
    }
}

/// Each user's name, asked for once.
fn names(
    tasks: &FxHashMap<TaskId, TaskView<'_>>,
    context: &Context<'_>,
) -> FxHashMap<Option<u32>, Arc<str>> {
    let mut names = FxHashMap::default();
    for task in tasks.values() {
        names
            .entry(task.thread.uid)
            .or_insert_with(|| (context.user)(task.thread.uid));
    }
    names
}

/// Takes lives that began and ended between two samples out of the picture
/// beyond what leaves it readable, and counts them with those that never came
/// into it, by user.
fn fold_short_lives(
    tasks: &mut FxHashMap<TaskId, TaskView<'_>>,
    snapshot: &Snapshot,
    names: &FxHashMap<Option<u32>, Arc<str>>,
    context: &Context<'_>,
) -> FxHashMap<Arc<str>, u64> {
    let mut folded: FxHashMap<Arc<str>, u64> = FxHashMap::default();
    for fold in &snapshot.folds {
        *folded.entry((context.user)(Some(fold.uid))).or_default() += fold.count;
    }
    let began = snapshot
        .stamp
        .boot_ns
        .saturating_sub(2 * snapshot.stamp.interval_ns);
    let numbered: Vec<TaskId> = snapshot
        .notables
        .iter()
        .filter_map(|notable| notable.dot)
        .collect();
    let mut short: Vec<TaskId> = tasks
        .values()
        .filter(|task| {
            task.exited() && task.id().start_ns >= began && !numbered.contains(&task.id())
        })
        .map(TaskView::id)
        .collect();
    // The newest are shown.
    short.sort_unstable_by_key(|id| std::cmp::Reverse((id.start_ns, id.tid)));
    for id in short.into_iter().skip(SHOWN_SHORT_LIVES) {
        if let Some(task) = tasks.remove(&id) {
            *folded
                .entry(Arc::clone(&names[&task.thread.uid]))
                .or_default() += 1;
        }
    }
    folded
}

/// Height of a group, no less than its label's.
fn band(group: &Group, cell: f32, columns: usize) -> f32 {
    (group.places.len().div_ceil(columns) as f32 * cell).max(18.0)
}

fn gap(cell: f32) -> f32 {
    (cell * 0.5).clamp(3.0, 10.0)
}

/// What tells io and exited apart without colour: a spot, a diamond.
pub(super) fn second_channel(
    activity: Activity,
    r: f32,
    palette: &Palette,
) -> (Shape, Option<Color>) {
    match activity {
        Activity::Exited => (Shape::Diamond, None),
        // Too small a dot has no room for a spot.
        Activity::Io | Activity::CpuIo if r >= 2.4 => (Shape::Disc, Some(palette.background)),
        _ => (Shape::Disc, None),
    }
}
