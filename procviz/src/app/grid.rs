//! Runs `procviz grid`.

use super::picture;
use crate::{
    chart::{Colors, Grid, GridOptions, Sorting},
    cli::GridArgs,
    live::{self, ChartOptions},
    model::Scope,
    runtime::{
        Failure, config,
        drawing::{grouping, palette, theme},
    },
    view::ChartKind,
};

pub(super) fn run(args: &GridArgs) -> Result<u8, Failure> {
    let options = options(args)?;
    let scope = options.scope;
    match &args.picture.output {
        Some(path) => {
            let chart = Box::new(Grid::new(options));
            picture::run(chart, scope, (path, &args.picture), 1.0)
        }
        None => {
            let mut charts = ChartOptions::usual(ChartKind::Grid, &args.picture);
            charts.grid = options;
            live::run(charts, &args.picture, 1.0)
        }
    }
}

fn options(args: &GridArgs) -> Result<GridOptions, Failure> {
    let columns = args
        .columns
        .as_deref()
        .map(|text| config::whole("--columns", text, 1, 100_000))
        .transpose()?;
    let allowed = "an area from 1 to 100000 square points";
    let point_size = config::number("--point-size", &args.point_size, allowed, |value| {
        (1.0..=100_000.0).contains(&value)
    })?;
    let colors = match &args.colors {
        Some(text) => Colors::parse(text)
            .map_err(|error| Failure::usage(format!("invalid value in `--colors`: {error}")))?,
        None => Colors::default(),
    };
    Ok(GridOptions {
        scope: if args.no_threads {
            Scope::Processes
        } else {
            Scope::Threads
        },
        grouping: grouping(args.group),
        sorting: Sorting::Start,
        columns: columns.map(|columns| columns as usize),
        point_size: point_size as f32,
        theme: theme(&args.picture),
        palette: palette(&args.picture),
        colors,
        classic: args.picture.classic,
    })
}
