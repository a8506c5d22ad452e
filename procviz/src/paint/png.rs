//! Writes pixels as PNG.

use std::io::Write as _;

use png::{BitDepth, ColorType, Compression, Encoder};
use tiny_skia::Pixmap;

/// Number of pixels from which the picture is written row by row.
const LARGE: usize = 1 << 24;

/// A picture that cannot be encoded.
#[derive(Debug, thiserror::Error)]
#[error("failed to encode the picture")]
pub struct PngError(#[from] png::EncodingError);

/// Encodes a picture. `notes` become text chunks (keyword and text).
///
/// # Errors
///
/// If PNG does not allow a keyword.
pub fn encode(pixmap: &Pixmap, notes: &[(&str, String)]) -> Result<Vec<u8>, PngError> {
    let mut bytes = Vec::with_capacity(256 * 1024);
    let mut encoder = Encoder::new(&mut bytes, pixmap.width(), pixmap.height());
    // The picture is opaque, so three channels are enough.
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    for (keyword, text) in notes {
        encoder.add_itxt_chunk((*keyword).to_owned(), text.clone())?;
    }
    let mut writer = encoder.write_header()?;
    if pixmap.pixels().len() < LARGE {
        let mut rgb = vec![0; pixmap.pixels().len() * 3];
        let (to, _) = rgb.as_chunks_mut();
        for (to, pixel) in to.iter_mut().zip(pixmap.pixels()) {
            *to = [pixel.red(), pixel.green(), pixel.blue()];
        }
        writer.write_image_data(&rgb)?;
        writer.finish()?;
        return Ok(bytes);
    }
    // Row by row is slower, but does not hold a large picture in memory twice.
    let mut rows = writer.stream_writer()?;
    let mut rgb = Vec::with_capacity(pixmap.width() as usize * 3);
    for row in pixmap.pixels().chunks(pixmap.width() as usize) {
        rgb.clear();
        for pixel in row {
            rgb.extend_from_slice(&[pixel.red(), pixel.green(), pixel.blue()]);
        }
        rows.write_all(&rgb).map_err(png::EncodingError::IoError)?;
    }
    rows.finish()?;
    writer.finish()?;
    Ok(bytes)
}
