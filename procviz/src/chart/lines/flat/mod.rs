//! Draws the lines in two flat panels over one time axis: CPU, and resident set.

mod names;
mod panel;
mod rows;
mod steps;

use rustc_hash::FxHashMap;

pub(super) use self::steps::{Figure, Step};
use self::{names::Names, panel::Panel};
use super::{END, LABEL, Lines, used};
use crate::{
    chart::{Context, foot, head, margin, numbers},
    model::{Snapshot, TaskId},
    scene::{Anchor, Item, Mark, Scene, Text},
    trails::Trail,
};

/// Room for the labels of the axes, in pixels.
const AXIS: f32 = 66.0;
/// Room for the names at the right, in pixels; and the part of a small picture.
const NAMES: f32 = 250.0;
const PART: f32 = 0.4;
/// Room above each panel for its title, and below both for the times, in pixels.
const TITLE: f32 = 24.0;
const TIMES: f32 = 22.0;
/// Room at the right of the chart, in pixels.
const EDGE: f32 = 16.0;

/// The line of a task in a panel.
struct Course<'a> {
    id: TaskId,
    trail: &'a Trail,
    /// In pieces, with a gap in the data between two.
    pieces: Vec<Vec<Step>>,
}

impl Course<'_> {
    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.pieces.iter().flatten()
    }

    /// The end of the line: where it is, and its last value; `None` if nothing is known.
    fn end(&self, panel: &Panel) -> Option<((f32, f32), f64)> {
        let last = self.pieces.iter().rev().find_map(|piece| piece.last())?;
        Some(((panel.x(last.end_ns), panel.y(last.value)), last.value))
    }
}

/// Draws both panels.
pub(super) fn draw(lines: &Lines, scene: &mut Scene, snapshot: &Snapshot, context: &Context<'_>) {
    // The most important lines are drawn last, and named first.
    let mut order: Vec<(TaskId, &Trail)> = lines.trails.iter().collect();
    order.sort_by_key(|(id, trail)| (trail.interest, used(trail), std::cmp::Reverse(*id)));
    let drawn = panels(lines, snapshot, context.size).map(|mut panel| {
        let courses = courses(lines, &panel, &order);
        let values = courses
            .iter()
            .flat_map(Course::steps)
            .map(|step| step.value);
        panel.most = values.fold(panel.most, f64::max) * 1.05;
        panel.frame(scene, &lines.palette);
        for course in &courses {
            line(lines, scene, &panel, course);
        }
        (panel, courses)
    });
    if lines.trails.is_empty() {
        let panel = &drawn[0].0;
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
    for (panel, courses) in &drawn {
        let names = Names {
            panel,
            rings: &rings,
            palette: &lines.palette,
            context,
            right: context.size.0 - margin::width(context.size) - EDGE,
        };
        names.write(scene, courses);
    }
}

/// The places of the two panels. Their upper edges stand for the least that they can.
fn panels(lines: &Lines, snapshot: &Snapshot, size: (f32, f32)) -> [Panel; 2] {
    let left = 16.0 + AXIS;
    let end = (size.0 - margin::width(size) - EDGE).max(left + 80.0);
    let right = (end - NAMES.min((end - left) * PART)).max(left + 40.0);
    let top = head::HEIGHT + 6.0;
    let bottom = (size.1 - foot::height(size) - 6.0 - TIMES).max(top + 80.0);
    let now = snapshot.stamp.boot_ns;
    let begin = lines.trails.began_ns().unwrap_or(now);
    // One second at least, so that the ticks have room.
    let span_ns = (begin, now.max(begin.saturating_add(1_000_000_000)));
    let middle = f32::midpoint(top, bottom);
    let places = [
        (Figure::Cpu, top, middle - 6.0),
        (Figure::Rss, middle, bottom),
    ];
    places.map(|(figure, top, bottom)| Panel {
        figure,
        left,
        right,
        top: top + TITLE,
        bottom,
        span_ns,
        most: figure.least(),
    })
}

/// The lines of all trails in a panel.
fn courses<'a>(lines: &Lines, panel: &Panel, order: &[(TaskId, &'a Trail)]) -> Vec<Course<'a>> {
    let least_ns = panel.least_ns();
    let steps = |piece: &_| panel.figure.steps(piece, least_ns);
    let course = |(id, trail): &(TaskId, &'a Trail)| Course {
        id: *id,
        trail,
        pieces: lines.pieces(trail).map(steps).collect(),
    };
    order.iter().map(course).collect()
}

/// Draws a line. Its end has a mark in the first panel, a small ring in the other.
fn line(lines: &Lines, scene: &mut Scene, panel: &Panel, course: &Course<'_>) {
    let color = lines.shade(course.id, course.trail);
    for piece in course.pieces.iter().filter(|piece| !piece.is_empty()) {
        let mut points = Vec::with_capacity(piece.len() * 2);
        for step in piece {
            // CPU is a mean over the step, a resident set rises or falls in it.
            if panel.figure == Figure::Cpu || points.is_empty() {
                points.push((panel.x(step.begin_ns), panel.y(step.first)));
            }
            points.push((panel.x(step.end_ns), panel.y(step.value)));
        }
        scene.items.push(Item::Line {
            points,
            width: 1.75,
            color,
        });
    }
    let Some((at, _)) = course.end(panel) else {
        return;
    };
    match panel.figure {
        Figure::Cpu => scene.marks.push(Mark {
            id: course.id,
            x: at.0,
            y: at.1,
            r: END,
            shape: lines.end_of(course.trail),
            color,
            spot: None,
        }),
        Figure::Rss => scene.items.push(Item::Ring {
            at,
            r: 2.0,
            width: 1.5,
            color,
        }),
    }
}
