//! The foot of a picture: what colours, shapes and sizes mean, and what the
//! picture rests on.

use crate::{
    chart::{Context, grid, palette::Palette},
    model::{Activity, Snapshot, Sources, TaskId, bytes_text, count_text},
    scene::{Anchor, Item, Mark, Scene, Shape, Text},
};

/// Height, pixels.
pub(super) const HEIGHT: f32 = 50.0;
const LEFT: f32 = 16.0;
const SIZE: f32 = 13.0;

pub(super) fn draw(
    scene: &mut Scene,
    snapshot: &Snapshot,
    largest_rss: u64,
    context: &Context<'_>,
    palette: &Palette,
) {
    let y = context.size.1 - 30.0;
    let mut x = LEFT;
    for (words, mark) in legend(palette) {
        scene.marks.push(Mark {
            x: x + 5.0,
            y: y - 4.5,
            ..mark
        });
        let text = words.to_owned();
        scene.items.push(Item::Text(Text {
            x: x + 15.0,
            y,
            size: SIZE,
            anchor: Anchor::Start,
            color: palette.ink,
            text,
        }));
        x += 15.0 + context.font.width(words, SIZE) + 18.0;
    }
    let area = format!(
        "darker: more CPU   area: RSS, largest {}",
        bytes_text(largest_rss)
    );
    let text = context.font.fit(&area, SIZE, context.size.0 - x - LEFT);
    scene.items.push(Item::Text(Text {
        x,
        y,
        size: SIZE,
        anchor: Anchor::Start,
        color: palette.ink,
        text,
    }));
    let text = context
        .font
        .fit(&ground(snapshot), SIZE, context.size.0 - 2.0 * LEFT);
    let y = context.size.1 - 10.0;
    let color = if snapshot.losses.events() > 0 {
        palette.alarm
    } else {
        palette.faint
    };
    scene.items.push(Item::Text(Text {
        x: LEFT,
        y,
        size: SIZE,
        anchor: Anchor::Start,
        color,
        text,
    }));
}

fn legend(palette: &Palette) -> Vec<(&'static str, Mark)> {
    let mark = |shape, color, spot| Mark {
        id: TaskId::default(),
        x: 0.0,
        y: 0.0,
        r: 5.0,
        shape,
        color,
        spot,
    };
    let mut legend: Vec<_> = Activity::ALL
        .into_iter()
        .map(|activity| {
            let (shape, spot) = grid::second_channel(activity, 5.0, palette);
            (activity.word(), mark(shape, palette.full(activity), spot))
        })
        .collect();
    legend.insert(1, ("ran a little", mark(Shape::Disc, palette.ran, None)));
    legend.push(("blocked (D)", mark(Shape::Square, palette.faint, None)));
    legend.push(("zombie", mark(Shape::Ring, palette.faint, None)));
    legend.push(("stopped", mark(Shape::Triangle, palette.faint, None)));
    legend
}

/// What the picture rests on, and what is missing from it.
fn ground(snapshot: &Snapshot) -> String {
    let own = snapshot.own_cpu_ns as f64 * 100.0 / snapshot.stamp.interval_ns.max(1) as f64;
    let losses = snapshot.losses;
    let late = format!(
        "samples late {}, skipped {}",
        losses.late_ticks, losses.skipped_ticks
    );
    match snapshot.sources {
        Sources::EbpfAndProc => {
            let mut text = format!(
                "kernel events seen {}, lost {}",
                count_text(snapshot.events_seen),
                count_text(losses.events())
            );
            if losses.events() > 0 {
                text.push_str(&format!(
                    " (forks {}, execs {}, exits {}, final figures {}, other {})",
                    losses.fork, losses.exec, losses.exit, losses.dead, losses.other
                ));
            }
            format!("{text}  ·  {late}  ·  procviz used {own:.1} % of a core")
        }
        Sources::ProcOnly => format!(
            "from /proc alone: tasks that lived less than an interval are not seen, CPU in steps of {} ms  ·  {late}  ·  procviz used {own:.1} % of a core",
            snapshot.host.tick_ns / 1_000_000
        ),
    }
}
