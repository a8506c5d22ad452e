//! Draws a bubble per interesting task: CPU used, address space, resident set.

mod plot;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use self::plot::{Axes, LABEL, LARGEST, Plot, Row, STRIP};
use super::{
    Chart, Context, axis, foot,
    grouping::{Grouping, Groups},
    head::{self, Counts},
    labels::Labels,
    largest, margin,
    numbers::{self, Numbered},
    palette::{Colors, Palette, PaletteKind, Theme},
    sorting::Sorting,
    users::UserColors,
};
use crate::{
    model::{Scope, Snapshot, TaskId, TaskView},
    scene::{Anchor, Color, Item, Mark, Scene, Shape, Text},
};

/// Options of a bubble chart.
#[derive(Clone, Debug)]
pub struct BubbleOptions {
    /// Whether the chart shows threads or processes.
    pub scope: Scope,
    /// Light or dark theme.
    pub theme: Theme,
    /// Default colours, or the colours of the 2011 version.
    pub palette: PaletteKind,
    /// Which tasks share a colour.
    pub grouping: Grouping,
    /// Whether the vertical axis is the resident set, and not the address space.
    pub by_rss: bool,
    /// Whether the axes are linear from 0, as in the 2011 version.
    pub even_axes: bool,
    /// Colours chosen for some users: user name and colour.
    pub user_colors: Vec<(String, Color)>,
}

impl Default for BubbleOptions {
    /// Processes, coloured by user, in the light theme.
    fn default() -> Self {
        Self {
            scope: Scope::Processes,
            theme: Theme::Light,
            palette: PaletteKind::default(),
            grouping: Grouping::User,
            by_rss: false,
            even_axes: false,
            user_colors: Vec::new(),
        }
    }
}

/// A bubble chart. Remembers which tasks were interesting, and their label spots.
pub struct Bubble {
    options: BubbleOptions,
    palette: Palette,
    colors: UserColors,
    interest: FxHashMap<TaskId, Interest>,
    /// The ends of the axes: cores, and exponents of two. The axes grow and never
    /// shrink, so that bubbles keep their places.
    most_share: f64,
    powers: Option<(f64, f64)>,
}

/// The data that decides whether a task is on the chart.
struct Interest {
    vsize: Option<u64>,
    rss: Option<u64>,
    /// Number of refreshes since the task was last interesting.
    idle: u32,
    spot: Option<u8>,
    tick: u64,
}

/// An interesting task, for a terminal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Interesting {
    pub(crate) id: TaskId,
    /// The label: name, pid and user.
    pub(crate) name: String,
    /// CPU used in the interval, in cores.
    pub(crate) share: f64,
    /// Address space, in bytes.
    pub(crate) vsize: Option<u64>,
    /// Resident set, in bytes.
    pub(crate) rss: Option<u64>,
    /// What the vertical axis shows, in bytes.
    pub(crate) height: Option<u64>,
    pub(crate) color: Color,
    pub(crate) is_over: bool,
}

/// A bubble and its task.
struct Dot<'a> {
    task: TaskView<'a>,
    user: Arc<str>,
    /// Name of the group that determines the colour.
    group: Arc<str>,
    share: f64,
    at: (f32, f32),
    r: f32,
}

/// CPU share above which a task is interesting, in cores.
const SHARE: f64 = 0.001;
/// Number of refreshes without change for which a task stays on the chart.
const KEPT: u32 = 2;
/// Radius of the smallest bubble, in pixels.
const SMALLEST: f32 = 3.0;

impl Bubble {
    /// Makes an empty chart.
    pub fn new(options: BubbleOptions) -> Self {
        Self {
            palette: Palette::new(options.theme, options.palette, &Colors::default()),
            colors: UserColors::new(&options.user_colors),
            options,
            interest: FxHashMap::default(),
            most_share: 0.25,
            powers: None,
        }
    }

    /// Updates the set of interesting tasks. Must be called for each snapshot.
    pub fn observe(&mut self, snapshot: &Snapshot) {
        let tick = snapshot.tick;
        for task in snapshot.tasks(self.options.scope) {
            let is_over = task.end().is_some_and(|end| end.tick != tick);
            let (vsize, rss) = (task.process.vsize, task.process.rss);
            let is_busy = task.cpu_share() > SHARE;
            match self.interest.get_mut(&task.id()) {
                Some(_) if is_over => {}
                Some(known) => {
                    let is_interesting = is_busy || known.vsize != vsize || known.rss != rss;
                    known.idle = if is_interesting { 0 } else { known.idle + 1 };
                    (known.vsize, known.rss, known.tick) = (vsize, rss, tick);
                }
                // A task from the first census has no change yet.
                None if !is_over => {
                    let is_new = tick > 1 && task.change().ran;
                    let has_changed =
                        snapshot.peaks.is_some() && task.rss_delta().is_some_and(|rss| rss != 0);
                    let known = Interest {
                        vsize,
                        rss,
                        idle: if is_busy || has_changed || (is_new && task.end().is_some()) {
                            0
                        } else {
                            KEPT + 1
                        },
                        spot: None,
                        tick,
                    };
                    self.interest.insert(task.id(), known);
                }
                None => {}
            }
        }
        self.interest.retain(|_, known| known.tick == tick);
    }

    /// Draws a snapshot. The chart must have observed the snapshot before.
    pub fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        let scope = self.options.scope;
        let counts = Counts::of(snapshot, scope);
        let mut dots = self.dots(snapshot, context);
        let largest = dots
            .iter()
            .filter_map(|dot| dot.task.largest_rss())
            .max()
            .unwrap_or(0);
        let mut scene = Scene::new(context.size.0, context.size.1, self.palette.background);
        let head = ("bubble", &counts, scope);
        head::draw(&mut scene, snapshot, head, context, &self.palette);
        let margin = (snapshot, &largest::largest(snapshot)[..]);
        margin::draw(&mut scene, margin, context, &self.palette);
        let plot = self.scale(&mut dots, largest, context.size);
        plot.draw(&mut scene, self.palette.faint, dots.is_empty(), context);
        self.draw_foot(&mut scene, snapshot, &dots, largest, context);
        // Large bubbles first, so that they do not hide small bubbles.
        dots.sort_by(|a, b| b.r.total_cmp(&a.r).then(a.task.id().cmp(&b.task.id())));
        for dot in &dots {
            self.bubble(&mut scene, dot);
        }
        let numbered = numbers::draw(&mut scene, snapshot, &self.palette);
        self.label(&mut scene, &numbered, &mut dots, &plot, context);
        scene
    }

    /// The interesting tasks of an observed snapshot, sorted by `order`. The order
    /// of start says little here, so it is replaced by the order of CPU.
    pub(crate) fn interesting(
        &mut self,
        snapshot: &Snapshot,
        order: Sorting,
        context: &Context<'_>,
    ) -> Vec<Interesting> {
        let mut dots = self.dots(snapshot, context);
        let order = match order {
            Sorting::Start => Sorting::Cpu,
            order => order,
        };
        dots.sort_by_key(|dot| order.key(&dot.task));
        dots.iter()
            .map(|dot| Interesting {
                id: dot.task.id(),
                name: context.name(&dot.task, &dot.user),
                share: dot.share,
                vsize: dot.task.process.vsize,
                rss: dot.task.process.rss,
                height: self.height(dot),
                color: self.colors.of(&dot.group),
                is_over: dot.task.end().is_some(),
            })
            .collect()
    }

    fn dots<'a>(&self, snapshot: &'a Snapshot, context: &Context<'_>) -> Vec<Dot<'a>> {
        let groups = Groups::new(self.options.grouping, snapshot);
        let is_named = |id: TaskId| {
            snapshot
                .findings
                .iter()
                .any(|finding| finding.dots().any(|dot| dot == id))
        };
        snapshot
            .tasks(self.options.scope)
            .filter(|task| {
                let is_interesting = self
                    .interest
                    .get(&task.id())
                    .is_some_and(|known| known.idle <= KEPT);
                let is_over = task.end().is_some_and(|end| end.tick != snapshot.tick);
                !is_over && (is_interesting || is_named(task.id()))
            })
            .map(|task| Dot {
                group: groups.name(&groups.key(&task), context),
                user: (context.user)(task.thread.uid),
                share: task.cpu_share(),
                task,
                at: (0.0, 0.0),
                r: 0.0,
            })
            .collect()
    }

    /// Computes the ends of the axes and the place of each bubble.
    fn scale(&mut self, dots: &mut [Dot<'_>], largest: u64, size: (f32, f32)) -> Plot {
        let most = dots.iter().map(|dot| dot.share).fold(0.0, f64::max);
        self.most_share = self.most_share.max(axis::share_end(most));
        let sizes = || {
            let heights = dots.iter().filter_map(|dot| self.height(dot));
            heights.filter(|bytes| *bytes > 0)
        };
        let (low, high) = match (sizes().min(), sizes().max()) {
            (Some(least), Some(most)) => axis::bytes_range(least, most),
            _ => self.powers.unwrap_or((20.0, 34.0)),
        };
        let powers = match self.powers {
            Some((a, b)) => (low.min(a), high.max(b)),
            None => (low, high),
        };
        self.powers = Some(powers);
        let row_of = |dot: &Dot<'_>| Row::of(&dot.task, self.height(dot));
        let has = |row: Row| dots.iter().any(|dot| row_of(dot) == row);
        let axes = Axes {
            most_share: self.most_share,
            powers,
            are_even: self.options.even_axes,
            by_rss: self.options.by_rss,
        };
        let plot = Plot::new(size, axes, has(Row::Kernel), has(Row::Unknown));
        for dot in dots {
            let rss = dot.task.largest_rss().unwrap_or(0);
            let part = (rss as f64 / largest.max(1) as f64).sqrt() as f32;
            let row = row_of(dot);
            dot.r = (part * LARGEST).max(SMALLEST);
            if row != Row::Sized {
                dot.r = dot.r.min(STRIP / 2.0 - 2.0);
            }
            let height = self.height(dot);
            dot.at = (plot.x(dot.share), plot.y(row, height.unwrap_or(0)));
        }
        plot
    }

    /// What the vertical axis shows of a task, bytes; `None` if not known.
    fn height(&self, dot: &Dot<'_>) -> Option<u64> {
        match self.options.by_rss {
            true => dot.task.largest_rss(),
            false => dot.task.process.vsize,
        }
    }

    fn bubble(&mut self, scene: &mut Scene, dot: &Dot<'_>) {
        let Color(r, g, b, _) = self.colors.of(&dot.group);
        let is_over = dot.task.end().is_some();
        scene.marks.push(Mark {
            id: dot.task.id(),
            x: dot.at.0,
            y: dot.at.1,
            r: dot.r,
            shape: if is_over { Shape::Ring } else { Shape::Disc },
            color: Color(r, g, b, if is_over { 255 } else { 120 }),
            spot: None,
        });
        if !is_over {
            scene.items.push(Item::Ring {
                at: dot.at,
                r: dot.r - 0.5,
                width: 1.0,
                color: Color(r, g, b, 255),
            });
        }
    }

    /// Draws labels where there is room: tasks with a finding first, then by CPU
    /// and size.
    fn label(
        &mut self,
        scene: &mut Scene,
        numbered: &[Numbered],
        dots: &mut [Dot<'_>],
        plot: &Plot,
        context: &Context<'_>,
    ) {
        let marks = dots.iter().map(|dot| (dot.at.0, dot.at.1, dot.r)).collect();
        let (left, top, right, _) = plot.at;
        let bounds = (
            left + 2.0,
            top + 2.0,
            right - 2.0,
            plot.bottom_of_strips - 2.0,
        );
        let taken = numbered.iter().map(|numbered| numbered.at).collect();
        let mut labels = Labels::new(bounds, marks, taken);
        let place_of = |dot: &Dot<'_>| {
            numbered
                .iter()
                .position(|numbered| numbered.id == dot.task.id())
        };
        // Tasks with a finding number come first.
        let rank = |dot: &Dot<'_>| place_of(dot).unwrap_or(usize::MAX);
        dots.sort_by(|a, b| {
            rank(a)
                .cmp(&rank(b))
                .then(b.share.total_cmp(&a.share))
                .then(b.r.total_cmp(&a.r))
                .then(a.task.id().cmp(&b.task.id()))
        });
        let mut unnamed = 0;
        for dot in dots.iter() {
            let text = context
                .font
                .fit(&context.name(&dot.task, &dot.user), LABEL, 260.0);
            let size = (context.font.width(&text, LABEL), LABEL + 2.0);
            let last = self
                .interest
                .get(&dot.task.id())
                .and_then(|known| known.spot);
            let reach = place_of(dot).map_or(dot.r, |place| numbered[place].reach);
            let Some(((x, y), spot)) = labels.place((dot.at.0, dot.at.1, reach), size, last) else {
                unnamed += 1;
                continue;
            };
            if let Some(known) = self.interest.get_mut(&dot.task.id()) {
                known.spot = Some(spot);
            }
            scene.items.push(Item::Text(Text {
                x,
                y: y + LABEL,
                size: LABEL,
                anchor: Anchor::Start,
                color: self.palette.ink,
                text,
            }));
        }
        if unnamed > 0 {
            scene.items.push(Item::Text(Text {
                x: right,
                y: top - 8.0,
                size: LABEL,
                anchor: Anchor::End,
                color: self.palette.faint,
                text: format!("labels without room: {unnamed}"),
            }));
        }
    }

    fn draw_foot(
        &mut self,
        scene: &mut Scene,
        snapshot: &Snapshot,
        dots: &[Dot<'_>],
        largest: u64,
        context: &Context<'_>,
    ) {
        let mut users: Vec<Arc<str>> = dots.iter().map(|dot| Arc::clone(&dot.group)).collect();
        users.sort_unstable();
        users.dedup();
        let mut legend: Vec<foot::Entry> = users
            .iter()
            .map(|user| {
                let Color(r, g, b, _) = self.colors.of(user);
                let words = crate::model::Untrusted::new(user.as_bytes()).picture();
                foot::Entry::new(words, Shape::Disc, Color(r, g, b, 170), None)
            })
            .collect();
        let over = foot::Entry::new(
            "just exited".to_owned(),
            Shape::Ring,
            self.palette.faint,
            None,
        );
        legend.push(over);
        foot::draw(
            scene,
            snapshot,
            legend,
            foot::After::Sizes(foot::SizeKey::new(LARGEST, largest)),
            context,
            &self.palette,
        );
    }
}

impl Chart for Bubble {
    fn observe(&mut self, snapshot: &Snapshot) {
        Bubble::observe(self, snapshot);
    }

    fn in_theme(&self, theme: Theme) -> Box<dyn Chart> {
        Box::new(Self::new(BubbleOptions {
            theme,
            ..self.options.clone()
        }))
    }

    fn in_scope(mut self: Box<Self>, scope: Scope) -> Box<dyn Chart> {
        self.options.scope = scope;
        self
    }

    fn in_series(self: Box<Self>) -> Box<dyn Chart> {
        self
    }

    fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        Bubble::draw(self, snapshot, context)
    }
}
