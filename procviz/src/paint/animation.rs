//! Makes animations of frames that are PNG files.

use std::io::Cursor;

/// Frames of one animation at most.
pub const MOST_FRAMES: usize = 2_000;

/// An animation that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AnimationError {
    /// A frame could not be read back.
    #[error("failed to read a frame")]
    Decode(#[from] png::DecodingError),
    /// The animation could not be encoded as PNG.
    #[error("failed to encode the animation")]
    Png(#[from] png::EncodingError),
    /// The animation could not be encoded as GIF.
    #[error("failed to encode the animation")]
    Gif(#[from] gif::EncodingError),
    /// GIF counts pixels with 16 bits.
    #[error("a picture of {0}x{1} pixels is too large for a GIF")]
    TooLarge(u32, u32),
}

/// Width, height and RGB pixels.
fn decode(frame: &[u8]) -> Result<(u32, u32, Vec<u8>), AnimationError> {
    let mut reader = png::Decoder::new(Cursor::new(frame)).read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let info = reader.next_frame(&mut pixels)?;
    pixels.truncate(info.buffer_size());
    Ok((info.width, info.height, pixels))
}

/// An animated PNG, `delay_ms` between frames, for ever.
///
/// # Errors
///
/// When a frame is no PNG of ours.
pub fn apng(frames: &[Vec<u8>], delay_ms: u32) -> Result<Vec<u8>, AnimationError> {
    let mut bytes = Vec::new();
    let Some(first) = frames.first() else {
        return Ok(bytes);
    };
    let (width, height, _) = decode(first)?;
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_animated(frames.len() as u32, 0)?;
    encoder.set_frame_delay(delay_ms.min(u32::from(u16::MAX)) as u16, 1_000)?;
    let mut writer = encoder.write_header()?;
    for frame in frames {
        writer.write_image_data(&decode(frame)?.2)?;
    }
    writer.finish()?;
    Ok(bytes)
}

/// An animated GIF, `delay_ms` between frames (in steps of 10), for ever.
///
/// # Errors
///
/// When a frame is no PNG of ours, or larger than a GIF can be.
pub fn gif(frames: &[Vec<u8>], delay_ms: u32) -> Result<Vec<u8>, AnimationError> {
    let mut bytes = Vec::new();
    let Some(first) = frames.first() else {
        return Ok(bytes);
    };
    let (width, height, _) = decode(first)?;
    let (Ok(w), Ok(h)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(AnimationError::TooLarge(width, height));
    };
    let mut encoder = gif::Encoder::new(&mut bytes, w, h, &[])?;
    encoder.set_repeat(gif::Repeat::Infinite)?;
    for frame in frames {
        let (_, _, pixels) = decode(frame)?;
        let mut frame = gif::Frame::from_rgb_speed(w, h, &pixels, 20);
        frame.delay = (delay_ms / 10).clamp(2, u32::from(u16::MAX)) as u16;
        encoder.write_frame(&frame)?;
    }
    drop(encoder);
    Ok(bytes)
}
