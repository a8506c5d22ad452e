//! Draws boxes over the chart: popups about tasks, and the help.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::{Layout, Look, Screen};
use crate::{
    chart::Palette,
    view::{Boxes, Hits, help as keys},
};

/// Number of columns of a popup, including its frame.
const WIDTH: u16 = 46;

/// Draws the popups, each beside its task. The popup opened last is on top.
pub(super) fn draw(
    buffer: &mut Buffer,
    layout: &Layout,
    hits: &Hits,
    screen: &Screen<'_>,
    look: Look,
) {
    let room = layout.labels.union(layout.body);
    let edges = [room.x, room.y, room.right(), room.bottom()].map(f32::from);
    let mut boxes = Boxes::new(edges.into());
    for (id, popup) in screen.popups {
        let mut lines = Vec::new();
        for line in &popup.lines {
            lines.extend(super::panel::wrap(line, usize::from(WIDTH) - 4));
        }
        let width = WIDTH.min(room.width);
        let height = (lines.len() as u16 + 2).min(room.height);
        let position = hits.position(*id);
        // A task that is not on the screen gets a box in the corner.
        let corner = (f32::from(room.x), f32::from(room.y));
        let (at, away) = position.map_or((corner, (0.0, 0.0)), |position| {
            ((position.x.floor(), position.y.floor()), (2.0, 1.0))
        });
        let (x, y) = boxes.place(at, away, (f32::from(width), f32::from(height)));
        let area = Rect::new(x as u16, y as u16, width, height);
        let is_pinned = screen.view.pins.contains(id);
        let mark = match (popup.is_over, is_pinned) {
            (true, true) => " exited, pinned ",
            (true, false) => " exited ",
            (false, true) if position.is_none() => " pinned, not visible ",
            (false, true) => " pinned ",
            (false, false) if position.is_none() => " not visible ",
            (false, false) => "",
        };
        frame(buffer, area, &popup.title, mark, screen.palette, look);
        for (line, y) in lines.iter().zip(area.y + 1..area.bottom() - 1) {
            buffer.set_stringn(
                area.x + 2,
                y,
                look.words(line),
                usize::from(width) - 4,
                look.ink(screen.palette.ink),
            );
        }
    }
}

/// Draws the help: all keys and their actions.
pub(super) fn help(buffer: &mut Buffer, room: Rect, screen: &Screen<'_>, look: Look) {
    let palette = screen.palette;
    let keys = keys(screen.view.is_recording);
    let width = 62.min(room.width);
    let height = (keys.len() as u16 + 2).min(room.height);
    let area = Rect::new(
        room.x + (room.width - width) / 2,
        room.y + (room.height - height) / 2,
        width,
        height,
    );
    frame(buffer, area, "keys", "", palette, look);
    let inner = usize::from(width).saturating_sub(4);
    for ((keys, words), y) in keys.into_iter().zip(area.y + 1..area.bottom() - 1) {
        let bold = look.ink(palette.ink).add_modifier(Modifier::BOLD);
        buffer.set_stringn(area.x + 2, y, keys, inner, bold);
        buffer.set_stringn(
            area.x + 18,
            y,
            words,
            inner.saturating_sub(16),
            look.ink(palette.ink),
        );
    }
}

fn frame(buffer: &mut Buffer, area: Rect, title: &str, mark: &str, palette: &Palette, look: Look) {
    let style = look
        .ink(palette.accent)
        .patch(look.behind(palette.background));
    let [left_top, right_top, left_bottom, right_bottom, across, down] = if look.ascii {
        ["+", "+", "+", "+", "-", "|"]
    } else {
        ["┌", "┐", "└", "┘", "─", "│"]
    };
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let (is_left, is_right) = (x == area.left(), x + 1 == area.right());
            let sign = match (y == area.top(), y + 1 == area.bottom()) {
                (true, _) if is_left => left_top,
                (true, _) if is_right => right_top,
                (_, true) if is_left => left_bottom,
                (_, true) if is_right => right_bottom,
                (true, _) | (_, true) => across,
                _ if is_left || is_right => down,
                _ => " ",
            };
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.reset();
                cell.set_symbol(sign);
                cell.set_style(style);
            }
        }
    }
    let room = usize::from(area.width).saturating_sub(4);
    let title = format!(" {} ", look.words(title));
    let bold = style.add_modifier(Modifier::BOLD);
    buffer.set_stringn(area.x + 2, area.y, title, room, bold);
    let at = area.right().saturating_sub(mark.len() as u16 + 2);
    buffer.set_stringn(at.max(area.x + 1), area.bottom() - 1, mark, room, style);
}
