//! Draws the small curve of a finding.

use plotters::{
    chart::ChartBuilder,
    series::LineSeries,
    style::{RGBColor, ShapeStyle},
};

use crate::scene::{Color, Recorder, Scene, steps};

pub(super) fn curve(scene: &mut Scene, at: (f32, f32, f32, f32), values: &[f32], color: Color) {
    let most = values
        .iter()
        .copied()
        .fold(f32::MIN, f32::max)
        .max(f32::MIN_POSITIVE);
    let area = Recorder::area(&mut scene.items, at);
    let style = ShapeStyle {
        color: RGBColor(color.0, color.1, color.2).into(),
        filled: false,
        stroke_width: steps(1.5),
    };
    let points = values
        .iter()
        .enumerate()
        .map(|(index, value)| (index as f32, *value));
    // The recorder cannot fail, and the ranges are never empty.
    if let Ok(mut chart) =
        ChartBuilder::on(&area).build_cartesian_2d(0.0..(values.len() - 1) as f32, 0.0..most * 1.05)
    {
        _ = chart.draw_series(LineSeries::new(points, style));
    }
}
