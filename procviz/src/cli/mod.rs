//! What can be typed, and nothing else: no I/O, no decisions.

mod bubble;
mod csv;
mod data;
mod exits;
mod filter;
mod grid;
mod lines;
mod picture;
mod range;
mod record;
mod sampling;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use bubble::BubbleArgs;
pub use csv::CsvArgs;
pub use data::{DumpArgs, FindingsArgs};
pub use exits::ExitsArgs;
pub use filter::FilterArgs;
pub use grid::GridArgs;
pub use lines::LinesArgs;
pub use picture::{GroupArg, PaletteArg, PictureArgs, ThemeArg, ViewArg};
pub use range::RangeArgs;
pub use record::{FilesArgs, RecordArgs, RedactArg};
pub use sampling::SamplingArgs;

const EXAMPLES: &str = "\
Examples:
  sudo procviz                       every task, live, in a window or this terminal
  sudo procviz grid -o tasks.png     a picture of every thread, the dead ones included
  sudo procviz exits                 a line for every process that ends, as it ends
  sudo procviz bubble -o b.svg -- make    what a command and its children use";

/// See every task on a Linux machine at a glance, and miss none.
#[derive(Debug, Parser)]
#[command(
    name = "procviz",
    version,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES
)]
pub struct Cli {
    /// What to do; `grid` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)
    #[arg(long, global = true, hide_short_help = true)]
    pub no_confine: bool,
    /// Options of `grid`.
    #[command(flatten)]
    pub grid: GridArgs,
}

impl Cli {
    /// Parses what was typed, or gives the help or a message. The help of
    /// the whole is short: the options that it takes without a command are
    /// those of `grid`, and stand there.
    ///
    /// # Errors
    ///
    /// With the help that was asked for, or with what was wrong.
    pub fn from_args() -> Result<Self, clap::Error> {
        let matches = Self::brief().try_get_matches()?;
        Self::from_arg_matches(&matches)
    }

    /// The command with `grid`'s options out of its own help.
    pub fn brief() -> clap::Command {
        let hide = |arg: clap::Arg| {
            let is_own = matches!(arg.get_id().as_str(), "help" | "version");
            arg.hide(!is_own)
        };
        Self::command().mut_args(hide)
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show or draw a dot per task
    Grid(Box<GridArgs>),
    /// Show or draw a bubble per interesting task: CPU, address space, RSS
    Bubble(Box<BubbleArgs>),
    /// Show or draw a line per interesting thread: time, CPU, RSS, in 3D
    Lines(Box<LinesArgs>),
    /// Print a line for every process that ends, as it ends
    Exits(ExitsArgs),
    /// Print a line when something begins to stand out, and when it ends
    #[command(alias = "notables")]
    Findings(FindingsArgs),
    /// Print snapshots as data, one a line
    Dump(DumpArgs),
    /// Keep samples in a file, for --from
    Record(RecordArgs),
    /// Tell what is in a recording, and whether it is sound
    Check {
        /// The recording, or a folder of them; - is the standard input.
        file: std::path::PathBuf,
    },
    /// Print stat, status and io of tasks as CSV, raw
    Csv(CsvArgs),
    /// Tell what procviz needs, whether it is there, and what mends it
    Doctor,
    /// Print completions for a shell
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
    /// Answer user ids with names
    #[command(hide = true, name = "__names")]
    Names,
    /// Try from inside what a confined procviz must not do
    #[cfg(debug_assertions)]
    #[command(hide = true, name = "__try")]
    Try {
        /// A file that must not be written.
        elsewhere: std::path::PathBuf,
        /// A process that must not be signalled.
        victim: i32,
        /// The folder of the output, or a recording to read.
        output: std::path::PathBuf,
        /// Read instead of watching.
        #[arg(long)]
        reads: bool,
    },
    /// Wait for SIGCONT, become the invoking user and run a command
    #[command(hide = true, name = "__launch")]
    Launch {
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<std::ffi::OsString>,
    },
}
