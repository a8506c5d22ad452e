//! Caches small discs as coverage masks. In a crowded picture most dots have one of a
//! few sizes, and computing each dot again is most of the cost of a picture.

use rustc_hash::FxHashMap;

/// Largest radius with a mask, in pixels. Larger discs are rare and have no mask.
pub(super) const LARGEST: f32 = 12.0;
/// Steps per pixel for radii and for positions.
const RADIUS_STEPS: f32 = 16.0;
const PLACE_STEPS: f32 = 4.0;

/// The coverage of a disc, 0 to 255, row by row.
pub(super) struct Mask {
    pub(super) side: usize,
    /// For each row, the first covered column and the column after the last.
    pub(super) spans: Vec<(u8, u8)>,
    pub(super) coverage: Vec<u8>,
}

/// The discs drawn so far.
#[derive(Default)]
pub(super) struct Discs(FxHashMap<(u16, u8, u8), Mask>);

impl Discs {
    /// The mask of a disc, and the pixel of its upper left corner.
    pub(super) fn mask(&mut self, x: f32, y: f32, r: f32) -> (&Mask, i32, i32) {
        let radius = (r * RADIUS_STEPS).round() as u16;
        let reach = (r + 0.75).ceil();
        // Corner pixel, and position within this pixel in steps.
        let (left, across) = split(x - reach);
        let (top, down) = split(y - reach);
        let mask = self
            .0
            .entry((radius, across, down))
            .or_insert_with(|| cover(radius, reach, across, down));
        (mask, left, top)
    }
}

fn split(place: f32) -> (i32, u8) {
    let steps = (place * PLACE_STEPS).round() as i32;
    let whole = steps.div_euclid(PLACE_STEPS as i32);
    (whole, steps.rem_euclid(PLACE_STEPS as i32) as u8)
}

fn cover(radius: u16, reach: f32, across: u8, down: u8) -> Mask {
    let r = f32::from(radius) / RADIUS_STEPS;
    let (x, y) = (
        reach + f32::from(across) / PLACE_STEPS,
        reach + f32::from(down) / PLACE_STEPS,
    );
    let side = (2.0 * reach) as usize + 1;
    // A disc smaller than a pixel keeps its area as a weaker colour.
    let (edge, weight) = if r < 0.5 {
        (0.5, (r / 0.5) * (r / 0.5))
    } else {
        (r, 1.0)
    };
    let coverage: Vec<u8> = (0..side * side)
        .map(|index| {
            let (px, py) = ((index % side) as f32 + 0.5, (index / side) as f32 + 0.5);
            let inside = (edge + 0.5 - (px - x).hypot(py - y)).clamp(0.0, 1.0);
            (inside * weight * 255.0 + 0.5) as u8
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
