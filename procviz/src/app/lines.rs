//! Runs `procviz lines`.

use super::picture;
use crate::{
    chart::{ANGLE, Chart, Lines, LinesOptions},
    cli::LinesArgs,
    live::{self, Looks},
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
        angle: ANGLE,
    };
    match &args.picture.output {
        Some(path) => {
            let chart = Chart::Lines(Lines::new(options));
            picture::run(chart, scope, (path, &args.picture), 5.0)
        }
        None => {
            let mut looks = Looks::usual(ChartKind::Lines, &args.picture);
            looks.lines = options;
            live::run(looks, &args.picture, 1.0)
        }
    }
}
