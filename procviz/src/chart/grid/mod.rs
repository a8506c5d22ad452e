//! Draws a dot per task: every task of the machine at a glance.

mod layout;
mod legend;
mod mark;
mod names;
mod news;
mod places;
mod short_lives;
mod stable;

use rustc_hash::FxHashMap;

use self::{
    layout::{Layout, Room, Wanted, layout},
    legend::Has,
    mark::{Halo, Sizes},
    names::Placed,
    stable::StableLayout,
};
pub(super) use self::{places::Places, short_lives::Shown};
use super::{
    Chart, Context, foot,
    grouping::{GroupKey, Grouping, Groups, group_name},
    head::{self, Counts},
    largest, margin, numbers,
    palette::{Colors, Palette, PaletteKind, Theme},
    sorting::Sorting,
};
use crate::{
    model::{Scope, Snapshot, TaskView, count_text},
    scene::{Anchor, Item, Scene, Text},
};

/// Options of a grid.
#[derive(Clone, Debug)]
pub struct GridOptions {
    /// Whether the grid shows threads or processes.
    pub scope: Scope,
    /// The property by which the dots are grouped.
    pub grouping: Grouping,
    /// Order of the dots within a group.
    pub sorting: Sorting,
    /// Upper limit for the dots in a row; `None` is no limit.
    pub columns: Option<usize>,
    /// Area of the largest dot, in square points.
    pub point_size: f32,
    /// Light or dark theme.
    pub theme: Theme,
    /// Default colours, or the colours of the 2011 version.
    pub palette: PaletteKind,
    /// The user's own colours.
    pub colors: Colors,
    /// Draw as in the 2011 version: 30 columns, its colours, RSS on every thread.
    pub classic: bool,
}

impl Default for GridOptions {
    /// Threads, grouped by user, in the light theme.
    fn default() -> Self {
        Self {
            scope: Scope::Threads,
            grouping: Grouping::User,
            sorting: Sorting::default(),
            columns: None,
            point_size: 300.0,
            theme: Theme::Light,
            palette: PaletteKind::default(),
            colors: Colors::default(),
            classic: false,
        }
    }
}

/// A grid. Tasks keep their places from picture to picture.
#[derive(Clone)]
pub struct Grid {
    options: GridOptions,
    palette: Palette,
    places: Places,
    /// Stable layout for many pictures of one machine; `None` for one picture.
    stable: Option<StableLayout>,
}

const LEFT: f32 = 16.0;
/// Number of columns in the 2011 version.
const CLASSIC_COLUMNS: usize = 30;

impl Grid {
    /// Makes an empty grid.
    pub fn new(options: GridOptions) -> Self {
        let palette = Palette::new(options.theme, options.palette, &options.colors);
        Self {
            options,
            palette,
            places: Places::default(),
            stable: None,
        }
    }

    /// Gives groups room to grow, so that a task keeps its place in a series of
    /// pictures.
    #[must_use]
    pub fn stable(mut self) -> Self {
        self.stable = Some(StableLayout::default());
        self
    }

    /// Draws a snapshot.
    pub fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        let scope = self.options.scope;
        let groups = Groups::new(self.options.grouping, snapshot);
        let Shown { tasks, folded } = Shown::new(snapshot, scope);
        let mut counts = Counts::new(snapshot);
        let mut largest = 0;
        let counted = tasks.iter().copied().inspect(|task| {
            counts.add(task);
            largest = largest.max(task.largest_rss().unwrap_or(0));
        });
        self.places.update(counted, |task| groups.key(task));
        let all = tasks.iter().chain(&folded);
        let changes = news::changes(snapshot, all.copied(), |task| groups.key(task));
        self.places
            .arrange(self.options.sorting, tasks.iter().copied());
        for fold in &snapshot.folds {
            self.places.fold(groups.key_of_fold(fold), fold.count);
        }
        for task in &folded {
            self.places.fold(groups.key(task), 1);
        }
        let mut scene = Scene::new(context.size.0, context.size.1, self.palette.background);
        scene.marks.reserve(snapshot.threads.len() + 16);
        let head = ("grid", &counts, scope);
        head::draw(&mut scene, snapshot, head, context, &self.palette);
        let largest_of_all = largest::largest(snapshot);
        let margin = (snapshot, &largest_of_all[..]);
        margin::draw(&mut scene, margin, context, &self.palette);
        let mut wanted = self.wanted(&groups, &changes, context);
        let mut room = self.room(context.size);
        let layout = self.layout(&mut wanted, &mut room, context);
        self.label_groups(&mut scene, &wanted, &layout, context);
        if !layout.above && !self.options.classic {
            let has_changes = changes.values().any(|change| *change != 0);
            self.head_of_labels(&mut scene, has_changes);
        }
        let pitch = layout.cell.max(room.wide);
        let mut sizes = Sizes::new(&self.options, largest, layout.cell);
        if pitch > layout.cell || self.fills() {
            sizes.fill_the_cell();
        }
        self.draw_foot(&mut scene, snapshot, (&sizes, largest), context);
        let (dots, halos) =
            self.draw_dots(&mut scene, (snapshot, &tasks), &sizes, (&layout, pitch));
        scene.items.extend(halos);
        let numbered = numbers::draw(&mut scene, snapshot, &self.palette);
        let names = names::Names {
            context,
            palette: &self.palette,
            bounds: (
                room.left,
                room.top,
                room.left + room.width,
                room.top + room.height,
            ),
            cell: layout.cell,
            scope,
        };
        let placed = || self.placed(&dots);
        if room.wide > 0.0 {
            names.of_all(&mut scene, &placed(), snapshot, room.wide);
        } else if !self.options.classic {
            let facts = (snapshot, &largest_of_all[..]);
            names.of_some(&mut scene, &placed(), facts, &numbered);
        }
        scene
    }

    /// Places the groups. Dots have no names if these have no room.
    fn layout(
        &mut self,
        wanted: &mut Vec<Wanted>,
        room: &mut Room,
        context: &Context<'_>,
    ) -> Layout {
        if let Some(stable) = &mut self.stable {
            return stable.layout(wanted, *room, context.font);
        }
        let with_names = layout(wanted, room, context.font);
        if room.wide == 0.0 || with_names.cell >= names::ROW {
            return with_names;
        }
        room.wide = 0.0;
        layout(wanted, room, context.font)
    }

    fn draw_foot(
        &self,
        scene: &mut Scene,
        snapshot: &Snapshot,
        (sizes, largest): (&Sizes, u64),
        context: &Context<'_>,
    ) {
        let has = Has {
            numbers: !snapshot.findings.is_empty(),
            halos: self.has_halos(),
            first_threads: self.options.scope == Scope::Threads && names::is_dense(sizes.cell()),
        };
        let entries = legend::entries(&self.palette, has);
        let key = foot::After::Sizes(foot::SizeKey::new(sizes.most(), largest));
        foot::draw(scene, snapshot, entries, key, context, &self.palette);
    }

    /// The groups, sorted by name.
    fn wanted(
        &self,
        groups: &Groups<'_>,
        changes: &FxHashMap<GroupKey, i64>,
        context: &Context<'_>,
    ) -> Vec<Wanted> {
        let shown_groups = self
            .places
            .groups()
            .iter()
            .enumerate()
            .filter(|(_, group)| group.is_shown());
        // Who is in no container comes after the containers.
        let is_rest = |key: &GroupKey| {
            let is_owned = self.options.grouping.is_by_owner();
            is_owned && matches!(key, GroupKey::Unowned(_) | GroupKey::KernelThreads)
        };
        let mut wanted: Vec<((bool, std::sync::Arc<str>), Wanted)> = shown_groups
            .map(|(index, group)| {
                let name = groups.name(&group.key, context);
                let wanted = Wanted {
                    group: index,
                    len: group.len(),
                    name: group_name(&name, &group.key),
                    count: match changes.get(&group.key) {
                        None | Some(0) => count_text(group.alive as u64),
                        Some(change) => {
                            let sign = if *change < 0 { '\u{2212}' } else { '+' };
                            let change = count_text(change.unsigned_abs());
                            format!("{} ({sign}{change})", count_text(group.alive as u64))
                        }
                    },
                    ended: (group.ended() > 0).then(|| match group.folded {
                        0 => format!("+{} exited", count_text(group.ended())),
                        folded => format!(
                            "+{} exited, {} shown",
                            count_text(group.ended()),
                            count_text(group.ended() - folded)
                        ),
                    }),
                };
                ((is_rest(&group.key), name), wanted)
            })
            .collect();
        wanted.sort_by(|(a, x), (b, y)| a.cmp(b).then(x.group.cmp(&y.group)));
        wanted.into_iter().map(|(_, wanted)| wanted).collect()
    }

    fn room(&self, size: (f32, f32)) -> Room {
        let top = head::HEIGHT + 10.0;
        let wide = self.wide();
        let largest = mark::largest_diameter(self.options.point_size) * 1.25;
        let most = match (self.options.columns, self.options.classic) {
            (None, true) => Some(CLASSIC_COLUMNS),
            (columns, _) => columns,
        };
        Room {
            left: LEFT,
            top,
            width: (size.0 - margin::width(size) - LEFT).max(40.0),
            height: (size.1 - foot::height(size) - top - 4.0).max(20.0),
            most,
            // Few dots can be large.
            largest: if wide > 0.0 || self.fills() {
                largest.max(names::LARGEST)
            } else {
                largest
            },
            spare: 0,
            wide,
            labels: self.options.grouping.label_width(size.0),
        }
    }

    /// Whether dots grow until the picture is filled. Dots of a series do not change their
    /// size.
    fn fills(&self) -> bool {
        let is_usual = self.options.point_size == GridOptions::default().point_size;
        is_usual && self.stable.is_none() && !self.options.classic
    }

    /// Width of a column in which each dot has its name; 0 if there are too many dots. In a
    /// series of pictures dots must not move, so none has its name there.
    fn wide(&self) -> f32 {
        let places: usize = self.places.groups().iter().map(places::Group::len).sum();
        let is_free = self.stable.is_none() && !self.options.classic;
        if is_free && self.options.columns.is_none() && places <= names::MOST_NAMED {
            names::COLUMN
        } else {
            0.0
        }
    }

    /// Draws the dots. Returns them by snapshot slot, and the halos of those who grew or
    /// shrank.
    fn draw_dots<'a>(
        &self,
        scene: &mut Scene,
        (snapshot, tasks): (&Snapshot, &[TaskView<'a>]),
        sizes: &Sizes,
        (layout, pitch): (&Layout, f32),
    ) -> (Vec<Option<Placed<'a>>>, Vec<Item>) {
        let mut dots = Vec::new();
        let mut halos = Vec::new();
        let has_halos = self.has_halos();
        // The blocks of each group, the block with the last places first.
        let mut blocks = vec![Vec::new(); self.places.groups().len()];
        for block in layout.blocks.iter().rev() {
            blocks[block.group].push(block);
        }
        for task in tasks {
            let Some((group, place)) = self.places.home(task) else {
                continue;
            };
            let Some(block) = blocks[group].iter().find(|block| block.from <= place) else {
                continue;
            };
            let place = block.offset + place - block.from;
            let (row, column) = (place / block.columns, place % block.columns);
            let x = block.dots.0 + column as f32 * pitch + 0.5 * layout.cell;
            let y = block.dots.1 + (row as f32 + 0.5) * layout.cell;
            let mut mark = mark::mark(task, (x, y), sizes, &self.palette);
            let is_own = snapshot.is_own(task.process);
            if is_own && has_halos {
                // The foot says what procviz uses; its dots draw no eyes.
                (mark.color, mark.spot) = (self.palette.ran, None);
            }
            if has_halos && !is_own {
                halos.extend(Halo::of(task).map(|halo| halo.line(&mark, &self.palette)));
            }
            if dots.len() <= task.slot {
                dots.resize(task.slot + 1, None);
            }
            dots[task.slot] = Some(Placed {
                thread: task.thread,
                process: task.process,
                slot: task.slot,
                mark: scene.marks.len() as u32,
                group: group as u32,
            });
            scene.marks.push(mark);
        }
        (dots, halos)
    }

    /// The colours and the dots of 2011 have no halos.
    fn has_halos(&self) -> bool {
        self.palette.has_depth() && !self.options.classic
    }

    /// The dots in the order of their places.
    fn placed<'a>(&self, dots: &[Option<Placed<'a>>]) -> Vec<Placed<'a>> {
        let slots = self.places.groups().iter().flat_map(places::Group::slots);
        slots.filter_map(|slot| *dots.get(slot)?).collect()
    }

    /// Says what the names at the left and their counts are.
    fn head_of_labels(&self, scene: &mut Scene, has_changes: bool) {
        let tasks = match (self.options.scope, has_changes) {
            (Scope::Threads, false) => "threads",
            (Scope::Threads, true) => "threads (change)",
            (Scope::Processes, false) => "processes",
            (Scope::Processes, true) => "processes (change)",
        };
        let right = LEFT + self.options.grouping.label_width(scene.width) - 10.0;
        let words = [
            (LEFT, Anchor::Start, self.options.grouping.word()),
            (right, Anchor::End, tasks),
        ];
        for (x, anchor, words) in words {
            scene.items.push(Item::Text(Text {
                x,
                y: head::HEIGHT + 7.0,
                size: 11.0,
                anchor,
                color: self.palette.faint,
                text: words.to_owned(),
            }));
        }
    }

    /// Draws for each group the name, the number of living tasks, and the number of
    /// tasks that have just ended.
    fn label_groups(
        &self,
        scene: &mut Scene,
        wanted: &[Wanted],
        layout: &Layout,
        context: &Context<'_>,
    ) {
        let size = if layout.above {
            layout::SMALL
        } else {
            layout::LABEL_SIZE
        };
        let named = layout.blocks.iter().filter_map(|block| {
            let wanted = wanted.iter().find(|wanted| wanted.group == block.group);
            Some((block, wanted.filter(|_| block.is_named)?))
        });
        for (block, wanted) in named {
            let (x, y) = block.label;
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
            // What a group needed in a burst is empty after it.
            if block.from > 0 && block.from >= wanted.len {
                continue;
            }
            if block.from > 0 {
                let more = format!("{}, more", wanted.name);
                let more = context.font.fit(&more, size, block.room - 8.0);
                text(x, y, Anchor::Start, size, self.palette.faint, more);
                continue;
            }
            let width = context.font.width(&wanted.count, size);
            let name = context
                .font
                .fit(&wanted.name, size, block.room - width - 8.0);
            let name_width = context.font.width(&name, size);
            text(x, y, Anchor::Start, size, self.palette.ink, name);
            let count = wanted.count.clone();
            if layout.above {
                text(
                    x + name_width + 6.0,
                    y,
                    Anchor::Start,
                    size,
                    self.palette.faint,
                    count,
                );
                continue;
            }
            let right = x + block.room;
            text(right, y, Anchor::End, size, self.palette.faint, count);
            if let Some(ended) = wanted.ended.as_ref().filter(|_| block.shows_ended) {
                text(
                    right,
                    y + 15.0,
                    Anchor::End,
                    size - 2.0,
                    self.palette.faint,
                    ended.clone(),
                );
            }
        }
    }
}

impl Chart for Grid {
    fn observe(&mut self, snapshot: &Snapshot) {
        _ = snapshot;
    }

    fn in_theme(&self, theme: Theme) -> Box<dyn Chart> {
        let options = GridOptions {
            theme,
            ..self.options.clone()
        };
        Box::new(Self {
            stable: self.stable.as_ref().map(|_| StableLayout::default()),
            ..Self::new(options)
        })
    }

    fn in_scope(mut self: Box<Self>, scope: Scope) -> Box<dyn Chart> {
        self.options.scope = scope;
        self
    }

    fn in_series(self: Box<Self>) -> Box<dyn Chart> {
        Box::new(self.stable())
    }

    fn draw(&mut self, snapshot: &Snapshot, context: &Context<'_>) -> Scene {
        Grid::draw(self, snapshot, context)
    }
}
