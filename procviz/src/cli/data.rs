use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use super::{FilterArgs, RuleArgs, SamplingArgs};

/// Options of `dump`.
#[derive(Clone, Debug, Args)]
pub struct DumpArgs {
    /// Print one JSON object per line [default]; machine.deaths counts the exits that were seen, lost.exit and lost.dead the exits that were missed
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print CSV, one row per task
    #[arg(long)]
    pub csv: bool,
    /// Put a ' before text that a spreadsheet would treat as a formula
    #[arg(long, requires = "csv")]
    pub spreadsheet: bool,
    /// Print processes instead of threads
    #[arg(short = 'p', long = "no-threads")]
    pub no_threads: bool,
    /// Also record all samples to this file, for --from
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// When to sample.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// The tasks to show.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// The findings to report.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Run this command; show only the command and its descendants, and exit with its status
    #[arg(last = true, value_name = "COMMAND")]
    pub run: Vec<OsString>,
}

/// Options of `findings`.
#[derive(Clone, Debug, Args)]
pub struct FindingsArgs {
    /// Print one JSON object per line instead of columns
    #[arg(long)]
    pub json: bool,
    /// When to sample.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// The tasks to watch.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// The findings to report.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Run this command; watch only the command and its descendants, and exit with its status
    #[arg(last = true, value_name = "COMMAND")]
    pub run: Vec<OsString>,
}
