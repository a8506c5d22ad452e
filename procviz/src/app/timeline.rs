//! Runs `procviz timeline`.

use super::picture;
use crate::{
    chart::{Timeline, TimelineOptions},
    cli::TimelineArgs,
    live::{self, ChartOptions},
    model::Scope,
    runtime::{
        Failure,
        drawing::{grouping, palette, theme},
    },
    view::ChartKind,
};

pub(super) fn run(args: &TimelineArgs) -> Result<u8, Failure> {
    let options = TimelineOptions {
        grouping: grouping(args.group),
        theme: theme(&args.picture),
        palette: palette(&args.picture),
    };
    match &args.picture.output {
        Some(path) => {
            let chart = Box::new(Timeline::new(options));
            picture::run(chart, Scope::Processes, (path, &args.picture), 0.2)
        }
        None => {
            let mut charts = ChartOptions::usual(ChartKind::Timeline, &args.picture);
            charts.grid.grouping = options.grouping;
            charts.timeline = options;
            live::run(charts, &args.picture, 1.0)
        }
    }
}
