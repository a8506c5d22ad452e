//! Draws when findings began, above the strips.

use super::lives::Lives;
use crate::{
    chart::palette::Palette,
    scene::{Anchor, Font, Item, Scene, Text},
};

/// Draws when findings began, with what they are about where there is room. Returns where the
/// flags end.
pub(super) fn draw(
    scene: &mut Scene,
    (lives, period): (&Lives, (u64, u64)),
    ((left, right), top): ((f32, f32), f32),
    x: &dyn Fn(u64) -> f32,
    (font, palette): (&Font, &Palette),
) -> f32 {
    let flags = lives.flags(period);
    if flags.is_empty() {
        return top;
    }
    let base = top + 14.0;
    // The room of the texts that are written: the worst findings have theirs first.
    let mut taken: Vec<(f32, f32)> = Vec::new();
    for flag in flags {
        let at = x(flag.at_ns).clamp(left, right);
        scene.items.push(Item::Line {
            points: vec![(at, top + 3.0), (at, base + 2.0)],
            width: 2.0,
            color: palette.accent,
        });
        let begin = at + 5.0;
        let end = begin + font.width(&flag.text, 12.0);
        let is_free = |(from, until): &(f32, f32)| end + 8.0 < *from || begin > *until + 8.0;
        if end > right || !taken.iter().all(is_free) {
            continue;
        }
        taken.push((begin, end));
        scene.items.push(Item::Text(Text {
            x: begin,
            y: base,
            size: 12.0,
            anchor: Anchor::Start,
            color: palette.accent,
            text: flag.text.clone(),
        }));
    }
    scene.items.push(Item::Text(Text {
        x: super::LEFT,
        y: base,
        size: 12.0,
        anchor: Anchor::Start,
        color: palette.faint,
        text: "findings".to_owned(),
    }));
    base + 8.0
}
