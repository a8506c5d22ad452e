use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use super::{FilterArgs, RangeArgs};

/// Options of `exits`.
#[derive(Clone, Debug, Args)]
pub struct ExitsArgs {
    /// Print one JSON object per line instead of columns
    #[arg(long)]
    pub json: bool,
    /// Print exits of threads, too
    #[arg(long)]
    pub threads: bool,
    /// Only processes that ended like this: failed (not with 0), signal (by any signal), a signal such as SIGKILL, or an exit status such as 7; repeats are alternatives
    #[arg(long, value_name = "HOW", allow_hyphen_values = true)]
    pub status: Vec<String>,
    /// Stop after this time, such as 30s, 5m or 1h
    #[arg(
        long,
        value_name = "TIME",
        allow_hyphen_values = true,
        conflicts_with_all = ["from", "command"]
    )]
    pub duration: Option<String>,
    /// Fail with status 4 without kernel events; `exits` always does so
    #[arg(long)]
    pub require_ebpf: bool,
    /// Read a recording, or a folder of recordings, instead of this machine; - is standard input
    #[arg(long, value_name = "REC", conflicts_with_all = ["require_ebpf", "threads"])]
    pub from: Option<PathBuf>,
    /// The part of the recording to read.
    #[command(flatten)]
    pub range: RangeArgs,
    /// The tasks to print.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Run this command; watch only the command and its descendants, and exit with its status
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}
