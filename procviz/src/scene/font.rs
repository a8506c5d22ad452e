use ab_glyph::{Font as _, FontArc, GlyphId, PxScale, ScaleFont as _};

/// The font of every picture: Roboto, a subset with Latin, Greek and Cyrillic.
static ROBOTO: &[u8] = include_bytes!("../../assets/Roboto-subset.ttf");

/// A font that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("not a TrueType or OpenType font")]
pub struct FontError;

/// Measures text, and gives painters its outlines.
#[derive(Clone)]
pub struct Font(FontArc);

impl Font {
    /// The embedded one.
    ///
    /// # Errors
    ///
    /// Never with the font that is built in.
    pub fn embedded() -> Result<Self, FontError> {
        FontArc::try_from_slice(ROBOTO)
            .map(Self)
            .map_err(|_| FontError)
    }

    /// Any TrueType or OpenType font.
    ///
    /// # Errors
    ///
    /// When the bytes are none.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, FontError> {
        FontArc::try_from_vec(bytes)
            .map(Self)
            .map_err(|_| FontError)
    }

    /// Width of a text, pixels.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        let font = self.0.as_scaled(PxScale::from(size));
        text.chars().map(|ch| font.h_advance(self.glyph(ch))).sum()
    }

    /// `text`, cut with an ellipsis so that it is no wider than `width` pixels.
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

    /// The glyph of a character, or of U+FFFD where the font has none.
    pub fn glyph(&self, ch: char) -> GlyphId {
        match self.0.glyph_id(ch) {
            GlyphId(0) => self.0.glyph_id(char::REPLACEMENT_CHARACTER),
            id => id,
        }
    }

    /// The outlines.
    pub(crate) fn inner(&self) -> &FontArc {
        &self.0
    }
}
