//! Blends colours over runs of pixels in a row. Most pixels of a picture are covered wholly, and
//! need no blending.

use tiny_skia::{Pixmap, PremultipliedColorU8};

use crate::scene::Color;

/// The pixels of a row between two columns, and the column of the first one of them; `None` if
/// none is in the picture.
pub(super) fn row(
    pixmap: &mut Pixmap,
    row: i32,
    (from, to): (i32, i32),
) -> Option<(&mut [PremultipliedColorU8], i32)> {
    let (width, height) = (pixmap.width() as i32, pixmap.height() as i32);
    let (from, to) = (from.max(0), to.min(width));
    if row < 0 || row >= height || from >= to {
        return None;
    }
    let begin = row as usize * width as usize;
    let pixels = &mut pixmap.pixels_mut()[begin + from as usize..begin + to as usize];
    Some((pixels, from))
}

/// Blends a colour over all pixels; `alpha` is the opacity, 0 to 255.
pub(super) fn fill(pixels: &mut [PremultipliedColorU8], color: Color, alpha: u32) {
    let opaque = PremultipliedColorU8::from_rgba(color.0, color.1, color.2, 255);
    match opaque.filter(|_| alpha == 255) {
        Some(opaque) => pixels.fill(opaque),
        None if alpha == 0 => {}
        None => {
            // Neighbours mostly have one colour.
            let Some(mut below) = pixels.first().copied() else {
                return;
            };
            let mut blended = below;
            lay_over(&mut blended, color, alpha);
            for pixel in pixels {
                if *pixel != below {
                    (below, blended) = (*pixel, *pixel);
                    lay_over(&mut blended, color, alpha);
                }
                *pixel = blended;
            }
        }
    }
}

/// Blends a colour over pixels that are covered in part; `coverage` is from 0 to 255.
pub(super) fn cover(pixels: &mut [PremultipliedColorU8], coverage: &[u8], color: Color) {
    let opaque = PremultipliedColorU8::from_rgba(color.0, color.1, color.2, 255);
    let opaque = opaque.filter(|_| color.3 == 255);
    for (pixel, coverage) in pixels.iter_mut().zip(coverage) {
        match (coverage, opaque) {
            (0, _) => {}
            (255, Some(opaque)) => *pixel = opaque,
            _ => {
                let alpha = u32::from(*coverage) * u32::from(color.3) / 255;
                lay_over(pixel, color, alpha);
            }
        }
    }
}

/// The opacity of a colour over a pixel of which this part is covered, 0 to 255.
pub(super) fn alpha(coverage: f32, color: Color) -> u32 {
    // A cast instead of `round`, which is a function call on this target.
    (coverage * f32::from(color.3) + 0.5) as u32
}

/// Blends a colour over an opaque pixel. `alpha` is the opacity, 0 to 255.
pub(super) fn lay_over(pixel: &mut PremultipliedColorU8, color: Color, alpha: u32) {
    // Opacity in 1/65,536, so that a shift replaces the division by 255.
    let part = alpha * 257 + (alpha >> 7);
    let over = |new: u8, old: u8| {
        ((u32::from(new) * part + u32::from(old) * (65_536 - part) + 32_768) >> 16) as u8
    };
    let (r, g, b) = (
        over(color.0, pixel.red()),
        over(color.1, pixel.green()),
        over(color.2, pixel.blue()),
    );
    // The background is opaque, so every blended pixel is opaque, too.
    if let Some(mixed) = PremultipliedColorU8::from_rgba(r, g, b, 255) {
        *pixel = mixed;
    }
}
