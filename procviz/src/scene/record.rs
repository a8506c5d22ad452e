//! Implements a backend of the crate plotters that records into a scene.

use plotters::{
    coord::Shift,
    drawing::{DrawingArea, IntoDrawingArea},
};
use plotters_backend::{
    BackendColor, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    text_anchor::{HPos, Pos, VPos},
};

use super::{Anchor, Color, Item, Text};

/// Steps per pixel. plotters uses whole coordinates, and with whole pixels a curve of
/// 24 pixels height would look like stairs.
const STEPS: f32 = 16.0;

/// Records what plotters draws into a rectangle of a scene.
pub struct Recorder<'a> {
    items: &'a mut Vec<Item>,
    at: (f32, f32, f32, f32),
}

/// The error type that plotters requires. Recording cannot fail.
#[derive(Debug, thiserror::Error)]
#[error("recording cannot fail")]
pub struct Never;

impl<'a> Recorder<'a> {
    /// Makes a drawing area in a rectangle: left, top, width, height, in pixels.
    pub fn area(items: &'a mut Vec<Item>, at: (f32, f32, f32, f32)) -> DrawingArea<Self, Shift> {
        Self { items, at }.into_drawing_area()
    }

    fn point(&self, (x, y): (i32, i32)) -> (f32, f32) {
        (self.at.0 + x as f32 / STEPS, self.at.1 + y as f32 / STEPS)
    }
}

fn color(color: BackendColor) -> Color {
    Color(
        color.rgb.0,
        color.rgb.1,
        color.rgb.2,
        (color.alpha * 255.0).round() as u8,
    )
}

type Outcome = Result<(), DrawingErrorKind<Never>>;

impl DrawingBackend for Recorder<'_> {
    type ErrorType = Never;

    fn get_size(&self) -> (u32, u32) {
        ((self.at.2 * STEPS) as u32, (self.at.3 * STEPS) as u32)
    }

    fn ensure_prepared(&mut self) -> Outcome {
        Ok(())
    }

    fn present(&mut self) -> Outcome {
        Ok(())
    }

    fn draw_pixel(&mut self, at: (i32, i32), with: BackendColor) -> Outcome {
        let (x, y) = self.point(at);
        self.items.push(Item::Rect {
            at: (x, y, 1.0 / STEPS, 1.0 / STEPS),
            color: color(with),
        });
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: (i32, i32),
        to: (i32, i32),
        style: &S,
    ) -> Outcome {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = (i32, i32)>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Outcome {
        let points = path.into_iter().map(|at| self.point(at)).collect();
        let width = style.stroke_width() as f32 / STEPS;
        self.items.push(Item::Line {
            points,
            width,
            color: color(style.color()),
        });
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: (i32, i32),
        to: (i32, i32),
        style: &S,
        is_filled: bool,
    ) -> Outcome {
        let (left, top) = self.point(from);
        let (right, bottom) = self.point(to);
        if !is_filled {
            let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
            return self.draw_path(corners, style);
        }
        self.items.push(Item::Rect {
            at: (left, top, right - left, bottom - top),
            color: color(style.color()),
        });
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: (i32, i32)) -> Outcome {
        if text.is_empty() {
            return Ok(());
        }
        let (x, y) = self.point(at);
        let size = style.size() as f32 / STEPS;
        let Pos { h_pos, v_pos } = style.anchor();
        // Texts of a scene stand on their base line.
        let above = match v_pos {
            VPos::Top => 0.8,
            VPos::Center => 0.35,
            VPos::Bottom => -0.2,
        };
        self.items.push(Item::Text(Text {
            x,
            y: y + size * above,
            size,
            anchor: match h_pos {
                HPos::Left => Anchor::Start,
                HPos::Center => Anchor::Middle,
                HPos::Right => Anchor::End,
            },
            color: color(style.color()),
            text: text.to_owned(),
        }));
        Ok(())
    }
}

/// Converts a length from pixels to the steps of a recorder.
pub(crate) fn steps(pixels: f32) -> u32 {
    (pixels * STEPS).round() as u32
}
