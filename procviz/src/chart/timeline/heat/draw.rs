//! Draws a heat map as a scene.

use super::{Heat, HeatOf, HeatOptions, HeatRows, matrix::Matrix};
use crate::{
    chart::{Context, foot, head, head::Counts, largest, margin, oklab::mix, palette::Palette},
    model::{Activity, Scope, Snapshot},
    scene::{Anchor, Color, Item, Scene, Shape},
};

const LEFT: f32 = 16.0;
/// Width of the names of rows, in pixels.
const LABELS: f32 = 170.0;
/// Height of the line above the cells and of the axis below them, in pixels.
const ABOVE: f32 = 24.0;
const AXIS: f32 = 34.0;
/// Heights of a row: the least and the largest, in pixels.
const ROW: (f32, f32) = (1.0, 26.0);
const SIZE: f32 = 11.0;

/// The colour of a share of the most.
pub(super) fn color(share: f32, of: HeatOf, palette: &Palette) -> Color {
    let full = match of {
        HeatOf::Cpu => palette.full(Activity::Cpu),
        HeatOf::Waiting => palette.accent,
    };
    // The root makes little visible beside nothing.
    mix(palette.idle, full, share.clamp(0.0, 1.0).sqrt())
}

/// What the cells are, in words.
pub(super) fn words(options: HeatOptions, matrix: &Matrix) -> String {
    let what = match (options.of, options.rows) {
        (HeatOf::Cpu, HeatRows::Seconds) => "CPU of the whole machine",
        (HeatOf::Cpu, HeatRows::Tasks) => "CPU of the processes that use most",
        (HeatOf::Waiting, HeatRows::Seconds) => "threads that wait for a CPU",
        (HeatOf::Waiting, HeatRows::Tasks) => "waits for a CPU of the processes that wait most",
    };
    let rows = match (options.rows, matrix.each) {
        (HeatRows::Tasks, _) => "mean of all seconds".to_owned(),
        (HeatRows::Seconds, 1) => "each second a row".to_owned(),
        (HeatRows::Seconds, each) => format!("each row the mean of {each} s"),
    };
    format!("{what}, {rows}")
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

impl Heat {
    /// Draws the samples of a period.
    pub(in crate::chart::timeline) fn draw(
        &self,
        options: HeatOptions,
        (snapshot, period): (&Snapshot, (u64, u64)),
        context: &Context<'_>,
        palette: &Palette,
    ) -> Scene {
        let counts = Counts::of(snapshot, Scope::Processes);
        let mut scene = Scene::new(context.size.0, context.size.1, palette.background);
        let head = ("timeline --heat", &counts, Scope::Processes);
        head::draw(&mut scene, snapshot, head, context, palette);
        let margin = (snapshot, &largest::largest(snapshot)[..]);
        margin::draw(&mut scene, margin, context, palette);
        let right = context.size.0 - margin::width(context.size) - 10.0;
        let top = head::HEIGHT + ABOVE;
        let bottom = context.size.1 - foot::height(context.size) - AXIS;
        let area = (
            LEFT + LABELS,
            top,
            right.max(LEFT + LABELS + 40.0),
            bottom.max(top + 20.0),
        );
        let least = match options.rows {
            HeatRows::Seconds => ROW.0,
            HeatRows::Tasks => 12.0,
        };
        let most_rows = ((area.3 - area.1) / least) as usize;
        let when = (period, snapshot.host.cpus);
        let said = match self.matrix(options, when, most_rows, context) {
            Ok(matrix) => {
                cells(&mut scene, &matrix, (options, area), (context, palette));
                foot(
                    &mut scene,
                    snapshot,
                    (options, matrix.most),
                    (context, palette),
                );
                words(options, &matrix)
            }
            Err(why) => {
                let after = foot::After::Words("");
                foot::draw(&mut scene, snapshot, Vec::new(), after, context, palette);
                why
            }
        };
        let ink = (13.0, Anchor::Start, palette.ink);
        scene.text((LEFT, top - 9.0), ink, said);
        scene
    }
}

fn cells(
    scene: &mut Scene,
    matrix: &Matrix,
    (options, (left, top, right, bottom)): (HeatOptions, (f32, f32, f32, f32)),
    (context, palette): (&Context<'_>, &Palette),
) {
    let height = ((bottom - top) / matrix.rows.len().max(1) as f32).clamp(ROW.0, ROW.1);
    let width = (right - left) / matrix.columns as f32;
    let mut labelled = f32::NEG_INFINITY;
    for (row, place) in matrix.rows.iter().zip(0_u16..) {
        let y = (top + f32::from(place) * height).round();
        let end = (top + (f32::from(place) + 1.0) * height).round();
        for (cell, column) in row.cells.iter().zip(0_u16..) {
            let Some(value) = cell else { continue };
            let x = (left + f32::from(column) * width).round();
            let to = (left + (f32::from(column) + 1.0) * width).round();
            scene.items.push(Item::Rect {
                at: (x, y, to - x, end - y),
                color: color(value / matrix.most, options.of, palette),
            });
        }
        if y >= labelled + SIZE + 2.0 {
            labelled = y;
            let at = (left - 8.0, (y + end) / 2.0 + SIZE * 0.35);
            let text = context.font.fit(&row.label, SIZE, LABELS - 10.0);
            scene.text(at, (SIZE, Anchor::End, palette.faint), text);
        }
    }
    let end = top + matrix.rows.len() as f32 * height;
    for tenth in 0_u8..=10 {
        let x = left + (right - left) * f32::from(tenth) / 10.0;
        scene.items.push(Item::Line {
            points: vec![(x, end + 1.0), (x, end + 5.0)],
            width: 1.0,
            color: palette.faint,
        });
        let text = match tenth {
            10 => "1 s".to_owned(),
            tenth => format!("{} ms", u32::from(tenth) * 100),
        };
        scene.text((x, end + 17.0), (SIZE, Anchor::Middle, palette.faint), text);
    }
    let middle = f32::midpoint(left, right);
    let axis = "time since the beginning of the second".to_owned();
    scene.text(
        (middle, end + 30.0),
        (SIZE, Anchor::Middle, palette.faint),
        axis,
    );
}

fn foot(
    scene: &mut Scene,
    snapshot: &Snapshot,
    (options, most): (HeatOptions, f32),
    (context, palette): (&Context<'_>, &Palette),
) {
    let entry = |(share, words): (f32, String)| {
        let color = color(share, options.of, palette);
        foot::Entry::new(words, Shape::Square, color, None)
    };
    let mut legend: Vec<_> = scale(options, most).into_iter().map(entry).collect();
    legend.push(foot::Entry::new(
        "blank: no sample".to_owned(),
        Shape::Square,
        palette.background,
        None,
    ));
    let after = foot::After::Words("");
    foot::draw(scene, snapshot, legend, after, context, palette);
}
