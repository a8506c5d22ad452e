//! Wires source, tracker, chart and file together, a file a subcommand.

mod about;
mod bubble;
mod check;
mod command;
mod config;
mod csv;
mod doctor;
mod dump;
mod ending;
mod exits;
mod failure;
mod feed;
mod grid;
mod limits;
mod lines;
mod live;
mod measures;
mod moment;
mod notables;
mod open;
mod output;
mod page;
mod picture;
mod record;
mod recorder;
mod selection;
mod session;
mod signals;
mod stdout;
#[cfg(debug_assertions)]
mod tried;
mod trigger;
mod watch;

pub use failure::Failure;

use anyhow::Context as _;

use crate::{
    cli::{Cli, Command},
    source::{answer_names, capabilities, confine, invoker},
};

/// Parses a text as everything that can be typed: for fuzzing.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn parse_any(text: &str) {
    use crate::{source::Users, tracker::Filter};
    _ = moment::Moment::parse("--at", text);
    _ = config::duration("--duration", text, text);
    _ = config::bytes("--max-size", text, text);
    _ = config::number("--scale", text, "", |_| true);
    _ = config::size(text);
    _ = config::mode(text);
    _ = trigger::Triggers::parse(&[text.to_owned()]);
    let users = Users::of_recording(&Default::default());
    _ = selection::of_line(text, &Filter::default(), &users);
}

/// Does what was typed; returns the exit status.
///
/// # Errors
///
/// [`Failure`] holds the message and the status to end with.
pub fn run(cli: Cli) -> Result<u8, Failure> {
    capabilities::put_aside().context("failed to put the capabilities of procviz aside")?;
    if cli.no_confine {
        confine::turn_off();
    }
    limits::prepare()?;
    // Who is not understood is not taken for root later on.
    invoker()?;
    match cli.command {
        None => grid::run(&cli.grid),
        Some(Command::Grid(args)) => grid::run(&args),
        Some(Command::Bubble(args)) => bubble::run(&args),
        Some(Command::Lines(args)) => lines::run(&args),
        Some(Command::Exits(args)) => exits::run(&args),
        Some(Command::Notables(args)) => notables::run(&args),
        Some(Command::Dump(args)) => dump::run(&args),
        Some(Command::Record(args)) => record::run(&args),
        Some(Command::Check { file }) => check::run(&file),
        Some(Command::Csv(args)) => csv::run(&args),
        Some(Command::Doctor) => doctor::run(),
        Some(Command::Completions { shell }) => about::completions(shell),
        Some(Command::Man) => about::man(),
        Some(Command::Names) => Ok(answer_names().map(|()| 0)?),
        #[cfg(debug_assertions)]
        Some(Command::Try {
            elsewhere,
            victim,
            output,
            reads,
        }) => tried::run(&elsewhere, victim, (&output, reads)),
        Some(Command::Launch { command }) => command::launch(&command),
    }
}
