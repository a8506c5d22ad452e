//! Magnifies a part of a scene.

use super::{Anchor, Font, Item, Scene};

/// A part of a scene: left, top, right, bottom, pixels.
pub(crate) type Part = (f32, f32, f32, f32);

/// A magnification. Moves position `x` to `x * factor + shift`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Magnifier {
    pub(crate) factor: f32,
    pub(crate) shift: (f32, f32),
}

/// Largest useful factor.
const MOST: f32 = 16.0;

impl Default for Magnifier {
    fn default() -> Self {
        Self {
            factor: 1.0,
            shift: (0.0, 0.0),
        }
    }
}

impl Magnifier {
    /// Whether the scene is magnified.
    pub(crate) fn is_on(&self) -> bool {
        self.factor > 1.0
    }

    /// Multiplies the factor by `by`. The content at the given point stays there.
    pub(crate) fn zoom(&mut self, by: f32, (x, y): (f32, f32)) {
        let factor = (self.factor * by).clamp(1.0, MOST);
        let by = factor / self.factor;
        self.factor = factor;
        self.shift.0 = x - (x - self.shift.0) * by;
        self.shift.1 = y - (y - self.shift.1) * by;
    }

    /// Moves the content by this number of pixels.
    pub(crate) fn pan(&mut self, dx: f32, dy: f32) {
        self.shift.0 += dx;
        self.shift.1 += dy;
    }

    /// Limits the shift so that only content of the part is visible.
    pub(crate) fn keep_in(&mut self, (left, top, right, bottom): Part) {
        let most = |edge: f32| edge - edge * self.factor;
        self.shift.0 = self.shift.0.clamp(most(right), most(left));
        self.shift.1 = self.shift.1.clamp(most(bottom), most(top));
    }

    fn at(&self, (x, y): (f32, f32)) -> (f32, f32) {
        (
            x * self.factor + self.shift.0,
            y * self.factor + self.shift.1,
        )
    }
}

impl Scene {
    /// Magnifies the content of a part of the scene. Lines that leave the part are cut,
    /// other content that leaves it is removed.
    pub(crate) fn magnify(&mut self, part: Part, glass: &Magnifier, font: &Font) {
        let is_in =
            |(x, y): (f32, f32)| (part.0..=part.2).contains(&x) && (part.1..=part.3).contains(&y);
        let holds = |(x, y): (f32, f32), (width, height): (f32, f32)| {
            is_in((x, y)) && is_in((x + width, y + height))
        };
        self.marks.retain_mut(|mark| {
            if !is_in((mark.x, mark.y)) {
                return true;
            }
            (mark.x, mark.y) = glass.at((mark.x, mark.y));
            mark.r *= glass.factor;
            let size = 2.0 * mark.r;
            holds((mark.x - mark.r, mark.y - mark.r), (size, size))
        });
        let mut cut: Vec<Item> = Vec::new();
        self.items.retain_mut(|item| match item {
            Item::Text(text) => {
                if !is_in((text.x, text.y)) {
                    return true;
                }
                (text.x, text.y) = glass.at((text.x, text.y));
                text.size *= glass.factor;
                let width = font.width(&text.text, text.size);
                let left = match text.anchor {
                    Anchor::Start => text.x,
                    Anchor::Middle => text.x - width / 2.0,
                    Anchor::End => text.x - width,
                };
                holds((left, text.y - text.size), (width, text.size))
            }
            Item::Ring { at, r, .. } => {
                if !is_in(*at) {
                    return true;
                }
                *at = glass.at(*at);
                *r *= glass.factor;
                holds((at.0 - *r, at.1 - *r), (2.0 * *r, 2.0 * *r))
            }
            Item::Rect { at, .. } => {
                if !is_in((at.0, at.1)) {
                    return true;
                }
                (at.0, at.1) = glass.at((at.0, at.1));
                (at.2, at.3) = (at.2 * glass.factor, at.3 * glass.factor);
                holds((at.0, at.1), (at.2, at.3))
            }
            Item::Line {
                points,
                width,
                color,
            } => {
                if !points.iter().all(|point| is_in(*point)) {
                    return true;
                }
                let steps = points
                    .windows(2)
                    .filter_map(|pair| clipped(glass.at(pair[0]), glass.at(pair[1]), part));
                let mut line: Vec<(f32, f32)> = Vec::new();
                let mut begin = |line: &mut Vec<(f32, f32)>| {
                    let points = std::mem::take(line);
                    if !points.is_empty() {
                        cut.push(Item::Line {
                            points,
                            width: *width,
                            color: *color,
                        });
                    }
                };
                for (from, to) in steps {
                    if line.last() != Some(&from) {
                        begin(&mut line);
                        line.push(from);
                    }
                    line.push(to);
                }
                begin(&mut line);
                false
            }
        });
        // The lines come first, so that texts are drawn over lines.
        self.items.splice(0..0, cut);
    }
}

/// The part of a straight line inside a rectangle (Liang-Barsky algorithm).
fn clipped(
    from: (f32, f32),
    to: (f32, f32),
    (left, top, right, bottom): Part,
) -> Option<((f32, f32), (f32, f32))> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enters, mut leaves) = (0.0f32, 1.0f32);
    for (step, room) in [
        (-dx, from.0 - left),
        (dx, right - from.0),
        (-dy, from.1 - top),
        (dy, bottom - from.1),
    ] {
        if step == 0.0 {
            if room < 0.0 {
                return None;
            }
            continue;
        }
        let at = room / step;
        if step < 0.0 {
            enters = enters.max(at);
        } else {
            leaves = leaves.min(at);
        }
    }
    let at = |part: f32| match part {
        0.0 => from,
        1.0 => to,
        part => (from.0 + dx * part, from.1 + dy * part),
    };
    (enters <= leaves).then(|| (at(enters), at(leaves)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Color;

    const INK: Color = Color(0, 0, 0, 255);

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let mut glass = Magnifier::default();
        glass.zoom(2.0, (30.0, 40.0));
        glass.zoom(3.0, (10.0, 90.0));
        assert_eq!(glass.factor, 6.0);
        // The point of the picture that was at (10, 90) after the first step.
        let there = ((10.0 + 30.0) / 2.0, (90.0 + 40.0) / 2.0);
        assert_eq!(glass.at(there), (10.0, 90.0));
        glass.zoom(0.01, (0.0, 0.0));
        glass.keep_in((0.0, 0.0, 100.0, 100.0));
        assert_eq!(glass, Magnifier::default());
    }

    #[test]
    fn lines_are_cut_at_the_edge() {
        let mut scene = Scene::new(100.0, 100.0, INK);
        let line = |points: &[(f32, f32)]| Item::Line {
            points: points.to_vec(),
            width: 1.0,
            color: INK,
        };
        scene
            .items
            .push(line(&[(10.0, 10.0), (50.0, 10.0), (50.0, 60.0)]));
        scene.items.push(line(&[(10.0, 90.0), (90.0, 90.0)]));
        let mut glass = Magnifier::default();
        glass.zoom(2.0, (0.0, 0.0));
        scene.magnify((0.0, 0.0, 80.0, 80.0), &glass, &Font::embedded().unwrap());
        let expected = [
            line(&[(20.0, 20.0), (80.0, 20.0)]),
            // Outside of the part: unchanged.
            line(&[(10.0, 90.0), (90.0, 90.0)]),
        ];
        assert_eq!(scene.items, expected);
    }
}
