//! Draws the frame of a popup.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::Look;
use crate::chart::Palette;

/// Draws a frame with a title over what was there; `mark` stands at the right.
pub(super) fn frame(
    buffer: &mut Buffer,
    area: Rect,
    title: &str,
    mark: &str,
    palette: &Palette,
    look: Look,
) {
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
