use clap::{Args, ValueEnum};

use super::{GroupArg, PictureArgs};

/// Options of `bubble`.
#[derive(Clone, Debug, Args)]
pub struct BubbleArgs {
    /// Draw a bubble per thread instead of per process
    #[arg(short = 't', long)]
    pub threads: bool,
    /// Colour of a user, such as root=crimson (repeatable)
    #[arg(long = "user-color", value_name = "USER=COLOUR")]
    pub user_colors: Vec<String>,
    /// What decides the colour of a bubble
    #[arg(long, value_enum, default_value = "user")]
    pub group: GroupArg,
    /// What goes up: the address space, or the resident set
    #[arg(long = "y", value_enum, default_value = "vsize", value_name = "SIZE")]
    pub y: SizeArg,
    /// Options that all charts share.
    #[command(flatten)]
    pub picture: PictureArgs,
}

/// Size of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SizeArg {
    /// Address space
    Vsize,
    /// Resident set
    Rss,
}
