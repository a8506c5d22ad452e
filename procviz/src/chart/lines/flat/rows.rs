//! Places rows of names beside the ends of lines.

/// Height of a row, in pixels.
pub(super) const ROW: f32 = 15.0;

/// Moves rows apart that are too close, and keeps them between top and bottom. `wanted` is in
/// order.
pub(super) fn spread(wanted: &[f32], (top, bottom): (f32, f32)) -> Vec<f32> {
    let mut rows: Vec<f32> = wanted.to_vec();
    let mut least = top;
    for row in &mut rows {
        *row = row.max(least);
        least = *row + ROW;
    }
    let mut most = bottom;
    for row in rows.iter_mut().rev() {
        *row = row.min(most);
        most = *row - ROW;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_do_not_overlap_and_stay_inside() {
        let rows = spread(&[10.0, 11.0, 12.0, 99.0, 99.0], (0.0, 100.0));
        assert_eq!(rows, [10.0, 25.0, 40.0, 85.0, 100.0]);
        let full = spread(&[50.0; 5], (0.0, 60.0));
        assert_eq!(full, [0.0, 15.0, 30.0, 45.0, 60.0]);
    }
}
