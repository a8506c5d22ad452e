use clap::{Args, ValueEnum};

use super::{GroupArg, PictureArgs};

/// Options of `timeline`.
#[derive(Clone, Debug, Args)]
pub struct TimelineArgs {
    /// Draw a life per thread instead of per process
    #[arg(short = 't', long, conflicts_with = "heat")]
    pub threads: bool,
    /// What decides which lives are together
    #[arg(long, value_enum, default_value = "tree")]
    pub group: GroupArg,
    /// Draw a heat map: what happens at which time within each second, for what repeats every few seconds; needs 10 samples per second
    #[arg(long, value_enum, value_name = "ROWS", num_args = 0..=1, require_equals = true, default_missing_value = "seconds")]
    pub heat: Option<HeatArg>,
    /// What the colours of a heat map are
    #[arg(long, value_enum, default_value = "cpu", requires = "heat")]
    pub heat_of: HeatOfArg,
    /// Options that all charts share.
    #[command(flatten)]
    pub picture: PictureArgs,
}

/// What the rows of a heat map are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HeatArg {
    /// A row per second
    Seconds,
    /// A row per process, the mean of all seconds
    Tasks,
}

/// What the colours of a heat map are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HeatOfArg {
    /// CPU time
    Cpu,
    /// Threads that wait for a CPU
    Waiting,
}
