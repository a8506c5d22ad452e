use std::path::PathBuf;

use clap::Args;

use super::RangeArgs;

/// When to sample and from what.
#[derive(Clone, Debug, Args)]
pub struct SamplingArgs {
    /// Seconds between samples, such as 0.5 [default: 1; lines: 5]
    #[arg(
        short = 's',
        long = "interval",
        alias = "sleep",
        value_name = "SECONDS",
        allow_hyphen_values = true
    )]
    pub interval: Option<String>,
    /// Samples per second, instead of --interval
    #[arg(
        short = 'F',
        long = "hz",
        value_name = "N",
        conflicts_with = "interval",
        allow_hyphen_values = true
    )]
    pub hz: Option<String>,
    /// Stop after this many intervals
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub samples: Option<String>,
    /// Stop after this time, such as 30s, 5m or 1h; with --at, a picture shows this time before it
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub duration: Option<String>,
    /// Read a recording, or a folder of recordings, instead of this machine; - is standard input
    #[arg(
        long,
        value_name = "REC",
        conflicts_with_all = ["interval", "hz", "require_ebpf"]
    )]
    pub from: Option<PathBuf>,
    /// The part of the recording to read.
    #[command(flatten)]
    pub range: RangeArgs,
    /// Fail with status 4 if there are no kernel events, instead of reading only /proc
    #[arg(long)]
    pub require_ebpf: bool,
}
