//! Draws the time bar of a recording in a line of cells, with the machine over the same time in
//! lines above it.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{Look, heights::height};
use crate::{
    chart::Palette,
    view::{Bounds, TimeBar, TimeGraph},
};

/// From these numbers of lines on, a screen has one, or three lines above the bar.
const HIGH: (u16, u16) = (24, 40);

/// Number of lines of the bar on a screen of this height.
pub(super) fn lines(of_screen: u16) -> u16 {
    match of_screen {
        high if high >= HIGH.1 => 4,
        high if high >= HIGH.0 => 2,
        _ => 1,
    }
}

/// Draws the time bar in the last line of an area, and the machine in the others. Returns its
/// box: left, top, right, bottom; `None` if there is no room.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    bar: &TimeBar,
    (palette, look): (&Palette, Look),
) -> Option<Bounds> {
    let faint = look.ink(palette.faint);
    let width = usize::from(area.width);
    let kinds = TimeGraph::NAMES.iter().take(usize::from(area.height) - 1);
    let names = kinds.clone().copied().chain([bar.begin.as_str()]);
    let begin = names.fold(0, |most, name| most.max(name.chars().count()));
    let end = bar.end.chars().count();
    let cells = width
        .checked_sub(begin + end + 2)
        .filter(|cells| *cells > 4)?;
    let row = area.bottom() - 1;
    for (name, y) in kinds.copied().chain([bar.begin.as_str()]).zip(area.y..) {
        let text = format!("{name:>begin$}");
        buffer.set_stringn(area.x, y, text, begin, faint);
    }
    let left = area.x + begin as u16 + 1;
    let right = left + cells as u16;
    buffer.set_stringn(right + 1, row, &bar.end, end, faint);
    if let Some(graph) = &bar.graph {
        let room = Rect {
            x: left,
            width: cells as u16,
            height: area.height - 1,
            ..area
        };
        lanes(buffer, room, graph, (palette, look));
    }
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
        buffer.set_stringn(left + x, row, sign, 1, style);
    }
    for (from, to) in &bar.gaps {
        for x in cell_of(*from)..=cell_of(*to) {
            buffer.set_stringn(left + x, row, " ", 1, faint);
        }
    }
    for part in &bar.marks {
        let x = left + cell_of(*part);
        buffer.set_stringn(x, row, mark, 1, look.ink(palette.alarm));
    }
    buffer.set_stringn(left + at, row, knob, 1, look.ink(palette.ink));
    let (left, right) = (f32::from(left), f32::from(right));
    let (top, bottom) = (f32::from(area.y), f32::from(area.bottom()));
    Some((left, top, right, bottom))
}

/// Draws a line for each kind of load.
fn lanes(buffer: &mut Buffer, room: Rect, graph: &TimeGraph, (palette, look): (&Palette, Look)) {
    let colors = TimeGraph::colors(palette).into_iter();
    for (kind, (color, y)) in colors.zip(room.y..room.bottom()).enumerate() {
        for cell in 0..room.width {
            let part = |cell: u16| f32::from(cell) / f32::from(room.width);
            let share = graph.most(kind, (part(cell), part(cell + 1)));
            // What is not known has no sign.
            let Some(share) = share else { continue };
            buffer.set_stringn(room.x + cell, y, height(share, look), 1, look.ink(color));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::look::Depth, *};
    use crate::chart::{Colors, PaletteKind, Theme};

    /// A bar of an hour, at a position.
    fn bar(at: f32) -> TimeBar {
        TimeBar {
            at,
            marks: Vec::new(),
            gaps: Vec::new(),
            begin: "03:00".to_owned(),
            end: "04:00".to_owned(),
            graph: None,
            hover: None,
        }
    }

    /// The lines of a screen of this size with a bar, and the place of the bar.
    fn drawn(bar: &TimeBar, (width, height): (u16, u16)) -> (Vec<String>, Option<Bounds>) {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let palette = Palette::new(Theme::Light, PaletteKind::Default, &Colors::default());
        let look = Look {
            depth: Depth::None,
            ascii: true,
        };
        let place = draw(&mut buffer, area, bar, (&palette, look));
        let rows = buffer.content.chunks(width.into());
        let rows = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect());
        (rows.collect(), place)
    }

    #[test]
    fn marks_and_gaps_are_on_the_time_bar() {
        let bar = TimeBar {
            marks: vec![0.0, 0.5],
            gaps: vec![(0.7, 0.8), (0.99, 1.0)],
            ..bar(0.25)
        };
        let (rows, place) = drawn(&bar, (33, 1));
        assert_eq!(rows, ["03:00 !====#----!---   ---  04:00"]);
        assert_eq!(place, Some((6.0, 0.0, 27.0, 1.0)));
        assert!(drawn(&bar, (14, 1)).1.is_none());
    }

    #[test]
    fn the_machine_is_above_the_time_bar() {
        let mut graph = TimeGraph::new();
        graph.add((0.0, 0.5), [Some(1.0), Some(0.0), None]);
        graph.add((0.5, 1.0), [Some(0.2), Some(0.5), None]);
        let bar = TimeBar {
            graph: Some(graph.into()),
            ..bar(1.0)
        };
        let (rows, place) = drawn(&bar, (32, lines(50)));
        assert_eq!(
            rows,
            [
                "            CPU #####.....      ",
                "memory pressure -----:::::      ",
                "    IO pressure                 ",
                "          03:00 =========# 04:00",
            ]
        );
        assert_eq!(place, Some((16.0, 0.0, 26.0, 4.0)));
    }
}
