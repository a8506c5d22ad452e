//! A panel: its place, its axes and its ticks.

use super::{LABEL, steps::Figure};
use crate::{
    chart::{axis, palette::Palette},
    scene::{Anchor, Color, Item, Scene, Text},
};

/// A step of a line is at least this wide, in pixels: narrower ones are put together.
const STEP: f32 = 1.5;
/// Least distance of two labels of an axis, in pixels.
const BETWEEN: f32 = 10.0;
/// What the time axis shows.
const TIME: &str = "time shown";

/// Where a panel is, and what its upper edge stands for.
pub(super) struct Panel {
    pub(super) figure: Figure,
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) top: f32,
    pub(super) bottom: f32,
    /// Begin and end of the time, ns since boot.
    pub(super) span_ns: (u64, u64),
    pub(super) most: f64,
}

impl Panel {
    pub(super) fn x(&self, ns: u64) -> f32 {
        let (begin, end) = self.span_ns;
        let part = ns.saturating_sub(begin) as f64 / end.saturating_sub(begin).max(1) as f64;
        self.left + part.min(1.0) as f32 * (self.right - self.left)
    }

    pub(super) fn y(&self, value: f64) -> f32 {
        let part = (value / self.most).clamp(0.0, 1.0) as f32;
        self.bottom - part * (self.bottom - self.top)
    }

    /// The time of the narrowest step, ns.
    pub(super) fn least_ns(&self) -> u64 {
        let (begin, end) = self.span_ns;
        let pixels = f64::from((self.right - self.left).max(1.0));
        let of_pixel = end.saturating_sub(begin) as f64 / pixels;
        (of_pixel * f64::from(STEP)) as u64
    }

    /// Draws the axes with their ticks, and the title.
    pub(super) fn frame(&self, scene: &mut Scene, palette: &Palette) {
        let (left, right, top, bottom) = (self.left, self.right, self.top, self.bottom);
        let Color(r, g, b, _) = palette.faint;
        let grid = Color(r, g, b, 46);
        let (begin, end) = self.span_ns;
        let seconds = end.saturating_sub(begin) as f64 / 1e9;
        let x = |second: f64| self.x(begin.saturating_add((second * 1e9) as u64));
        let times: Vec<(f32, String)> = axis::time_ticks(seconds)
            .into_iter()
            .map(|(second, words)| (x(second), words))
            .collect();
        let values = self.figure.ticks(self.most).into_iter();
        let values: Vec<(f32, String)> = values
            .map(|(value, words)| (self.y(value), words))
            .collect();
        let down = times.iter().map(|(x, _)| [(*x, top), (*x, bottom)]);
        let across = values.iter().map(|(y, _)| [(left, *y), (right, *y)]);
        let lines = down.chain(across).map(|line| (line, grid));
        let base = ([(left, bottom), (right, bottom)], palette.faint);
        for (points, color) in lines.chain([base]) {
            scene.items.push(Item::Line {
                points: points.to_vec(),
                width: 1.0,
                color,
            });
        }
        let mut text = |(x, y): (f32, f32), anchor, color, text: &str| {
            scene.items.push(Item::Text(Text {
                x,
                y,
                size: LABEL,
                anchor,
                color,
                text: text.to_owned(),
            }));
        };
        let title = (left, top - 8.0);
        text(title, Anchor::Start, palette.ink, self.figure.title());
        let heights = values.into_iter().map(|(y, words)| (y, LABEL / 2.0, words));
        for (y, words) in axis::apart(heights, 2.0) {
            text((left - 8.0, y + 4.0), Anchor::End, palette.faint, &words);
        }
        if self.figure == Figure::Cpu {
            return;
        }
        let y = bottom + 17.0;
        text((right, y), Anchor::End, palette.faint, TIME);
        // A label is about half as wide as its letters are high, for each of them.
        let wide = |words: &str| words.chars().count() as f32 * LABEL / 2.0;
        let free = right - wide(TIME) - BETWEEN;
        let widths = times
            .into_iter()
            .map(|(x, words)| (x, wide(&words) / 2.0, words))
            .filter(|(x, half, _)| x + half <= free);
        for (x, words) in axis::apart(widths, BETWEEN) {
            text((x, y), Anchor::Middle, palette.faint, &words);
        }
    }
}
