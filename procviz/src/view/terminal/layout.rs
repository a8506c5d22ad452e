//! Where things are on a screen of cells.

use ratatui::layout::Rect;

/// Too small for anything below this.
pub(crate) const LEAST: (u16, u16) = (40, 10);
/// Lines of the head, which needs one more where it is narrow, and of the foot.
const HEAD: u16 = 3;
const FOOT: u16 = 2;
/// Columns from which on the panel stands at the right.
const WIDE: u16 = 110;
const PANEL: u16 = 42;
/// Columns that the machine's figures take in one line.
const NARROW: u16 = 150;
/// Lines of the panel when it lies below.
const BELOW: u16 = 4;
/// A group's name and its count.
const LABEL: u16 = 20;

/// A screen divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) head: Rect,
    /// Names of groups, left of the dots.
    pub(crate) labels: Rect,
    /// The dots, or another chart with the labels' room.
    pub(crate) body: Rect,
    pub(crate) panel: Rect,
    pub(crate) foot: Rect,
}

/// Divides a screen; `None` when it is too small.
pub(crate) fn layout(area: Rect) -> Option<Layout> {
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
    let is_wide = area.width >= WIDE;
    let below = if middle.height >= 12 { BELOW } else { 1 };
    let (chart, panel) = if is_wide {
        (
            Rect {
                width: middle.width - PANEL,
                ..middle
            },
            Rect {
                x: middle.right() - PANEL + 1,
                width: PANEL - 1,
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
        foot,
    })
}
