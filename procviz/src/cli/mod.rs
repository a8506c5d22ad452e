//! Describes the command line, and nothing else: no I/O, no decisions.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "doc comments are help texts here, in which brackets are no links"
)]

mod bubble;
mod csv;
mod data;
mod exits;
mod filter;
mod grid;
mod lines;
mod note;
mod picture;
mod range;
mod record;
mod rules;
mod sampling;
mod summary;
mod timeline;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use bubble::{BubbleArgs, SizeArg};
pub use csv::CsvArgs;
pub use data::{DumpArgs, FindingsArgs};
pub use exits::ExitsArgs;
pub use filter::FilterArgs;
pub use grid::GridArgs;
pub use lines::LinesArgs;
pub use note::{NoteArgs, NoteKind};
pub use picture::{GroupArg, PaletteArg, PictureArgs, ThemeArg, ViewArg};
pub use range::RangeArgs;
pub use record::{FilesArgs, RecordArgs, RedactArg};
pub use rules::RuleArgs;
pub use sampling::SamplingArgs;
pub use summary::{SummaryArg, SummaryArgs};
pub use timeline::{HeatArg, HeatOfArg, TimelineArgs};

const EXAMPLES: &str = "\
Examples:
  sudo procviz                       every task, live, in a window or this terminal
  sudo procviz grid -o tasks.png     a picture of every thread, with the exited threads
  sudo procviz exits                 a line for every process that exits, as it exits
  sudo procviz bubble -o b.svg -- make    the resources that a command and its children use";

/// Show every task on a Linux machine at a glance, and miss none.
#[derive(Debug, Parser)]
#[command(
    name = "procviz",
    version,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES
)]
pub struct Cli {
    /// The subcommand; `grid` if there is none.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// For debugging: do not confine procviz (no seccomp, no Landlock, no change of user id)
    #[arg(long, global = true, hide_short_help = true)]
    pub no_confine: bool,
    /// Options of `grid`.
    #[command(flatten)]
    pub grid: GridArgs,
}

impl Cli {
    /// Parses the command line. The main help is short: without a subcommand, procviz
    /// takes the options of `grid`, which are in the help of `grid`.
    ///
    /// # Errors
    ///
    /// The help or the version if the user asked for it, or what is wrong.
    pub fn from_args() -> Result<Self, clap::Error> {
        let matches = Self::brief().try_get_matches()?;
        Self::from_arg_matches(&matches)
    }

    /// The clap command, without the options of `grid` in the main help.
    pub fn brief() -> clap::Command {
        let hide = |arg: clap::Arg| {
            let is_own = matches!(arg.get_id().as_str(), "help" | "version");
            arg.hide(!is_own)
        };
        Self::command().mut_args(hide)
    }
}

impl Cli {
    /// The visible subcommands, without options of their own: for completions, and to
    /// find the subcommand that a mistyped one is similar to.
    pub fn subcommands_only() -> clap::Command {
        let all = Self::brief();
        let visible = all
            .get_subcommands()
            .filter(|command| !command.is_hide_set());
        clap::Command::new("procviz")
            .version(env!("CARGO_PKG_VERSION"))
            .subcommand_required(true)
            .subcommands(visible.cloned())
    }

    /// The subcommand that a mistyped word is similar to.
    pub fn similar(word: &str) -> Option<String> {
        let parsed = Self::subcommands_only().try_get_matches_from(["procviz", word]);
        let error = parsed.err()?;
        let suggestions = error.get(clap::error::ContextKind::SuggestedSubcommand)?;
        match suggestions {
            clap::error::ContextValue::Strings(all) => all.first().cloned(),
            clap::error::ContextValue::String(one) => Some(one.clone()),
            _ => None,
        }
    }
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show or draw one dot per task
    Grid(Box<GridArgs>),
    /// Show or draw one bubble per active or changing task: CPU, address space, RSS
    Bubble(Box<BubbleArgs>),
    /// Show or draw one line per active thread: time, CPU, RSS, in 3D
    Lines(Box<LinesArgs>),
    /// Show or draw one bar per process, from its start to its end
    Timeline(Box<TimelineArgs>),
    /// Print a line for every process that exits, as it exits
    Exits(ExitsArgs),
    /// Print a line when a finding (an unusual activity) begins, and when it ends
    #[command(alias = "notables")]
    Findings(FindingsArgs),
    /// Print the rules: what each finds, how bad it is, and its thresholds
    Rules,
    /// Print snapshots as JSON or CSV
    Dump(DumpArgs),
    /// Record samples to a file, for --from
    Record(RecordArgs),
    /// Keep what happened at a time of a recording, such as a deploy or a restart, beside it
    Note(NoteArgs),
    /// Show what a recording holds, and whether it is damaged
    Check {
        /// The recording, or a folder of recordings; - is standard input.
        file: std::path::PathBuf,
    },
    /// Print the values in stat, status and io of tasks as CSV, unchanged
    Csv(CsvArgs),
    /// Show what procviz needs, whether the machine has it, and how to fix what is missing
    Doctor,
    /// Print completions for a shell
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
    /// Read user ids and print their names
    #[command(hide = true, name = "__names")]
    Names,
    /// Try operations that a confined procviz must not be able to do
    #[cfg(debug_assertions)]
    #[command(hide = true, name = "__try")]
    Try {
        /// A file that must not be written.
        elsewhere: std::path::PathBuf,
        /// Pid of a process that must not receive signals.
        victim: i32,
        /// The folder of the output, or a recording to read.
        output: std::path::PathBuf,
        /// Confine procviz as a reader of recordings.
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
