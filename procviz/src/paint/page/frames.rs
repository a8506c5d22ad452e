//! Encodes the frames of a page as JSON: the first frame in full, each later frame as
//! changes. `page.js` reads them and uses the same letters.

use std::hash::Hash;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::{
    model::{Fact, Place, TaskId, Value},
    scene::{Anchor, Color, Font, Item, Mark, Scene, Shape},
};

/// A picture of a page.
pub struct Frame<'a> {
    /// Local time of the picture, as text.
    pub time: String,
    /// Time of the picture, ns since boot.
    pub boot_ns: u64,
    /// Shares of the time of the picture, from 0 to 1, in which the CPUs were busy, and in which
    /// tasks waited for memory, and for IO; `None`: not known.
    pub machine: [Option<f32>; 3],
    /// The picture in the light and in the dark theme, which differ only in colours.
    pub scenes: [&'a Scene; 2],
    /// For each task of the picture, its process and the lines about the task.
    pub facts: &'a FxHashMap<TaskId, (TaskId, Vec<Fact>)>,
}

/// The state of a page after its previous frames.
#[derive(Default)]
pub(super) struct Encoder {
    began_ns: Option<u64>,
    colors: Table<(Color, Color)>,
    /// Colour, shape, colour of the spot.
    looks: Table<(usize, u8, Option<usize>)>,
    words: Table<&'static str>,
    /// Marks by task. A task can have several marks.
    marks: Table<(TaskId, u32)>,
    /// Cards with the lines about a task, or with the lines that a process shares.
    cards: Table<(TaskId, bool)>,
    shown: Vec<Shown>,
    card_lines: Vec<[Option<Json>; Place::COUNT]>,
    order: Vec<usize>,
    /// The last frame's items, and their numbers.
    items: FxHashMap<String, usize>,
    items_so_far: usize,
    item_order: Vec<usize>,
}

/// The last state of a mark, in tenths of a pixel.
#[derive(Clone, Copy, Default, PartialEq)]
struct Shown {
    at: (i64, i64),
    r: i64,
    look: Option<usize>,
}

/// Numbers values in the order of their first use.
struct Table<T> {
    numbers: FxHashMap<T, usize>,
    new: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            numbers: FxHashMap::default(),
            new: Vec::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn number(&mut self, value: &T) -> usize {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.numbers.len();
        self.numbers.insert(value.clone(), number);
        self.new.push(value.clone());
        number
    }

    fn len(&self) -> usize {
        self.numbers.len()
    }
}

/// The changes of a frame, as stored in the page. If the entries of a list begin with a
/// number, this is the distance to the number of the previous entry.
#[derive(Serialize, Default)]
pub(super) struct Delta {
    /// Time, as text.
    t: String,
    /// Time, us since the first frame.
    u: u64,
    /// Shares of the time, per mille: CPU, memory pressure, IO pressure; null: not known.
    m: [Option<u16>; 3],
    /// New pairs of colours, light and dark.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    q: Vec<[String; 2]>,
    /// New looks: colour, shape, colour of the spot or -1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    l: Vec<(usize, u8, i64)>,
    /// New texts of facts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    w: Vec<&'static str>,
    /// New marks: card of the task, card of the process; -1 for a mark without lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    k: Vec<i64>,
    /// The visible marks in painting order, as runs of first number and count.
    #[serde(skip_serializing_if = "Option::is_none")]
    o: Option<Vec<usize>>,
    /// Positions: mark, x, y. x and y are relative to the previous entry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    p: Vec<i64>,
    /// Radii: mark, radius.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    r: Vec<i64>,
    /// Looks: mark, look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    c: Vec<i64>,
    /// Facts: card and place, text (-1: no fact), values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    f: Vec<Json>,
    /// New items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    i: Vec<Json>,
    /// The visible items, as runs of first number and count.
    #[serde(skip_serializing_if = "Option::is_none")]
    j: Option<Vec<usize>>,
}

/// Converts pixels to tenths of a pixel. Smaller differences are not visible.
fn tenths(pixels: f32) -> i64 {
    (f64::from(pixels) * 10.0).round() as i64
}

fn hex(Color(r, g, b, a): Color) -> String {
    format!("#{r:02x}{g:02x}{b:02x}{a:02x}")
}

/// Converts numbers to runs of first number and count.
fn runs(numbers: &[usize]) -> Vec<usize> {
    let mut runs: Vec<usize> = Vec::new();
    for number in numbers {
        match runs.as_mut_slice() {
            [.., first, count] if *first + *count == *number => *count += 1,
            _ => runs.extend([*number, 1]),
        }
    }
    runs
}

impl Encoder {
    pub(super) fn encode(&mut self, frame: &Frame<'_>, font: &Font) -> Delta {
        let began = *self.began_ns.get_or_insert(frame.boot_ns);
        let mut delta = Delta {
            t: frame.time.clone(),
            u: frame.boot_ns.saturating_sub(began) / 1_000,
            m: frame
                .machine
                .map(|share| share.map(|share| (share * 1_000.0).round() as u16)),
            ..Delta::default()
        };
        self.marks(frame, &mut delta);
        self.items(frame, font, &mut delta);
        self.facts(frame, &mut delta);
        let pairs = self.colors.new.drain(..);
        delta.q = pairs.map(|(light, dark)| [hex(light), hex(dark)]).collect();
        let looks = self.looks.new.drain(..);
        let spot = |spot: Option<usize>| spot.map_or(-1, |spot| spot as i64);
        delta.l = looks
            .map(|(color, shape, of)| (color, shape, spot(of)))
            .collect();
        delta.w = std::mem::take(&mut self.words.new);
        delta
    }

    pub(super) fn mark_of(&self, id: TaskId) -> Option<usize> {
        self.marks.numbers.get(&(id, 0)).copied()
    }

    fn color(&mut self, light: Color, dark: Color) -> usize {
        self.colors.number(&(light, dark))
    }

    fn look(&mut self, mark: &Mark, dark: &Mark) -> usize {
        let shape = match mark.shape {
            Shape::Disc => 0,
            Shape::Ring => 1,
            Shape::Square => 2,
            Shape::Diamond => 3,
            Shape::Triangle => 4,
        };
        let color = self.color(mark.color, dark.color);
        let spot = mark
            .spot
            .map(|spot| self.color(spot, dark.spot.unwrap_or(spot)));
        self.looks.number(&(color, shape, spot))
    }

    fn marks(&mut self, frame: &Frame<'_>, delta: &mut Delta) {
        let [light, dark] = frame.scenes;
        let mut seen: FxHashMap<TaskId, u32> = FxHashMap::default();
        let mut order = Vec::with_capacity(light.marks.len());
        let mut changed = Vec::new();
        for (index, mark) in light.marks.iter().enumerate() {
            let nth = seen.entry(mark.id).or_default();
            let number = self.marks.number(&(mark.id, *nth));
            *nth += 1;
            if number == self.shown.len() {
                self.shown.push(Shown::default());
                delta.k.extend(self.cards_of(mark.id, frame));
            }
            let look = self.look(mark, dark.marks.get(index).unwrap_or(mark));
            let now = Shown {
                at: (tenths(mark.x), tenths(mark.y)),
                r: tenths(mark.r),
                look: Some(look),
            };
            order.push(number);
            if self.shown[number] != now {
                changed.push((number, self.shown[number], now, look));
                self.shown[number] = now;
            }
        }
        self.marks.new.clear();
        changed.sort_unstable_by_key(|(number, ..)| *number);
        let (mut last, mut at) = ([0; 3], (0, 0));
        let mut step = |which: usize, number: usize| {
            let number = number as i64;
            number - std::mem::replace(&mut last[which], number)
        };
        for (number, before, now, look) in changed {
            if before.look.is_none() || before.at != now.at {
                let (x, y) = now.at;
                delta.p.extend([step(0, number), x - at.0, y - at.1]);
                at = now.at;
            }
            if before.r != now.r {
                delta.r.extend([step(1, number), now.r]);
            }
            if before.look != now.look {
                delta.c.extend([step(2, number), look as i64]);
            }
        }
        if order != self.order {
            delta.o = Some(runs(&order));
            self.order = order;
        }
    }

    fn cards_of(&mut self, id: TaskId, frame: &Frame<'_>) -> [i64; 2] {
        let Some((process, _)) = frame.facts.get(&id) else {
            return [-1, -1];
        };
        [(id, false), (*process, true)].map(|card| self.cards.number(&card) as i64)
    }

    fn facts(&mut self, frame: &Frame<'_>, delta: &mut Delta) {
        let began = self.began_ns.unwrap_or_default();
        let mut changed: Vec<(usize, Json)> = Vec::new();
        let mut seen = rustc_hash::FxHashSet::default();
        for mark in &frame.scenes[0].marks {
            let Some((process, facts)) = frame.facts.get(&mark.id) else {
                continue;
            };
            for is_shared in [false, true] {
                let of = if is_shared { *process } else { mark.id };
                if !seen.insert((of, is_shared)) {
                    continue;
                }
                let card = self.cards.number(&(of, is_shared));
                self.card_lines.resize(self.cards.len(), Default::default());
                let mut now: [Option<Json>; Place::COUNT] = Default::default();
                for fact in facts
                    .iter()
                    .filter(|fact| fact.place.is_shared() == is_shared)
                {
                    let mut line = vec![json!(self.words.number(&fact.words))];
                    line.extend(fact.values.iter().map(|value| match value {
                        Value::Text(text) => json!(text),
                        Value::Since(ns) => json!((*ns as i64 - began as i64) / 1_000),
                    }));
                    now[fact.place as usize] = Some(Json::Array(line));
                }
                let before = std::mem::replace(&mut self.card_lines[card], now.clone());
                for (place, (before, now)) in before.into_iter().zip(now).enumerate() {
                    if before != now {
                        let line = now.unwrap_or_else(|| json!([-1]));
                        changed.push((card * Place::COUNT + place, line));
                    }
                }
            }
        }
        self.cards.new.clear();
        changed.sort_by_key(|(at, _)| *at);
        let mut last = 0;
        for (at, line) in changed {
            delta.f.push(json!(at - last));
            if let Json::Array(line) = line {
                delta.f.extend(line);
            }
            last = at;
        }
    }

    fn items(&mut self, frame: &Frame<'_>, font: &Font, delta: &mut Delta) {
        let [light, dark] = frame.scenes;
        let mut now = FxHashMap::default();
        let mut order = Vec::with_capacity(light.items.len());
        for (index, item) in light.items.iter().enumerate() {
            let color = self.color(
                color_of(item),
                color_of(dark.items.get(index).unwrap_or(item)),
            );
            let item = item_json(item, color, font);
            let text = item.to_string();
            let number = now.get(&text).or_else(|| self.items.get(&text)).copied();
            let number = number.unwrap_or_else(|| {
                delta.i.push(item);
                self.items_so_far += 1;
                self.items_so_far - 1
            });
            now.insert(text, number);
            order.push(number);
        }
        self.items = now;
        if order != self.item_order {
            delta.j = Some(runs(&order));
            self.item_order = order;
        }
    }
}

fn color_of(item: &Item) -> Color {
    match item {
        Item::Line { color, .. } | Item::Rect { color, .. } | Item::Ring { color, .. } => *color,
        Item::Text(text) => text.color,
    }
}

fn item_json(item: &Item, color: usize, font: &Font) -> Json {
    match item {
        Item::Line { points, width, .. } => {
            let points: Vec<i64> = points
                .iter()
                .flat_map(|(x, y)| [tenths(*x), tenths(*y)])
                .collect();
            json!([0, color, tenths(*width), points])
        }
        Item::Rect { at, .. } => json!([
            1,
            color,
            tenths(at.0),
            tenths(at.1),
            tenths(at.2),
            tenths(at.3)
        ]),
        Item::Ring { at, r, width, .. } => json!([
            2,
            color,
            tenths(at.0),
            tenths(at.1),
            tenths(*r),
            tenths(*width)
        ]),
        Item::Text(text) => {
            let anchor = match text.anchor {
                Anchor::Start => 0,
                Anchor::Middle => 1,
                Anchor::End => 2,
            };
            // The browser can have another font, so the page contains the width.
            let width = font.width(&text.text, text.size);
            json!([
                3,
                color,
                tenths(text.x),
                tenths(text.y),
                tenths(text.size),
                anchor,
                tenths(width),
                text.text
            ])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_of_neighbours() {
        assert_eq!(runs(&[]), Vec::<usize>::new());
        assert_eq!(runs(&[3, 4, 5, 9, 1, 2]), [3, 3, 9, 1, 1, 2]);
    }
}
