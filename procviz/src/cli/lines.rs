use clap::Args;

use super::PictureArgs;

/// Options of `lines`.
#[derive(Clone, Debug, Args)]
pub struct LinesArgs {
    /// Processes instead of threads
    #[arg(short = 'p', long = "no-threads")]
    pub no_threads: bool,
    /// What all charts have in common.
    #[command(flatten)]
    pub picture: PictureArgs,
}
