use clap::Args;

use super::{GroupArg, PictureArgs};

/// Options of `bubble`.
#[derive(Clone, Debug, Args)]
pub struct BubbleArgs {
    /// Threads, too
    #[arg(short = 't', long)]
    pub threads: bool,
    /// Colour of a user, as in root=crimson
    #[arg(long = "user-color", value_name = "USER=COLOUR")]
    pub user_colors: Vec<String>,
    /// What has one colour
    #[arg(long, value_enum, default_value = "user")]
    pub group: GroupArg,
    /// What all charts have in common.
    #[command(flatten)]
    pub picture: PictureArgs,
}
