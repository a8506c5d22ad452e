//! Caches the shapes of characters as coverage masks, in steps of a quarter pixel.

use ab_glyph::{Font as _, PxScale, ScaleFont as _, point};
use rustc_hash::FxHashMap;

use crate::scene::Font;

/// The coverage mask of a character.
pub(super) struct Mask {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: usize,
    pub(super) coverage: Vec<u8>,
}

/// The characters drawn so far.
pub(super) struct Glyphs {
    font: Font,
    masks: FxHashMap<(char, u32, u8), Option<Mask>>,
}

impl Glyphs {
    pub(super) fn new(font: Font) -> Self {
        Self {
            font,
            masks: FxHashMap::default(),
        }
    }

    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        self.font.width(text, size)
    }

    pub(super) fn advance(&self, ch: char, size: f32) -> f32 {
        self.font
            .inner()
            .as_scaled(PxScale::from(size))
            .h_advance(self.font.glyph(ch))
    }

    /// The mask of a character whose origin is `quarter` quarters of a pixel right of a
    /// whole pixel; `None` for a character without visible shape.
    pub(super) fn mask(&mut self, ch: char, size: f32, quarter: u8) -> Option<&Mask> {
        let font = &self.font;
        self.masks
            .entry((ch, size.to_bits(), quarter))
            .or_insert_with(|| draw(font, ch, size, quarter))
            .as_ref()
    }
}

fn draw(font: &Font, ch: char, size: f32, quarter: u8) -> Option<Mask> {
    let origin = point(f32::from(quarter) / 4.0, 0.0);
    let glyph = font
        .glyph(ch)
        .with_scale_and_position(PxScale::from(size), origin);
    let outline = font.inner().outline_glyph(glyph)?;
    let bounds = outline.px_bounds();
    let width = bounds.width() as usize;
    let mut coverage = vec![0; width * bounds.height() as usize];
    outline.draw(|x, y, value| {
        if let Some(pixel) = coverage.get_mut(y as usize * width + x as usize) {
            *pixel = (value.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
    });
    Some(Mask {
        left: bounds.min.x as i32,
        top: bounds.min.y as i32,
        width,
        coverage,
    })
}
