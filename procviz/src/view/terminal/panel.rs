//! Draws the findings beside or below the chart.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::{Look, Screen, largest};
use crate::{
    chart::Palette,
    model::{Finding, Severity},
    scene::Color,
};

/// Draws the panel. Returns the box of each finding: left, top, right, bottom.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    screen: &Screen<'_>,
    look: Look,
) -> Vec<(f32, f32, f32, f32)> {
    let palette = screen.palette;
    let (ink, faint) = (look.ink(palette.ink), look.ink(palette.faint));
    let width = usize::from(area.width);
    let mut y = area.y;
    if area.height > 4 {
        let style = ink.add_modifier(Modifier::BOLD);
        buffer.set_stringn(area.x, y, "What stands out", width, style);
        y += 1;
    }
    let mut places = Vec::new();
    if screen.findings.is_empty() {
        for line in wrap(screen.quiet, width) {
            if y >= area.bottom() {
                break;
            }
            buffer.set_stringn(area.x, y, look.words(&line), width, faint);
            y += 1;
        }
    }
    let (mut before, mut last) = (0, None);
    for (index, finding) in screen.findings.iter().enumerate() {
        let subject = screen.subjects.get(index);
        let key = finding.subject();
        let is_new = last.replace(key.clone()) != Some(key);
        let number = (finding.rank != before).then_some(finding.rank);
        let subject = subject.filter(|_| is_new).map(|subject| (number, subject));
        let lines = lines(finding, subject, width, area.height > 4);
        let left = usize::from(area.bottom().saturating_sub(y));
        let is_last = index + 1 == screen.findings.len();
        if left < lines.len() || (left == lines.len() && !is_last && index > 0) {
            let more = format!("+{} more", screen.findings.len() - index);
            if left > 0 {
                buffer.set_stringn(area.x, y, more, width, faint);
            }
            return places;
        }
        before = finding.rank;
        let top = y;
        for (kind, line) in &lines {
            let style = look.ink(kind.color(palette));
            buffer.set_stringn(area.x, y, look.words(line), width, style);
            y += 1;
        }
        let [left, top, right, bottom] = [area.x, top, area.right(), y].map(f32::from);
        places.push((left, top, right, bottom));
    }
    let room = Rect {
        y: y.saturating_add(1),
        height: area.bottom().saturating_sub(y.saturating_add(1)),
        ..area
    };
    largest::draw(buffer, room, screen, look);
    places
}

/// What a line of a finding says.
enum Kind {
    Subject,
    Harms,
    WillHarm,
    Fact,
}

impl Kind {
    fn color(&self, palette: &Palette) -> Color {
        match self {
            Self::Subject => palette.ink,
            Self::Harms => palette.alarm,
            Self::WillHarm => palette.accent,
            Self::Fact => palette.faint,
        }
    }
}

/// The lines of a finding. Only the first finding about a subject names it.
fn lines(
    finding: &Finding,
    subject: Option<(Option<u32>, &String)>,
    width: usize,
    is_roomy: bool,
) -> Vec<(Kind, String)> {
    if !is_roomy {
        let who = finding.who();
        let line = format!("[{}] {who}: {}", finding.rank, finding.text);
        return vec![(Kind::Subject, line)];
    }
    let mut lines = Vec::new();
    if let Some((number, subject)) = subject {
        let number = number.map_or("   ".to_owned(), |number| format!("[{number}]"));
        lines.push((Kind::Subject, format!("{number} {subject}")));
        let kind = match finding.severity {
            Severity::Harms => Some(Kind::Harms),
            Severity::WillHarm => Some(Kind::WillHarm),
            Severity::Unusual => None,
        };
        lines.extend(kind.map(|kind| (kind, format!("    {}", finding.severity.text()))));
    }
    let text = wrap(&finding.text, width.saturating_sub(4));
    lines.extend(
        text.into_iter()
            .map(|line| (Kind::Fact, format!("    {line}"))),
    );
    lines
}

/// Wraps a text at spaces.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
