use std::{ffi::OsString, path::PathBuf};

use clap::{Args, ValueEnum};

use super::SamplingArgs;

/// Options of `record`.
#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// File to record to, .pvz; or a folder, for many files (ends with / where it is not there yet)
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Permissions of the files, octal
    #[arg(long, value_name = "MODE", default_value = "600")]
    pub mode: String,
    /// Processes alone: of their threads, what they do together
    #[arg(short = 'p', long = "no-threads")]
    pub no_threads: bool,
    /// Leave out what may hold secrets
    #[arg(long, value_enum, value_name = "WHAT")]
    pub redact: Option<RedactArg>,
    /// When there is to be another file.
    #[command(flatten)]
    pub files: FilesArgs,
    /// When to sample.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Record for this process and its descendants alone
    #[arg(long = "tree", value_name = "PID", allow_hyphen_values = true)]
    pub trees: Vec<String>,
    /// Run this and record for it and its descendants alone; its status is ours
    #[arg(last = true, value_name = "COMMAND")]
    pub run: Vec<OsString>,
}

/// Options of recordings in a folder.
#[derive(Clone, Debug, Args)]
pub struct FilesArgs {
    /// In a folder, begin another file after this time [default: 1h]
    #[arg(
        long,
        value_name = "TIME",
        conflicts_with = "ring",
        allow_hyphen_values = true
    )]
    pub rotate: Option<String>,
    /// In a folder, remove recordings that are older
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub max_age: Option<String>,
    /// In a folder, remove the oldest recordings when all have more than this, as in 2G
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub max_size: Option<String>,
    /// Hold the last minutes in memory, and write them when something happens
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub ring: Option<String>,
    /// What that is: exit:COMMAND signal:N rss:COMMAND:SIZE forks:PER_SECOND psi:memory.some:PERCENT% load:N gone:PID finding:RULE; SIGUSR2 does it, too
    #[arg(
        long = "on",
        value_name = "TRIGGER",
        requires = "ring",
        allow_hyphen_values = true
    )]
    pub triggers: Vec<String>,
    /// Memory that the ring may take [default: 64M]
    #[arg(
        long,
        value_name = "SIZE",
        requires = "ring",
        allow_hyphen_values = true
    )]
    pub ring_size: Option<String>,
    /// Go on for so long after what has happened last [default: 30s]
    #[arg(
        long,
        value_name = "TIME",
        requires = "ring",
        allow_hyphen_values = true
    )]
    pub after: Option<String>,
    /// Begin no other file for so long after one has ended [default: 1m]
    #[arg(
        long,
        value_name = "TIME",
        requires = "ring",
        allow_hyphen_values = true
    )]
    pub cool_down: Option<String>,
    /// In a folder, keep this many recordings, the newest [default with --ring: 20]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub keep: Option<String>,
}

/// What may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RedactArg {
    /// Arguments of processes
    Args,
}
