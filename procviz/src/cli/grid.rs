use clap::Args;

use super::{GroupArg, PictureArgs};

/// Options of `grid`.
#[derive(Clone, Debug, Args)]
pub struct GridArgs {
    /// Processes instead of threads
    #[arg(short = 'p', long = "no-threads")]
    pub no_threads: bool,
    /// The most dots in a row [default: as many as fit; 30 with --classic]
    #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true)]
    pub columns: Option<String>,
    /// Area of the largest dot, square points
    #[arg(
        short = 'd',
        long,
        value_name = "AREA",
        default_value = "300",
        allow_hyphen_values = true
    )]
    pub point_size: String,
    /// Colours of normal,cpu,io,cpu+io,exited,tip,background; blanks keep the default
    #[arg(short = 'c', long, value_name = "COLOURS")]
    pub colors: Option<String>,
    /// What stands in one block
    #[arg(long, value_enum, default_value = "user")]
    pub group: GroupArg,
    /// What all charts have in common.
    #[command(flatten)]
    pub picture: PictureArgs,
}
