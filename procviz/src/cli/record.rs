use std::{ffi::OsString, path::PathBuf};

use clap::{Args, ValueEnum};

use super::SamplingArgs;

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
    /// Record for this process and its descendants alone
    #[arg(long = "tree", value_name = "PID", allow_hyphen_values = true)]
    pub trees: Vec<String>,
    /// Run this and record for it and its descendants alone; its status is ours
    #[arg(last = true, value_name = "COMMAND")]
    pub run: Vec<OsString>,
}

/// What may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RedactArg {
    /// Arguments of processes
    Args,
}
