//! Draws lives: a bar per process, or per thread, from its start to its end, with what it did.

mod bars;
mod families;
mod flags;
mod heat;
mod kills;
mod lanes;
mod life;
mod lives;
mod machine;
mod rows;
mod step;
mod strips;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustc_hash::FxHashMap;

pub use self::heat::{HeatOf, HeatOptions, HeatRows};
pub(crate) use self::rows::{LifeCell, LifeRows, LifeSign};
use self::{
    bars::Bars,
    families::{Family, Gather},
    heat::Heat,
    kills::Places,
    lanes::{Lanes, Plan},
    lives::Lives,
};
use super::{
    Chart, Context, axis, foot,
    grouping::Grouping,
    head::{self, Counts},
    largest, margin,
    palette::{Colors, Palette, PaletteKind, Theme},
};
use crate::{
    model::{Activity, Scope, Snapshot, TaskId, Untrusted, count_text},
    scene::{Anchor, Color, Item, Mark, Scene, Shape, Text},
};

/// Options of a timeline.
#[derive(Clone, Debug)]
pub struct TimelineOptions {
    /// Whether the lives are those of processes or of threads.
    pub scope: Scope,
    /// The property by which the lives are grouped.
    pub grouping: Grouping,
    /// Light or dark theme.
    pub theme: Theme,
    /// Default colours, or the colours of the 2011 version.
    pub palette: PaletteKind,
    /// Draws a heat map instead of lives.
    pub heat: Option<HeatOptions>,
}

impl Default for TimelineOptions {
    /// Processes, grouped by the oldest ancestor, in the light theme.
    fn default() -> Self {
        Self {
            scope: Scope::Processes,
            grouping: Grouping::Tree,
            theme: Theme::Light,
            palette: PaletteKind::default(),
            heat: None,
        }
    }
}

/// A timeline. Remembers the lives of the observed processes.
#[derive(Clone)]
pub struct Timeline {
    options: TimelineOptions,
    palette: Palette,
    lives: Lives,
    heat: Heat,
    /// The time that the picture shows, ns since boot.
    period: (u64, u64),
    /// The time that is shown and kept, ns; `None`: all.
    span_ns: Option<u64>,
    /// What is said of each band, by the task of its mark.
    bands: FxHashMap<TaskId, String>,
}

const LEFT: f32 = 16.0;
/// Height of the time axis, in pixels.
const AXIS: f32 = 20.0;
/// Heights of a lane: the largest, and the least, in pixels.
const LANE: (f32, f32) = (30.0, 2.0);
/// Free room below a group, in pixels.
const GROUP_GAP: f32 = 5.0;

/// Where the lives are: left, top, right, bottom, in pixels.
type Area = (f32, f32, f32, f32);

impl Timeline {
    /// Makes an empty timeline.
    pub fn new(options: TimelineOptions) -> Self {
        Self {
            palette: Palette::new(options.theme, options.palette, &Colors::default()),
            lives: Lives::new(options.scope),
            options,
            heat: Heat::default(),
            period: (0, 0),
            span_ns: None,
            bands: FxHashMap::default(),
        }
    }

    /// Shows and keeps only this much time, ns.
    #[must_use]
    pub(crate) fn of_the_last(mut self, span_ns: u64) -> Self {
        self.span_ns = Some(span_ns);
        self
    }

    /// Shows threads, or processes, from now on.
    pub(crate) fn change_scope(&mut self, scope: Scope) {
        self.options.scope = scope;
        self.lives = Lives::new(scope);
    }

    /// Puts the lives together in another way.
    pub(crate) fn group_by(&mut self, grouping: Grouping) {
        self.options.grouping = grouping;
    }

    /// Shows a heat map, or lives.
    pub(crate) fn show_heat(&mut self, heat: Option<HeatOptions>) {
        self.options.heat = heat;
    }

    /// Adds what a snapshot shows. Must be called for each snapshot, including the first.
    pub fn observe(&mut self, snapshot: &Snapshot) {
        self.lives.observe(snapshot);
        // A live view can change to it.
        if self.options.heat.is_some() || self.span_ns.is_some() {
            self.heat.observe(snapshot);
        }
        let until_ns = snapshot.stamp.boot_ns;
        if let Some(span_ns) = self.span_ns.filter(|_| snapshot.tick.is_multiple_of(32)) {
            self.lives.forget_before(until_ns.saturating_sub(span_ns));
            self.heat.forget_before(until_ns.saturating_sub(span_ns));
        }
    }

    /// What is known of a process that has exited, in all the time that is remembered: its name
    /// and figures, then its user.
    pub(crate) fn about_life(
        &self,
        id: TaskId,
        user: &dyn Fn(Option<u32>) -> Arc<str>,
    ) -> Option<Vec<String>> {
        // The life of a leader is not that of its process.
        let is_process = self.options.scope == Scope::Processes;
        let life = self.lives.get(id).filter(|_| is_process)?;
        let user = Untrusted::new(user(life.uid).as_bytes()).picture();
        let words = life.words(self.lives.period());
        Some(vec![words, format!("user {user}")])
    }

    /// The time to show, ns since boot.
    fn shown_period(&self, snapshot: &Snapshot) -> (u64, u64) {
        let (began_ns, until_ns) = self.lives.period();
        let last_ns = self.span_ns.map(|span_ns| until_ns.saturating_sub(span_ns));
        let later = [snapshot.period_began_ns, last_ns].into_iter().flatten();
        (later.fold(began_ns, u64::max), until_ns)
    }

    /// What is known of a life, or of the band that its mark stands for: its name and figures,
    /// then other lines.
    pub(crate) fn about(
        &self,
        id: TaskId,
        user: &dyn Fn(Option<u32>) -> Arc<str>,
    ) -> Option<Vec<String>> {
        if let Some(words) = self.bands.get(&id) {
            return Some(vec![words.clone()]);
        }
        let life = self.lives.get(id)?;
        let user = Untrusted::new(user(life.uid).as_bytes()).picture();
        Some(vec![life.words(self.period), format!("user {user}")])
    }

    /// Draws the observed lives.
    pub fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        self.period = self.shown_period(snapshot);
        if let Some(heat) = self.options.heat {
            let shown = (snapshot, self.period);
            return self.heat.draw(heat, shown, context, &self.palette);
        }
        let scope = self.options.scope;
        let counts = Counts::of(snapshot, scope);
        let mut scene = Scene::new(context.size.0, context.size.1, self.palette.background);
        let head = ("timeline", &counts, scope);
        head::draw(&mut scene, snapshot, head, context, &self.palette);
        let margin = (snapshot, &largest::largest(snapshot)[..]);
        margin::draw(&mut scene, margin, context, &self.palette);
        let labels = self.options.grouping.label_width(context.size.0);
        let (left, right) = (
            LEFT + labels,
            context.size.0 - margin::width(context.size) - 10.0,
        );
        let top = head::HEIGHT + 8.0;
        let bottom = context.size.1 - foot::height(context.size) - AXIS;
        let above = top;
        let top = strips::draw(
            &mut scene,
            (&self.lives, self.period),
            snapshot.host.cpus,
            ((left, right), top),
            (context.font, &self.palette),
        );
        let area = (left, top, right.max(left + 40.0), bottom.max(top + 20.0));
        let (families, idle) = self.families(context);
        let lanes = self.lanes(&families, (area, 10.0), |lanes| {
            let height = lanes.count() as f32 * LANE.1 * 2.0;
            height + lanes.groups.len() as f32 * GROUP_GAP <= area.3 - area.1
        });
        let lane = self.lane_height(&lanes, area);
        let bars = Bars {
            area,
            period: self.period,
            lane,
            largest: self.lives.largest_rss(self.period),
            context,
            palette: &self.palette,
        };
        self.draw_axis(&mut scene, area);
        let mut y = area.1;
        let bands = lanes.bands(self.period);
        let mut without_room = 0;
        let mut places = Places::default();
        for group in &lanes.groups {
            bars.label(&mut scene, &group.name, (LEFT, labels - 10.0), y);
            bars.group(&mut scene, group, y);
            without_room += bars.without_room(group, y);
            places.extend(bars.places(group, y));
            y += group.lanes as f32 * lane + GROUP_GAP;
        }
        let has_kills = bars.kills(&mut scene, &lanes, &places);
        self.draw_gaps(&mut scene, (area.0, above, area.2, area.3), &bars);
        self.draw_rest(&mut scene, (idle, without_room), area);
        self.bands = bands;
        self.draw_foot(&mut scene, snapshot, has_kills, context);
        scene
    }

    /// The lives that belong together, and the number of processes that did nothing.
    fn families(&self, context: &Context<'_>) -> (Vec<Family<'_>>, usize) {
        let user = |uid| Untrusted::new((context.user)(uid).as_bytes()).picture();
        let gather = Gather {
            grouping: self.options.grouping,
            period: self.period,
            user: &user,
        };
        gather.families(&self.lives)
    }

    /// The lanes; until they fit, longer and longer lives can be a part of a band. `gap` is the
    /// free room between two lives of a lane.
    fn lanes<'a>(
        &self,
        families: &[Family<'a>],
        (area, gap): (Area, f64),
        fits: impl Fn(&Lanes<'_>) -> bool,
    ) -> Lanes<'a> {
        let (from_ns, until_ns) = self.period;
        let pixel_ns = until_ns.saturating_sub(from_ns) as f64 / f64::from(area.2 - area.0);
        let mut lanes = Lanes::default();
        for short in [0.2, 2.0, 20.0] {
            let plan = Plan {
                period: (from_ns, until_ns),
                short_ns: (pixel_ns * gap * short) as u64,
                gap_ns: (pixel_ns * gap) as u64,
            };
            lanes = plan.lanes(families);
            if fits(&lanes) {
                break;
            }
        }
        lanes
    }

    fn lane_height(&self, lanes: &Lanes<'_>, (_, top, _, bottom): Area) -> f32 {
        let room = bottom - top - 16.0 - lanes.groups.len() as f32 * GROUP_GAP;
        (room / lanes.count().max(1) as f32).clamp(LANE.1, LANE.0)
    }

    fn draw_axis(&self, scene: &mut Scene, (left, top, right, bottom): Area) {
        let (from_ns, until_ns) = self.period;
        let seconds = (until_ns.saturating_sub(from_ns) as f64 / 1e9).max(1e-3);
        for (value, text) in axis::time_ticks(seconds) {
            let x = left + (value / seconds) as f32 * (right - left);
            scene.items.push(Item::Line {
                points: vec![(x, top), (x, bottom + 3.0)],
                width: 1.0,
                color: faded(self.palette.idle),
            });
            scene.items.push(Item::Text(Text {
                x,
                y: bottom + 15.0,
                size: 11.0,
                anchor: Anchor::Middle,
                color: self.palette.faint,
                text,
            }));
        }
    }

    /// Says what has no bar.
    fn rest(&self, idle: usize, without_room: u64) -> String {
        let mut words = Vec::new();
        let tasks = match self.options.scope {
            Scope::Processes => "processes",
            Scope::Threads => "threads",
        };
        if without_room > 0 {
            let more = count_text(without_room);
            words.push(format!("{more} more {tasks} have no room"));
        }
        if idle > 0 {
            let idle = count_text(idle as u64);
            words.push(format!(
                "{idle} more {tasks} did next to nothing all the time"
            ));
        }
        if self.lives.folded > 0 {
            let folded = count_text(self.lives.folded);
            words.push(format!("{folded} short-lived processes were only counted"));
        }
        if self.lives.more > 0 {
            let more = count_text(self.lives.more);
            words.push(format!("{more} more are too many to be remembered"));
        }
        words.join("; ")
    }

    /// Covers the times of which nothing is known.
    fn draw_gaps(&self, scene: &mut Scene, (left, top, right, bottom): Area, bars: &Bars<'_>) {
        let Color(red, green, blue, _) = self.palette.background;
        for (from_ns, until_ns) in &self.lives.gaps {
            let (from, until) = (bars.x(*from_ns).max(left), bars.x(*until_ns).min(right));
            if until - from < 1.0 {
                continue;
            }
            scene.items.push(Item::Rect {
                at: (from, top, until - from, bottom - top),
                color: Color(red, green, blue, 225),
            });
            let text = "not recorded".to_owned();
            if bars.context.font.width(&text, 12.0) < until - from {
                let middle = (f32::midpoint(from, until), f32::midpoint(top, bottom));
                scene.text(middle, (12.0, Anchor::Middle, self.palette.faint), text);
            }
        }
    }

    fn draw_rest(
        &self,
        scene: &mut Scene,
        (idle, without_room): (usize, u64),
        (left, _, _, bottom): Area,
    ) {
        scene.items.push(Item::Text(Text {
            x: left,
            y: bottom - 3.0,
            size: 12.0,
            anchor: Anchor::Start,
            color: self.palette.faint,
            text: self.rest(idle, without_room),
        }));
    }

    fn draw_foot(
        &self,
        scene: &mut Scene,
        snapshot: &Snapshot,
        has_kills: bool,
        context: &Context<'_>,
    ) {
        let palette = &self.palette;
        let entry =
            |words: &str, shape, color| foot::Entry::new(words.to_owned(), shape, color, None);
        let share = |share| palette.shade(Activity::Cpu, share, true);
        let ground = palette.background;
        let hatch = move |mark: &Mark| Item::Line {
            points: vec![(mark.x - 4.0, mark.y + 5.0), (mark.x + 4.0, mark.y - 5.0)],
            width: 2.0,
            color: ground,
        };
        let ink = palette.ink;
        let rss = move |mark: &Mark| Item::Line {
            points: vec![(mark.x - 5.0, mark.y + 3.0), (mark.x + 5.0, mark.y - 3.0)],
            width: 1.2,
            color: ink,
        };
        let arrow = move |mark: &Mark| Item::Line {
            points: vec![(mark.x, mark.y - 6.0), (mark.x, mark.y + 6.0)],
            width: 2.0,
            color: ink,
        };
        let mut legend = vec![
            entry("lives", Shape::Square, palette.idle),
            entry("CPU 1 %", Shape::Square, share(0.01)),
            entry("25 %", Shape::Square, share(0.25)),
            entry("100 % of a core", Shape::Square, share(1.0)),
            entry("waits for a CPU", Shape::Square, palette.idle).with_line(hatch),
            entry("io", Shape::Square, palette.full(Activity::Io)),
            entry("blocked (D)", Shape::Square, palette.ink),
            entry("memory", Shape::Square, palette.idle).with_line(rss),
            entry("exited with 0", Shape::Diamond, palette.faint),
            entry("another status, or SIGTERM", Shape::Square, palette.ink),
            entry(
                "crashed or killed",
                Shape::Diamond,
                palette.full(Activity::Exited),
            ),
        ];
        if has_kills {
            legend.push(entry("from killer to killed", Shape::Square, ground).with_line(arrow));
        }
        let after = foot::After::Words("");
        foot::draw(scene, snapshot, legend, after, context, palette);
    }
}

fn faded(Color(red, green, blue, _): Color) -> Color {
    Color(red, green, blue, 110)
}

impl Chart for Timeline {
    fn observe(&mut self, snapshot: &Snapshot) {
        Timeline::observe(self, snapshot);
    }

    fn shows_past(&self) -> bool {
        true
    }

    fn needs_all_samples(&self) -> bool {
        true
    }

    fn about(&self, id: TaskId, context: &Context<'_>) -> Option<String> {
        Some(self.about(id, context.user)?.join("\n"))
    }

    fn in_theme(&self, theme: Theme) -> Box<dyn Chart> {
        let options = TimelineOptions {
            theme,
            ..self.options.clone()
        };
        Box::new(Self {
            lives: self.lives.clone(),
            heat: self.heat.clone(),
            ..Self::new(options)
        })
    }

    fn in_scope(self: Box<Self>, scope: Scope) -> Box<dyn Chart> {
        Box::new(Self::new(TimelineOptions {
            scope,
            ..self.options
        }))
    }

    fn in_series(self: Box<Self>) -> Box<dyn Chart> {
        self
    }

    fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        Timeline::draw(self, snapshot, context)
    }
}
