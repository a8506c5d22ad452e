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

const LABELS: f32 = 150.0;
const LABEL_SIZE: f32 = 14.0;
const LEFT: f32 = 16.0;
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
        let colors = if options.classic { options.colors.clone().or(Colors::classic()) } else { options.colors.clone() };
        let palette = Palette::new(options.theme, &colors, options.classic);
        Self { options, palette, places: Places::default() }
    }

    /// Draws a snapshot.
    pub fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        let tasks: FxHashMap<TaskId, TaskView<'_>> = snapshot
            .tasks(self.options.scope)
            .filter(|task| task.exited() || task.state() != State::Dead)
            .map(|task| (task.id(), task))
            .collect();
        let names = names(&tasks, context);
        self.places.update(&tasks, |task| Arc::clone(&names[&task.thread.uid]));
        let mut scene = Scene::new(context.size.0, context.size.1, self.palette.background);
        let largest = tasks.values().filter_map(|task| task.process.rss).max().unwrap_or(0);
        head::draw(&mut scene, snapshot, self.options.scope, context, &self.palette);
        foot::draw(&mut scene, snapshot, largest, context, &self.palette);
        let bottom = context.size.1 - foot::HEIGHT;
        margin::draw(&mut scene, snapshot, head::HEIGHT, bottom, context, &self.palette);
        let layout = self.layout(context.size);
        self.draw_groups(&mut scene, snapshot, &tasks, largest, &layout, context);
        self.number(&mut scene, snapshot);
        scene
    }

    /// The largest cells with which everybody fits.
    fn layout(&self, size: (f32, f32)) -> Layout {
        let width = (size.0 - margin::WIDTH - LABELS - LEFT).max(40.0);
        let top = head::HEIGHT + 10.0;
        let height = (size.1 - foot::HEIGHT - top - 4.0).max(20.0);
        let most = if self.options.classic { Some(self.options.columns.unwrap_or(30)) } else { self.options.columns };
        let largest = self.largest_diameter() * 1.25;
        let columns_for = |cell: f32| ((width / cell).floor() as usize).clamp(1, most.unwrap_or(usize::MAX));
        let fits = |cell: f32| self.height(cell, columns_for(cell)) <= height;
        let (mut low, mut high) = (0.5, largest.max(0.5));
        if fits(high) {
            low = high;
        }
        for _ in 0..24 {
            let middle = f32::midpoint(low, high);
            if fits(middle) { low = middle } else { high = middle }
        }
        Layout { cell: low, columns: columns_for(low), gap: gap(low), top }
    }

    /// Diameter of the largest dot, pixels.
    fn largest_diameter(&self) -> f32 {
        self.options.point_size.sqrt() * POINT
    }

    fn height(&self, cell: f32, columns: usize) -> f32 {
        self.places.groups().map(|(_, group)| band(group, cell, columns) + gap(cell)).sum()
    }

    fn draw_groups(
        &self,
        scene: &mut Scene,
        snapshot: &Snapshot,
        tasks: &FxHashMap<TaskId, TaskView<'_>>,
        largest: u64,
        layout: &Layout,
        context: &Context<'_>,
    ) {
        let mut y = layout.top;
        for (user, group) in self.places.groups() {
            let band = band(group, layout.cell, layout.columns);
            self.label(scene, user, group, folded(snapshot, user, context), y, context);
            for (place, id) in group.places.iter().enumerate() {
                let Some(task) = id.and_then(|id| tasks.get(&id)) else { continue };
                let (row, column) = (place / layout.columns, place % layout.columns);
                let x = LEFT + LABELS + (column as f32 + 0.5) * layout.cell;
                scene.marks.push(self.mark(task, x, y + (row as f32 + 0.5) * layout.cell, largest, layout.cell));
            }
            y += band + layout.gap;
        }
    }

    fn label(&self, scene: &mut Scene, user: &str, group: &Group, folded: u64, y: f32, context: &Context<'_>) {
        let mut count = count_text(group.len() as u64);
        if folded > 0 {
            count.push_str(&format!(" +{}", count_text(folded)));
        }
        let user = crate::model::Untrusted::new(user.as_bytes()).picture();
        let size = LABEL_SIZE;
        let room = LABELS - 10.0 - context.font.width(&count, size) - 8.0;
        let base = y + 13.0;
        let name = context.font.fit(&user, size, room);
        let right = LEFT + LABELS - 10.0;
        scene.items.push(Item::Text(Text { x: LEFT, y: base, size, anchor: Anchor::Start, color: self.palette.ink, text: name }));
        scene.items.push(Item::Text(Text { x: right, y: base, size, anchor: Anchor::End, color: self.palette.faint, text: count }));
    }

    fn mark(&self, task: &TaskView<'_>, x: f32, y: f32, largest: u64, cell: f32) -> Mark {
        let activity = task.activity();
        let color = self.palette.shade(activity, task.cpu_share(), task.change().ran);
        let mut r = self.radius(task, largest, cell);
        let (mut shape, spot) = second_channel(activity, r, &self.palette);
        let mut color = color;
        match task.state() {
            State::Blocked => shape = Shape::Square,
            State::Zombie if activity != Activity::Exited => {
                shape = Shape::Ring;
                color = self.palette.faint;
                r = r.max(cell * 0.3);
            }
            State::Stopped | State::Traced => shape = Shape::Triangle,
            _ => {}
        }
        Mark { id: task.id(), x, y, r, shape, color, spot: spot.filter(|_| shape == Shape::Disc) }
    }

    /// Area is RSS; only the leader carries what threads share.
    fn radius(&self, task: &TaskView<'_>, largest: u64, cell: f32) -> f32 {
        let most = (cell * 0.46).min(self.largest_diameter() / 2.0);
        let shares = self.options.scope == Scope::Threads && !task.is_leader() && !self.options.classic;
        let rss = if shares { 0 } else { task.process.rss.unwrap_or(0) };
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
        most * (swollen.min(1.25).sqrt() as f32)
    }

    /// Writes the number of each notable in the margin at its dot.
    fn number(&self, scene: &mut Scene, snapshot: &Snapshot) {
        let mut taken: Vec<(f32, f32)> = Vec::new();
        for notable in snapshot.notables.iter().take(margin::SHOWN) {
            let Some(mark) = notable.dot.and_then(|id| scene.marks.iter().find(|mark| mark.id == id)).copied() else { continue };
            let r = mark.r.max(5.0) + 3.0;
            scene.items.push(Item::Ring { at: (mark.x, mark.y), r, width: 2.0, color: self.palette.accent });
            // The first of these places that no other number has.
            let places = [(r + 7.0, -r), (-r - 7.0, -r), (r + 7.0, r + 8.0), (-r - 7.0, r + 8.0), (r + 20.0, 4.0)];
            let at = places.map(|(dx, dy)| (mark.x + dx, mark.y + dy + 4.0));
            let is_free = |(x, y): &(f32, f32)| taken.iter().all(|(tx, ty)| (tx - x).abs() > 14.0 || (ty - y).abs() > 14.0);
            let (x, y) = at.into_iter().find(is_free).unwrap_or(at[0]);
            taken.push((x, y));
            let plate = (x - 8.0, y - 11.0, 16.0, 14.0);
            let Color(red, green, blue, _) = self.palette.background;
            scene.items.push(Item::Rect { at: plate, color: Color(red, green, blue, 215) });
            let text = notable.rank.to_string();
            scene.items.push(Item::Text(Text { x, y, size: 14.0, anchor: Anchor::Middle, color: self.palette.accent, text }));
        }
    }
}

/// Each user's name, asked for once.
fn names(tasks: &FxHashMap<TaskId, TaskView<'_>>, context: &Context<'_>) -> FxHashMap<Option<u32>, Arc<str>> {
    let mut names = FxHashMap::default();
    for task in tasks.values() {
        names.entry(task.thread.uid).or_insert_with(|| (context.user)(task.thread.uid));
    }
    names
}

/// Lives of the interval that have no dot.
fn folded(snapshot: &Snapshot, user: &str, context: &Context<'_>) -> u64 {
    snapshot.folds.iter().filter(|fold| *(context.user)(Some(fold.uid)) == *user).map(|fold| fold.count).sum()
}

/// Height of a group, no less than its label's.
fn band(group: &Group, cell: f32, columns: usize) -> f32 {
    (group.places.len().div_ceil(columns) as f32 * cell).max(18.0)
}

fn gap(cell: f32) -> f32 {
    (cell * 0.5).clamp(3.0, 10.0)
}

/// What tells io and exited apart without colour: a spot, a diamond.
pub(super) fn second_channel(activity: Activity, r: f32, palette: &Palette) -> (Shape, Option<Color>) {
    match activity {
        Activity::Exited => (Shape::Diamond, None),
        // Too small a dot has no room for a spot.
        Activity::Io | Activity::CpuIo if r >= 2.4 => (Shape::Disc, Some(palette.background)),
        _ => (Shape::Disc, None),
    }
}
