use ab_glyph::{Font as _, FontArc, GlyphId, PxScale, ScaleFont as _};

/// The default font of pictures: a subset of Roboto with Latin, Greek and Cyrillic.
static ROBOTO: &[u8] = include_bytes!("../../assets/Roboto-subset.ttf");

/// Data that is not a usable font.
#[derive(Debug, thiserror::Error)]
#[error("not a TrueType or OpenType font")]
pub struct FontError;

/// A font. Measures text and provides glyph outlines to painters.
#[derive(Clone)]
pub struct Font(FontArc);

impl Font {
    /// Loads the embedded font.
    ///
    /// # Errors
    ///
    /// Never, because the embedded font is valid.
    pub fn embedded() -> Result<Self, FontError> {
        FontArc::try_from_slice(ROBOTO)
            .map(Self)
            .map_err(|_| FontError)
    }

    /// Parses a TrueType or OpenType font.
    ///
    /// # Errors
    ///
    /// If the bytes are not such a font.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, FontError> {
        FontArc::try_from_vec(bytes)
            .map(Self)
            .map_err(|_| FontError)
    }

    /// Width of a text, in pixels.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        let font = self.0.as_scaled(PxScale::from(size));
        text.chars().map(|ch| font.h_advance(self.glyph(ch))).sum()
    }

    /// Returns `text`, cut with an ellipsis if it is wider than `width` pixels.
    pub fn fit(&self, text: &str, size: f32, width: f32) -> String {
        if self.width(text, size) <= width {
            return text.to_owned();
        }
        let room = width - self.width("…", size);
        let mut used = 0.0;
        let font = self.0.as_scaled(PxScale::from(size));
        let kept: String = text
            .chars()
            .take_while(|ch| {
                used += font.h_advance(self.glyph(*ch));
                used <= room
            })
            .collect();
        format!("{}…", kept.trim_end())
    }

    /// The glyph of a character. If the font does not have the character, the glyph of
    /// U+FFFD.
    pub fn glyph(&self, ch: char) -> GlyphId {
        match self.0.glyph_id(ch) {
            GlyphId(0) => self.0.glyph_id(char::REPLACEMENT_CHARACTER),
            id => id,
        }
    }

    /// The underlying font, for its outlines.
    pub(crate) fn inner(&self) -> &FontArc {
        &self.0
    }
}
