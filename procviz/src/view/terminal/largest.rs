//! Draws the processes that use most.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::{Look, Screen};

/// Draws the processes that use most, with up to three lines of each measure.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, screen: &Screen<'_>, look: Look) {
    /// Width of the names of measures.
    const MEASURE: u16 = 11;
    let (ink, faint) = (look.ink(screen.palette.ink), look.ink(screen.palette.faint));
    let (heading, measures) = screen.largest;
    let count = |most: usize| -> usize {
        let lines = measures.iter().map(|(_, lines)| lines.len().min(most));
        lines.sum::<usize>() + 1
    };
    let fits = |most: &usize| count(*most) <= usize::from(area.height);
    let most = (1..=3).rev().find(fits);
    let Some(most) = most.filter(|most| count(*most) > 1) else {
        return;
    };
    let width = usize::from(area.width);
    let bold = ink.add_modifier(Modifier::BOLD);
    buffer.set_stringn(area.x, area.y, look.words(heading), width, bold);
    let mut y = area.y + 1;
    for (measure, lines) in measures {
        for (index, line) in lines.iter().take(most).enumerate() {
            if index == 0 {
                buffer.set_stringn(area.x, y, *measure, width, faint);
            }
            let room = width.saturating_sub(usize::from(MEASURE));
            buffer.set_stringn(area.x + MEASURE, y, look.words(line), room, ink);
            y += 1;
        }
    }
}
