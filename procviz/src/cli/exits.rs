use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use super::{FilterArgs, RangeArgs};

/// Options of `exits`.
#[derive(Clone, Debug, Args)]
pub struct ExitsArgs {
    /// One JSON object a line instead of columns
    #[arg(long)]
    pub json: bool,
    /// Threads, too
    #[arg(long)]
    pub threads: bool,
    /// Fail with status 4 without kernel events; they are needed anyway
    #[arg(long)]
    pub require_ebpf: bool,
    /// Read a recording, or a folder of them, instead of this machine; - is the standard input
    #[arg(long, value_name = "REC", conflicts_with_all = ["require_ebpf", "threads"])]
    pub from: Option<PathBuf>,
    /// Of it, this part.
    #[command(flatten)]
    pub range: RangeArgs,
    /// Whom to tell of.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Run this and watch it and its descendants alone; its status is ours
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}
