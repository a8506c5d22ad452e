//! Draws the axes of a heat map.

use plotters::{
    chart::{ChartBuilder, LabelAreaPosition},
    style::{Color as _, IntoFont, RGBColor, ShapeStyle, TextStyle},
};

use super::matrix::Matrix;
use crate::{
    chart::{Context, palette::Palette},
    scene::{Color, Recorder, Scene, steps},
};

/// Width of the names of rows, in pixels.
pub(super) const LABELS: f32 = 170.0;
/// Height of the axis of time, and of the key of the colours, in pixels.
pub(super) const AXIS: f32 = 44.0;
const SIZE: f32 = 11.0;
pub(super) const TICK: f32 = 4.0;

type Area = (f32, f32, f32, f32);

/// Draws the axes around cells: the rows' names at the left, time within the second below.
/// `area` are the sides of the cells, in pixels.
pub(super) fn axes(
    scene: &mut Scene,
    matrix: &Matrix,
    (left, top, right, bottom): Area,
    (context, palette): (&Context<'_>, &Palette),
) {
    let rows = matrix.rows.len() as f64;
    let height = (bottom - top) / matrix.rows.len().max(1) as f32;
    let at = (
        left - LABELS,
        top,
        right - left + LABELS,
        bottom - top + AXIS,
    );
    let area = Recorder::area(&mut scene.items, at);
    // With one more than there are rows, each has its name.
    let names = ((bottom - top) / (SIZE + 1.0)) as usize + 1;
    let name = |place: &f64| {
        // Between two rows is no name.
        let row = matrix.rows.get(*place as usize);
        let row = row.filter(|_| place.fract() == 0.0);
        row.map_or_else(String::new, |row| {
            context.font.fit(&row.label, SIZE, LABELS - 10.0)
        })
    };
    let offset = |ms: &f64| match *ms as u32 {
        1_000 => "1 s".to_owned(),
        ms => format!("{ms} ms"),
    };
    let mut builder = ChartBuilder::on(&area);
    builder.set_label_area_size(LabelAreaPosition::Left, steps(LABELS));
    builder.set_label_area_size(LabelAreaPosition::Bottom, steps(AXIS));
    // The recorder cannot fail.
    let Ok(mut chart) = builder.build_cartesian_2d(0.0..1_000.0, rows..0.0) else {
        return;
    };
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh()
        .set_all_tick_mark_size(steps(TICK))
        .axis_style(line(palette.faint))
        .label_style(text(palette.faint))
        .y_labels(names)
        .y_label_offset(steps(height / 2.0))
        .y_label_formatter(&name)
        .x_labels(11)
        .x_label_formatter(&offset)
        .x_desc("time since the beginning of the second");
    _ = mesh.draw();
}

pub(super) fn style(color: Color) -> RGBColor {
    RGBColor(color.0, color.1, color.2)
}

pub(super) fn line(color: Color) -> ShapeStyle {
    style(color).stroke_width(steps(1.0))
}

pub(super) fn text(color: Color) -> TextStyle<'static> {
    let mut text = TextStyle::from(("sans-serif", steps(SIZE)).into_font());
    text.color = style(color).to_backend_color();
    text
}
