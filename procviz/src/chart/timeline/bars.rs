//! Draws the bars of lives, and the bands of many short ones.

use std::collections::BTreeMap;

use super::{
    Area,
    lanes::{Band, Group, Placed, What},
    life::Life,
};
use crate::{
    chart::{Context, palette::Palette},
    model::{Activity, Comm, many_text},
    scene::{Anchor, Color, Item, Mark, Scene, Shape, Text},
};

/// Height of the line that says what has no bar, in pixels.
const REST: f32 = 16.0;
/// Least height of a lane with names, in pixels.
const NAMED: f32 = 10.0;
/// Number of shades that are told apart: neighbours with the same are one rectangle.
const SHADES: f64 = 32.0;
/// Storage IO per second that is not worth a colour, bytes.
const LITTLE_IO: f64 = 262_144.0;
/// A process that waits for this part of the time is marked.
const WAITS: f64 = 0.2;

/// What bars are drawn with.
pub(super) struct Bars<'a> {
    pub(super) area: Area,
    pub(super) period: (u64, u64),
    /// Height of a lane, in pixels.
    pub(super) lane: f32,
    /// The largest resident set, bytes.
    pub(super) largest: u64,
    pub(super) context: &'a Context<'a>,
    pub(super) palette: &'a Palette,
}

/// What a column of pixels of a bar shows.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Column {
    /// Its part that the bar covers: the last column can be narrower than a pixel.
    width: f64,
    cpu_ns: f64,
    wait_ns: f64,
    io_bytes: f64,
    is_blocked: bool,
}

/// The colour of a column in steps, so that equal neighbours are one rectangle.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Shade {
    pub(super) cpu: u32,
    pub(super) waits: bool,
    pub(super) io: bool,
    pub(super) is_blocked: bool,
}

impl Shade {
    /// The share of a core.
    pub(super) fn share(self) -> f64 {
        f64::from(self.cpu) / SHADES
    }
}

impl Bars<'_> {
    pub(super) fn x(&self, ns: u64) -> f32 {
        let (from_ns, until_ns) = self.period;
        let length = until_ns.saturating_sub(from_ns).max(1) as f64;
        let part = ns.saturating_sub(from_ns) as f64 / length;
        self.area.0 + part as f32 * (self.area.2 - self.area.0)
    }

    /// The name of a group, at the left.
    pub(super) fn label(&self, scene: &mut Scene, name: &str, (left, width): (f32, f32), y: f32) {
        if y + 12.0 > self.area.3 - REST {
            return;
        }
        let size = 12.0;
        let text = self.context.font.fit(name, size, width);
        self.text(scene, (left, y + 11.0), size, self.palette.ink, text);
    }

    /// Draws a group whose first lane is at `top`.
    pub(super) fn group(&self, scene: &mut Scene, group: &Group<'_>, top: f32) {
        self.forks(scene, group, top);
        for placed in self.with_room(group, top) {
            let y = self.y(top, placed.lane);
            match &placed.what {
                What::Life(life) => self.life(scene, placed, life, y),
                What::Band(band) => self.band(scene, placed, band, y),
            }
        }
        if self.lane >= NAMED {
            self.names(scene, group, top);
        }
    }

    /// What has room in the picture, of a group whose first lane is at `top`.
    pub(super) fn with_room<'g>(
        &self,
        group: &'g Group<'g>,
        top: f32,
    ) -> impl Iterator<Item = &'g Placed<'g>> {
        let lanes = ((self.area.3 - REST - top) / self.lane).max(0.0) as usize;
        group
            .placed
            .iter()
            .filter(move |placed| placed.lane < lanes)
    }

    /// Number of lives of a group that have no room.
    pub(super) fn without_room(&self, group: &Group<'_>, top: f32) -> u64 {
        let count = |placed: &Placed<'_>| match &placed.what {
            What::Life(_) => 1,
            What::Band(band) => band.lives.len() as u64,
        };
        let all: u64 = group.placed.iter().map(count).sum();
        all - self.with_room(group, top).map(count).sum::<u64>()
    }

    /// A line from each parent to each child, at the moment of the fork.
    fn forks(&self, scene: &mut Scene, group: &Group<'_>, top: f32) {
        let lanes: rustc_hash::FxHashMap<_, _> = group
            .placed
            .iter()
            .map(|placed| (placed.first(), placed.lane))
            .collect();
        for placed in self.with_room(group, top) {
            let above = placed.parent.and_then(|parent| lanes.get(&parent));
            let Some(above) = above.filter(|above| **above < placed.lane) else {
                continue;
            };
            let x = self.x(placed.from_ns);
            let from = self.y(top, *above) + self.bar_height();
            let until = self.y(top, placed.lane);
            scene.items.push(Item::Line {
                points: vec![(x, from), (x, until)],
                width: 1.0,
                color: self.palette.faint,
            });
        }
    }

    /// Where a bar begins, in whole pixels: its edges are sharp.
    pub(super) fn y(&self, top: f32, lane: usize) -> f32 {
        (top + lane as f32 * self.lane).round()
    }

    pub(super) fn bar_height(&self) -> f32 {
        (self.lane * 0.8).floor().max(1.0)
    }

    fn life(&self, scene: &mut Scene, placed: &Placed<'_>, life: &Life, y: f32) {
        let (left, right) = (self.x(placed.from_ns), self.x(placed.until_ns));
        let right = right.max(left + 1.5);
        let height = self.bar_height();
        let bar = |from: f32, until: f32, top: f32, height: f32, color| Item::Rect {
            at: (from, y + top, until - from, height),
            color,
        };
        scene
            .items
            .push(bar(left, right, 0.0, height, self.palette.idle));
        let columns = self.columns(life, left, right);
        let mut at = 0;
        let shades: Vec<Shade> = columns.iter().map(|column| self.shade(column)).collect();
        for run in shades.chunk_by(|a, b| a == b) {
            let from = left + at as f32;
            at += run.len();
            let until = (left + at as f32).min(right);
            let shade = run[0];
            if shade.cpu > 0 {
                let color = self.palette.shade(Activity::Cpu, shade.share(), true);
                scene.items.push(bar(from, until, 0.0, height, color));
            }
            if shade.io {
                let color = self.palette.full(Activity::Io);
                let part = height * 0.3;
                scene
                    .items
                    .push(bar(from, until, height - part, part, color));
            }
            if shade.waits {
                self.hatch(scene, (from, until), (y, height));
            }
            if shade.is_blocked {
                scene
                    .items
                    .push(bar(from, until, 0.0, height, self.palette.ink));
            }
        }
        if self.lane >= NAMED + 2.0 {
            self.rss(scene, life, (y, height));
        }
        scene.marks.push(self.end(life, (right, y + height / 2.0)));
    }

    /// The resident set as a line over a bar, from nothing to the largest of all lives.
    fn rss(&self, scene: &mut Scene, life: &Life, (y, height): (f32, f32)) {
        let steps = life.steps_within(self.period);
        let known = steps.filter_map(|step| Some((step, step.rss?)));
        let points: Vec<(f32, f32)> = known
            .map(|(step, rss)| {
                let part = (rss as f64 / self.largest.max(1) as f64).min(1.0) as f32;
                (
                    self.x(step.until_ns),
                    y + height - 1.0 - part * (height - 2.0),
                )
            })
            .collect();
        let ys = || points.iter().map(|(_, y)| *y);
        let spread = ys().fold(f32::MIN, f32::max) - ys().fold(f32::MAX, f32::min);
        // A flat line at the bottom says nothing.
        if points.len() > 1 && spread >= 2.0 {
            scene.items.push(Item::Line {
                points,
                width: 1.2,
                color: self.palette.ink,
            });
        }
    }

    /// What each column of pixels of a bar shows.
    pub(super) fn columns(&self, life: &Life, left: f32, right: f32) -> Vec<Column> {
        let count = ((right - left).ceil() as usize).max(1);
        let mut columns = vec![
            Column {
                width: 1.0,
                ..Column::default()
            };
            count
        ];
        columns[count - 1].width = f64::from(right - left) - (count - 1) as f64;
        for step in life.steps_within(self.period) {
            let from = self.x(step.from_ns).clamp(left, right) - left;
            let until = (self.x(step.until_ns).clamp(left, right) - left).max(from);
            let first = (from as usize).min(count - 1);
            let last = (until.ceil() as usize).clamp(first + 1, count);
            let width = f64::from(until - from).max(1e-3);
            for (index, column) in columns.iter_mut().enumerate().take(last).skip(first) {
                let (begin, end) = (from.max(index as f32), until.min(index as f32 + 1.0));
                let part = match until - from > 1e-3 {
                    true => f64::from((end - begin).max(0.0)) / width,
                    false => 1.0,
                };
                column.cpu_ns += step.cpu_ns as f64 * part;
                if let Some(wait_ns) = step.wait_ns {
                    column.wait_ns += wait_ns as f64 * part;
                }
                column.io_bytes += step.io_bytes as f64 * part;
                column.is_blocked |= step.is_blocked;
            }
        }
        columns
    }

    pub(super) fn shade(&self, column: &Column) -> Shade {
        let (from_ns, until_ns) = self.period;
        let width = f64::from(self.area.2 - self.area.0).max(1.0);
        let pixel_ns = until_ns.saturating_sub(from_ns) as f64 / width * column.width;
        let pixel_ns = pixel_ns.max(1.0);
        let share = column.cpu_ns / pixel_ns;
        Shade {
            // A little is not nothing.
            cpu: if share < 0.01 {
                0
            } else {
                ((share.min(1.0) * SHADES).round() as u32).max(1)
            },
            waits: column.wait_ns / pixel_ns >= WAITS,
            io: column.io_bytes / pixel_ns * 1e9 >= LITTLE_IO,
            is_blocked: column.is_blocked,
        }
    }

    /// Lines over a bar: it waits for a CPU.
    fn hatch(&self, scene: &mut Scene, (from, until): (f32, f32), (y, height): (f32, f32)) {
        let mut x = (from / 5.0).ceil() * 5.0;
        while x < until {
            scene.items.push(Item::Line {
                points: vec![((x - height * 0.4).max(from), y + height), (x, y)],
                width: 1.2,
                color: self.palette.background,
            });
            x += 5.0;
        }
    }

    /// The mark at the end of a life says how it ended.
    fn end(&self, life: &Life, (x, y): (f32, f32)) -> Mark {
        let palette = self.palette;
        let r = (self.lane * 0.3).clamp(1.2, 4.0);
        let status = life.end.and_then(|end| end.status);
        let (shape, color, r) = match (life.end, status) {
            (None, _) if life.seen_ns >= self.period.1 => (Shape::Disc, palette.idle, r * 0.5),
            (_, Some(status)) if status.is_crash() => {
                (Shape::Diamond, palette.full(Activity::Exited), r * 1.4)
            }
            (_, Some(status)) if status.0 != 0 => (Shape::Square, palette.ink, r),
            (_, Some(_)) => (Shape::Diamond, palette.faint, r * 0.8),
            // How it ended is not known.
            (_, None) => (Shape::Ring, palette.faint, r * 0.8),
        };
        Mark {
            id: life.id,
            x: x + r,
            y,
            r,
            shape,
            color,
            spot: None,
        }
    }

    /// Many short lives: where there are more, the band is higher.
    fn band(&self, scene: &mut Scene, placed: &Placed<'_>, band: &Band<'_>, y: f32) {
        let (left, right) = (self.x(placed.from_ns), self.x(placed.until_ns));
        let right = right.max(left + 2.0);
        let height = self.bar_height();
        let count = (((right - left) / 2.0).ceil() as usize).max(1);
        let mut columns = vec![0_u32; count];
        for life in &band.lives {
            let (from_ns, _) = life.within(self.period).unwrap_or(self.period);
            let column = ((self.x(from_ns) - left) / 2.0) as usize;
            columns[column.min(count - 1)] += 1;
        }
        let most = columns.iter().copied().max().unwrap_or(1).max(1) as f32;
        for (index, lives) in columns
            .into_iter()
            .enumerate()
            .filter(|(_, lives)| *lives > 0)
        {
            let part = height * (0.25 + 0.75 * lives as f32 / most);
            scene.items.push(Item::Rect {
                at: (left + index as f32 * 2.0, y + height - part, 2.0, part),
                color: self.palette.ran,
            });
        }
        let bad = |life: &&&Life| {
            let status = life.end.and_then(|end| end.status);
            status.is_some_and(|status| status.is_crash())
        };
        let color = match band.lives.iter().any(|life| bad(&life)) {
            true => self.palette.full(Activity::Exited),
            false => self.palette.faint,
        };
        scene.marks.push(Mark {
            id: placed.first(),
            x: right + 3.0,
            y: y + height / 2.0,
            r: (self.lane * 0.25).clamp(1.2, 3.0),
            shape: Shape::Diamond,
            color,
            spot: None,
        });
    }

    /// Writes names within bars, or behind them where there is room.
    fn names(&self, scene: &mut Scene, group: &Group<'_>, top: f32) {
        let size = (self.lane * 0.7).clamp(9.0, 12.0);
        // Where the next one begins in the same lane.
        let mut next_in_lane = vec![None; group.lanes];
        let mut named = vec![false; group.lanes];
        let with_room: Vec<&Placed<'_>> = self.with_room(group, top).collect();
        for placed in with_room.into_iter().rev() {
            let next = next_in_lane[placed.lane].replace(placed.from_ns);
            let y = self.y(top, placed.lane);
            // The words from which the longest that fits is written.
            let words = match &placed.what {
                What::Life(life) => {
                    vec![
                        life.words(self.period),
                        life.who(),
                        life.name.text().picture(),
                    ]
                }
                What::Band(band) => vec![band.words(self.period)],
            };
            let end = self.x(placed.until_ns).max(self.x(placed.from_ns) + 2.0) + 13.0;
            let next = next.map_or(self.area.2, |from_ns| self.x(from_ns));
            let inside = self.x(placed.until_ns) - self.x(placed.from_ns) - 8.0;
            let rooms = [
                (end, next - end - 4.0),
                (self.x(placed.from_ns) + 4.0, inside),
            ];
            let fitting = words.iter().find_map(|words| {
                let width = self.context.font.width(words, size);
                let room = rooms.iter().find(|(_, room)| width <= *room)?;
                Some((room.0, words.clone()))
            });
            let Some((x, text)) = fitting else {
                continue;
            };
            named[placed.lane] = true;
            let is_inside = x < self.x(placed.until_ns);
            if is_inside {
                // On a dark bar, letters need a ground.
                let Color(red, green, blue, _) = self.palette.background;
                let width = self.context.font.width(&text, size) + 4.0;
                scene.items.push(Item::Rect {
                    at: (x - 2.0, y + 1.0, width, self.bar_height() - 2.0),
                    color: Color(red, green, blue, 190),
                });
            }
            self.text(scene, (x, self.base(y, size)), size, self.palette.ink, text);
        }
        self.lane_names(scene, group, (top, size), &named);
    }

    /// Writes at the left what a lane has most of, if nothing in it has a name. The first lane
    /// has the name of the group there.
    fn lane_names(
        &self,
        scene: &mut Scene,
        group: &Group<'_>,
        (top, size): (f32, f32),
        named: &[bool],
    ) {
        let left = super::LEFT;
        for (lane, _) in named
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, is_named)| !**is_named)
        {
            let mut counts: BTreeMap<Comm, u64> = BTreeMap::new();
            for placed in group.placed.iter().filter(|placed| placed.lane == lane) {
                if let What::Life(life) = &placed.what {
                    *counts.entry(life.name).or_default() += 1;
                }
            }
            let most = counts.into_iter().max_by_key(|(_, count)| *count);
            let Some((name, count)) = most else { continue };
            let text = many_text(count, &name.text().picture());
            let text = self
                .context
                .font
                .fit(&text, size, self.area.0 - super::LEFT - 10.0);
            let y = self.base(top + lane as f32 * self.lane, size);
            if y > self.area.3 - REST {
                return;
            }
            self.text(scene, (left, y), size, self.palette.faint, text);
        }
    }

    /// Base line of a text of this size at a bar.
    fn base(&self, y: f32, size: f32) -> f32 {
        y + self.bar_height() / 2.0 + size * 0.36
    }

    fn text(&self, scene: &mut Scene, (x, y): (f32, f32), size: f32, color: Color, text: String) {
        scene.items.push(Item::Text(Text {
            x,
            y,
            size,
            anchor: Anchor::Start,
            color,
            text,
        }));
    }
}
