//! Draws a heat map as a scene.

use super::{
    Heat, HeatOf, HeatOptions, HeatRows,
    axes::{self, AXIS, LABELS},
    key::{self, color},
    matrix::Matrix,
};
use crate::{
    chart::{Context, foot, head, head::Counts, largest, margin, palette::Palette},
    model::{Scope, Snapshot},
    scene::{Anchor, Item, Scene},
};

const LEFT: f32 = 16.0;
/// Height of the line above the cells, in pixels.
const ABOVE: f32 = 24.0;
/// Heights of a row: the least and the largest, in pixels.
const ROW: (f32, f32) = (1.0, 26.0);

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
    let mut cells = matrix.rows.iter().flat_map(|row| &row.cells);
    let blank = match cells.any(Option::is_none) {
        true => "; blank: no sample",
        false => "",
    };
    format!("{what}, {rows}{blank}")
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
                words(options, &matrix)
            }
            Err(why) => why,
        };
        let after = foot::After::Words("");
        foot::draw(&mut scene, snapshot, Vec::new(), after, context, palette);
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
    }
    let end = top + matrix.rows.len() as f32 * height;
    let area = (left, top, right, end);
    axes::axes(scene, matrix, area, (context, palette));
    let corner = (LEFT, end + 4.0);
    key::key(scene, (options.of, matrix.most), corner, palette);
}
