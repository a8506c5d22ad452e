//! Draws the time bar of a recording in one line of cells.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Look;
use crate::{chart::Palette, view::TimeBar};

/// Draws the time bar. Returns its box: left, top, right, bottom; `None` if there is
/// no room.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    bar: &TimeBar,
    (palette, look): (&Palette, Look),
) -> Option<(f32, f32, f32, f32)> {
    let faint = look.ink(palette.faint);
    let width = usize::from(area.width);
    let (begin, end) = (bar.begin.chars().count(), bar.end.chars().count());
    let cells = width
        .checked_sub(begin + end + 2)
        .filter(|cells| *cells > 4)?;
    buffer.set_stringn(area.x, area.y, &bar.begin, begin, faint);
    let left = area.x + begin as u16 + 1;
    let right = left + cells as u16;
    buffer.set_stringn(right + 1, area.y, &bar.end, end, faint);
    let cell_of = |part: f32| ((part * (cells - 1) as f32).round() as u16).min(cells as u16 - 1);
    let [played, rest, mark, knob] = if look.ascii {
        ["=", "-", "!", "#"]
    } else {
        ["━", "─", "╿", "●"]
    };
    let at = cell_of(bar.at);
    for x in 0..cells as u16 {
        let (sign, style) = if x < at {
            (played, look.ink(palette.accent))
        } else {
            (rest, faint)
        };
        buffer.set_stringn(left + x, area.y, sign, 1, style);
    }
    for (from, to) in &bar.gaps {
        for x in cell_of(*from)..=cell_of(*to) {
            buffer.set_stringn(left + x, area.y, " ", 1, faint);
        }
    }
    for part in &bar.marks {
        let x = left + cell_of(*part);
        buffer.set_stringn(x, area.y, mark, 1, look.ink(palette.alarm));
    }
    buffer.set_stringn(left + at, area.y, knob, 1, look.ink(palette.ink));
    let (y, left, right) = (f32::from(area.y), f32::from(left), f32::from(right));
    Some((left, y, right, y + 1.0))
}

#[cfg(test)]
mod tests {
    use super::{super::look::Depth, *};
    use crate::chart::{Colors, PaletteKind, Theme};

    #[test]
    fn marks_and_gaps_are_on_the_time_bar() {
        let bar = TimeBar {
            at: 0.25,
            marks: vec![0.0, 0.5],
            gaps: vec![(0.7, 0.8), (0.99, 1.0)],
            begin: "03:00".to_owned(),
            end: "04:00".to_owned(),
        };
        let area = Rect::new(0, 0, 33, 1);
        let mut buffer = Buffer::empty(area);
        let palette = Palette::new(Theme::Light, PaletteKind::Default, &Colors::default());
        let look = Look {
            depth: Depth::None,
            ascii: true,
        };
        let place = draw(&mut buffer, area, &bar, (&palette, look));
        let cells = buffer.content.iter().map(|cell| cell.symbol());
        assert_eq!(
            cells.collect::<String>(),
            "03:00 !====#----!---   ---  04:00"
        );
        assert_eq!(place, Some((6.0, 0.0, 27.0, 1.0)));
        assert!(draw(&mut buffer, Rect::new(0, 0, 14, 1), &bar, (&palette, look)).is_none());
    }
}
