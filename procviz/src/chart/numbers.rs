//! Draws the numbers of findings at their dots.

use super::{labels::Box4, margin, palette::Palette};
use crate::{
    model::{Snapshot, TaskId},
    scene::{Anchor, Color, Item, Mark, Scene, Text},
};

/// A dot with a finding number.
pub(super) struct Numbered {
    pub(super) id: TaskId,
    /// Radius of the ring around the dot, in pixels.
    pub(super) reach: f32,
    /// Box of the number: left, top, right, bottom, in pixels.
    pub(super) at: Box4,
}

/// The subjects of the findings in the margin that have a dot, with their ranks.
fn numbered(scene: &Scene, snapshot: &Snapshot) -> Vec<(u32, Mark)> {
    let find = |id: TaskId| scene.marks.iter().find(|mark| mark.id == id).copied();
    let shown = snapshot.findings.iter();
    let shown = shown.filter(|finding| finding.rank as usize <= margin::SHOWN);
    // Several findings can be about one subject.
    let mut last = None;
    shown
        .filter_map(|finding| {
            let mark = finding.dots().find_map(find)?;
            let subject = finding.subject();
            let is_first = last.replace(subject.clone()) != Some(subject);
            is_first.then_some((finding.rank, mark))
        })
        .collect()
}

/// Radius of the ring around a dot. Rings of neighbours do not interlock; dots that lie over
/// each other cannot be kept apart.
fn reach(mark: &Mark, numbered: &[(u32, Mark)]) -> f32 {
    let others = numbered.iter().filter(|(_, other)| other.id != mark.id);
    let apart = others.filter_map(|(_, other)| {
        let far = (other.x - mark.x).hypot(other.y - mark.y);
        (far >= mark.r + other.r).then_some(far)
    });
    let nearest = apart.fold(f32::INFINITY, f32::min);
    (mark.r.max(5.0) + 3.0)
        .min(nearest / 2.0 - 0.5)
        .max(mark.r + 1.5)
}

/// Where the number of a dot covers neither rings, numbers nor words.
fn place(mark: &Mark, reach: f32, taken: &[(f32, f32, f32)], words: &[Box4]) -> (f32, f32) {
    let r = reach + 8.0;
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
    let mut spots = [1.0, 2.2]
        .into_iter()
        .flat_map(|far| around.map(|(dx, dy)| (mark.x + dx * r * far, mark.y + dy * r * far)));
    let is_free = |(x, y): &(f32, f32)| {
        taken
            .iter()
            .all(|(tx, ty, tr)| (tx - x).hypot(ty - y) > tr + 7.0)
            && words.iter().all(|(left, top, right, bottom)| {
                *x + 7.0 < *left || *x - 7.0 > *right || *y + 8.0 < *top || *y - 8.0 > *bottom
            })
    };
    spots.find(is_free).unwrap_or((mark.x + r, mark.y - r))
}

/// Draws the number of each finding of the margin at its dot. Draws all rings
/// first, then the numbers, where they cover neither a ring nor another number.
pub(super) fn draw(scene: &mut Scene, snapshot: &Snapshot, palette: &Palette) -> Vec<Numbered> {
    let numbered = numbered(scene, snapshot);
    let words: Vec<Box4> = scene.items.iter().filter_map(box_of).collect();
    let mut taken: Vec<(f32, f32, f32)> = Vec::new();
    for (_, mark) in &numbered {
        let r = reach(mark, &numbered);
        taken.push((mark.x, mark.y, r));
        scene.items.push(Item::Ring {
            at: (mark.x, mark.y),
            r,
            width: 2.0,
            color: palette.accent,
        });
    }
    let mut drawn = Vec::new();
    for (rank, mark) in &numbered {
        let reach = reach(mark, &numbered);
        let (x, y) = place(mark, reach, &taken, &words);
        taken.push((x, y, 7.0));
        drawn.push(Numbered {
            id: mark.id,
            reach,
            at: (x - 7.0, y - 8.0, x + 7.0, y + 8.0),
        });
        let Color(red, green, blue, _) = palette.background;
        scene.items.push(Item::Rect {
            at: (x - 6.0, y - 7.0, 12.0, 14.0),
            color: Color(red, green, blue, 225),
        });
        scene.items.push(Item::Text(Text {
            x,
            y: y + 5.0,
            size: 14.0,
            anchor: Anchor::Middle,
            color: palette.accent,
            text: rank.to_string(),
        }));
    }
    drawn
}

/// The estimated box of a text. Numbers and names must not cover ticks and labels.
pub(super) fn box_of(item: &Item) -> Option<Box4> {
    let Item::Text(text) = item else { return None };
    let width = text.text.chars().count() as f32 * text.size * 0.55;
    let left = match text.anchor {
        Anchor::Start => text.x,
        Anchor::Middle => text.x - width / 2.0,
        Anchor::End => text.x - width,
    };
    Some((
        left,
        text.y - text.size * 0.8,
        left + width,
        text.y + text.size * 0.2,
    ))
}
