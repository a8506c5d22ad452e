//! Holds the options of all charts of a live view, which can change from one chart to
//! another.

use crate::{
    chart::{ANGLE, BubbleOptions, Colors, GridOptions, Grouping, LinesOptions, Sorting, Theme},
    cli::PictureArgs,
    model::Scope,
    runtime::drawing::{palette, theme},
    view::ChartKind,
};

/// Options of each chart, and the chart to begin with.
#[derive(Clone)]
pub(crate) struct Looks {
    pub(crate) first: ChartKind,
    pub(crate) grid: GridOptions,
    pub(crate) bubble: BubbleOptions,
    pub(crate) lines: LinesOptions,
}

impl Looks {
    /// Sets the theme of all charts.
    pub(super) fn in_theme(&mut self, theme: Theme) {
        self.grid.theme = theme;
        self.bubble.theme = theme;
        self.lines.theme = theme;
    }

    /// The default options. A subcommand replaces those of its own chart.
    pub(crate) fn usual(first: ChartKind, args: &PictureArgs) -> Self {
        let (theme, palette) = (theme(args), palette(args));
        Self {
            first,
            grid: GridOptions {
                scope: Scope::Threads,
                grouping: Grouping::User,
                sorting: Sorting::Start,
                columns: None,
                point_size: 300.0,
                theme,
                palette,
                colors: Colors::default(),
                classic: args.classic,
            },
            bubble: BubbleOptions {
                scope: Scope::Processes,
                theme,
                palette,
                grouping: Grouping::User,
                even_axes: args.classic,
                user_colors: Vec::new(),
            },
            lines: LinesOptions {
                scope: Scope::Threads,
                theme,
                palette,
                angle: ANGLE,
            },
        }
    }
}
