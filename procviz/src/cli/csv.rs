use std::path::PathBuf;

use clap::Args;

use super::RangeArgs;

/// Options of `csv`.
#[derive(Clone, Debug, Args)]
pub struct CsvArgs {
    /// Ids of the threads to print, or shell patterns such as '12*' [default: all]
    #[arg(value_name = "PID")]
    pub pids: Vec<String>,
    /// Print the table of stat (the default if no table is chosen)
    #[arg(short = 's', long)]
    pub stat: bool,
    /// Print the table of status
    #[arg(short = 'S', long)]
    pub status: bool,
    /// Print the table of io
    #[arg(short = 'i', long)]
    pub io: bool,
    /// Print a line with column titles first
    #[arg(short = 't', long)]
    pub titles: bool,
    /// Repeat until interrupted; each row then begins with the time
    #[arg(short = 'r', long)]
    pub repeat: bool,
    /// Seconds between repetitions
    #[arg(
        short = 'w',
        long = "sleep",
        value_name = "SECONDS",
        default_value = "5",
        allow_hyphen_values = true
    )]
    pub sleep: String,
    /// Print processes only, without their threads
    #[arg(short = 'p', long)]
    pub processes: bool,
    /// Read a recording, or a folder of recordings, instead of this machine: print its last sample, or with --repeat every sample
    #[arg(long, value_name = "REC", conflicts_with_all = ["sleep", "proc_root"])]
    pub from: Option<PathBuf>,
    /// The part of the recording to read.
    #[command(flatten)]
    pub range: RangeArgs,
    /// Read this folder, with the same layout as /proc, instead of /proc
    #[arg(long, value_name = "DIR", default_value = "/proc")]
    pub proc_root: PathBuf,
    /// Write to the files PREFIX-stat.csv, PREFIX-status.csv and PREFIX-io.csv
    #[arg(short = 'o', long = "output", value_name = "PREFIX")]
    pub output: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
    /// Put a ' before text that a spreadsheet would treat as a formula
    #[arg(long)]
    pub spreadsheet: bool,
}
