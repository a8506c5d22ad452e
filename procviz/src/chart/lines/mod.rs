//! Draws a line per interesting task: CPU and memory through time, in two flat panels or in 3D.

mod flat;
mod space;

use rustc_hash::FxHashMap;

use self::space::Space;
use super::{
    Chart, Context, axis, foot,
    head::{self, Counts},
    labels::Labels,
    largest, margin,
    numbers::{self, Numbered},
    palette::{Colors, Palette, PaletteKind, Theme},
    users,
};
use crate::{
    model::{Scope, Snapshot, TaskId, duration_text},
    scene::{Anchor, Color, Item, Mark, Scene, Shape, Text},
    trails::{Past, Point, Trail, Trails},
};

/// Options of a line chart.
#[derive(Clone, Debug)]
pub struct LinesOptions {
    /// Whether the chart shows threads or processes.
    pub scope: Scope,
    /// Light or dark theme.
    pub theme: Theme,
    /// Default colours, or the colours of the 2011 version.
    pub palette: PaletteKind,
    /// Draw time, CPU time and memory in 3D, as in 2011.
    pub is_3d: bool,
    /// Viewing angle of 3D: rotation around the vertical axis and tilt, in degrees.
    pub angle: (f32, f32),
}

impl Default for LinesOptions {
    /// Threads, in the light theme, from [`ANGLE`].
    fn default() -> Self {
        Self {
            scope: Scope::Threads,
            theme: Theme::Light,
            palette: PaletteKind::default(),
            is_3d: false,
            angle: ANGLE,
        }
    }
}

/// The default viewing angle, from which all three axes are readable.
pub const ANGLE: (f32, f32) = (-32.0, 24.0);

/// A line chart. Remembers the trails of the observed tasks.
pub struct Lines {
    options: LinesOptions,
    palette: Palette,
    trails: Trails,
    /// Gaps in the data: begin and end, ns since boot.
    gaps: Vec<(u64, u64)>,
    /// Last label spot of each line, relative to the end of the line.
    spots: FxHashMap<TaskId, u8>,
}

/// The line of a task, for a terminal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) id: TaskId,
    pub(crate) name: String,
    pub(crate) color: Color,
    /// Points: seconds since the trails began, and CPU in cores, the mean of each interval at
    /// its begin and its end. The line is in pieces, with a gap in the data between two.
    pub(crate) cpu: Vec<Vec<(f64, f64)>>,
    /// CPU time since the task was first seen, ns.
    pub(crate) used_ns: u64,
    /// Points: seconds since the trails began, and resident set in bytes. In pieces,
    /// too.
    pub(crate) rss: Vec<Vec<(f64, f64)>>,
    pub(crate) is_over: bool,
}

/// Value of [`Trail::interest`] from which a line is opaque.
const MOST_INTEREST: u8 = 5;
const LABEL: f32 = 12.0;
/// Radius of the mark at the end of a line, in pixels.
const END: f32 = 3.5;
/// Upper limit for remembered gaps. Lines are drawn across any further gap.
const MOST_HOLES: usize = 100;

impl Lines {
    /// Makes an empty chart.
    pub fn new(options: LinesOptions) -> Self {
        Self {
            palette: Palette::new(options.theme, options.palette, &Colors::default()),
            trails: Trails::new(options.scope),
            options,
            gaps: Vec::new(),
            spots: FxHashMap::default(),
        }
    }

    /// Draws in 3D from now on, or flat.
    pub fn in_3d(&mut self, is_3d: bool) {
        self.options.is_3d = is_3d;
    }

    /// Sets the viewing angle of 3D: rotation around the vertical axis and tilt, in degrees.
    pub fn look_from(&mut self, (turn, tilt): (f32, f32)) {
        self.options.angle = (turn % 360.0, tilt.clamp(-5.0, 85.0));
    }

    /// The current lines, highest interest first. Lines of exited tasks come last.
    pub(crate) fn series(&self, context: &Context<'_>) -> Vec<Series> {
        let mut trails: Vec<(TaskId, &Trail)> = self.trails.iter().collect();
        trails.sort_by(|(a, x), (b, y)| {
            x.is_over
                .cmp(&y.is_over)
                .then(y.interest.cmp(&x.interest))
                .then(used(y).cmp(&used(x)))
                .then(a.cmp(b))
        });
        let pieces = |trail: &Trail, figure: flat::Figure| {
            let ends = |step: flat::Step| {
                let times = [step.begin_ns, step.end_ns].map(|ns| self.second(ns));
                [(times[0], step.first), (times[1], step.value)]
            };
            let pieces = self.pieces(trail);
            let pieces = pieces.map(|piece| figure.steps(piece, 0).into_iter());
            pieces.map(|steps| steps.flat_map(ends).collect()).collect()
        };
        trails
            .into_iter()
            .map(|(id, trail)| Series {
                id,
                name: name(id, trail, context),
                color: color_of(id),
                cpu: pieces(trail, flat::Figure::Cpu),
                used_ns: used(trail),
                rss: pieces(trail, flat::Figure::Rss),
                is_over: trail.is_over,
            })
            .collect()
    }

    /// Adds the points of a snapshot. Must be called for each snapshot, including the
    /// first.
    pub fn observe(&mut self, snapshot: &Snapshot) {
        self.trails.observe(snapshot);
        let gap = snapshot.gap_ns.filter(|gap| !self.gaps.contains(gap));
        let is_one_too_many = self.gaps.len() >= MOST_HOLES;
        self.gaps.extend(gap.filter(|_| !is_one_too_many));
    }

    /// The points of a line, split at the gaps in the data.
    fn pieces<'a>(&'a self, trail: &'a Trail) -> impl Iterator<Item = &'a [Point]> {
        let is_known = |a: &Point, b: &Point| {
            let over = |(begin, end): &(u64, u64)| a.boot_ns <= *begin && *end <= b.boot_ns;
            !self.gaps.iter().any(over)
        };
        trail.points.chunk_by(is_known)
    }

    /// Restores the trails from the past of a recording. Snapshots that are observed
    /// later continue these trails.
    pub fn recall(&mut self, past: &Past) {
        self.trails = past.of(self.options.scope).clone();
    }

    /// A time, ns since boot, as seconds since the trails began.
    fn second(&self, boot_ns: u64) -> f64 {
        let began = self.trails.began_ns().unwrap_or_default();
        boot_ns.saturating_sub(began) as f64 / 1e9
    }

    /// Coordinates of a point: seconds since the trails began, CPU seconds, RSS in
    /// bytes.
    fn place(&self, point: &Point) -> [f64; 3] {
        [
            self.second(point.boot_ns),
            point.cpu_ns as f64 / 1e9,
            point.rss as f64,
        ]
    }

    /// The colour of a line: paler if the task is less active.
    fn shade(&self, id: TaskId, trail: &Trail) -> Color {
        let Color(r, g, b, _) = color_of(id);
        let alpha = u32::from(trail.interest) * 255 / u32::from(MOST_INTEREST);
        Color(r, g, b, alpha.min(255) as u8)
    }

    /// The shape of the mark at the end of a line.
    fn end_of(&self, trail: &Trail) -> Shape {
        match trail.is_over {
            true => Shape::Diamond,
            false => Shape::Disc,
        }
    }

    /// Draws the observed lines.
    pub fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        let scope = self.options.scope;
        let counts = Counts::of(snapshot, scope);
        let mut scene = Scene::new(context.size.0, context.size.1, self.palette.background);
        let head = ("lines", &counts, scope);
        head::draw(&mut scene, snapshot, head, context, &self.palette);
        let margin = (snapshot, &largest::largest(snapshot)[..]);
        margin::draw(&mut scene, margin, context, &self.palette);
        if self.options.is_3d {
            let space = self.space(snapshot, context.size);
            self.frame(&mut scene, &space);
            let order = self.draw_lines(&mut scene, &space);
            let numbered = numbers::draw(&mut scene, snapshot, &self.palette);
            self.label(&mut scene, &space, order, &numbered, context);
        } else {
            flat::draw(self, &mut scene, snapshot, context);
        }
        self.draw_foot(&mut scene, snapshot, context);
        scene
    }

    fn space(&self, snapshot: &Snapshot, size: (f32, f32)) -> Space {
        let points = || self.trails.iter().flat_map(|(_, trail)| &trail.points);
        let most = |axis: usize| {
            let values = points().map(|point| self.place(point)[axis]);
            values.fold(0.0, f64::max)
        };
        let now = Point {
            boot_ns: snapshot.stamp.boot_ns,
            ..Point::default()
        };
        Space::new(
            (
                self.place(&now)[0].max(1.0),
                most(1).max(0.5) * 1.05,
                most(2).max(64.0 * 1024.0 * 1024.0) * 1.05,
            ),
            self.options.angle,
            (
                16.0,
                head::HEIGHT + 6.0,
                size.0 - margin::width(size) - 16.0,
                size.1 - foot::height(size) - 6.0,
            ),
        )
    }

    /// Draws the three far walls with their grids, and the labels of the axes.
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
        // Labels at the ends of the axes would overlap at the corners.
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
                "time shown",
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

    /// Draws the lines from back to front, so that near lines cover far lines. Returns
    /// the task ids in this order.
    fn draw_lines(&self, scene: &mut Scene, space: &Space) -> Vec<TaskId> {
        let mut order: Vec<(f32, TaskId)> = self
            .trails
            .iter()
            .map(|(id, trail)| {
                let points = trail.points.iter();
                let sum: f32 = points.map(|point| space.depth(self.place(point))).sum();
                (sum / trail.points.len().max(1) as f32, id)
            })
            .collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, id) in &order {
            let Some(trail) = self.trails.get(*id) else {
                continue;
            };
            let color = self.shade(*id, trail);
            if let Some(end) = trail.points.last() {
                let (x, y) = space.at(self.place(end));
                scene.marks.push(Mark {
                    id: *id,
                    x,
                    y,
                    r: END,
                    shape: self.end_of(trail),
                    color,
                    spot: None,
                });
            }
            for piece in self.pieces(trail) {
                let points = piece.iter().map(|point| space.at(self.place(point)));
                scene.items.push(Item::Line {
                    points: points.collect(),
                    width: 2.0,
                    color,
                });
            }
        }
        order.into_iter().map(|(_, id)| id).collect()
    }

    /// Draws the labels at the ends of the lines, where there is room.
    fn label(
        &mut self,
        scene: &mut Scene,
        space: &Space,
        mut named: Vec<TaskId>,
        numbered: &[Numbered],
        context: &Context<'_>,
    ) {
        let ends = scene.marks.iter().map(|mark| (mark.x, mark.y, mark.r));
        let rings = numbered.iter().map(|numbered| numbered.at);
        let words = scene.items.iter().filter_map(numbers::box_of);
        let mut labels = Labels::new(space.at, ends.collect(), rings.chain(words).collect());
        // Highest interest first, then most CPU time.
        let weight = |id: &TaskId| {
            let trail = self.trails.get(*id);
            trail.map(|trail| (trail.interest, used(trail)))
        };
        named.sort_by(|a, b| weight(b).cmp(&weight(a)).then(a.cmp(b)));
        let mut spots = FxHashMap::default();
        for id in named {
            let Some(trail) = self.trails.get(id) else {
                continue;
            };
            let Some(end) = trail.points.last().map(|point| space.at(self.place(point))) else {
                continue;
            };
            let text = context.font.fit(&name(id, trail, context), LABEL, 240.0);
            let size = (context.font.width(&text, LABEL), LABEL + 2.0);
            let ring = numbered.iter().find(|numbered| numbered.id == id);
            let reach = ring.map_or(END, |ring| ring.reach);
            let spot = self.spots.get(&id).copied();
            if let Some(((x, y), spot)) = labels.place((end.0, end.1, reach), size, spot) {
                spots.insert(id, spot);
                let color = if trail.is_over {
                    self.palette.alarm
                } else {
                    self.palette.ink
                };
                self.text(scene, (x, y + LABEL), Anchor::Start, color, text);
            }
        }
        self.spots = spots;
        if self.trails.is_empty() {
            let (left, top, right, bottom) = space.at;
            let words = self.nothing();
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

    /// What is said if there is no line.
    fn nothing(&self) -> &'static str {
        match self.options.scope {
            Scope::Threads => {
                "no thread used more than 100 ms of CPU or changed its RSS by 60 MiB in an interval"
            }
            Scope::Processes => {
                "no process used more than 100 ms of CPU or changed its RSS by 60 MiB in an interval"
            }
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
                "exited (name in red)".to_owned(),
                Shape::Diamond,
                self.palette.alarm,
                None,
            ),
        ];
        let words = format!(
            "paler: less active   {}, watched {}{}",
            match self.trails.len() {
                1 => "1 line".to_owned(),
                count => format!("{count} lines"),
            },
            duration_text(snapshot.watched_ns() / 1_000_000_000 * 1_000_000_000),
            match self.gaps.is_empty() {
                true => "",
                false => ", gaps where data is missing",
            }
        );
        let words = foot::After::Words(&words);
        foot::draw(scene, snapshot, legend, words, context, &self.palette);
    }
}

impl Chart for Lines {
    fn observe(&mut self, snapshot: &Snapshot) {
        Lines::observe(self, snapshot);
    }

    fn shows_past(&self) -> bool {
        true
    }

    fn recall(&mut self, past: &Past) {
        Lines::recall(self, past);
    }

    fn in_theme(&self, theme: Theme) -> Box<dyn Chart> {
        Box::new(Self::new(LinesOptions {
            theme,
            ..self.options.clone()
        }))
    }

    fn in_scope(mut self: Box<Self>, scope: Scope) -> Box<dyn Chart> {
        self.options.scope = scope;
        self.trails = Trails::new(scope);
        self
    }

    fn in_series(self: Box<Self>) -> Box<dyn Chart> {
        self
    }

    fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        Lines::draw(self, snapshot, context)
    }
}

/// CPU time at the end of a trail, ns.
fn used(trail: &Trail) -> u64 {
    trail.points.last().map_or(0, |point| point.cpu_ns)
}

fn name(id: TaskId, trail: &Trail, context: &Context<'_>) -> String {
    let who = &trail.who;
    context.label(
        id,
        &(context.user)(who.uid),
        (who.comm.text(), who.args.as_deref()),
    )
}

/// The colour of a line. Lines have no groups, so the colour depends on the task id.
fn color_of(id: TaskId) -> Color {
    users::color(id.tid as usize * 7 + id.tid as usize / 24)
}
