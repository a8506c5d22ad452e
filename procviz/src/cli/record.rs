use std::{ffi::OsString, path::PathBuf};

use clap::{Args, ValueEnum};

use super::{FilterArgs, SamplingArgs};

/// Options of `record`.
#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// File to record to, .pvz
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Permissions of the file, octal
    #[arg(long, value_name = "MODE", default_value = "600")]
    pub mode: String,
    /// Leave out what may hold secrets
    #[arg(long, value_enum, value_name = "WHAT")]
    pub redact: Option<RedactArg>,
    /// When to sample.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Whom to follow with `--tree`; other filters are for reading.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Run this and record it and its descendants alone; its status is ours
    #[arg(last = true, value_name = "COMMAND")]
    pub run: Vec<OsString>,
}

/// What may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RedactArg {
    /// Arguments of processes
    Args,
}
