//! Connects source, tracker, chart and output, with one file per subcommand.

mod about;
mod bubble;
mod check;
mod csv;
mod doctor;
mod dump;
mod exits;
mod findings;
mod grid;
mod lines;
mod note;
mod page;
mod picture;
mod record;
mod timeline;
#[cfg(debug_assertions)]
mod tried;

use anyhow::Context as _;

pub use crate::runtime::Failure;
use crate::{
    cli::{Cli, Command},
    runtime::limits,
    session::command,
    source::{answer_names, capabilities, confine, invoker},
};

/// Runs the subcommand, and returns the exit status.
///
/// # Errors
///
/// [`Failure`] holds the message and the exit status.
pub fn run(cli: Cli) -> Result<u8, Failure> {
    capabilities::put_aside().context("failed to set aside the capabilities of procviz")?;
    if cli.no_confine {
        confine::turn_off();
    }
    limits::prepare()?;
    // Fail now if the caller of sudo cannot be found: procviz must not go on as root.
    invoker()?;
    match cli.command {
        None => grid::run(&cli.grid),
        Some(Command::Grid(args)) => grid::run(&args),
        Some(Command::Bubble(args)) => bubble::run(&args),
        Some(Command::Lines(args)) => lines::run(&args),
        Some(Command::Timeline(args)) => timeline::run(&args),
        Some(Command::Exits(args)) => exits::run(&args),
        Some(Command::Findings(args)) => findings::run(&args),
        Some(Command::Rules) => about::rules(),
        Some(Command::Dump(args)) => dump::run(&args),
        Some(Command::Record(args)) => record::run(&args),
        Some(Command::Note(args)) => note::run(&args),
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
