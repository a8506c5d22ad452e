//! Paints a scene into pixels. The coverage of discs, rings and lines is computed
//! analytically: a pixel takes a colour by the part that the shape covers.

use tiny_skia::{FillRule, Paint, PathBuilder, Pixmap, Transform};

use super::{
    glyphs::Glyphs,
    spans,
    stamps::{self, Form, Stamps},
};
use crate::scene::{Anchor, Color, Font, Item, Mark, Scene, Shape, Text};

/// Upright lines up to this width are painted row by row from one row, in pixels.
const WIDEST_UPRIGHT: f32 = 12.0;

/// A picture that cannot be painted.
#[derive(Debug, thiserror::Error)]
#[error("invalid picture size `{0}x{1}` pixels: the picture is empty or too large")]
pub struct RasterError(u32, u32);

/// Paints scenes. Caches glyphs and small marks.
pub struct Raster {
    glyphs: Glyphs,
    stamps: Stamps,
    /// The last picture, whose buffer is reused.
    pixmap: Option<Pixmap>,
    /// The last picture with items over it.
    #[cfg(feature = "window")]
    covered: Option<Pixmap>,
}

impl Raster {
    /// Makes a painter with a font.
    pub fn new(font: Font) -> Self {
        Self {
            glyphs: Glyphs::new(font),
            stamps: Stamps::default(),
            pixmap: None,
            #[cfg(feature = "window")]
            covered: None,
        }
    }

    /// Paints a scene with `scale` pixels per scene pixel.
    ///
    /// # Errors
    ///
    /// If the picture has no pixels, or more than memory can hold.
    pub fn paint(&mut self, scene: &Scene, scale: f32) -> Result<&Pixmap, RasterError> {
        let (width, height) = (
            (scene.width * scale).round() as u32,
            (scene.height * scale).round() as u32,
        );
        // Reuses the buffer of the last picture: new memory costs more than filling it.
        let fits = |pixmap: &Pixmap| pixmap.width() == width && pixmap.height() == height;
        let mut pixmap = match self.pixmap.take().filter(fits) {
            Some(pixmap) => pixmap,
            None => Pixmap::new(width, height).ok_or(RasterError(width, height))?,
        };
        let Color(r, g, b, a) = scene.background;
        pixmap.fill(tiny_skia::Color::from_rgba8(r, g, b, a));
        for mark in &scene.marks {
            self.mark(&mut pixmap, mark, scale);
        }
        for item in &scene.items {
            self.item(&mut pixmap, item, scale);
        }
        Ok(self.pixmap.insert(pixmap))
    }

    /// The last painted picture with `items` over it. Each call paints the items again.
    /// `None` before the first picture.
    #[cfg(feature = "window")]
    pub(crate) fn cover(&mut self, items: &[Item], scale: f32) -> Option<&Pixmap> {
        let below = self.pixmap.as_ref()?;
        if items.is_empty() {
            return self.pixmap.as_ref();
        }
        let fits = |pixmap: &Pixmap| pixmap.data().len() == below.data().len();
        let mut pixmap = match self.covered.take().filter(fits) {
            Some(mut pixmap) if pixmap.width() == below.width() => {
                pixmap.data_mut().copy_from_slice(below.data());
                pixmap
            }
            _ => below.clone(),
        };
        for item in items {
            self.item(&mut pixmap, item, scale);
        }
        Some(self.covered.insert(pixmap))
    }

    fn item(&mut self, pixmap: &mut Pixmap, item: &Item, scale: f32) {
        match item {
            Item::Line {
                points,
                width,
                color,
            } => {
                for ends in points.windows(2) {
                    let (from, to) = (scaled(ends[0], scale), scaled(ends[1], scale));
                    capsule(pixmap, from, to, width * scale, *color);
                }
            }
            Item::Rect { at, color } => fill_rect(pixmap, *at, scale, *color),
            Item::Ring {
                at,
                r,
                width,
                color,
            } => ring(pixmap, scaled(*at, scale), r * scale, width * scale, *color),
            Item::Text(text) => self.text(pixmap, text, scale),
        }
    }

    fn text(&mut self, pixmap: &mut Pixmap, text: &Text, scale: f32) {
        let size = text.size * scale;
        let shift = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => self.glyphs.width(&text.text, size) / 2.0,
            Anchor::End => self.glyphs.width(&text.text, size),
        };
        let mut x = text.x * scale - shift;
        let base = (text.y * scale).round() as i32;
        for ch in text.text.chars() {
            let quarters = (x * 4.0).round() as i32;
            let (whole, quarter) = (quarters.div_euclid(4), quarters.rem_euclid(4) as u8);
            if let Some(mask) = self.glyphs.mask(ch, size, quarter) {
                let (left, top) = (whole + mask.left, base + mask.top);
                for (coverage, y) in mask.coverage.chunks(mask.width.max(1)).zip(top..) {
                    cover_row(pixmap, y, left, coverage, text.color);
                }
            }
            x += self.glyphs.advance(ch, size);
        }
    }

    fn mark(&mut self, pixmap: &mut Pixmap, mark: &Mark, scale: f32) {
        let (x, y, r) = (mark.x * scale, mark.y * scale, mark.r * scale);
        match mark.shape {
            Shape::Disc => self.disc(pixmap, (x, y), r, mark.color),
            Shape::Ring => {
                let (r, width) = (r * 0.82, (r * 0.36).max(scale));
                match r > stamps::LARGEST {
                    true => ring(pixmap, (x, y), r, width, mark.color),
                    false => self.stamp(pixmap, Form::ring(width), ((x, y), r), mark.color),
                }
            }
            Shape::Square if r <= stamps::LARGEST => {
                self.stamp(pixmap, Form::Square, ((x, y), r), mark.color);
            }
            Shape::Diamond if r <= stamps::LARGEST => {
                self.stamp(pixmap, Form::Diamond, ((x, y), r), mark.color);
            }
            Shape::Square => polygon(
                pixmap,
                &[
                    (x - r, y - r),
                    (x + r, y - r),
                    (x + r, y + r),
                    (x - r, y + r),
                ],
                mark.color,
            ),
            Shape::Diamond => polygon(
                pixmap,
                &[(x, y - r), (x + r, y), (x, y + r), (x - r, y)],
                mark.color,
            ),
            Shape::Triangle => polygon(
                pixmap,
                &[(x, y - r), (x + r, y + r), (x - r, y + r)],
                mark.color,
            ),
        }
        if let Some(spot) = mark.spot {
            self.disc(pixmap, (x, y), r * 0.38, spot);
        }
    }

    fn disc(&mut self, pixmap: &mut Pixmap, at: (f32, f32), r: f32, color: Color) {
        match r > stamps::LARGEST {
            true => large_disc(pixmap, at, r, color),
            false => self.stamp(pixmap, Form::Disc, (at, r), color),
        }
    }

    fn stamp(&mut self, pixmap: &mut Pixmap, form: Form, (at, r): ((f32, f32), f32), color: Color) {
        let (mask, left, top) = self.stamps.mask(form, at, r);
        let rows = mask.spans.iter().zip(mask.coverage.chunks(mask.side));
        for (((first, last), coverage), y) in rows.zip(top..) {
            let coverage = &coverage[usize::from(*first)..usize::from(*last)];
            cover_row(pixmap, y, left + i32::from(*first), coverage, color);
        }
    }
}

/// Blends a colour over the pixels of a row from a column on.
fn cover_row(pixmap: &mut Pixmap, row: i32, left: i32, coverage: &[u8], color: Color) {
    let right = left + coverage.len() as i32;
    if let Some((pixels, first)) = spans::row(pixmap, row, (left, right)) {
        spans::cover(pixels, &coverage[(first - left) as usize..], color);
    }
}

/// Length of a vector. `hypot` also prevents an overflow, which pixels cannot cause,
/// and costs several times as much.
fn far(dx: f32, dy: f32) -> f32 {
    (dx * dx + dy * dy).sqrt()
}

fn scaled((x, y): (f32, f32), scale: f32) -> (f32, f32) {
    (x * scale, y * scale)
}

/// Paints the pixels of a row between two positions. `coverage` returns the covered
/// part of a pixel from the centre of the pixel.
fn shade(
    pixmap: &mut Pixmap,
    row: i32,
    (from, to): (f32, f32),
    color: Color,
    coverage: impl Fn(f32, f32) -> f32,
) {
    let columns = (from.floor() as i32, to.ceil() as i32);
    let Some((pixels, first)) = spans::row(pixmap, row, columns) else {
        return;
    };
    let y = row as f32 + 0.5;
    for (pixel, column) in pixels.iter_mut().zip(first..) {
        let value = coverage(column as f32 + 0.5, y).min(1.0);
        if value > 0.0 {
            spans::lay_over(pixel, color, spans::alpha(value, color));
        }
    }
}

/// Paints the pixels of a row between two whole positions, which are covered equally.
fn level(pixmap: &mut Pixmap, row: i32, (from, to): (f32, f32), color: Color, coverage: f32) {
    if let Some((pixels, _)) = spans::row(pixmap, row, (from as i32, to as i32)) {
        spans::fill(pixels, color, spans::alpha(coverage, color));
    }
}

/// Paints a disc that is too large for a mask. Computes distances only at the edge.
fn large_disc(pixmap: &mut Pixmap, (x, y): (f32, f32), r: f32, color: Color) {
    let (outer, inner) = (r + 0.5, r - 0.5);
    for row in (y - outer).floor() as i32..(y + outer).ceil() as i32 {
        let dy = row as f32 + 0.5 - y;
        let half = |radius: f32| (radius * radius - dy * dy).max(0.0).sqrt();
        let (wide, solid) = (half(outer) + 1.0, (half(inner) - 1.0).max(0.0));
        let edge = |px: f32, py: f32| (r + 0.5 - far(px - x, py - y)).clamp(0.0, 1.0);
        // Whole pixels, so that no pixel is covered twice.
        let (left, right) = ((x - solid).ceil(), (x + solid).floor());
        if left >= right {
            shade(pixmap, row, (x - wide, x + wide), color, edge);
            continue;
        }
        shade(pixmap, row, (x - wide, left), color, edge);
        level(pixmap, row, (left, right), color, 1.0);
        shade(pixmap, row, (right, x + wide), color, edge);
    }
}

fn ring(pixmap: &mut Pixmap, (x, y): (f32, f32), r: f32, width: f32, color: Color) {
    let (outer, inner) = (r + width / 2.0 + 1.0, r - width / 2.0 - 1.0);
    let edge = |px: f32, py: f32| {
        let distance = (far(px - x, py - y) - r).abs();
        (width / 2.0 + 0.5 - distance).clamp(0.0, 1.0)
    };
    for row in (y - outer).floor() as i32..(y + outer).ceil() as i32 {
        let dy = row as f32 + 0.5 - y;
        let wide = (outer * outer - dy * dy).max(0.0).sqrt() + 1.0;
        let hole = if inner > dy.abs() {
            (inner * inner - dy * dy).sqrt() - 1.0
        } else {
            0.0
        };
        let (left, right) = ((x - hole).ceil(), (x + hole).floor());
        if left >= right {
            shade(pixmap, row, (x - wide, x + wide), color, edge);
        } else {
            shade(pixmap, row, (x - wide, left), color, edge);
            shade(pixmap, row, (right, x + wide), color, edge);
        }
    }
}

/// Paints a line with round ends. Visits only the pixels near the line: the box around
/// a long diagonal line contains a thousand times as many pixels.
fn capsule(pixmap: &mut Pixmap, a: (f32, f32), b: (f32, f32), width: f32, color: Color) {
    let (half, weight) = if width < 1.0 {
        (0.5, width)
    } else {
        (width / 2.0, 1.0)
    };
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length2 = (dx * dx + dy * dy).max(1e-6);
    let reach = half + 1.0;
    let (left, right) = (a.0.min(b.0) - reach, a.0.max(b.0) + reach);
    let edge = |px: f32, py: f32| {
        let along = (((px - a.0) * dx + (py - a.1) * dy) / length2).clamp(0.0, 1.0);
        let distance = far(px - a.0 - along * dx, py - a.1 - along * dy);
        (half + 0.5 - distance).clamp(0.0, 1.0) * weight
    };
    let top = (a.1.min(b.1) - reach).floor().max(0.0) as i32;
    let bottom = (a.1.max(b.1) + reach).ceil().min(pixmap.height() as f32) as i32;
    let is_level = a.1 == b.1;
    // Beside an upright line, all rows between its ends are alike.
    let columns = (left.floor() as i32, right.ceil() as i32);
    let is_upright = dx == 0.0 && width <= WIDEST_UPRIGHT;
    let mut upright: Vec<u8> = Vec::new();
    if is_upright {
        let middle = f32::midpoint(a.1, b.1);
        let covered = |column: i32| edge(column as f32 + 0.5, middle).min(1.0);
        upright.extend((columns.0..columns.1).map(|column| (covered(column) * 255.0 + 0.5) as u8));
    }
    for row in top..bottom {
        if is_level {
            // Between the ends, all pixels of a row are equally far from the line.
            let (first, last) = (left + reach, right - reach);
            let coverage = edge((first + last) / 2.0, row as f32 + 0.5);
            if coverage == 0.0 {
                continue;
            }
            let (begin, end) = (first.ceil() + 1.0, last.floor() - 1.0);
            if begin < end {
                shade(pixmap, row, (left, begin), color, edge);
                level(pixmap, row, (begin, end), color, coverage);
                shade(pixmap, row, (end, right), color, edge);
                continue;
            }
        }
        let centre = row as f32 + 0.5;
        if is_upright && centre >= a.1.min(b.1) && centre <= a.1.max(b.1) {
            cover_row(pixmap, row, columns.0, &upright, color);
            continue;
        }
        let (from, to) = if dy.abs() < 1e-3 {
            (left, right)
        } else {
            // Where the line crosses this row, widened on both sides by its slope.
            let middle = a.0 + (row as f32 + 0.5 - a.1) * dx / dy;
            let side = reach * length2.sqrt() / dy.abs() + (dx / dy).abs() + 1.0;
            ((middle - side).max(left), (middle + side).min(right))
        };
        shade(pixmap, row, (from, to), color, edge);
    }
}

fn fill_rect(
    pixmap: &mut Pixmap,
    (x, y, width, height): (f32, f32, f32, f32),
    scale: f32,
    color: Color,
) {
    let ((left, top), (right, bottom)) = (
        scaled((x, y), scale),
        scaled((x + width, y + height), scale),
    );
    let (first, last) = (left.ceil(), right.floor());
    let rows = (top.floor().max(0.0) as i32)..(bottom.ceil().min(pixmap.height() as f32) as i32);
    for row in rows {
        let y = row as f32;
        let of_row = ((y + 1.0).min(bottom) - y.max(top)).clamp(0.0, 1.0);
        if first > last {
            // Both edges are within one pixel.
            let coverage = of_row * (right - left).max(0.0);
            level(pixmap, row, (last, first), color, coverage);
            continue;
        }
        let (before, after) = (first - left, right - last);
        level(pixmap, row, (first - 1.0, first), color, of_row * before);
        level(pixmap, row, (first, last), color, of_row);
        level(pixmap, row, (last, last + 1.0), color, of_row * after);
    }
}

fn polygon(pixmap: &mut Pixmap, corners: &[(f32, f32)], color: Color) {
    let mut path = PathBuilder::new();
    for (index, (x, y)) in corners.iter().enumerate() {
        if index == 0 {
            path.move_to(*x, *y)
        } else {
            path.line_to(*x, *y)
        }
    }
    path.close();
    let Some(path) = path.finish() else { return };
    let mut paint = Paint::default();
    paint.set_color_rgba8(color.0, color.1, color.2, color.3);
    paint.anti_alias = true;
    pixmap.fill_path(
        &path,
        &paint,
        FillRule::Winding,
        Transform::identity(),
        None,
    );
}

/// Copies the pixels into the buffer of a window whose lines have `width` pixels, as
/// words of 0x00RRGGBB.
#[cfg(feature = "window")]
pub(crate) fn copy_pixels(pixmap: &Pixmap, buffer: &mut [u32], width: usize) {
    let across = width.min(pixmap.width() as usize);
    let lines = pixmap.pixels().chunks_exact(pixmap.width() as usize);
    for (line, pixels) in buffer.chunks_exact_mut(width).zip(lines) {
        for (to, from) in line[..across].iter_mut().zip(pixels) {
            *to =
                u32::from(from.red()) << 16 | u32::from(from.green()) << 8 | u32::from(from.blue());
        }
    }
}
