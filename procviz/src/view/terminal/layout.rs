//! Divides a screen of cells into areas.

use ratatui::layout::Rect;

/// Minimum size of a screen: columns and rows.
pub(crate) const LEAST: (u16, u16) = (40, 10);
/// Number of lines of the head and of the foot. A narrow head has one more line.
const HEAD: u16 = 3;
const FOOT: u16 = 2;
/// Number of columns from which the panel is at the right.
const WIDE: u16 = 110;
/// Smallest and largest width of the panel: a third of the screen within these limits.
const PANEL: (u16, u16) = (42, 58);
/// Number of columns that the figures of the machine need in one line.
const NARROW: u16 = 190;
/// Number of lines of the panel if it is below the chart.
const BELOW: u16 = 4;
/// Least numbers of lines of a chart with a table below it, and of the table.
const LEAST_CHART: u16 = 5;
const LEAST_TABLE: u16 = 5;
/// Number of columns for the name and the count of a group.
const LABEL: u16 = 20;

/// The areas of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) head: Rect,
    /// Names of the groups, left of the dots.
    pub(crate) labels: Rect,
    /// The dots. Another chart also uses the room of `labels`.
    pub(crate) body: Rect,
    pub(crate) panel: Rect,
    /// The table of processes, if it is open and has room.
    pub(crate) table: Option<Rect>,
    pub(crate) foot: Rect,
}

/// Divides a screen into areas, with or without a table; `None` if the screen is too small.
pub(crate) fn layout(area: Rect, has_table: bool) -> Option<Layout> {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return None;
    }
    let head = Rect {
        height: if area.width < NARROW { HEAD + 1 } else { HEAD },
        ..area
    };
    let foot = Rect {
        y: area.bottom() - FOOT,
        height: FOOT,
        ..area
    };
    let middle = Rect {
        y: head.bottom(),
        height: area.height - head.height - FOOT,
        ..area
    };
    let (middle, table) = without_table(middle, has_table);
    let is_wide = area.width >= WIDE;
    let panel = (area.width / 3).clamp(PANEL.0, PANEL.1);
    let below = if middle.height >= 12 { BELOW } else { 1 };
    let (chart, panel) = if is_wide {
        (
            Rect {
                width: middle.width - panel,
                ..middle
            },
            Rect {
                x: middle.right() - panel + 1,
                width: panel - 1,
                ..middle
            },
        )
    } else {
        (
            Rect {
                height: middle.height - below,
                ..middle
            },
            Rect {
                y: middle.bottom() - below,
                height: below,
                ..middle
            },
        )
    };
    let label = LABEL.min(chart.width / 3);
    Some(Layout {
        head,
        labels: Rect {
            width: label,
            ..chart
        },
        body: Rect {
            x: chart.x + label,
            width: chart.width - label,
            ..chart
        },
        panel,
        table,
        foot,
    })
}

/// Divides the room between head and foot into that of the chart and that of the table.
fn without_table(middle: Rect, has_table: bool) -> (Rect, Option<Rect>) {
    let height = (middle.height / 2).min(middle.height.saturating_sub(LEAST_CHART));
    if !has_table || height < LEAST_TABLE {
        return (middle, None);
    }
    let chart = Rect {
        height: middle.height - height,
        ..middle
    };
    let table = Rect {
        y: chart.bottom(),
        height,
        ..middle
    };
    (chart, Some(table))
}
