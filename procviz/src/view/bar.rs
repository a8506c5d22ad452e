//! Draws the time bar of a recording in a window, with the machine over the same time.

use super::{TimeBar, TimeGraph};
use crate::{
    chart::Palette,
    scene::{Anchor, Font, Item, Scene},
};

const SIZE: f32 = 13.0;
const PAD: f32 = 9.0;
/// Height of the bar itself, in pixels.
const BAR: f32 = 28.0;
/// Height of the graph of one kind of load above the bar, and the free room below it.
const LANE: (f32, f32) = (11.0, 3.0);
/// Windows that are lower have no graph.
const HIGH: f32 = 460.0;
/// Width for words at each end of the bar, in pixels.
const ENDS: f32 = 112.0;

/// Height of the time bar with its graph in a window of this height, in pixels.
pub(crate) fn height(of_window: f32) -> f32 {
    match of_window < HIGH {
        true => BAR,
        false => BAR + (LANE.0 + LANE.1) * TimeGraph::NAMES.len() as f32,
    }
}

/// Box of the time bar of a scene: left, top, right, bottom, in pixels.
pub(crate) fn place(width: f32, height: f32) -> (f32, f32, f32, f32) {
    (ENDS, height - self::height(height), width - ENDS, height)
}

/// Draws the played part, gaps, the starts of findings above it, the current moment, the times
/// of both ends, and how busy the machine was.
pub(crate) fn draw(scene: &mut Scene, bar: &TimeBar, (palette, font): (&Palette, &Font)) {
    let (left, top, right, bottom) = place(scene.width, scene.height);
    let middle = bottom - BAR / 2.0;
    let x = |part: f32| left + (right - left) * part;
    let line = |scene: &mut Scene, at, color| scene.items.push(Item::Rect { at, color });
    let faint = (SIZE, Anchor::Start, palette.faint);
    let whole = (left, middle - 2.0, right - left, 4.0);
    line(scene, whole, palette.faint);
    let played = (left, middle - 2.0, x(bar.at) - left, 4.0);
    line(scene, played, palette.accent);
    for (from, to) in &bar.gaps {
        let width = (x(*to) - x(*from)).max(2.0);
        let gap = (x(*from), middle - 2.0, width, 4.0);
        line(scene, gap, palette.background);
    }
    for mark in &bar.marks {
        let at = (x(*mark) - 1.0, middle - 8.0, 2.0, 6.0);
        line(scene, at, palette.alarm);
    }
    let begin = (left - PAD, middle + 4.5);
    scene.text(begin, (SIZE, Anchor::End, palette.faint), bar.begin.clone());
    scene.text((right + PAD, middle + 4.5), faint, bar.end.clone());
    if middle - top > BAR {
        graph(scene, bar, ((left, right), top), palette);
    }
    let knob_top = top.min(middle - 8.0);
    let knob = (x(bar.at) - 1.0, knob_top, 2.0, middle - knob_top);
    line(scene, knob, palette.ink);
    line(
        scene,
        (x(bar.at) - 3.0, middle - 8.0, 6.0, 16.0),
        palette.ink,
    );
    if let Some((at, text)) = &bar.hover {
        hover(scene, (x(*at), top), text, (palette, font));
    }
}

/// Draws a row for each kind of load: its height is the largest share in each two pixels.
fn graph(
    scene: &mut Scene,
    bar: &TimeBar,
    ((left, right), top): ((f32, f32), f32),
    palette: &Palette,
) {
    let colors = TimeGraph::colors(palette);
    let columns = ((right - left) / 2.0).max(1.0) as usize;
    for (kind, (name, color)) in TimeGraph::NAMES.iter().zip(colors).enumerate() {
        let base = top + (LANE.0 + LANE.1) * (kind as f32 + 1.0) - LANE.1;
        let small = |anchor| (11.0, anchor, palette.faint);
        let name = (*name).to_owned();
        scene.text((left - PAD, base), small(Anchor::End), name);
        let Some(graph) = &bar.graph else { continue };
        for column in 0..columns {
            let part = |column: usize| column as f32 / columns as f32;
            let share = graph.most(kind, (part(column), part(column + 1)));
            // What is not known has no base line.
            let Some(height) = share.map(|share| share * LANE.0) else {
                continue;
            };
            let x = left + column as f32 * 2.0;
            scene.items.push(Item::Rect {
                at: (x, base, 2.0, 1.0),
                color: palette.idle,
            });
            if height >= 0.3 {
                scene.items.push(Item::Rect {
                    at: (x, base - height, 2.0, height),
                    color,
                });
            }
        }
        let most = match graph.most(kind, (0.0, 1.0)) {
            None => "unknown".to_owned(),
            Some(most) => format!("at most {:.0} %", most * 100.0),
        };
        scene.text((right + PAD, base), small(Anchor::Start), most);
    }
}

/// Draws what is under the pointer, in a box above the bar.
fn hover(scene: &mut Scene, (x, top): (f32, f32), text: &str, (palette, font): (&Palette, &Font)) {
    let text = font.fit(text, SIZE, scene.width - 4.0 * PAD);
    let width = font.width(&text, SIZE) + 2.0 * PAD;
    let left = (x - width / 2.0).clamp(PAD, (scene.width - width - PAD).max(PAD));
    let at = (left, top - 26.0, width, 22.0);
    scene.items.push(Item::Rect {
        at: (at.0 - 1.0, at.1 - 1.0, at.2 + 2.0, at.3 + 2.0),
        color: palette.accent,
    });
    scene.items.push(Item::Rect {
        at,
        color: palette.background,
    });
    let place = (left + PAD, at.1 + 15.5);
    scene.text(place, (SIZE, Anchor::Start, palette.ink), text);
}
