//! Draws the findings beside or below the chart.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::{Look, Screen};
use crate::model::Finding;

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
        return places;
    }
    for (index, finding) in screen.findings.iter().enumerate() {
        let lines = lines(finding, width, area.height > 4);
        let left = usize::from(area.bottom().saturating_sub(y));
        let is_last = index + 1 == screen.findings.len();
        if left < lines.len() || (left == lines.len() && !is_last && index > 0) {
            let more = format!("+{} more", screen.findings.len() - index);
            if left > 0 {
                buffer.set_stringn(area.x, y, more, width, faint);
            }
            break;
        }
        let top = y;
        for (at, line) in lines.iter().enumerate() {
            let style = if at == 0 { ink } else { faint };
            buffer.set_stringn(area.x, y, look.words(line), width, style);
            y += 1;
        }
        places.push((
            f32::from(area.x),
            f32::from(top),
            f32::from(area.right()),
            f32::from(y),
        ));
    }
    places
}

fn lines(finding: &Finding, width: usize, is_roomy: bool) -> Vec<String> {
    let who = finding.who();
    if !is_roomy {
        return vec![format!("{} {who}: {}", finding.rank, finding.text)];
    }
    let mut lines = vec![format!("{} {who}", finding.rank)];
    let text = wrap(&finding.text, width.saturating_sub(2));
    lines.extend(text.into_iter().map(|line| format!("  {line}")));
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
