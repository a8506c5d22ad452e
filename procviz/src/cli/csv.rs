use std::path::PathBuf;

use clap::Args;

use super::RangeArgs;

/// Options of `csv`.
#[derive(Clone, Debug, Args)]
pub struct CsvArgs {
    /// Threads by their id; shell patterns such as '12*' [default: all]
    #[arg(value_name = "PID")]
    pub pids: Vec<String>,
    /// The table of stat (when no table is asked for, this one)
    #[arg(short = 's', long)]
    pub stat: bool,
    /// The table of status
    #[arg(short = 'S', long)]
    pub status: bool,
    /// The table of io
    #[arg(short = 'i', long)]
    pub io: bool,
    /// A title line first
    #[arg(short = 't', long)]
    pub titles: bool,
    /// Again and again until interrupted; each row begins with the time
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
    /// Processes, no threads
    #[arg(short = 'p', long)]
    pub processes: bool,
    /// Read a recording, or a folder of them, instead of this machine: its last moment, with --repeat every sample
    #[arg(long, value_name = "REC", conflicts_with_all = ["sleep", "proc_root"])]
    pub from: Option<PathBuf>,
    /// Of it, this part.
    #[command(flatten)]
    pub range: RangeArgs,
    /// A folder of the shape of /proc to read instead
    #[arg(long, value_name = "DIR", default_value = "/proc")]
    pub proc_root: PathBuf,
    /// Write PREFIX-stat.csv, PREFIX-status.csv and PREFIX-io.csv
    #[arg(short = 'o', long = "output", value_name = "PREFIX")]
    pub output: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
    /// Put a ' before text that a spreadsheet would run as a formula
    #[arg(long)]
    pub spreadsheet: bool,
}
