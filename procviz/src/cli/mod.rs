//! What can be typed, and nothing else: no I/O, no decisions.

mod csv;
mod exits;
mod grid;
mod sampling;

use clap::{Parser, Subcommand};

pub use csv::CsvArgs;
pub use exits::ExitsArgs;
pub use grid::{GridArgs, ThemeArg};
pub use sampling::SamplingArgs;

/// See every task on a Linux machine at a glance, and miss none.
#[derive(Debug, Parser)]
#[command(
    name = "procviz",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  sudo procviz grid -o tasks.png         a picture of every thread, the dead ones included\n  sudo procviz exits                     a line for every process that ends, as it ends\n  procviz doctor                         what is missing for full service, and what mends it"
)]
pub struct Cli {
    /// What to do; `grid` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of `grid`.
    #[command(flatten)]
    pub grid: GridArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Draw a dot per task
    Grid(GridArgs),
    /// Print a line for every process that ends, as it ends
    Exits(ExitsArgs),
    /// Print snapshots as data, one a line
    Dump(DumpArgs),
    /// Print stat, status and io of tasks as CSV, raw
    Csv(CsvArgs),
    /// Tell what procviz needs, whether it is there, and what mends it
    Doctor,
    /// Wait for SIGCONT, become the invoking user and run a command
    #[command(hide = true, name = "__launch")]
    Launch {
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<std::ffi::OsString>,
    },
}

/// Options of `dump`.
#[derive(Debug, clap::Args)]
pub struct DumpArgs {
    /// One JSON object a line (the only format there is)
    #[arg(long)]
    pub json: bool,
    /// Processes instead of threads
    #[arg(short = 'p', long = "no-threads")]
    pub no_threads: bool,
    /// When to sample.
    #[command(flatten)]
    pub sampling: SamplingArgs,
}
