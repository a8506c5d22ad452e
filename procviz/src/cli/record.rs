use std::{ffi::OsString, path::PathBuf};

use clap::{Args, ValueEnum};

use super::{RuleArgs, SamplingArgs, SummaryArgs};

/// Options of `record`.
#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// File to record to (.pvz), or a folder for many files; a new folder needs a / at the end
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Permissions of new files, octal
    #[arg(long, value_name = "MODE", default_value = "600")]
    pub mode: String,
    /// Record only processes, each with the sum of its threads
    #[arg(short = 'p', long = "no-threads")]
    pub no_threads: bool,
    /// Leave out data that can contain secrets
    #[arg(long, value_enum, value_name = "WHAT")]
    pub redact: Option<RedactArg>,
    /// When to begin and to remove files.
    #[command(flatten)]
    pub files: FilesArgs,
    /// When to sample.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// The findings that marks and triggers report.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Record only this process and its descendants
    #[arg(long = "tree", value_name = "PID", allow_hyphen_values = true)]
    pub trees: Vec<String>,
    /// What to print after a command.
    #[command(flatten)]
    pub summary: SummaryArgs,
    /// Run this command; record only the command and its descendants, and exit with its status
    #[arg(last = true, value_name = "COMMAND")]
    pub run: Vec<OsString>,
}

/// Options of recordings in a folder.
#[derive(Clone, Debug, Args)]
pub struct FilesArgs {
    /// In a folder, begin a new file after this time [default: 1h]
    #[arg(
        long,
        value_name = "TIME",
        conflicts_with = "ring",
        allow_hyphen_values = true
    )]
    pub rotate: Option<String>,
    /// In a folder, remove recordings that are older than this, such as 7d
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub max_age: Option<String>,
    /// In a folder, remove the oldest recordings when all together are larger than this, such as 2G
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub max_size: Option<String>,
    /// In a folder, keep this much time in memory, such as 5m, and write it to a file when a trigger fires (--on)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub ring: Option<String>,
    /// Trigger of --ring: exit:COMMAND signal:N rss:COMMAND:SIZE forks:PER_SECOND psi:memory.some:PERCENT% load:N gone:PID finding:RULE; SIGUSR2 is always a trigger
    #[arg(
        long = "on",
        value_name = "TRIGGER",
        requires = "ring",
        allow_hyphen_values = true
    )]
    pub triggers: Vec<String>,
    /// Upper limit for the memory of the ring [default: 64M]
    #[arg(
        long,
        value_name = "SIZE",
        requires = "ring",
        allow_hyphen_values = true
    )]
    pub ring_size: Option<String>,
    /// Record this much time after the last trigger, too [default: 30s]
    #[arg(
        long,
        value_name = "TIME",
        requires = "ring",
        allow_hyphen_values = true
    )]
    pub after: Option<String>,
    /// Time after the end of a file before a trigger begins another file [default: 1m]
    #[arg(
        long,
        value_name = "TIME",
        requires = "ring",
        allow_hyphen_values = true
    )]
    pub cool_down: Option<String>,
    /// In a folder, keep only this many recordings, the newest [default with --ring: 20]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub keep: Option<String>,
}

/// Data that can contain secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RedactArg {
    /// Arguments of processes
    Args,
}
