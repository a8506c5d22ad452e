//! Caches small marks as coverage masks. In a crowded picture most marks have one of a few
//! sizes, and computing each mark again is most of the cost of a picture.

use rustc_hash::FxHashMap;

/// Largest radius with a mask, in pixels. Larger marks are rare and have no mask.
pub(super) const LARGEST: f32 = 12.0;
/// Steps per pixel for radii and for positions.
const RADIUS_STEPS: f32 = 16.0;
const PLACE_STEPS: f32 = 4.0;

/// The form of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Disc,
    /// A ring: its width is this many steps of radii.
    Ring(u16),
    Square,
    Diamond,
}

impl Form {
    /// A ring of this width, in pixels.
    pub(super) fn ring(width: f32) -> Self {
        Self::Ring(steps(width))
    }

    /// The part of a pixel that a mark of radius `r` covers, from the distance of their centres.
    fn covers(self, r: f32, (dx, dy): (f32, f32)) -> f32 {
        let inside = match self {
            Self::Disc => r - dx.hypot(dy),
            Self::Ring(width) => f32::from(width) / RADIUS_STEPS / 2.0 - (dx.hypot(dy) - r).abs(),
            Self::Square => {
                let part = |far: f32| (r + 0.5 - far.abs()).clamp(0.0, 1.0);
                return part(dx) * part(dy);
            }
            // The distance to the nearest side.
            Self::Diamond => (r - dx.abs() - dy.abs()) * std::f32::consts::FRAC_1_SQRT_2,
        };
        (inside + 0.5).clamp(0.0, 1.0)
    }
}

fn steps(pixels: f32) -> u16 {
    (pixels * RADIUS_STEPS + 0.5) as u16
}

/// The coverage of a mark, 0 to 255, row by row.
pub(super) struct Mask {
    pub(super) side: usize,
    /// For each row, the first covered column and the column after the last.
    pub(super) spans: Vec<(u8, u8)>,
    pub(super) coverage: Vec<u8>,
}

/// The marks drawn so far: by form, radius, and position within a pixel, in one number.
#[derive(Default)]
pub(super) struct Stamps(FxHashMap<u64, Mask>);

impl Stamps {
    /// The mask of a mark, and the pixel of its upper left corner.
    pub(super) fn mask(&mut self, form: Form, (x, y): (f32, f32), r: f32) -> (&Mask, i32, i32) {
        let radius = steps(r);
        let (form_number, width) = match form {
            Form::Disc => (0, 0),
            Form::Square => (1, 0),
            Form::Diamond => (2, 0),
            Form::Ring(width) => (3, width),
        };
        let reach = 1 + floor(r + f32::from(width) / RADIUS_STEPS / 2.0 + 0.75);
        // Corner pixel, and position within this pixel in steps.
        let (left, across) = split(x - reach as f32);
        let (top, down) = split(y - reach as f32);
        let place = u64::from(across) << 8 | u64::from(down);
        let key = place << 40 | form_number << 32 | u64::from(width) << 16 | u64::from(radius);
        let mask = self
            .0
            .entry(key)
            .or_insert_with(|| cover(form, radius, reach as f32, (across, down)));
        (mask, left, top)
    }
}

/// The whole number below. `f32::floor` is a function call on this target.
fn floor(value: f32) -> i32 {
    let whole = value as i32;
    whole - i32::from(whole as f32 > value)
}

fn split(place: f32) -> (i32, u8) {
    const STEPS: i32 = PLACE_STEPS as i32;
    let steps = floor(place * PLACE_STEPS + 0.5);
    (steps.div_euclid(STEPS), steps.rem_euclid(STEPS) as u8)
}

fn cover(form: Form, radius: u16, reach: f32, (across, down): (u8, u8)) -> Mask {
    let r = f32::from(radius) / RADIUS_STEPS;
    let (x, y) = (
        reach + f32::from(across) / PLACE_STEPS,
        reach + f32::from(down) / PLACE_STEPS,
    );
    let side = (2.0 * reach) as usize + 1;
    // A mark smaller than a pixel keeps its area as a weaker colour.
    let (edge, weight) = if r < 0.5 {
        (0.5, (r / 0.5) * (r / 0.5))
    } else {
        (r, 1.0)
    };
    let coverage: Vec<u8> = (0..side * side)
        .map(|index| {
            let (px, py) = ((index % side) as f32 + 0.5, (index / side) as f32 + 0.5);
            let covered = form.covers(edge, (px - x, py - y));
            (covered * weight * 255.0 + 0.5) as u8
        })
        .collect();
    let spans = coverage.chunks(side).map(|row| {
        let first = row.iter().position(|value| *value > 0).unwrap_or(side);
        let last = row
            .iter()
            .rposition(|value| *value > 0)
            .map_or(first, |last| last + 1);
        (first as u8, last as u8)
    });
    Mask {
        side,
        spans: spans.collect(),
        coverage,
    }
}
