//! Draws the lines in two flat panels over one time axis: CPU, and resident set.

use rustc_hash::FxHashMap;

use super::{END, LABEL, Lines, color_of, name, used};
use crate::{
    chart::{Context, axis, foot, head, labels::Labels, margin, numbers},
    model::{Snapshot, TaskId, bytes_text},
    scene::{Anchor, Color, Item, Mark, Scene, Shape, Text},
    trails::{Point, Trail},
};

/// Room for the labels of the axes, in pixels.
const AXIS: f32 = 66.0;
/// Room for the names at the right, in pixels; and the part of a small picture.
const NAMES: f32 = 250.0;
const PART: f32 = 0.4;
/// Room above each panel for its title, and below both for the times, in pixels.
const TITLE: f32 = 24.0;
const TIMES: f32 = 22.0;
/// Height of a row of names, in pixels.
const ROW: f32 = 15.0;
/// A step of a line is at least this wide, in pixels: narrower ones are their mean.
const STEP: f32 = 1.5;
/// Upper limit for the names of tasks that exited, in a panel.
const MOST_EXITED: usize = 12;

/// What a panel shows.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Figure {
    Cpu,
    Rss,
}

/// Where a panel is, and what its upper edge stands for.
struct Panel {
    figure: Figure,
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
    /// Begin and end of the time, ns since boot.
    span_ns: (u64, u64),
    most: f64,
}

/// A step of a line: its begin and end, ns since boot, and its value.
type Step = ((u64, u64), f64);

/// CPU use between two points, cores; `None` if there is no time between them.
fn cores(before: &Point, after: &Point) -> Option<f64> {
    let time_ns = after.boot_ns.saturating_sub(before.boot_ns);
    let used_ns = after.cpu_ns.saturating_sub(before.cpu_ns);
    (time_ns > 0).then(|| used_ns as f64 / time_ns as f64)
}

impl Figure {
    /// The steps of a piece of a trail; those shorter than `least_ns` are put together.
    pub(super) fn steps(self, piece: &[Point], least_ns: u64) -> Vec<Step> {
        let mut steps = Vec::new();
        // Of steps that are put together, the largest resident set counts.
        let (mut first, mut most) = (piece.first(), 0);
        for point in piece.iter().skip(1) {
            let Some(before) = first else { break };
            most = most.max(point.rss);
            let is_last = piece
                .last()
                .is_some_and(|last| last.boot_ns == point.boot_ns);
            if point.boot_ns.saturating_sub(before.boot_ns) < least_ns && !is_last {
                continue;
            }
            let value = match self {
                Self::Cpu => cores(before, point),
                // That of a process that is gone is not known.
                Self::Rss => (most > 0).then_some(most as f64),
            };
            let span = (before.boot_ns, point.boot_ns);
            steps.extend(value.map(|value| (span, value)));
            (first, most) = (Some(point), 0);
        }
        steps
    }

    fn ticks(self, most: f64) -> Vec<(f64, String)> {
        match self {
            Self::Cpu => axis::core_ticks(most),
            Self::Rss => axis::bytes_ticks(most),
        }
    }

    /// A value with its unit.
    fn words(self, value: f64) -> String {
        match self {
            Self::Cpu => format!("{value:.2} cores"),
            Self::Rss => bytes_text(value as u64),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU, cores, mean of each interval",
            Self::Rss => "RSS (resident set)",
        }
    }
}

impl Panel {
    fn x(&self, ns: u64) -> f32 {
        let (begin, end) = self.span_ns;
        let part = ns.saturating_sub(begin) as f64 / end.saturating_sub(begin).max(1) as f64;
        self.left + part.min(1.0) as f32 * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f32 {
        let part = (value / self.most).clamp(0.0, 1.0) as f32;
        self.bottom - part * (self.bottom - self.top)
    }

    /// The time of the narrowest step, ns.
    fn least_ns(&self) -> u64 {
        let (begin, end) = self.span_ns;
        let of_pixel =
            end.saturating_sub(begin) as f64 / f64::from((self.right - self.left).max(1.0));
        (of_pixel * f64::from(STEP)) as u64
    }
}

/// The two panels, with room for the steps of all trails.
fn panels(lines: &Lines, snapshot: &Snapshot, size: (f32, f32)) -> [Panel; 2] {
    let left = 16.0 + AXIS;
    let end = (size.0 - margin::width(size) - 16.0).max(left + 80.0);
    let right = (end - NAMES.min((end - left) * PART)).max(left + 40.0);
    let top = head::HEIGHT + 6.0;
    let bottom = (size.1 - foot::height(size) - 6.0 - TIMES).max(top + 80.0);
    let now = snapshot.stamp.boot_ns;
    let begin = lines.trails.began_ns().unwrap_or(now);
    // One second at least, so that the ticks have room.
    let span_ns = (begin, now.max(begin.saturating_add(1_000_000_000)));
    let middle = f32::midpoint(top, bottom);
    [
        (Figure::Cpu, top, middle - 6.0, 0.1),
        (Figure::Rss, middle, bottom, f64::from(1 << 20)),
    ]
    .map(|(figure, top, bottom, least)| {
        let mut panel = Panel {
            figure,
            left,
            right,
            top: top + TITLE,
            bottom,
            span_ns,
            most: least,
        };
        let least_ns = panel.least_ns();
        let pieces = lines
            .trails
            .iter()
            .flat_map(|(_, trail)| lines.pieces(trail));
        let steps = pieces.flat_map(|piece| figure.steps(piece, least_ns));
        let most = steps.map(|(_, value)| value).fold(least, f64::max);
        panel.most = most * 1.05;
        panel
    })
}

/// Draws both panels.
pub(super) fn draw(
    lines: &mut Lines,
    scene: &mut Scene,
    snapshot: &Snapshot,
    context: &Context<'_>,
) {
    let panels = panels(lines, snapshot, context.size);
    // The most important lines are drawn last, and named first.
    let mut order: Vec<(TaskId, &Trail)> = lines.trails.iter().collect();
    order.sort_by_key(|(id, trail)| (trail.interest, used(trail), std::cmp::Reverse(*id)));
    for panel in &panels {
        frame(lines, scene, panel);
        for (id, trail) in &order {
            line(lines, scene, panel, (*id, trail));
        }
    }
    if lines.trails.is_empty() {
        let panel = &panels[0];
        scene.items.push(Item::Text(Text {
            x: f32::midpoint(panel.left, panel.right),
            y: f32::midpoint(panel.top, panel.bottom),
            size: LABEL,
            anchor: Anchor::Middle,
            color: lines.palette.faint,
            text: lines.nothing().to_owned(),
        }));
    }
    let numbered = numbers::draw(scene, snapshot, &lines.palette);
    let rings: FxHashMap<TaskId, f32> = numbered.iter().map(|of| (of.id, of.reach)).collect();
    for panel in &panels {
        names(lines, scene, panel, &order, (&rings, context));
    }
}

/// The axes of a panel with their ticks, and its title.
fn frame(lines: &Lines, scene: &mut Scene, panel: &Panel) {
    let palette = &lines.palette;
    let Color(r, g, b, _) = palette.faint;
    let grid = Color(r, g, b, 46);
    let mut line = |from: (f32, f32), to: (f32, f32), color| {
        scene.items.push(Item::Line {
            points: vec![from, to],
            width: 1.0,
            color,
        });
    };
    let (begin, end) = panel.span_ns;
    let seconds = end.saturating_sub(begin) as f64 / 1e9;
    let times: Vec<(f32, String)> = axis::time_ticks(seconds)
        .into_iter()
        .map(|(second, text)| (panel.x(begin.saturating_add((second * 1e9) as u64)), text))
        .collect();
    for (x, _) in &times {
        line((*x, panel.top), (*x, panel.bottom), grid);
    }
    let values = panel.figure.ticks(panel.most);
    for (value, _) in &values {
        let y = panel.y(*value);
        line((panel.left, y), (panel.right, y), grid);
    }
    line(
        (panel.left, panel.bottom),
        (panel.right, panel.bottom),
        palette.faint,
    );
    let mut text = |(x, y): (f32, f32), anchor, color, text: String| {
        scene.items.push(Item::Text(Text {
            x,
            y,
            size: LABEL,
            anchor,
            color,
            text,
        }));
    };
    let title = panel.figure.title().to_owned();
    text(
        (panel.left, panel.top - 8.0),
        Anchor::Start,
        palette.ink,
        title,
    );
    let mut above = f32::MAX;
    for (value, words) in values {
        let y = panel.y(value);
        // Ticks of a small picture do not touch.
        if above - y >= LABEL + 2.0 {
            text(
                (panel.left - 8.0, y + 4.0),
                Anchor::End,
                palette.faint,
                words,
            );
            above = y;
        }
    }
    if panel.figure == Figure::Rss {
        let y = panel.bottom + 17.0;
        let mut before = f32::MIN;
        for (x, words) in times {
            // The last label would touch the words at the right.
            if x - before >= 56.0 && panel.right - x >= 92.0 {
                text((x, y), Anchor::Middle, palette.faint, words);
                before = x;
            }
        }
        text(
            (panel.right, y),
            Anchor::End,
            palette.faint,
            "time shown".to_owned(),
        );
    }
}

/// The line of a task. Its end has a mark in the first panel, a small ring in the other.
fn line(lines: &Lines, scene: &mut Scene, panel: &Panel, (id, trail): (TaskId, &Trail)) {
    let color = lines.shade(id, trail);
    let mut end = None;
    for piece in lines.pieces(trail) {
        let steps = panel.figure.steps(piece, panel.least_ns());
        let mut points = Vec::with_capacity(steps.len() * 2);
        for ((begin, until), value) in steps {
            let y = panel.y(value);
            // CPU is a mean over the interval, a resident set is that of a moment.
            match panel.figure {
                Figure::Cpu => points.push((panel.x(begin), y)),
                Figure::Rss if points.is_empty() => {
                    let first = piece.first().map_or(value, |first| first.rss as f64);
                    points.push((panel.x(begin), panel.y(first)));
                }
                Figure::Rss => {}
            }
            points.push((panel.x(until), y));
        }
        end = points.last().copied().or(end);
        if points.len() > 1 {
            scene.items.push(Item::Line {
                points,
                width: 1.75,
                color,
            });
        }
    }
    let Some((x, y)) = end else { return };
    match panel.figure {
        Figure::Cpu => scene.marks.push(Mark {
            id,
            x,
            y,
            r: END,
            shape: lines.end_of(trail),
            color,
            spot: None,
        }),
        Figure::Rss => scene.items.push(Item::Ring {
            at: (x, y),
            r: 2.0,
            width: 1.5,
            color,
        }),
    }
}

/// The end of a line in a panel: where it is, and its last value.
fn end(lines: &Lines, panel: &Panel, trail: &Trail) -> Option<((f32, f32), f64)> {
    let pieces = lines.pieces(trail);
    let last = pieces.filter_map(|piece| panel.figure.steps(piece, panel.least_ns()).pop());
    let ((_, until), value) = last.last()?;
    Some(((panel.x(until), panel.y(value)), value))
}

/// Names and last values at the ends of the lines: at the right for the tasks that live, beside
/// their ends for the others.
fn names(
    lines: &Lines,
    scene: &mut Scene,
    panel: &Panel,
    order: &[(TaskId, &Trail)],
    (rings, context): (&FxHashMap<TaskId, f32>, &Context<'_>),
) {
    let room = ((panel.bottom - panel.top) / ROW).floor().max(1.0) as usize;
    let ends = |is_over: bool| {
        let trails = order
            .iter()
            .rev()
            .filter(move |(_, trail)| trail.is_over == is_over);
        trails.filter_map(|(id, trail)| Some((*id, *trail, end(lines, panel, trail)?)))
    };
    let mut living: Vec<_> = ends(false).take(room).collect();
    living.sort_by(|(a, _, (of_a, _)), (b, _, (of_b, _))| of_a.1.total_cmp(&of_b.1).then(a.cmp(b)));
    let wanted: Vec<f32> = living.iter().map(|(_, _, ((_, y), _))| *y).collect();
    let rows = spread(&wanted, (panel.top, panel.bottom), ROW);
    let left = panel.right + 22.0;
    let wide = context.size.0 - margin::width(context.size) - 16.0 - left;
    for ((id, trail, ((x, y), value)), row) in living.into_iter().zip(rows) {
        let reach = match panel.figure {
            Figure::Cpu => rings.get(&id).copied().unwrap_or(END),
            Figure::Rss => END,
        };
        scene.items.push(Item::Line {
            points: vec![(x + reach + 2.0, y), (left - 4.0, row)],
            width: 1.0,
            color: lines.palette.idle,
        });
        let figure = format!("  {}", panel.figure.words(value));
        let taken = context.font.width(&figure, LABEL);
        let room = (wide - taken).max(20.0);
        let whole = name(id, trail, context);
        let name = match context.font.width(&whole, LABEL) <= room {
            true => whole,
            // Without the user, there can be room for name and pid.
            false => format!("{} {}", trail.who.comm.text().picture(), id.tid),
        };
        let name = context.font.fit(&name, LABEL, room);
        scene.items.push(Item::Text(Text {
            x: left,
            y: row + 4.0,
            size: LABEL,
            anchor: Anchor::Start,
            color: lines.palette.ink,
            text: format!("{name}{figure}"),
        }));
    }
    let bounds = (panel.left, panel.top - 4.0, panel.right, panel.bottom + 2.0);
    let ends_of_all = order
        .iter()
        .filter_map(|(_, trail)| end(lines, panel, trail));
    let marks = ends_of_all.map(|((x, y), _)| (x, y, END)).collect();
    let mut labels = Labels::new(bounds, marks, Vec::new());
    for (id, trail, ((x, y), value)) in ends(true).take(MOST_EXITED) {
        let figure = panel.figure.words(value);
        let name = context.font.fit(&name(id, trail, context), LABEL, 200.0);
        let text = format!("{name}  {figure}, exited");
        let size = (context.font.width(&text, LABEL), LABEL + 2.0);
        let reach = rings.get(&id).copied().unwrap_or(END);
        if let Some(((x, y), _)) = labels.place((x, y, reach), size, None) {
            scene.items.push(Item::Text(Text {
                x,
                y: y + LABEL,
                size: LABEL,
                anchor: Anchor::Start,
                color: lines.palette.alarm,
                text,
            }));
        }
    }
}

/// Moves rows apart that are closer than `height`, and keeps them between top and bottom.
/// `wanted` is in order.
fn spread(wanted: &[f32], (top, bottom): (f32, f32), height: f32) -> Vec<f32> {
    let mut rows: Vec<f32> = wanted.to_vec();
    let mut least = top;
    for row in &mut rows {
        *row = row.max(least);
        least = *row + height;
    }
    let mut most = bottom;
    for row in rows.iter_mut().rev() {
        *row = row.min(most);
        most = *row - height;
    }
    rows
}

impl Lines {
    /// The colour of a line: paler if the task is less active.
    pub(super) fn shade(&self, id: TaskId, trail: &Trail) -> Color {
        let Color(r, g, b, _) = color_of(id);
        let most = u32::from(super::MOST_INTEREST);
        let alpha = (u32::from(trail.interest) * 255 / most).min(255) as u8;
        Color(r, g, b, alpha)
    }

    /// The shape of the mark at the end of a line.
    pub(super) fn end_of(&self, trail: &Trail) -> Shape {
        match trail.is_over {
            true => Shape::Diamond,
            false => Shape::Disc,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: u64, cpu_ms: u64, rss: u64) -> Point {
        Point {
            boot_ns: second * 1_000_000_000,
            cpu_ns: cpu_ms * 1_000_000,
            rss,
        }
    }

    #[test]
    fn steps_are_means_and_short_ones_are_put_together() {
        let piece = [
            point(1, 0, 5),
            point(2, 500, 6),
            point(4, 2_500, 7),
            point(5, 2_500, 8),
        ];
        let second = |from: u64, until: u64| (from * 1_000_000_000, until * 1_000_000_000);
        let cpu = Figure::Cpu.steps(&piece, 0);
        let expected = [
            (second(1, 2), 0.5),
            (second(2, 4), 1.0),
            (second(4, 5), 0.0),
        ];
        assert_eq!(cpu, expected);
        let merged = Figure::Cpu.steps(&piece, 3_000_000_000);
        assert_eq!(merged, [(second(1, 4), 2.5 / 3.0), (second(4, 5), 0.0)]);
        let rss = Figure::Rss.steps(&piece, 0);
        assert_eq!(rss.last(), Some(&(second(4, 5), 8.0)));
        assert!(Figure::Cpu.steps(&piece[..1], 0).is_empty());
        // Two points at one time tell no use.
        let twice = [point(1, 0, 5), point(1, 500, 5), point(2, 1_000, 5)];
        assert_eq!(Figure::Cpu.steps(&twice, 0), [(second(1, 2), 0.5)]);
    }

    #[test]
    fn rows_do_not_overlap_and_stay_inside() {
        let rows = spread(&[10.0, 11.0, 12.0, 99.0, 99.0], (0.0, 100.0), 15.0);
        assert_eq!(rows, [10.0, 25.0, 40.0, 85.0, 100.0]);
        let full = spread(&[50.0; 5], (0.0, 60.0), 15.0);
        assert_eq!(full, [0.0, 15.0, 30.0, 45.0, 60.0]);
    }
}
