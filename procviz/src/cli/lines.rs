use clap::Args;

use super::PictureArgs;

/// Options of `lines`.
#[derive(Clone, Debug, Args)]
pub struct LinesArgs {
    /// Show processes instead of threads
    #[arg(short = 'p', long = "no-threads")]
    pub no_threads: bool,
    /// Draw one chart of time, CPU time and memory in 3D, as in 2011
    #[arg(long = "3d")]
    pub is_3d: bool,
    /// Options that all charts share.
    #[command(flatten)]
    pub picture: PictureArgs,
}
