//! Runs `procviz timeline`.

use super::picture;
use crate::{
    chart::{HeatOf, HeatOptions, HeatRows, Timeline, TimelineOptions},
    cli::{HeatArg, HeatOfArg, TimelineArgs},
    live::{self, ChartOptions},
    model::Scope,
    runtime::{
        Failure,
        drawing::{grouping, palette, theme},
    },
    view::ChartKind,
};

pub(super) fn run(args: &TimelineArgs) -> Result<u8, Failure> {
    let scope = match args.threads {
        true => Scope::Threads,
        false => Scope::Processes,
    };
    let options = TimelineOptions {
        scope,
        grouping: grouping(args.group),
        theme: theme(&args.picture),
        palette: palette(&args.picture),
        heat: args.heat.map(|rows| HeatOptions {
            rows: match rows {
                HeatArg::Seconds => HeatRows::Seconds,
                HeatArg::Tasks => HeatRows::Tasks,
            },
            of: match args.heat_of {
                HeatOfArg::Cpu => HeatOf::Cpu,
                HeatOfArg::Waiting => HeatOf::Waiting,
            },
        }),
    };
    // A heat map is about less than a second.
    let (still, live) = match args.heat {
        Some(_) => (0.05, 0.05),
        None => (0.2, 1.0),
    };
    match &args.picture.output {
        Some(path) => {
            let chart = Box::new(Timeline::new(options));
            picture::run(chart, scope, (path, &args.picture), still)
        }
        None => {
            let mut charts = ChartOptions::usual(ChartKind::Timeline, &args.picture);
            charts.grid.grouping = options.grouping;
            charts.timeline = options;
            live::run(charts, &args.picture, live)
        }
    }
}
