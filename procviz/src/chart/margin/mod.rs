//! Draws the margin: the numbered findings, each with a small curve, and the processes that
//! use most.

mod curve;
mod wrap;

use self::{curve::curve, wrap::wrap};
use crate::{
    chart::{
        Context, foot,
        head::{self, rounded},
        largest::{Largest, foremost},
        palette::Palette,
    },
    model::{Finding, Severity, Snapshot, duration_text, owner_words},
    scene::{Anchor, Color, Item, Scene, Text},
};

/// Width of the margin of a picture of this size, in pixels.
pub(super) fn width(size: (f32, f32)) -> f32 {
    (size.0 * 0.4).clamp(160.0, 340.0)
}

/// Upper limit for the findings that the margin shows.
pub(super) const SHOWN: usize = 8;
const SIZE: f32 = 13.0;
const LINE: f32 = 17.0;
const CURVE: (f32, f32) = (96.0, 26.0);
/// Height of a heading, in pixels.
const HEADING: f32 = 24.0;
/// Width of the names of measures, in pixels.
const MEASURE: f32 = 84.0;

pub(super) fn draw(
    scene: &mut Scene,
    (snapshot, largest): (&Snapshot, &[Largest]),
    context: &Context<'_>,
    palette: &Palette,
) {
    let top = head::HEIGHT;
    let bottom = context.size.1 - foot::height(context.size);
    let foremost = foremost(snapshot, largest, context);
    let quiet = Quiet {
        text: quiet(snapshot, !foremost.is_empty()),
        foremost,
    };
    let at = Column {
        left: context.size.0 - width(context.size) + 8.0,
        right: context.size.0 - 16.0,
        context,
        palette,
    };
    let room = bottom - top - HEADING;
    let entries = at.entries(snapshot);
    let height_with = |curves| entries.iter().map(|one| one.height(curves)).sum::<f32>();
    // Findings come before long lists. Of many, a small margin has those of its upper half.
    let (most, height) = [6, 3, 2, 1, 0]
        .map(|most| (most, height_of(largest, most)))
        .into_iter()
        .find(|(most, height)| {
            let is_enough = height_with(Curves::No) + LINE + height <= room;
            *height <= room * 0.55 && (is_enough || *most <= 2)
        })
        .unwrap_or((0, 0.0));
    let curves = match height_with(Curves::Yes) + LINE + height <= room {
        true => Curves::Yes,
        false => Curves::No,
    };
    let facts = (snapshot, &entries[..], &quiet);
    let end = at.findings(scene, facts, curves, (top, bottom - height));
    at.largest(scene, (snapshot, largest), most, end);
}

/// Height of the lists of the largest, with `most` entries each, in pixels.
fn height_of(largest: &[Largest], most: usize) -> f32 {
    let lines: usize = largest.iter().map(|of| of.entries.len().min(most)).sum();
    match lines {
        0 => 0.0,
        lines => HEADING + 10.0 + lines as f32 * LINE + largest.len() as f32 * 3.0,
    }
}

/// Where the margin is, and what it is drawn with.
struct Column<'a> {
    left: f32,
    right: f32,
    context: &'a Context<'a>,
    palette: &'a Palette,
}

/// Whether findings have curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Curves {
    Yes,
    No,
}

/// A finding in the margin.
struct Entry<'a> {
    finding: &'a Finding,
    /// It is the first with its rank.
    is_first: bool,
    lines: Vec<(Color, String)>,
}

impl Entry<'_> {
    /// Height of the gap before it, in pixels.
    fn gap(&self) -> f32 {
        if self.is_first { 10.0 } else { 0.0 }
    }

    /// Height of its curve, in pixels; 0 without one.
    fn curve(&self, curves: Curves) -> f32 {
        // A flat curve says nothing, and looks like an underline.
        match curves == Curves::Yes && is_telling(&self.finding.curve) {
            true => CURVE.1 + 4.0,
            false => 0.0,
        }
    }

    fn height(&self, curves: Curves) -> f32 {
        self.gap() + self.lines.len() as f32 * LINE + self.curve(curves)
    }
}

impl Column<'_> {
    /// The findings that a margin with enough room shows.
    fn entries<'f>(&self, snapshot: &'f Snapshot) -> Vec<Entry<'f>> {
        let (mut before, mut last) = (0, None);
        let findings = snapshot.findings.iter();
        let shown = findings.take_while(|finding| finding.rank as usize <= SHOWN);
        let entry = |finding: &'f Finding| {
            let is_first = std::mem::replace(&mut before, finding.rank) != finding.rank;
            // Subjects that share an entry are named each.
            let subject = finding.subject();
            let is_new = last.replace(subject.clone()) != Some(subject);
            Entry {
                finding,
                is_first,
                lines: self.lines(finding, is_new),
            }
        };
        shown.map(entry).collect()
    }

    /// Draws the findings as far as there is room. Returns where they end.
    fn findings(
        &self,
        scene: &mut Scene,
        (snapshot, entries, quiet): (&Snapshot, &[Entry<'_>], &Quiet),
        curves: Curves,
        (top, bottom): (f32, f32),
    ) -> f32 {
        let (left, right, palette) = (self.left, self.right, self.palette);
        let mut y = top + 14.0;
        let heading = "What stands out".to_owned();
        text(scene, left, y, 15.0, palette.ink, heading);
        y += 10.0;
        if snapshot.findings.is_empty() {
            let lines = quiet.foremost.iter().map(|line| (palette.ink, line));
            for (color, words) in lines.chain([(palette.faint, &quiet.text)]) {
                for line in wrap(words, self.context, right - left) {
                    y += LINE;
                    text(scene, left, y, SIZE, color, line);
                }
                y += 3.0;
            }
            return y + 8.0;
        }
        let mut shown = 0;
        for entry in entries {
            if y + entry.height(curves) > bottom - LINE {
                break;
            }
            let begin = y;
            y += entry.gap();
            if entry.is_first {
                badge(scene, left + 9.0, y + 13.0, entry.finding.rank, palette);
            }
            for (color, line) in &entry.lines {
                y += LINE;
                text(scene, left + 26.0, y, SIZE, *color, line.clone());
            }
            let height = entry.curve(curves);
            if height > 0.0 {
                let place = (left + 26.0, y + 6.0, CURVE.0, CURVE.1);
                curve(scene, place, &entry.finding.curve, palette.accent);
                y += height;
            }
            scene.panel.push((left, begin, right, y + 4.0));
            shown += 1;
        }
        let more = snapshot.findings.len() - shown;
        if more > 0 {
            y += LINE;
            let words = format!("+{more} more");
            text(scene, left + 26.0, y, SIZE, palette.ink, words);
        }
        y + 8.0
    }

    /// The lines of a finding with their colours. Only the first finding about a subject
    /// names it.
    fn lines(&self, finding: &Finding, is_new: bool) -> Vec<(Color, String)> {
        let (room, palette) = (self.right - self.left - 28.0, self.palette);
        let mut lines = Vec::new();
        if is_new {
            let who = subject(finding, self.context);
            lines.push((palette.ink, self.context.font.fit(&who, SIZE, room)));
            let color = match finding.severity {
                Severity::Harms => Some(palette.alarm),
                Severity::WillHarm => Some(palette.accent),
                Severity::Unusual => None,
            };
            lines.extend(color.map(|color| (color, finding.severity.text().to_owned())));
        }
        let facts = wrap(&finding.text, self.context, room);
        lines.extend(facts.into_iter().map(|line| (palette.faint, line)));
        lines
    }

    /// Draws the processes that use most, with `most` entries of each measure.
    fn largest(
        &self,
        scene: &mut Scene,
        (snapshot, largest): (&Snapshot, &[Largest]),
        most: usize,
        top: f32,
    ) {
        let (left, right, palette) = (self.left, self.right, self.palette);
        if height_of(largest, most) == 0.0 {
            return;
        }
        let mut y = top + HEADING - 4.0;
        text(scene, left, y, 15.0, palette.ink, heading(snapshot));
        y += 4.0;
        for of in largest {
            let mut heading = Some(of.measure.word().to_owned());
            for entry in of.entries.iter().take(most) {
                y += LINE;
                if let Some(heading) = heading.take() {
                    text(scene, left, y, SIZE, palette.faint, heading);
                }
                let begin = left + MEASURE;
                let words = entry.line(self.context);
                let words = self.context.font.fit(&words, SIZE, right - begin);
                text(scene, begin, y, SIZE, palette.ink, words);
            }
            y += if heading.is_some() { 0.0 } else { 3.0 };
        }
    }
}

/// Whether a curve rises or falls by more than a tenth.
fn is_telling(curve: &[f32]) -> bool {
    let most = curve.iter().copied().fold(f32::MIN, f32::max);
    let least = curve.iter().copied().fold(f32::MAX, f32::min);
    curve.len() > 1 && most - least > most.abs() / 10.0
}

/// The subject of a finding, its user, and the container or service that it belongs to.
pub(crate) fn subject(finding: &Finding, context: &Context<'_>) -> String {
    let who = finding.who();
    let who = match finding.uid {
        Some(_) => context.with_user(&who, finding.uid),
        None => who,
    };
    match finding.place.as_deref().and_then(owner_words) {
        Some(owner) => format!("{who} · {owner}"),
        None => who,
    }
}

/// The heading of the list of the largest, with the time that its rates are about.
pub(crate) fn heading(snapshot: &Snapshot) -> String {
    match rounded(snapshot.stamp.interval_ns) {
        0 => "Largest".to_owned(),
        interval_ns if snapshot.peaks.is_some() => {
            format!("Largest, over {}", duration_text(interval_ns))
        }
        interval_ns => format!("Largest, over the last {}", duration_text(interval_ns)),
    }
}

/// What is said without findings.
struct Quiet {
    /// Who has more than all others together.
    foremost: Vec<String>,
    text: String,
}

/// The text of the margin without findings. Names the rules that cannot judge yet. `is_about` is
/// whether it follows what is said of those who have most.
pub(crate) fn quiet(snapshot: &Snapshot, is_about: bool) -> String {
    let watched = duration_text(snapshot.watched_ns());
    let nothing = match is_about {
        true => "Nothing is above the threshold of a rule",
        false => "Nothing is above a threshold",
    };
    if snapshot.not_judged.is_empty() {
        // Findings of earlier seconds have left the margin, so the text is about now only.
        format!("{nothing} now.")
    } else {
        let rules = snapshot.not_judged.iter();
        let needs = rules.map(|(rule, needs_ns)| format!("{rule} ({})", duration_text(*needs_ns)));
        let needs: Vec<String> = needs.collect();
        format!(
            "{nothing} after {watched}. Rules that need longer: {}.",
            needs.join(", ")
        )
    }
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
    scene.text((x, y), (size, Anchor::Start, color), text);
}
