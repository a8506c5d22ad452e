//! Holds the options of all charts of a live view, which can change from one chart to
//! another.

use crate::{
    chart::{BubbleOptions, GridOptions, LinesOptions, Theme, TimelineOptions},
    cli::PictureArgs,
    runtime::drawing::{palette, theme},
    view::ChartKind,
};

/// Options of each chart, and the chart to begin with.
#[derive(Clone)]
pub(crate) struct ChartOptions {
    pub(crate) first: ChartKind,
    pub(crate) grid: GridOptions,
    pub(crate) bubble: BubbleOptions,
    pub(crate) lines: LinesOptions,
    pub(crate) timeline: TimelineOptions,
}

impl ChartOptions {
    /// Sets the theme of all charts.
    pub(super) fn in_theme(&mut self, theme: Theme) {
        self.grid.theme = theme;
        self.bubble.theme = theme;
        self.lines.theme = theme;
        self.timeline.theme = theme;
    }

    /// The default options. A subcommand replaces those of its own chart.
    pub(crate) fn usual(first: ChartKind, args: &PictureArgs) -> Self {
        let (theme, palette) = (theme(args), palette(args));
        Self {
            first,
            grid: GridOptions {
                theme,
                palette,
                classic: args.classic,
                ..GridOptions::default()
            },
            bubble: BubbleOptions {
                theme,
                palette,
                even_axes: args.classic,
                ..BubbleOptions::default()
            },
            lines: LinesOptions {
                theme,
                palette,
                is_3d: args.classic,
                ..LinesOptions::default()
            },
            timeline: TimelineOptions {
                theme,
                palette,
                ..TimelineOptions::default()
            },
        }
    }
}
