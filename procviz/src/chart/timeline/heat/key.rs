//! Says what the colours of a heat map stand for.

use plotters::{
    chart::{ChartBuilder, LabelAreaPosition},
    element::Rectangle,
    style::Color as _,
};

use super::{
    HeatOf, HeatOptions,
    axes::{AXIS, TICK, line, style, text},
};
use crate::{
    chart::{oklab::mix, palette::Palette},
    model::Activity,
    scene::{Color, Recorder, Scene, steps},
};

/// Width of the key, and height of its colours, in pixels.
const WIDTH: f32 = 96.0;
const COLORS: f32 = 8.0;
/// Number of colours in the key.
const SHADES: u8 = 48;

/// The colour of a share of the most.
pub(super) fn color(share: f32, of: HeatOf, palette: &Palette) -> Color {
    let full = match of {
        HeatOf::Cpu => palette.full(Activity::Cpu),
        HeatOf::Waiting => palette.accent,
    };
    // The root makes little visible beside nothing.
    mix(palette.idle, full, share.clamp(0.0, 1.0).sqrt())
}

/// What colours stand for, the largest last.
pub(super) fn scale(options: HeatOptions, most: f32) -> Vec<(f32, String)> {
    let unit = match options.of {
        HeatOf::Cpu => "cores",
        HeatOf::Waiting => "threads",
    };
    let entry = |share: f32| match share {
        0.0 => (share, format!("no {unit}")),
        share => (share, format!("{:.3} {unit}", share * most)),
    };
    [0.0, 0.1, 0.25, 0.5, 1.0].map(entry).into()
}

/// Draws what the colours stand for, with its left top corner `at`, in pixels.
pub(super) fn key(
    scene: &mut Scene,
    (of, most): (HeatOf, f32),
    (left, top): (f32, f32),
    palette: &Palette,
) {
    let area = Recorder::area(&mut scene.items, (left, top, WIDTH, AXIS));
    let mut builder = ChartBuilder::on(&area);
    builder.set_label_area_size(LabelAreaPosition::Bottom, steps(AXIS - COLORS));
    let Ok(mut chart) = builder.build_cartesian_2d(0.0..f64::from(most), 0.0..1.0) else {
        return;
    };
    let shades = (0..SHADES).map(|shade| {
        let share = |shade: u8| f64::from(shade) / f64::from(SHADES);
        let ends = [share(shade), share(shade + 1)].map(|share| share * f64::from(most));
        let color = style(color(share(shade) as f32, of, palette)).filled();
        Rectangle::new([(ends[0], 0.0), (ends[1], 1.0)], color)
    });
    _ = chart.draw_series(shades);
    let unit = match of {
        HeatOf::Cpu => "cores in use",
        HeatOf::Waiting => "threads waiting",
    };
    let value = |value: &f64| format!("{}", (value * 1e6).round() / 1e6);
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh()
        .set_all_tick_mark_size(steps(TICK))
        .axis_style(line(palette.faint))
        .label_style(text(palette.faint))
        .y_labels(0)
        .x_labels(5)
        .x_label_formatter(&value)
        .x_desc(unit);
    _ = mesh.draw();
}
