//! What the colours, shapes and lines of a grid mean.

use super::mark::{self, Halo};
use crate::{
    chart::{foot::Entry, palette::Palette},
    model::Activity,
    scene::{Color, Item, Shape},
};

/// Shares of a core in the legend.
const CPU_KEY: &[(&str, f64)] = &[("CPU 1 %", 0.01), ("25 %", 0.25), ("100 % of a core", 1.0)];

/// What a grid has, beside dots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Has {
    /// Rings with the numbers of findings.
    pub(super) numbers: bool,
    /// Circles of those who grew or shrank.
    pub(super) halos: bool,
    /// Lines at the first threads of processes.
    pub(super) first_threads: bool,
}

/// The entries of the legend; the first have room in each picture.
pub(super) fn entries(palette: &Palette, has: Has) -> Vec<Entry> {
    let faint = |words, shape| entry(words, shape, palette.faint);
    let numbers = has.numbers.then(|| numbers(palette));
    let halos = has.halos.then(|| halos(palette)).into_iter().flatten();
    let first_threads = has.first_threads.then(|| first_thread(palette));
    let states = [
        faint("blocked (D)", Shape::Square),
        faint("zombie", Shape::Ring),
        faint("stopped", Shape::Triangle),
    ];
    let all = numbers.into_iter().chain(activities(palette)).chain(halos);
    all.chain(first_threads).chain(states).collect()
}

fn entry(words: &str, shape: Shape, color: Color) -> Entry {
    Entry::new(words.to_owned(), shape, color, None)
}

fn activities(palette: &Palette) -> Vec<Entry> {
    let mut all = Vec::new();
    for activity in Activity::ALL {
        let (shape, spot) = mark::second_channel(activity, 5.0, palette);
        let entry = |words: &str, color| Entry::new(words.to_owned(), shape, color, spot);
        let full = palette.full(activity);
        match activity {
            Activity::Idle if palette.has_depth() => {
                all.push(entry("idle", full));
                all.push(entry("ran a little", palette.ran));
            }
            Activity::Cpu if palette.has_depth() => {
                for (words, share) in CPU_KEY {
                    all.push(entry(words, palette.shade(activity, *share, true)));
                }
            }
            Activity::Exited if palette.has_depth() => {
                all.push(entry("crashed or killed", full));
                all.push(entry("exited (any colour)", palette.faint));
            }
            activity => all.push(entry(activity.word(), full)),
        }
    }
    all
}

/// What the rings and their numbers are.
fn numbers(palette: &Palette) -> Entry {
    let accent = palette.accent;
    entry("in the list", Shape::Disc, palette.background).with_line(move |mark| Item::Ring {
        at: (mark.x, mark.y),
        r: mark.r,
        width: 2.0,
        color: accent,
    })
}

fn halos(palette: &Palette) -> [Entry; 2] {
    Halo::ALL.map(|halo| {
        let color = palette.full(Activity::Idle);
        let palette = palette.clone();
        let line = move |mark: &_| halo.line(mark, &palette);
        entry(halo.word(), Shape::Disc, color).with_line(line)
    })
}

/// What the short lines in a dense grid are.
fn first_thread(palette: &Palette) -> Entry {
    let (color, ink) = (palette.full(Activity::Idle), palette.ink);
    let words = "first thread of a process";
    entry(words, Shape::Disc, color).with_line(move |mark| Item::Line {
        points: vec![(mark.x - 7.5, mark.y - 6.0), (mark.x - 7.5, mark.y + 6.0)],
        width: 1.0,
        color: ink,
    })
}
