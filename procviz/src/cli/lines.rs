use clap::Args;

use super::PictureArgs;

/// Options of `lines`.
#[derive(Clone, Debug, Args)]
pub struct LinesArgs {
    /// Show processes instead of threads
    #[arg(short = 'p', long = "no-threads")]
    pub no_threads: bool,
    /// Options that all charts share.
    #[command(flatten)]
    pub picture: PictureArgs,
}
