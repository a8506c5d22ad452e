//! `procviz lines`.

use super::{
    Failure,
    picture::{self, Chart, palette, theme},
};
use crate::{
    chart::{ANGLE, Lines, LinesOptions},
    cli::LinesArgs,
    model::Scope,
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
    picture::run(Chart::Lines(Lines::new(options)), scope, &args.picture, 5.0)
}
