//! A line per interesting thread through time, CPU and memory, in 3D.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{
    Context, axis, foot,
    head::{self, Counts},
    labels::Labels,
    margin,
    numbers::{self, Numbered},
    palette::{Colors, Palette, PaletteKind, Theme},
    users,
};
use crate::{
    model::{Scope, Snapshot, TaskId, duration_text},
    scene::{Anchor, Color, Item, Mark, Scene, Shape, Text},
};

/// How lines are to look.
#[derive(Clone, Debug)]
pub struct LinesOptions {
    /// Threads or processes.
    pub scope: Scope,
    /// Light or dark.
    pub theme: Theme,
    /// Today's colours or those of 2011.
    pub palette: PaletteKind,
    /// Whence one looks: turn about the upright axis and tilt, degrees.
    pub angle: (f32, f32),
}

/// The angle from which all three axes can be read.
pub const ANGLE: (f32, f32) = (-32.0, 24.0);

/// A line chart that remembers what it has seen.
pub struct Lines {
    options: LinesOptions,
    palette: Palette,
    began_ns: Option<u64>,
    /// CPU time of everybody when first seen, ns.
    first: FxHashMap<TaskId, (u64, u64)>,
    lines: FxHashMap<TaskId, Line>,
}

/// A task's line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series<'a> {
    pub(crate) id: TaskId,
    pub(crate) name: &'a str,
    pub(crate) color: Color,
    /// Seconds watched and CPU seconds used since.
    pub(crate) cpu: Vec<(f64, f64)>,
    /// Seconds watched and bytes.
    pub(crate) rss: Vec<(f64, f64)>,
    pub(crate) is_over: bool,
}

struct Line {
    points: Vec<Point>,
    interest: u8,
    name: String,
    is_over: bool,
    spot: Option<u8>,
}

#[derive(Clone, Copy)]
struct Point {
    seconds: f64,
    cpu: f64,
    rss: f64,
}

/// In one refresh, beyond which a line appears.
const CPU_NS: u64 = 100_000_000;
const RSS: u64 = 60 << 20;
const INTEREST: (u8, u8) = (5, 2);
const MOST_POINTS: usize = 1_000;
/// Ended lines that are kept.
const MOST_DEAD: usize = 200;
const LABEL: f32 = 12.0;
/// Radius of a line's end, pixels.
const END: f32 = 3.5;

impl Lines {
    /// An empty one.
    pub fn new(options: LinesOptions) -> Self {
        Self {
            palette: Palette::new(options.theme, options.palette, &Colors::default()),
            options,
            began_ns: None,
            first: FxHashMap::default(),
            lines: FxHashMap::default(),
        }
    }

    /// The same of threads, or of processes; for one that has drawn nothing.
    #[must_use]
    pub fn in_scope(mut self, scope: Scope) -> Self {
        self.options.scope = scope;
        self
    }

    /// An empty one that looks the same in another theme.
    #[must_use]
    pub fn in_theme(&self, theme: Theme) -> Self {
        Self::new(LinesOptions {
            theme,
            ..self.options.clone()
        })
    }

    /// Looks at it from there: turn about the upright axis and tilt, degrees.
    pub fn look_from(&mut self, (turn, tilt): (f32, f32)) {
        self.options.angle = (turn % 360.0, tilt.clamp(-5.0, 85.0));
    }

    /// The lines as they stand, those of most interest first.
    pub(crate) fn series(&self) -> Vec<Series<'_>> {
        let mut lines: Vec<(&TaskId, &Line)> = self.lines.iter().collect();
        let last = |line: &Line| line.points.last().map_or(0.0, |point| point.cpu);
        lines.sort_by(|(a, x), (b, y)| {
            x.is_over
                .cmp(&y.is_over)
                .then(y.interest.cmp(&x.interest))
                .then(last(y).total_cmp(&last(x)))
                .then(a.cmp(b))
        });
        lines
            .into_iter()
            .map(|(id, line)| Series {
                id: *id,
                name: &line.name,
                color: color_of(*id),
                cpu: line.points.iter().map(|p| (p.seconds, p.cpu)).collect(),
                rss: line.points.iter().map(|p| (p.seconds, p.rss)).collect(),
                is_over: line.is_over,
            })
            .collect()
    }

    /// Adds a snapshot's points; to be called for each.
    pub fn observe(&mut self, snapshot: &Snapshot, context: &Context<'_>) {
        let now = snapshot.stamp.boot_ns;
        let began = *self.began_ns.get_or_insert(now);
        let seconds = (now - began) as f64 / 1e9;
        for task in snapshot.tasks(self.options.scope) {
            let id = task.id();
            let is_over = task.end().is_some();
            let rss = task.process.rss;
            let change = task.change();
            let before = task.cpu_ns().saturating_sub(change.cpu_ns);
            let seen_from = || (before, rss.unwrap_or(0));
            let (first_cpu, _) = *self.first.entry(id).or_insert_with(seen_from);
            let point = Point {
                seconds,
                cpu: task.cpu_ns().saturating_sub(first_cpu) as f64 / 1e9,
                // A dead task has none; its last one says more.
                rss: rss.filter(|_| !is_over).unwrap_or(0) as f64,
            };
            let is_named = snapshot
                .notables
                .iter()
                .any(|notable| notable.about == Some(id));
            let is_interesting = change.cpu_ns > CPU_NS
                || task
                    .rss_delta()
                    .is_some_and(|delta| delta.unsigned_abs() > RSS)
                || is_named;
            match self.lines.get_mut(&id) {
                Some(line) if line.is_over => {}
                Some(line) => line.add(point, is_interesting, is_over),
                None if is_interesting && snapshot.tick > 1 => {
                    let interval = snapshot.stamp.interval_ns as f64 / 1e9;
                    let start = Point {
                        seconds: (seconds - interval).max(0.0),
                        cpu: before.saturating_sub(first_cpu) as f64 / 1e9,
                        rss: point.rss - task.rss_delta().unwrap_or(0) as f64,
                    };
                    let user: Arc<str> = (context.user)(task.thread.uid);
                    let mut line = Line {
                        points: vec![start],
                        interest: INTEREST.0,
                        name: context.name(&task, &user),
                        is_over: false,
                        spot: None,
                    };
                    line.add(point, true, is_over);
                    self.lines.insert(id, line);
                }
                None => {}
            }
        }
        if snapshot.tick.is_multiple_of(64) {
            let living: rustc_hash::FxHashSet<TaskId> = snapshot
                .tasks(self.options.scope)
                .map(|task| task.id())
                .collect();
            self.first.retain(|id, _| living.contains(id));
            self.forget_the_least();
        }
    }

    /// Dead lines stay, but not without end: those that used the least go.
    fn forget_the_least(&mut self) {
        let mut dead: Vec<(f64, TaskId)> = self
            .lines
            .iter()
            .filter(|(_, line)| line.is_over)
            .map(|(id, line)| (line.points.last().map_or(0.0, |point| point.cpu), *id))
            .collect();
        dead.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        for (_, id) in dead.into_iter().skip(MOST_DEAD) {
            self.lines.remove(&id);
        }
    }

    /// Draws what was observed.
    pub fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        let mut counts = Counts::new(snapshot);
        let scope = self.options.scope;
        snapshot.tasks(scope).for_each(|task| counts.add(&task));
        let mut scene = Scene::new(context.size.0, context.size.1, self.palette.background);
        head::draw(&mut scene, snapshot, &counts, scope, context, &self.palette);
        margin::draw(&mut scene, snapshot, context, &self.palette);
        let space = self.space(snapshot, context.size);
        self.frame(&mut scene, &space);
        let order = self.draw_lines(&mut scene, &space);
        let numbered = numbers::draw(&mut scene, snapshot, &self.palette);
        self.label(&mut scene, &space, order, &numbered, context);
        self.draw_foot(&mut scene, snapshot, context);
        scene
    }

    fn space(&self, snapshot: &Snapshot, size: (f32, f32)) -> Space {
        let points = || self.lines.values().flat_map(|line| &line.points);
        let most = |value: fn(&Point) -> f64| points().map(value).fold(0.0, f64::max);
        let seconds = snapshot.watched_ns() as f64 / 1e9;
        Space::new(
            (
                seconds.max(1.0),
                most(|point| point.cpu).max(0.5) * 1.05,
                most(|point| point.rss).max(64.0 * 1024.0 * 1024.0) * 1.05,
            ),
            self.options.angle,
            (
                16.0,
                head::HEIGHT + 6.0,
                size.0 - margin::WIDTH - 16.0,
                size.1 - foot::HEIGHT - 6.0,
            ),
        )
    }

    /// The three far walls with their grids, and what the axes mean.
    fn frame(&self, scene: &mut Scene, space: &Space) {
        let Color(r, g, b, _) = self.palette.faint;
        let grid = Color(r, g, b, 46);
        let mut line = |from: [f64; 3], to: [f64; 3], color| {
            scene.items.push(Item::Line {
                points: vec![space.at(from), space.at(to)],
                width: 1.0,
                color,
            });
        };
        let [far_x, far_y, far_z] = space.far;
        let (mx, my, mz) = space.most;
        let (near_x, near_z) = (mx - far_x, mz - far_z);
        let times = axis::time_ticks(mx);
        let cpus = axis::time_ticks(my);
        let sizes = axis::bytes_ticks(mz);
        for (x, _) in &times {
            line([*x, far_y, 0.0], [*x, far_y, mz], grid);
            line([*x, 0.0, far_z], [*x, my, far_z], grid);
        }
        for (y, _) in &cpus {
            line([far_x, *y, 0.0], [far_x, *y, mz], grid);
            line([0.0, *y, far_z], [mx, *y, far_z], grid);
        }
        for (z, _) in &sizes {
            line([0.0, far_y, *z], [mx, far_y, *z], grid);
            line([far_x, 0.0, *z], [far_x, my, *z], grid);
        }
        let edges = [
            ([0.0, far_y, near_z], [mx, far_y, near_z]),
            ([near_x, far_y, 0.0], [near_x, far_y, mz]),
            ([near_x, 0.0, far_z], [near_x, my, far_z]),
        ];
        for (from, to) in edges {
            line(from, to, self.palette.faint);
        }
        let mut texts: Vec<((f32, f32), String)> = Vec::new();
        let middle = space.at([mx / 2.0, my / 2.0, mz / 2.0]);
        let outside = |at: (f32, f32), far: f32| {
            let (dx, dy) = (at.0 - middle.0, at.1 - middle.1);
            let length = dx.hypot(dy).max(1.0);
            (at.0 + dx / length * far, at.1 + dy / length * far + 4.0)
        };
        // The ends would run into each other at the corners.
        let inner =
            |most: f64| move |(value, _): &&(f64, String)| *value > 0.0 && *value < most * 0.97;
        for (x, text) in times.iter().filter(inner(mx)) {
            texts.push((outside(space.at([*x, far_y, near_z]), 20.0), text.clone()));
        }
        for (z, text) in sizes.iter().filter(inner(mz)) {
            texts.push((outside(space.at([near_x, far_y, *z]), 26.0), text.clone()));
        }
        for (y, text) in cpus.iter().filter(inner(my)) {
            texts.push((outside(space.at([near_x, *y, far_z]), 24.0), text.clone()));
        }
        for (at, text) in texts {
            self.text(scene, at, Anchor::Middle, self.palette.faint, text);
        }
        let above = |(x, y): (f32, f32)| (x, y - 8.0);
        let names = [
            (
                outside(space.at([mx * 0.5, far_y, near_z]), 46.0),
                "time watched",
            ),
            (outside(space.at([near_x, far_y, mz * 0.5]), 66.0), "RSS"),
            (
                above(space.at([near_x, my, far_z])),
                "CPU time since first seen",
            ),
        ];
        for (at, name) in names {
            self.text(scene, at, Anchor::Middle, self.palette.ink, name.to_owned());
        }
    }

    fn text(
        &self,
        scene: &mut Scene,
        (x, y): (f32, f32),
        anchor: Anchor,
        color: Color,
        text: String,
    ) {
        scene.items.push(Item::Text(Text {
            x,
            y,
            size: LABEL,
            anchor,
            color,
            text,
        }));
    }

    /// Back to front, so that what is near lies over what is far.
    fn draw_lines(&self, scene: &mut Scene, space: &Space) -> Vec<TaskId> {
        let mut order: Vec<(f32, TaskId)> = self
            .lines
            .iter()
            .map(|(id, line)| {
                let sum: f32 = line
                    .points
                    .iter()
                    .map(|point| space.depth(point.as_array()))
                    .sum();
                (sum / line.points.len().max(1) as f32, *id)
            })
            .collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, id) in &order {
            let Some(line) = self.lines.get(id) else {
                continue;
            };
            let Color(r, g, b, _) = color_of(*id);
            let alpha = (u32::from(line.interest) * 255 / u32::from(INTEREST.0)) as u8;
            let points: Vec<_> = line
                .points
                .iter()
                .map(|point| space.at(point.as_array()))
                .collect();
            if let Some((x, y)) = points.last().copied() {
                scene.marks.push(Mark {
                    id: *id,
                    x,
                    y,
                    r: END,
                    shape: if line.is_over {
                        Shape::Diamond
                    } else {
                        Shape::Disc
                    },
                    color: Color(r, g, b, alpha),
                    spot: None,
                });
            }
            scene.items.push(Item::Line {
                points,
                width: 2.0,
                color: Color(r, g, b, alpha),
            });
        }
        order.into_iter().map(|(_, id)| id).collect()
    }

    /// Names at the lines' ends, where there is room.
    fn label(
        &mut self,
        scene: &mut Scene,
        space: &Space,
        mut named: Vec<TaskId>,
        numbered: &[Numbered],
        context: &Context<'_>,
    ) {
        let ends = scene.marks.iter().map(|mark| (mark.x, mark.y, mark.r));
        let taken = numbered.iter().map(|numbered| numbered.at);
        let mut labels = Labels::new(space.at, ends.collect(), taken.collect());
        // The interesting first; among them those with the most CPU.
        let weight = |id: &TaskId| {
            let line = &self.lines[id];
            (
                line.interest,
                line.points.last().map_or(0.0, |point| point.cpu),
            )
        };
        named.sort_by(|a, b| {
            let (x, y) = (weight(a), weight(b));
            y.0.cmp(&x.0).then(y.1.total_cmp(&x.1)).then(a.cmp(b))
        });
        for id in named {
            let Some(line) = self.lines.get_mut(&id) else {
                continue;
            };
            let Some(end) = line.points.last().map(|point| space.at(point.as_array())) else {
                continue;
            };
            let text = context.font.fit(&line.name, LABEL, 240.0);
            let size = (context.font.width(&text, LABEL), LABEL + 2.0);
            let ring = numbered.iter().find(|numbered| numbered.id == id);
            let reach = ring.map_or(END, |ring| ring.reach);
            if let Some(((x, y), spot)) = labels.place((end.0, end.1, reach), size, line.spot) {
                line.spot = Some(spot);
                let color = if line.is_over {
                    self.palette.alarm
                } else {
                    self.palette.ink
                };
                self.text(scene, (x, y + LABEL), Anchor::Start, color, text);
            }
        }
        if self.lines.is_empty() {
            let (left, top, right, bottom) = space.at;
            let words =
                "no thread used more than 100 ms of CPU or changed its RSS by 60 MiB in a refresh";
            let at = (f32::midpoint(left, right), f32::midpoint(top, bottom));
            self.text(
                scene,
                at,
                Anchor::Middle,
                self.palette.faint,
                words.to_owned(),
            );
        }
    }

    fn draw_foot(&self, scene: &mut Scene, snapshot: &Snapshot, context: &Context<'_>) {
        let ink = self.palette.ink;
        let legend = vec![
            foot::Entry::new(
                match self.options.scope {
                    Scope::Threads => "a line per busy thread, its end is now".to_owned(),
                    Scope::Processes => "a line per busy process, its end is now".to_owned(),
                },
                Shape::Disc,
                ink,
                None,
            ),
            foot::Entry::new(
                "ended (name in red)".to_owned(),
                Shape::Diamond,
                self.palette.alarm,
                None,
            ),
        ];
        let words = format!(
            "paler: quieter   {}, watched {}",
            match self.lines.len() {
                1 => "1 line".to_owned(),
                count => format!("{count} lines"),
            },
            duration_text(snapshot.watched_ns() / 1_000_000_000 * 1_000_000_000)
        );
        foot::draw(scene, snapshot, legend, &words, context, &self.palette);
    }
}

impl Line {
    fn add(&mut self, mut point: Point, is_interesting: bool, is_over: bool) {
        if is_over && let Some(last) = self.points.last() {
            point.rss = last.rss;
        }
        self.points.push(point);
        self.is_over = is_over;
        self.interest = if is_interesting {
            INTEREST.0
        } else {
            self.interest.saturating_sub(1).max(INTEREST.1)
        };
        if self.points.len() > MOST_POINTS {
            // The older half is thinned, so that the whole time stays in view.
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index > MOST_POINTS / 2 || index % 2 == 1
            });
        }
    }
}

impl Point {
    fn as_array(&self) -> [f64; 3] {
        [self.seconds, self.cpu, self.rss]
    }
}

/// From time, CPU and memory to pixels.
struct Space {
    /// Left, top, right, bottom, pixels.
    at: (f32, f32, f32, f32),
    /// Ends of the axes.
    most: (f64, f64, f64),
    /// The walls that are behind everything.
    far: [f64; 3],
    sin: (f32, f32),
    cos: (f32, f32),
    scale: (f32, f32),
    middle: (f32, f32),
}

impl Space {
    fn new(most: (f64, f64, f64), (yaw, pitch): (f32, f32), at: (f32, f32, f32, f32)) -> Self {
        let (yaw, pitch) = (yaw.to_radians(), pitch.to_radians());
        let mut space = Self {
            at,
            most,
            far: [0.0; 3],
            sin: (yaw.sin(), pitch.sin()),
            cos: (yaw.cos(), pitch.cos()),
            scale: (1.0, 1.0),
            middle: (0.0, 0.0),
        };
        // Whichever end of an axis is deeper is its far wall.
        let far = |axis: usize, end: f64| {
            let mut point = [0.0; 3];
            let near = space.depth(point);
            point[axis] = end;
            if space.depth(point) > near { end } else { 0.0 }
        };
        space.far = [far(0, most.0), 0.0, far(2, most.2)];
        let corners = (0..8).map(|bits: u8| {
            let end = |bit: u8, most: f64| if bits & bit == 0 { 0.0 } else { most };
            let (x, y, _) = space.turned([end(1, most.0), end(2, most.1), end(4, most.2)]);
            (x, y)
        });
        let (mut low, mut high) = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
        for (x, y) in corners {
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        }
        let (width, height) = (at.2 - at.0 - 220.0, at.3 - at.1 - 90.0);
        space.scale = (
            (width / (high.0 - low.0)).max(1.0),
            (height / (high.1 - low.1)).max(1.0),
        );
        space.middle = (
            f32::midpoint(at.0, at.2) - f32::midpoint(low.0, high.0) * space.scale.0,
            f32::midpoint(at.1, at.3) - f32::midpoint(low.1, high.1) * space.scale.1,
        );
        space
    }

    /// In a cube of side 2 about its middle, turned: right, down, depth.
    fn turned(&self, [x, y, z]: [f64; 3]) -> (f32, f32, f32) {
        let unit = |value: f64, most: f64| (value / most * 2.0 - 1.0) as f32;
        let (x, y, z) = (
            unit(x, self.most.0),
            unit(y, self.most.1),
            unit(z, self.most.2),
        );
        let (x, z) = (
            x * self.cos.0 + z * self.sin.0,
            -x * self.sin.0 + z * self.cos.0,
        );
        let (y, z) = (
            y * self.cos.1 - z * self.sin.1,
            y * self.sin.1 + z * self.cos.1,
        );
        (x, -y, -z)
    }

    fn at(&self, point: [f64; 3]) -> (f32, f32) {
        let (x, y, _) = self.turned(point);
        (
            self.middle.0 + x * self.scale.0,
            self.middle.1 + y * self.scale.1,
        )
    }

    fn depth(&self, point: [f64; 3]) -> f32 {
        self.turned(point).2
    }
}

/// Lines have no group in common: each has a colour by its id.
fn color_of(id: TaskId) -> Color {
    users::color(id.tid as usize * 7 + id.tid as usize / 24)
}
