use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use super::{FilterArgs, SamplingArgs};

/// Options of `dump`.
#[derive(Clone, Debug, Args)]
pub struct DumpArgs {
    /// One JSON object a line [default]; machine.deaths counts the ends that were seen, lost.exit and lost.dead those that were not
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// CSV, a row per task
    #[arg(long)]
    pub csv: bool,
    /// Put a ' before text that a spreadsheet would run as a formula
    #[arg(long, requires = "csv")]
    pub spreadsheet: bool,
    /// Processes instead of threads
    #[arg(short = 'p', long = "no-threads")]
    pub no_threads: bool,
    /// Record all that is watched, too, for --from
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// When to sample.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Whom to show.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Run this and show it and its descendants alone; its status is ours
    #[arg(last = true, value_name = "COMMAND")]
    pub run: Vec<OsString>,
}

/// Options of `findings`.
#[derive(Clone, Debug, Args)]
pub struct FindingsArgs {
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub json: bool,
    /// When to sample.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Whom to watch.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Run this and watch it and its descendants alone; its status is ours
    #[arg(last = true, value_name = "COMMAND")]
    pub run: Vec<OsString>,
}
