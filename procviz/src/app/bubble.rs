//! Runs `procviz bubble`.

use super::picture;
use crate::{
    chart::{Bubble, BubbleOptions, parse_color},
    cli::{BubbleArgs, SizeArg},
    live::{self, ChartOptions},
    model::{Scope, Untrusted},
    runtime::{
        Failure,
        drawing::{grouping, palette, theme},
    },
    scene::Color,
    view::ChartKind,
};

pub(super) fn run(args: &BubbleArgs) -> Result<u8, Failure> {
    let scope = if args.threads {
        Scope::Threads
    } else {
        Scope::Processes
    };
    let user_colors = args
        .user_colors
        .iter()
        .map(|text| user_color(text))
        .collect::<Result<_, _>>()?;
    let options = BubbleOptions {
        scope,
        theme: theme(&args.picture),
        palette: palette(&args.picture),
        grouping: grouping(args.group),
        by_rss: args.y == SizeArg::Rss,
        even_axes: args.picture.classic,
        user_colors,
    };
    match &args.picture.output {
        Some(path) => {
            let chart = Box::new(Bubble::new(options));
            picture::run(chart, scope, (path, &args.picture), 1.0)
        }
        None => {
            let mut charts = ChartOptions::usual(ChartKind::Bubble, &args.picture);
            charts.grid.grouping = options.grouping;
            charts.bubble = options;
            live::run(charts, &args.picture, 1.0)
        }
    }
}

fn user_color(text: &str) -> Result<(String, Color), Failure> {
    let typed = Untrusted::new(text.as_bytes()).terminal();
    let Some((user, color)) = text.split_once('=').filter(|(user, _)| !user.is_empty()) else {
        return Err(Failure::usage(format!(
            "invalid value in `--user-color {typed}`: expected USER=COLOUR, such as `root=crimson`"
        )));
    };
    let color = parse_color(color).map_err(|error| {
        Failure::usage(format!("invalid value in `--user-color {typed}`: {error}"))
    })?;
    // Pictures show a user without a name as `uid N`.
    let user = match user.parse::<u32>() {
        Ok(uid) => format!("uid {uid}"),
        Err(_) => user.to_owned(),
    };
    Ok((user, color))
}
