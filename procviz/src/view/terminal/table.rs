//! Draws the table of processes below the chart.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::Look;
use crate::{
    chart::{Column, Palette, Tone},
    view::{ShownTable, TableHits},
};

/// Number of lines above the rows: the title and the headings.
pub(crate) const ABOVE: u16 = 2;

/// Draws the table. Returns where its rows and headings are.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    table: &ShownTable,
    (palette, look): (&Palette, Look),
) -> TableHits {
    let width = usize::from(area.width);
    let (ink, faint) = (look.ink(palette.ink), look.ink(palette.faint));
    let title = ink.add_modifier(Modifier::BOLD);
    buffer.set_stringn(area.x, area.y, look.words(&table.title), width, title);
    let bounds = |x: u16, y: u16, right: u16| {
        let [left, top, right, bottom] = [x, y, right, y + 1].map(f32::from);
        (left, top, right, bottom)
    };
    let mut hits = TableHits {
        room: Some((
            f32::from(area.x),
            f32::from(area.y),
            f32::from(area.right()),
            f32::from(area.bottom()),
        )),
        order: table.ids.clone(),
        marked: table.marked.clone(),
        ..TableHits::default()
    };
    let places = places(area, &table.columns);
    for (column, (x, right)) in table.columns.iter().zip(&places) {
        let sign = match (table.order.column == *column, look.ascii) {
            (false, _) => "",
            (true, true) => "*",
            (true, false) => "▾",
        };
        let mut style = faint.add_modifier(Modifier::UNDERLINED);
        if table.order.column == *column {
            style = ink.add_modifier(Modifier::UNDERLINED | Modifier::BOLD);
        }
        let text = format!("{sign}{}", column.title());
        put(buffer, (*x, area.y + 1, *right), *column, &text, style);
        hits.columns.push((bounds(*x, area.y + 1, *right), *column));
    }
    let lines = area.y + ABOVE..area.bottom();
    for (row, y) in table.rows.iter().zip(lines) {
        let mut style = match row.tone {
            Tone::Quiet => faint,
            Tone::Busy => ink,
            Tone::Bad => look.ink(palette.alarm),
            Tone::Over => faint.add_modifier(Modifier::DIM),
        };
        if table.marked.contains(&row.id) {
            style = style.add_modifier(Modifier::REVERSED);
            buffer.set_style(Rect::new(area.x, y, area.width, 1), style);
        }
        for ((column, (x, right)), text) in table.columns.iter().zip(&places).zip(&row.cells) {
            let deep = if *column == Column::Command {
                row.depth
            } else {
                0
            };
            let x = (*x + 2 * deep as u16).min(*right);
            put(buffer, (x, y, *right), *column, &look.words(text), style);
        }
        hits.rows.push((bounds(area.x, y, area.right()), row.id));
    }
    hits
}

/// The first cell and the cell after the last of each column.
fn places(area: Rect, columns: &[Column]) -> Vec<(u16, u16)> {
    let mut x = area.x;
    let mut places = Vec::new();
    for column in columns {
        let right = match column {
            Column::Command => area.right(),
            column => area.right().min(x + column.width() as u16),
        };
        places.push((x.min(right), right));
        x = right.saturating_add(1);
    }
    places
}

/// Writes a text into a cell of the table: words at the left, figures at the right.
fn put(
    buffer: &mut Buffer,
    (x, y, right): (u16, u16, u16),
    column: Column,
    text: &str,
    style: ratatui::style::Style,
) {
    let room = usize::from(right.saturating_sub(x));
    let long = text.chars().count();
    let from = match column.is_text() {
        true => x,
        false => right.saturating_sub(long.min(room) as u16),
    };
    buffer.set_stringn(from, y, text, room, style);
}
