//! Draws the margin: the numbered findings, each with a small curve.

use plotters::{
    chart::ChartBuilder,
    series::LineSeries,
    style::{RGBColor, ShapeStyle},
};

use crate::{
    chart::{Context, foot, head, palette::Palette},
    model::{Finding, Snapshot, duration_text},
    scene::{Anchor, Color, Item, Recorder, Scene, Text, stroke},
};

/// Width of the margin, in pixels.
pub(super) const WIDTH: f32 = 340.0;
/// Upper limit for the findings that the margin shows.
pub(super) const SHOWN: usize = 8;
const SIZE: f32 = 13.0;
const LINE: f32 = 17.0;
const CURVE: (f32, f32) = (96.0, 26.0);

pub(super) fn draw(
    scene: &mut Scene,
    snapshot: &Snapshot,
    context: &Context<'_>,
    palette: &Palette,
) {
    let (top, bottom) = (head::HEIGHT, context.size.1 - foot::HEIGHT);
    let left = context.size.0 - WIDTH + 8.0;
    let right = context.size.0 - 16.0;
    let mut y = top + 14.0;
    text(
        scene,
        left,
        y,
        15.0,
        palette.ink,
        "What stands out".to_owned(),
    );
    y += 10.0;
    if snapshot.findings.is_empty() {
        for line in wrap(&quiet(snapshot), context, right - left) {
            y += LINE;
            text(scene, left, y, SIZE, palette.faint, line);
        }
        return;
    }
    let mut shown = 0;
    for finding in snapshot.findings.iter().take(SHOWN) {
        let lines = lines(finding, context, right - left - 28.0);
        let has_curve = finding.curve.len() > 1;
        let height = lines.len() as f32 * LINE + if has_curve { CURVE.1 + 4.0 } else { 0.0 } + 12.0;
        if y + height > bottom - LINE {
            break;
        }
        scene.panel.push((left, y, right, y + height));
        badge(scene, left + 9.0, y + 13.0, finding.rank, palette);
        for (index, line) in lines.into_iter().enumerate() {
            y += LINE;
            text(
                scene,
                left + 26.0,
                y,
                SIZE,
                if index == 0 {
                    palette.ink
                } else {
                    palette.faint
                },
                line,
            );
        }
        if has_curve {
            curve(
                scene,
                (left + 26.0, y + 6.0, CURVE.0, CURVE.1),
                &finding.curve,
                palette.accent,
            );
            y += CURVE.1 + 4.0;
        }
        y += 12.0;
        shown += 1;
    }
    let more = snapshot.findings.len() - shown;
    if more > 0 {
        text(
            scene,
            left + 26.0,
            y + LINE,
            SIZE,
            palette.ink,
            format!("+{more} more"),
        );
    }
}

/// The text of the margin without findings. Names the rules that cannot judge yet.
pub(crate) fn quiet(snapshot: &Snapshot) -> String {
    let watched = duration_text(snapshot.watched_ns());
    if snapshot.not_judged.is_empty() {
        // Findings of earlier seconds have left the margin, so the text is about now only.
        "nothing now".to_owned()
    } else {
        format!(
            "nothing in {watched} (too short for: {})",
            snapshot.not_judged.join(", ")
        )
    }
}

fn lines(finding: &Finding, context: &Context<'_>, width: f32) -> Vec<String> {
    let mut lines = vec![context.font.fit(&finding.who(), SIZE, width)];
    lines.extend(wrap(&finding.text, context, width));
    lines
}

/// Wraps a text at spaces. Cuts a word that is too wide.
fn wrap(words: &str, context: &Context<'_>, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match longer.filter(|longer| context.font.width(longer, SIZE) <= width) {
            Some(longer) => {
                lines.pop();
                lines.push(longer);
            }
            None => lines.push(context.font.fit(word, SIZE, width)),
        }
    }
    lines
}

/// Draws a number in a circle, as at the dot.
fn badge(scene: &mut Scene, x: f32, y: f32, rank: u32, palette: &Palette) {
    scene.items.push(Item::Ring {
        at: (x, y),
        r: 8.5,
        width: 1.5,
        color: palette.accent,
    });
    let number = Text {
        x,
        y: y + 4.5,
        size: SIZE,
        anchor: Anchor::Middle,
        color: palette.ink,
        text: rank.to_string(),
    };
    scene.items.push(Item::Text(number));
}

fn text(scene: &mut Scene, x: f32, y: f32, size: f32, color: Color, text: String) {
    scene.items.push(Item::Text(Text {
        x,
        y,
        size,
        anchor: Anchor::Start,
        color,
        text,
    }));
}

fn curve(scene: &mut Scene, at: (f32, f32, f32, f32), values: &[f32], color: Color) {
    let most = values
        .iter()
        .copied()
        .fold(f32::MIN, f32::max)
        .max(f32::MIN_POSITIVE);
    let area = Recorder::area(&mut scene.items, at);
    let style = ShapeStyle {
        color: RGBColor(color.0, color.1, color.2).into(),
        filled: false,
        stroke_width: stroke(1.5),
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
