//! Runs `procviz lines`.

use super::picture;
use crate::{
    chart::{ANGLE, Lines, LinesOptions},
    cli::LinesArgs,
    live::{self, ChartOptions},
    model::Scope,
    runtime::{
        Failure,
        drawing::{palette, theme},
    },
    view::ChartKind,
};

pub(super) fn run(args: &LinesArgs) -> Result<u8, Failure> {
    let scope = if args.no_threads {
        Scope::Processes
    } else {
        Scope::Threads
    };
    let options = LinesOptions {
        scope,
        theme: theme(&args.picture),
        palette: palette(&args.picture),
        is_3d: args.is_3d || args.picture.classic,
        angle: ANGLE,
    };
    match &args.picture.output {
        Some(path) => {
            let chart = Box::new(Lines::new(options));
            picture::run(chart, scope, (path, &args.picture), 5.0)
        }
        None => {
            let mut charts = ChartOptions::usual(ChartKind::Lines, &args.picture);
            charts.lines = options;
            live::run(charts, &args.picture, 1.0)
        }
    }
}
