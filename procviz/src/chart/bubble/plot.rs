//! Computes the places of bubbles: two axes, and rows for tasks without an address
//! space.

use crate::{
    chart::{Context, axis, foot, head, margin},
    model::TaskView,
    scene::{Anchor, Color, Item, Scene, Text},
};

/// Radius of the largest bubble, in pixels.
pub(super) const LARGEST: f32 = 46.0;
pub(super) const LABEL: f32 = 12.0;
pub(super) const STRIP: f32 = 34.0;
const LEFT: f32 = 84.0;
/// Least distance of two labels of an axis, in pixels.
const BETWEEN: f32 = 8.0;

/// The row of the chart in which a task is drawn.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Row {
    /// The part with the vertical axis.
    Sized,
    /// The row for kernel threads, which have no memory of their own.
    Kernel,
    /// The row for tasks that exited before procviz read their size.
    Unknown,
}

impl Row {
    /// The row of a task with this value on the vertical axis, bytes.
    pub(super) fn of(task: &TaskView<'_>, height: Option<u64>) -> Self {
        match height {
            _ if task.process.kthread => Self::Kernel,
            Some(bytes) if bytes > 0 => Self::Sized,
            _ => Self::Unknown,
        }
    }
}

/// Ranges and scale of the axes.
#[derive(Clone, Copy)]
pub(super) struct Axes {
    /// End of the CPU axis, in cores.
    pub(super) most_share: f64,
    /// Begin and end of the vertical axis, as exponents of two.
    pub(super) powers: (f64, f64),
    /// Whether the axes are linear from 0, as in the 2011 version. Otherwise small CPU
    /// shares are spread, and sizes are in powers of two.
    pub(super) are_even: bool,
    /// Whether the vertical axis is the resident set, and not the address space.
    pub(super) by_rss: bool,
}

/// Positions of axes and rows.
pub(super) struct Plot {
    /// The part with axes: left, top, right, bottom, in pixels.
    pub(super) at: (f32, f32, f32, f32),
    kernel: Option<f32>,
    unknown: Option<f32>,
    pub(super) bottom_of_strips: f32,
    axes: Axes,
}

impl Plot {
    pub(super) fn new(size: (f32, f32), axes: Axes, has_kernel: bool, has_unknown: bool) -> Self {
        let bottom_of_strips = size.1 - foot::height(size) - 46.0;
        let mut bottom = bottom_of_strips;
        let mut strip = |is_there: bool| {
            is_there.then(|| {
                bottom -= STRIP;
                bottom + STRIP / 2.0
            })
        };
        let (kernel, unknown) = (strip(has_kernel), strip(has_unknown));
        Self {
            at: (
                LEFT,
                head::HEIGHT + 22.0,
                size.0 - margin::width(size) - 8.0,
                bottom,
            ),
            kernel,
            unknown,
            bottom_of_strips,
            axes,
        }
    }

    /// Horizontal position of a CPU share. The largest bubble fits at both ends.
    pub(super) fn x(&self, share: f64) -> f32 {
        let (left, _, right, _) = self.at;
        let (from, to) = (left + LARGEST + 2.0, right - LARGEST - 2.0);
        let most = self.axes.most_share;
        let part = if self.axes.are_even {
            (share / most).clamp(0.0, 1.0) as f32
        } else {
            axis::share_at(share, most)
        };
        from + (to - from).max(1.0) * part
    }

    pub(super) fn y(&self, row: Row, bytes: u64) -> f32 {
        self.strip(row)
            .unwrap_or_else(|| self.y_of(bytes.max(1) as f64))
    }

    fn y_of(&self, bytes: f64) -> f32 {
        let (_, top, _, bottom) = self.at;
        let (from, to) = (bottom - LARGEST - 2.0, top + LARGEST + 2.0);
        let (low, high) = self.axes.powers;
        let part = if self.axes.are_even {
            bytes / high.exp2()
        } else {
            (bytes.log2() - low) / (high - low)
        };
        from + (to - from) * part.clamp(0.0, 1.0) as f32
    }

    /// Vertical centre of a row without an axis; `None` for [`Row::Sized`].
    fn strip(&self, row: Row) -> Option<f32> {
        match row {
            Row::Sized => None,
            Row::Kernel => self.kernel,
            Row::Unknown => self.unknown,
        }
    }

    /// The ticks of both axes: their places, in pixels, and texts.
    fn ticks(&self) -> [Vec<(f32, String)>; 2] {
        let (shares, sizes) = match self.axes.are_even {
            true => (
                axis::even_share_ticks(self.axes.most_share),
                axis::bytes_ticks(self.axes.powers.1.exp2()),
            ),
            false => (
                axis::share_ticks(self.axes.most_share),
                axis::power_ticks(self.axes.powers),
            ),
        };
        let shares = shares.into_iter();
        let sizes = sizes.into_iter();
        [
            shares.map(|(share, text)| (self.x(share), text)).collect(),
            sizes
                .map(|(bytes, text)| (self.y_of(bytes), text))
                .collect(),
        ]
    }

    /// Draws the axes, the ticks and their labels.
    pub(super) fn draw(
        &self,
        scene: &mut Scene,
        faint: Color,
        is_empty: bool,
        context: &Context<'_>,
    ) {
        let (left, top, right, bottom) = self.at;
        let Color(r, g, b, _) = faint;
        let grid = Color(r, g, b, 50);
        let mut line = |points: [(f32, f32); 2], color| {
            scene.items.push(Item::Line {
                points: points.to_vec(),
                width: 1.0,
                color,
            });
        };
        let mut texts: Vec<(f32, f32, Anchor, String)> = Vec::new();
        let [across, up] = self.ticks();
        for (x, _) in &across {
            line([(*x, top), (*x, self.bottom_of_strips)], grid);
        }
        for (y, _) in &up {
            line([(left, *y), (right, *y)], grid);
        }
        // Large values matter most where there is no room for all labels.
        let half = |text: &str| context.font.width(text, LABEL) / 2.0;
        let across = across.into_iter().rev();
        let across = across.map(|(x, text)| (x, half(&text), text));
        for (x, text) in axis::apart(across, BETWEEN) {
            texts.push((x, self.bottom_of_strips + 16.0, Anchor::Middle, text));
        }
        let up = up.into_iter().rev();
        let up = up.map(|(y, text)| (y, LABEL / 2.0, text));
        for (y, text) in axis::apart(up, 2.0) {
            texts.push((left - 8.0, y + 4.0, Anchor::End, text));
        }
        for edge in [top, bottom, self.bottom_of_strips] {
            line([(left, edge), (right, edge)], faint);
        }
        for edge in [left, right] {
            line([(edge, top), (edge, self.bottom_of_strips)], faint);
        }
        for (row, words) in [(Row::Kernel, "kernel"), (Row::Unknown, "unknown")] {
            if let Some(y) = self.strip(row) {
                line([(left, y + STRIP / 2.0), (right, y + STRIP / 2.0)], grid);
                texts.push((left - 8.0, y + 4.0, Anchor::End, words.to_owned()));
            }
        }
        let middle = f32::midpoint(left, right);
        texts.push((
            middle,
            self.bottom_of_strips + 34.0,
            Anchor::Middle,
            "CPU used, % of one core".to_owned(),
        ));
        texts.push((
            left - 68.0,
            top - 8.0,
            Anchor::Start,
            match self.axes.by_rss {
                true => "resident set".to_owned(),
                false => "address space".to_owned(),
            },
        ));
        if is_empty {
            let middle_y = f32::midpoint(top, bottom);
            let words = "no task used CPU or changed its memory".to_owned();
            texts.push((middle, middle_y, Anchor::Middle, words));
        }
        for (x, y, anchor, text) in texts {
            let text = context.font.fit(&text, LABEL, right - left);
            scene.items.push(Item::Text(Text {
                x,
                y,
                size: LABEL,
                anchor,
                color: faint,
                text,
            }));
        }
    }
}
