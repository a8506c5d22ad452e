//! Draws a timeline: a row per lane, with its name at the left.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use super::{Layout, Look, heights::height};
use crate::{
    chart::{LifeCell, LifeRows, LifeSign, Palette},
    model::TaskId,
    view::{Hits, TaskPosition},
};

/// Draws the rows from `scroll` on.
pub(super) fn draw(
    buffer: &mut Buffer,
    layout: &Layout,
    (rows, scroll): (&LifeRows, usize),
    (palette, look): (&Palette, Look),
    hits: &mut Hits,
) {
    let (labels, body) = (layout.labels, layout.body);
    let foot = body.bottom().saturating_sub(1);
    for (row, y) in rows.rows.iter().skip(scroll).zip(body.top()..foot) {
        let color = if row.is_group {
            palette.ink
        } else {
            palette.faint
        };
        let label = look.words(&row.label);
        let width = usize::from(labels.width.saturating_sub(1));
        buffer.set_stringn(labels.x, y, label, width, look.ink(color));
        let mut last: Option<TaskId> = None;
        for (cell, x) in row.cells.iter().zip(body.left()..body.right()) {
            let Some(cell) = cell else { continue };
            let (sign, style) = look_of(cell, look);
            buffer.set_stringn(x, y, sign, 1, style);
            if last != cell.id {
                hits.tasks.extend(cell.id.map(|id| position(id, x, y)));
            }
            last = cell.id;
        }
    }
    scale(
        buffer,
        Rect {
            y: foot,
            height: 1,
            ..body
        },
        rows,
        (palette, look),
    );
}

/// The time axis, and what has no row.
fn scale(buffer: &mut Buffer, area: Rect, rows: &LifeRows, (palette, look): (&Palette, Look)) {
    let begin = &rows.begin;
    let words = match rows.rest.as_str() {
        "" => begin.clone(),
        rest => format!("{begin}  ·  {rest}"),
    };
    let faint = look.ink(palette.faint);
    let long = rows.end.chars().count() as u16;
    let width = usize::from(area.width.saturating_sub(long + 2));
    buffer.set_stringn(area.x, area.y, look.words(&words), width, faint);
    let end = area.right().saturating_sub(long);
    buffer.set_stringn(end, area.y, &rows.end, long.into(), faint);
}

fn position(id: TaskId, x: u16, y: u16) -> TaskPosition {
    TaskPosition {
        id,
        x: f32::from(x) + 0.5,
        y: f32::from(y) + 0.5,
        r: 3.0,
    }
}

fn look_of(cell: &LifeCell, look: Look) -> (&'static str, Style) {
    let pick = |sign: &'static str, ascii: &'static str| if look.ascii { ascii } else { sign };
    let style = look.ink(cell.color);
    match cell.sign {
        LifeSign::Cpu(share) => (height(share, look), style),
        LifeSign::Io => ("=", style),
        LifeSign::Waits => (pick("░", "w"), style),
        LifeSign::Blocked => ("D", style),
        LifeSign::Band => (pick("▒", "%"), style),
        LifeSign::Exited => (pick("◇", "x"), style),
        LifeSign::Gone => ("?", style),
        LifeSign::Failed => ("!", style.add_modifier(Modifier::BOLD)),
        LifeSign::Crashed => (pick("◆", "X"), style.add_modifier(Modifier::BOLD)),
    }
}
