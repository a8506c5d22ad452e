use clap::Args;

use super::{GroupArg, PictureArgs};

/// Options of `grid`.
#[derive(Clone, Debug, Args)]
pub struct GridArgs {
    /// Show processes instead of threads
    #[arg(short = 'p', long = "no-threads")]
    pub no_threads: bool,
    /// Upper limit for the dots in a row [default: as many as fit; 30 with --classic]
    #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true)]
    pub columns: Option<String>,
    /// Area of the largest dot, in square points
    #[arg(
        short = 'd',
        long,
        value_name = "AREA",
        default_value = "300",
        allow_hyphen_values = true
    )]
    pub point_size: String,
    /// Colours of normal,cpu,io,cpu+io,exited,tip,background; an empty entry keeps the default
    #[arg(short = 'c', long, value_name = "COLOURS")]
    pub colors: Option<String>,
    /// What groups dots into blocks
    #[arg(long, value_enum, default_value = "user")]
    pub group: GroupArg,
    /// Options that all charts share.
    #[command(flatten)]
    pub picture: PictureArgs,
}
