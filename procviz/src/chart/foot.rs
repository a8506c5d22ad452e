//! Draws the foot of a picture: the legend of colours, shapes and sizes, and the
//! data sources of the picture.

use crate::{
    chart::{Context, head::rounded, palette::Palette},
    model::{Snapshot, Sources, TaskId, bytes_text, count_text, duration_text},
    scene::{Anchor, Color, Item, Mark, Scene, Shape, Text},
};

/// Height of the foot of a picture of this size, in pixels.
pub(super) fn height(size: (f32, f32)) -> f32 {
    if has_legend(size) { 50.0 } else { 28.0 }
}

/// A small picture says what it was made from, and has no legend.
fn has_legend(size: (f32, f32)) -> bool {
    size.1 >= 300.0
}

const LEFT: f32 = 16.0;
const SIZE: f32 = 13.0;

/// Makes a line at a mark.
type Line = Box<dyn Fn(&Mark) -> Item>;

/// An entry of the legend: a mark and its meaning.
pub(super) struct Entry {
    words: String,
    shape: Shape,
    color: Color,
    spot: Option<Color>,
    /// Draws a line around or within the mark.
    line: Option<Line>,
}

impl Entry {
    /// The entry with a line around or within its mark.
    pub(super) fn with_line(mut self, line: impl Fn(&Mark) -> Item + 'static) -> Self {
        self.line = Some(Box::new(line));
        self
    }

    pub(super) fn new(words: String, shape: Shape, color: Color, spot: Option<Color>) -> Self {
        Self {
            words,
            shape,
            color,
            spot,
            line: None,
        }
    }
}

/// What comes after the entries of the legend.
pub(super) enum After<'a> {
    Sizes(SizeKey),
    Words(&'a str),
}

/// Circles that show how large a resident set is: radius, and bytes.
pub(super) struct SizeKey {
    /// Radius of the largest mark, in pixels.
    most: f32,
    /// Its resident set, bytes.
    largest: u64,
}

impl SizeKey {
    /// The largest circle of the key, in pixels: the foot is not higher.
    const LARGEST: f32 = 17.0;

    pub(super) fn new(most: f32, largest: u64) -> Self {
        Self { most, largest }
    }

    /// Radius and text of each circle, the smallest first.
    fn circles(&self) -> Vec<(f32, String)> {
        if self.largest == 0 || self.most <= 0.0 {
            return Vec::new();
        }
        let parts = [0.4, 0.7, 1.0].map(|part| self.most.min(Self::LARGEST) * part);
        let circles = parts.map(|r| {
            let bytes = self.largest as f64 * f64::from(r / self.most).powi(2);
            (r, bytes_text(bytes as u64))
        });
        circles.to_vec()
    }

    /// Draws the key at the right end of the foot. Returns its left end, in pixels.
    fn draw(&self, scene: &mut Scene, context: &Context<'_>, palette: &Palette) -> f32 {
        let circles = self.circles();
        let mut x = context.size.0 - LEFT;
        let y = context.size.1 - 30.0;
        let text = |scene: &mut Scene, x: f32, text: String| {
            scene.items.push(Item::Text(Text {
                x,
                y,
                size: SIZE,
                anchor: Anchor::Start,
                color: palette.ink,
                text,
            }));
        };
        for (r, words) in circles.into_iter().rev() {
            x -= context.font.width(&words, SIZE);
            text(scene, x, words);
            x -= r + 5.0;
            scene.items.push(Item::Ring {
                at: (x, y - 4.5),
                r,
                width: 1.0,
                color: palette.faint,
            });
            x -= r + 10.0;
        }
        let words = "area: RSS";
        x -= context.font.width(words, SIZE);
        text(scene, x, words.to_owned());
        x - 18.0
    }
}

pub(super) fn draw(
    scene: &mut Scene,
    snapshot: &Snapshot,
    legend: Vec<Entry>,
    after: After<'_>,
    context: &Context<'_>,
    palette: &Palette,
) {
    if has_legend(context.size) {
        draw_legend(scene, legend, after, context, palette);
    }
    let room = context.size.0 - 2.0 * LEFT;
    let color = if snapshot.losses.events() > 0 || snapshot.unknown_ns > 0 {
        palette.alarm
    } else {
        palette.faint
    };
    scene.items.push(Item::Text(Text {
        x: LEFT,
        y: context.size.1 - 10.0,
        size: SIZE,
        anchor: Anchor::Start,
        color,
        text: context.font.fit(&ground(snapshot), SIZE, room),
    }));
}

fn draw_legend(
    scene: &mut Scene,
    legend: Vec<Entry>,
    after: After<'_>,
    context: &Context<'_>,
    palette: &Palette,
) {
    let width = context.size.0;
    let right = match &after {
        After::Sizes(key) => key.draw(scene, context, palette),
        After::Words(words) => width - LEFT - context.font.width(words, SIZE) - 18.0,
    };
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
    let room = right - LEFT - 80.0;
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
        let mark = Mark {
            id: TaskId::default(),
            x: x + 5.0,
            y: y - 4.5,
            r: 5.0,
            shape: entry.shape,
            color: entry.color,
            spot: entry.spot,
        };
        scene.marks.push(mark);
        scene.items.extend(entry.line.map(|line| line(&mark)));
        x = next;
    }
    if let After::Words(words) = after {
        let words = context.font.fit(words, SIZE, width - x - LEFT);
        text(scene, x, y, palette.ink, words);
    }
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
