use clap::Args;

use super::{GroupArg, PictureArgs};

/// Options of `timeline`.
#[derive(Clone, Debug, Args)]
pub struct TimelineArgs {
    /// What decides which lives are together
    #[arg(long, value_enum, default_value = "tree")]
    pub group: GroupArg,
    /// Options that all charts share.
    #[command(flatten)]
    pub picture: PictureArgs,
}
