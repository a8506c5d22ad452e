//! Draws the table of processes at the right of a chart in a window.

use super::{ShownTable, TableHits, boxes::Bounds};
use crate::{
    chart::{Column, Palette, Tone},
    scene::{Anchor, Color, Font, Item, Scene},
};

const SIZE: f32 = 12.0;
const LINE: f32 = 16.0;
const PAD: f32 = 8.0;
/// Width of a character, in pixels: figures and small letters are narrower.
const CHARACTER: f32 = 6.4;
/// Height of the title and the headings, in pixels.
const ABOVE: f32 = 2.0 * LINE + PAD;
/// Part of the window that the table takes, and its limits, in pixels.
const PART: f32 = 0.45;
const WIDTH: (f32, f32) = (380.0, 940.0);

/// The room of the table: left, top, right, bottom, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pane(Bounds);

impl Pane {
    /// The pane of a window of this size, in which a chart needs at least the given width;
    /// `None` if there is no room for both.
    pub(crate) fn new((width, height): (f32, f32), least: f32) -> Option<Self> {
        let room = (width * PART).clamp(WIDTH.0, WIDTH.1).min(width - least);
        (room >= WIDTH.0).then_some(Self((width - room, 0.0, width, height)))
    }

    pub(crate) fn width(self) -> f32 {
        self.0.2 - self.0.0
    }

    /// The room for text: characters and rows.
    pub(crate) fn room(self) -> (usize, usize) {
        let (left, top, right, bottom) = self.0;
        let across = (right - left - 2.0 * PAD) / CHARACTER;
        let down = (bottom - top - ABOVE - PAD) / LINE;
        (across.max(0.0) as usize, down.max(0.0) as usize)
    }

    /// Draws the table. Returns where its rows and headings are.
    pub(crate) fn draw(
        self,
        scene: &mut Scene,
        table: &ShownTable,
        (palette, font): (&Palette, &Font),
    ) -> TableHits {
        let (left, top, right, bottom) = self.0;
        scene.items.push(Item::Rect {
            at: (left, top, 1.0, bottom - top),
            color: palette.faint,
        });
        let (from, until) = (left + PAD, right - PAD);
        let title = font.fit(&table.title, SIZE, until - from);
        let ink = (SIZE, Anchor::Start, palette.ink);
        scene.text((from, top + LINE), ink, title);
        let mut hits = TableHits {
            room: Some(self.0),
            order: table.ids.clone(),
            marked: table.marked.clone(),
            ..TableHits::default()
        };
        let places = places((from, until), &table.columns);
        let y = top + 2.0 * LINE + 2.0;
        for (column, (x, end)) in table.columns.iter().zip(&places) {
            let is_sorted = table.order.column == *column;
            let color = match is_sorted {
                true => palette.ink,
                false => palette.faint,
            };
            cell(scene, (*x, y, *end), *column, (column.title(), color), font);
            if is_sorted {
                scene.items.push(Item::Rect {
                    at: (*x, y + 4.0, end - x, 3.0),
                    color: palette.accent,
                });
            }
            let place = (*x, y - LINE + 4.0, *end, y + 4.0);
            hits.columns.push((place, *column));
        }
        scene.items.push(Item::Rect {
            at: (from, y + 4.0, until - from, 1.0),
            color: palette.faint,
        });
        for (index, row) in table.rows.iter().enumerate() {
            let y = top + ABOVE + LINE * (index as f32 + 1.0) - 4.0;
            let place = (left, y - LINE + 4.0, right, y + 4.0);
            let color = match row.tone {
                Tone::Quiet => palette.faint,
                Tone::Busy => palette.ink,
                Tone::Bad => palette.alarm,
                Tone::Over => palette.ran,
            };
            for ((column, (x, end)), text) in table.columns.iter().zip(&places).zip(&row.cells) {
                let deep = if *column == Column::Command {
                    row.depth
                } else {
                    0
                };
                let x = (x + 2.0 * CHARACTER * deep as f32).min(*end);
                cell(scene, (x, y, *end), *column, (text, color), font);
            }
            hits.rows.push((place, row.id));
        }
        hits
    }
}

/// Left and right edge of each column, in pixels; the command takes what is left.
fn places((from, until): (f32, f32), columns: &[Column]) -> Vec<(f32, f32)> {
    let mut x = from;
    let mut places = Vec::new();
    for column in columns {
        let right = match column {
            Column::Command => until,
            column => until.min(x + column.width() as f32 * CHARACTER),
        };
        places.push((x, right));
        x = right + CHARACTER;
    }
    places
}

/// Writes a text into a cell: words at the left, figures at the right.
fn cell(
    scene: &mut Scene,
    (x, y, right): (f32, f32, f32),
    column: Column,
    (text, color): (&str, Color),
    font: &Font,
) {
    let text = font.fit(text, SIZE, right - x);
    match column.is_text() {
        true => scene.text((x, y), (SIZE, Anchor::Start, color), text),
        false => scene.text((right, y), (SIZE, Anchor::End, color), text),
    }
}
