//! Runs `procviz timeline`.

use super::picture;
use crate::{
    chart::{Timeline, TimelineOptions},
    cli::TimelineArgs,
    model::Scope,
    runtime::{
        Failure,
        drawing::{grouping, palette, theme},
    },
};

pub(super) fn run(args: &TimelineArgs) -> Result<u8, Failure> {
    let Some(path) = &args.picture.output else {
        return Err(Failure::usage(
            "`timeline` has no live view yet: write it to a file with `-o FILE`".to_owned(),
        ));
    };
    let options = TimelineOptions {
        grouping: grouping(args.group),
        theme: theme(&args.picture),
        palette: palette(&args.picture),
    };
    let chart = Box::new(Timeline::new(options));
    picture::run(chart, Scope::Processes, (path, &args.picture), 0.2)
}
