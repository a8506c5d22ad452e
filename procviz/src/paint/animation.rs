//! Makes animations from frames that are PNG files.

use std::{
    cmp::Reverse,
    io::{self, Cursor, Write},
};

use rustc_hash::FxHashMap;

/// Upper limit for the colours of a GIF frame.
const COLORS: usize = 256;
/// Number of the most frequent colours, which are kept unchanged.
const EXACT: usize = 64;

/// Upper limit for the frames of an animation.
pub const MOST_FRAMES: usize = 2_000;

/// The reason why an animation cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AnimationError {
    /// A frame could not be decoded.
    #[error("failed to decode a frame of the animation")]
    Decode(#[from] png::DecodingError),
    /// The file of a frame could not be read.
    #[error("failed to read a frame of the animation")]
    Read(#[from] io::Error),
    /// The animation could not be encoded as PNG.
    #[error("failed to encode the animation")]
    Png(#[from] png::EncodingError),
    /// The animation could not be encoded as GIF.
    #[error("failed to encode the animation")]
    Gif(#[from] gif::EncodingError),
    /// The picture is too large: GIF stores width and height in 16 bits.
    #[error("a GIF has at most 65535x65535 pixels, not {0}x{1}")]
    TooLarge(u32, u32),
}

/// Decodes a frame to width, height and RGB pixels.
fn decode(frame: &[u8]) -> Result<(u32, u32, Vec<u8>), AnimationError> {
    let mut reader = png::Decoder::new(Cursor::new(frame)).read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let info = reader.next_frame(&mut pixels)?;
    pixels.truncate(info.buffer_size());
    Ok((info.width, info.height, pixels))
}

/// Frames that are read back one at a time, so that memory use does not grow with
/// their number.
pub type Frames<'a> = &'a mut dyn Iterator<Item = io::Result<Vec<u8>>>;

/// Writes an animated PNG of `count` frames with `delay_ms` between them. The
/// animation repeats without end.
///
/// # Errors
///
/// If a frame cannot be read or is not a PNG of procviz, or if `out` fails.
pub fn apng(
    out: impl Write,
    (frames, count): (Frames<'_>, u32),
    delay_ms: u32,
) -> Result<(), AnimationError> {
    let Some(first) = frames.next().transpose()? else {
        return Ok(());
    };
    let (width, height, pixels) = decode(&first)?;
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_animated(count, 0)?;
    encoder.set_frame_delay(delay_ms.min(u32::from(u16::MAX)) as u16, 1_000)?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    for frame in frames {
        writer.write_image_data(&decode(&frame?)?.2)?;
    }
    Ok(writer.finish()?)
}

/// Writes an animated GIF with `delay_ms` between frames, in steps of 10 ms. The
/// animation repeats without end.
///
/// # Errors
///
/// If a frame cannot be read, is not a PNG of procviz or is too large for a GIF, or if
/// `out` fails.
pub fn gif(out: impl Write, frames: Frames<'_>, delay_ms: u32) -> Result<(), AnimationError> {
    let Some(first) = frames.next().transpose()? else {
        return Ok(());
    };
    let (width, height, pixels) = decode(&first)?;
    let (Ok(w), Ok(h)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(AnimationError::TooLarge(width, height));
    };
    let mut encoder = gif::Encoder::new(out, w, h, &[])?;
    encoder.set_repeat(gif::Repeat::Infinite)?;
    let mut pixels = Some(pixels);
    loop {
        let pixels = match pixels.take() {
            Some(first) => first,
            None => match frames.next() {
                Some(frame) => decode(&frame?)?.2,
                None => return Ok(()),
            },
        };
        let (indices, palette) = indexed(&pixels);
        let mut frame = gif::Frame::from_palette_pixels(w, h, indices, palette, None);
        frame.delay = (delay_ms / 10).clamp(2, u32::from(u16::MAX)) as u16;
        encoder.write_frame(&frame)?;
    }
}

/// Converts RGB pixels to indices into a palette. Returns the indices and the palette.
/// After the most frequent colours, the palette takes the colours that are furthest
/// from all others, because the few pixels of a dot show what a task did. (Quantizers
/// that weight colours by their pixels, or learn from samples, make red dots black.)
fn indexed(pixels: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let colors = || pixels.as_chunks::<3>().0.iter();
    let mut counts: FxHashMap<[u8; 3], u32> = FxHashMap::default();
    colors().for_each(|color| *counts.entry(*color).or_default() += 1);
    let mut all: Vec<[u8; 3]> = counts.keys().copied().collect();
    all.sort_unstable_by_key(|color| (Reverse(counts[color]), *color));
    let mut palette = all[..all.len().min(EXACT)].to_vec();
    // For each colour, the distance and the index of the nearest palette colour.
    let mut nearest: Vec<(u32, u8)> = vec![(u32::MAX, 0); all.len()];
    let mut known = 0;
    loop {
        for (at, color) in palette.iter().enumerate().skip(known) {
            for (other, nearest) in all.iter().zip(&mut nearest) {
                *nearest = (*nearest).min((distance(*color, *other), at as u8));
            }
        }
        known = palette.len();
        let furthest = all.iter().zip(&nearest).max_by_key(|(_, (far, _))| *far);
        match furthest {
            Some((color, (far, _))) if *far > 0 && known < COLORS => palette.push(*color),
            _ => break,
        }
    }
    let places = nearest.iter().map(|(_, at)| *at);
    let index_of: FxHashMap<[u8; 3], u8> = all.iter().copied().zip(places).collect();
    let indices = colors().map(|color| index_of[color]).collect();
    (indices, palette.concat())
}

fn distance(one: [u8; 3], other: [u8; 3]) -> u32 {
    let axes = one.iter().zip(other);
    axes.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chart::{Colors, Palette, PaletteKind, Theme},
        model::Activity,
    };

    const SIDE: usize = 300;

    /// A dot in the colour of an activity is a few pixels among thousands of others.
    #[test]
    fn a_gif_keeps_the_colours_of_dots() {
        let palette = Palette::new(Theme::Light, PaletteKind::Default, &Colors::default());
        let mut pixels = vec![[255; 3]; SIDE * SIDE];
        for (at, pixel) in pixels.iter_mut().enumerate().skip(SIDE * 20) {
            // Edges of letters and dots, from white to ink and to blue.
            let tone = (at % 230) as u8;
            *pixel = [255 - tone, 255 - tone, 255 - tone / (1 + (at / 7000) as u8)];
        }
        let dots: Vec<_> = Activity::ALL.map(|activity| palette.full(activity)).into();
        for (index, color) in dots.iter().enumerate() {
            for y in 5..9 {
                let from = y * SIDE + 10 + 20 * index;
                pixels[from..from + 4].fill([color.0, color.1, color.2]);
            }
        }
        let mut frame = Vec::new();
        let mut encoder = png::Encoder::new(&mut frame, SIDE as u32, SIDE as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&pixels.concat()).unwrap();
        writer.finish().unwrap();
        let mut animation = Vec::new();
        let mut frames = std::iter::once(Ok(frame));
        gif(&mut animation, &mut frames, 100).unwrap();
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(Cursor::new(animation)).unwrap();
        let shown = decoder.read_next_frame().unwrap().unwrap();
        for (index, color) in dots.iter().enumerate() {
            let at = (6 * SIDE + 11 + 20 * index) * 4;
            let is = [shown.buffer[at], shown.buffer[at + 1], shown.buffer[at + 2]];
            let was = [color.0, color.1, color.2];
            let off = is.iter().zip(was).map(|(a, b)| a.abs_diff(b)).max();
            assert!(off < Some(12), "{was:?} became {is:?}");
        }
    }
}
