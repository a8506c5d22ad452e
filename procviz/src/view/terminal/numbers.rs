//! Writes the numbers of findings over their tasks, as in pictures.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::{Look, Screen};
use crate::chart::Cells;

/// Writes the numbers. `row_of` is the row of the screen for a row of the grid, if it is
/// shown. A number of two digits has no room in a cell.
pub(super) fn draw(
    buffer: &mut Buffer,
    (body, cells): (Rect, &Cells),
    row_of: impl Fn(usize) -> Option<u16>,
    screen: &Screen<'_>,
    look: Look,
) {
    let mut last = None;
    for finding in screen.findings.iter().filter(|finding| finding.rank < 10) {
        let subject = finding.subject();
        let is_first = last.replace(subject.clone()) != Some(subject);
        let find = |id| cells.dots.iter().find(|dot| dot.id == id);
        let dot = finding.dots().find_map(find);
        let Some(dot) = dot.filter(|_| is_first) else {
            continue;
        };
        let row = if cells.is_half { dot.row / 2 } else { dot.row };
        let Some(y) = row_of(row) else { continue };
        if let Some(cell) = buffer.cell_mut((body.x + dot.column as u16, y)) {
            let ink = look.ink(screen.palette.accent);
            cell.set_symbol(&finding.rank.to_string());
            cell.set_style(ink.add_modifier(Modifier::BOLD));
        }
    }
}
