//! Draws boxes over the chart: popups about tasks, and the help.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::{Layout, Look, Screen, frame::frame};
use crate::view::{Boxes, Hits, help as keys};

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
    let tasks: Vec<_> = hits.tasks.iter().map(|task| (task.x, task.y)).collect();
    // A popup that hides many tasks is over the panel, if that is wide enough.
    let panel = layout.panel;
    let is_beside = panel.x > room.x && panel.width >= WIDTH.min(room.width);
    let side = [panel.x, panel.y, panel.right(), panel.bottom()].map(f32::from);
    let side = Some(side.into()).filter(|_| is_beside);
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
        let size = (f32::from(width), f32::from(height));
        let (x, y) = boxes.place((at, away), size, (side, &tasks));
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
    let width = 104.min(room.width);
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
