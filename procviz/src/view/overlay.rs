//! Draws over the scene of a chart in a window: rings, popups, status, help.

use super::{Boxes, Mode, Popup, TableHits, TimeBar, View, bar, help};
use crate::{
    chart::Palette,
    model::TaskId,
    scene::{Anchor, Color, Font, Item, Scene},
};

const SIZE: f32 = 13.0;
const LINE: f32 = 17.0;
const PAD: f32 = 9.0;
/// Maximum width of the text of a popup, in pixels.
const WIDEST: f32 = 430.0;

/// The content that is drawn over a chart.
pub(crate) struct Overlay<'a> {
    pub(crate) view: &'a View,
    pub(crate) popups: &'a [(TaskId, Popup)],
    /// Status of the view; empty if there is nothing to report.
    pub(crate) status: &'a str,
    pub(crate) bar: Option<&'a TimeBar>,
    pub(crate) table: &'a TableHits,
    pub(crate) palette: &'a Palette,
    pub(crate) font: &'a Font,
}

impl Overlay<'_> {
    /// Draws over a scene.
    pub(crate) fn draw(&self, scene: &mut Scene) {
        let bottom = scene.height - self.bar.map_or(0.0, |_| bar::height(scene.height));
        let right = self.table.room.map_or(scene.width, |(left, ..)| left);
        let mut boxes = Boxes::new((4.0, 4.0, right - 4.0, bottom - 4.0));
        self.mark_rows(scene);
        for (id, popup) in self.popups {
            self.popup(scene, &mut boxes, *id, popup);
        }
        let line = match &self.view.mode {
            Mode::Filter => self.view.filter_line(),
            _ => self
                .view
                .message
                .clone()
                .unwrap_or_else(|| self.status.to_owned()),
        };
        if !line.is_empty() {
            let width = scene.width;
            let line = self.font.fit(&line, SIZE, width - 4.0 * PAD);
            let room = self.font.width(&line, SIZE) + 2.0 * PAD;
            let at = (width - room - PAD, bottom - LINE - PAD, room, LINE + 6.0);
            self.frame(scene, at, self.palette.accent);
            self.text(scene, at.0 + PAD, at.1 + LINE - 1.0, self.palette.ink, line);
        }
        if let Some(bar) = self.bar {
            bar::draw(scene, bar, (self.palette, self.font));
        }
        if self.view.mode == Mode::Help {
            self.help(scene);
        }
    }

    /// Marks the rows of the tasks with popups in the table.
    fn mark_rows(&self, scene: &mut Scene) {
        let Color(red, green, blue, _) = self.palette.accent;
        for ((left, top, right, bottom), id) in &self.table.rows {
            if self.table.marked.contains(id) || self.view.hovered == Some(*id) {
                scene.items.push(Item::Rect {
                    at: (*left, *top, right - left, bottom - top),
                    color: Color(red, green, blue, 50),
                });
            }
        }
    }

    fn popup(&self, scene: &mut Scene, boxes: &mut Boxes, id: TaskId, popup: &Popup) {
        let mark = scene.marks.iter().rev().find(|mark| mark.id == id).copied();
        if let Some(mark) = mark {
            scene.items.push(Item::Ring {
                at: (mark.x, mark.y),
                r: mark.r + 4.0,
                width: 2.0,
                color: self.palette.ink,
            });
        }
        let is_pinned = self.view.pins.contains(&id);
        let mut title = popup.title.clone();
        if popup.is_over {
            title.push_str("  (exited)");
        } else if mark.is_none() {
            title.push_str("  (not visible)");
        }
        let lines: Vec<String> = std::iter::once(&title)
            .chain(&popup.lines)
            .map(|line| self.font.fit(line, SIZE, WIDEST))
            .collect();
        let widest = lines
            .iter()
            .map(|line| self.font.width(line, SIZE))
            .fold(0.0, f32::max);
        let (width, height) = (widest + 2.0 * PAD, lines.len() as f32 * LINE + 2.0 * PAD);
        // A task that is not on the chart gets a box at a fixed place.
        let (at, away) = mark.map_or(((40.0, 110.0), (0.0, 0.0)), |mark| {
            ((mark.x, mark.y), (mark.r + 10.0, 8.0))
        });
        let dots: Vec<_> = scene.marks.iter().map(|mark| (mark.x, mark.y)).collect();
        let (x, y) = boxes.place((at, away), (width, height), (None, &dots));
        let border = match (popup.is_over, is_pinned) {
            (true, _) => self.palette.faint,
            (false, true) => self.palette.accent,
            (false, false) => self.palette.ink,
        };
        self.frame(scene, (x, y, width, height), border);
        for (index, line) in lines.into_iter().enumerate() {
            let color = match (index, popup.is_over) {
                (0, false) => self.palette.accent,
                (_, true) => self.palette.faint,
                _ => self.palette.ink,
            };
            let y = y + PAD + LINE * (index as f32 + 1.0) - 4.0;
            self.text(scene, x + PAD, y, color, line);
        }
    }

    fn help(&self, scene: &mut Scene) {
        const WIDTH: f32 = 680.0;
        let keys = help(self.view.is_recording);
        let height = (keys.len() + 1) as f32 * LINE + 3.0 * PAD;
        let (x, y) = ((scene.width - WIDTH) / 2.0, (scene.height - height) / 2.0);
        self.frame(scene, (x, y, WIDTH, height), self.palette.accent);
        let accent = self.palette.accent;
        self.text(
            scene,
            x + PAD,
            y + PAD + LINE - 4.0,
            accent,
            "keys".to_owned(),
        );
        for (index, (keys, words)) in keys.into_iter().enumerate() {
            let y = y + 2.0 * PAD + LINE * (index as f32 + 2.0) - 4.0;
            self.text(scene, x + PAD, y, self.palette.ink, keys.to_owned());
            self.text(
                scene,
                x + PAD + 120.0,
                y,
                self.palette.faint,
                words.to_owned(),
            );
        }
    }

    fn frame(&self, scene: &mut Scene, (x, y, width, height): (f32, f32, f32, f32), border: Color) {
        scene.items.push(Item::Rect {
            at: (x - 1.0, y - 1.0, width + 2.0, height + 2.0),
            color: border,
        });
        scene.items.push(Item::Rect {
            at: (x, y, width, height),
            color: self.palette.background,
        });
    }

    fn text(&self, scene: &mut Scene, x: f32, y: f32, color: Color, text: String) {
        scene.text((x, y), (SIZE, Anchor::Start, color), text);
    }
}
