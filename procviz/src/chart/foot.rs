//! Draws the foot of a picture: the legend of colours, shapes and sizes, and the
//! data sources of the picture.

use crate::{
    chart::{Context, head::rounded, palette::Palette},
    model::{Snapshot, Sources, TaskId, bytes_text, count_text, duration_text},
    scene::{Anchor, Color, Item, Mark, Scene, Shape, Text},
};

/// Height of the foot, in pixels.
pub(super) const HEIGHT: f32 = 50.0;
const LEFT: f32 = 16.0;
const SIZE: f32 = 13.0;

/// An entry of the legend: a mark and its meaning.
pub(super) struct Entry {
    words: String,
    shape: Shape,
    color: Color,
    spot: Option<Color>,
}

impl Entry {
    pub(super) fn new(words: String, shape: Shape, color: Color, spot: Option<Color>) -> Self {
        Self {
            words,
            shape,
            color,
            spot,
        }
    }
}

/// The text of the legend about the area of a mark.
pub(super) fn area(largest_rss: u64) -> String {
    format!("area: RSS, largest {}", bytes_text(largest_rss))
}

pub(super) fn draw(
    scene: &mut Scene,
    snapshot: &Snapshot,
    legend: Vec<Entry>,
    words: &str,
    context: &Context<'_>,
    palette: &Palette,
) {
    let width = context.size.0;
    let y = context.size.1 - 30.0;
    let text = |scene: &mut Scene, x: f32, y: f32, color: Color, text: String| {
        scene.items.push(Item::Text(Text {
            x,
            y,
            size: SIZE,
            anchor: Anchor::Start,
            color,
            text,
        }));
    };
    let room = width - 2.0 * LEFT - context.font.width(words, SIZE) - 80.0;
    let mut x = LEFT;
    let count = legend.len();
    for (index, entry) in legend.into_iter().enumerate() {
        let next = x + 15.0 + context.font.width(&entry.words, SIZE) + 18.0;
        if next > LEFT + room.max(200.0) {
            text(scene, x, y, palette.ink, format!("+{} more", count - index));
            x += 70.0;
            break;
        }
        text(scene, x + 15.0, y, palette.ink, entry.words);
        scene.marks.push(Mark {
            id: TaskId::default(),
            x: x + 5.0,
            y: y - 4.5,
            r: 5.0,
            shape: entry.shape,
            color: entry.color,
            spot: entry.spot,
        });
        x = next;
    }
    let words = context.font.fit(words, SIZE, width - x - LEFT);
    text(scene, x, y, palette.ink, words);
    let ground = context
        .font
        .fit(&ground(snapshot), SIZE, width - 2.0 * LEFT);
    let color = if snapshot.losses.events() > 0 || snapshot.unknown_ns > 0 {
        palette.alarm
    } else {
        palette.faint
    };
    text(scene, LEFT, context.size.1 - 10.0, color, ground);
}

/// The text about data sources, losses and gaps of the picture.
pub(crate) fn ground(snapshot: &Snapshot) -> String {
    let mut ground = sources(snapshot);
    if snapshot.unknown_ns > 0 {
        ground = format!(
            "{} missing before this: tasks that started or exited then are unknown  ·  {ground}",
            duration_text(rounded(snapshot.unknown_ns))
        );
    }
    if snapshot.host.unconfined {
        return format!("not confined (--no-confine)  ·  {ground}");
    }
    match snapshot.host.occasion.as_str() {
        "" => ground,
        occasion => format!("recorded because of {occasion}  ·  {ground}"),
    }
}

fn sources(snapshot: &Snapshot) -> String {
    let own = match snapshot.stamp.interval_ns {
        0 => "unknown".to_owned(),
        _ if snapshot.missing_ns() > 0 => "unknown".to_owned(),
        interval => {
            let percent = snapshot.own_cpu_ns as f64 * 100.0 / interval as f64;
            format!("{percent:.1} % of a core")
        }
    };
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
            format!("{text}  ·  {late}  ·  procviz used {own}")
        }
        Sources::ProcOnly => format!(
            "no kernel events, only /proc: tasks shorter than an interval are not seen, CPU times have steps of {} ms  ·  {late}  ·  procviz used {own}",
            snapshot.host.tick_ns / 1_000_000
        ),
    }
}
