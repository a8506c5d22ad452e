use std::{ffi::OsString, path::PathBuf};

use clap::{Args, ValueEnum};

use super::{FilterArgs, SamplingArgs};

/// What all charts have in common.
#[derive(Clone, Debug, Args)]
pub struct PictureArgs {
    /// File to draw to: .png, .svg, .gif, .apng or .html (a page to look through); with {n} or {time} in its name a series
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Permissions of files that are made, octal
    #[arg(long, value_name = "MODE", default_value = "600")]
    pub mode: String,
    /// An animation or a page ends before its file is larger
    #[arg(long, value_name = "BYTES", default_value = "256M")]
    pub max_size: String,
    /// Record all that is watched, too, for --from
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Behind the picture [default: light; in a terminal: dark]
    #[arg(long, value_enum)]
    pub theme: Option<ThemeArg>,
    /// Where to show it live [default: a window where there is a display]
    #[arg(long, value_enum)]
    pub view: Option<ViewArg>,
    /// In a terminal, no character beyond ASCII
    #[arg(long)]
    pub ascii: bool,
    /// Of a recording in a live view: so many times as fast as it was
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub speed: Option<String>,
    /// What a live view may use of one core before it samples less often; 0: no limit
    #[arg(
        long,
        value_name = "PERCENT",
        default_value = "25",
        allow_hyphen_values = true
    )]
    pub max_cpu: String,
    /// Colours of activities
    #[arg(long, value_enum, default_value = "default")]
    pub palette: PaletteArg,
    /// As in 2011: its colours; grid: 30 columns, RSS on every thread; bubble: even axes
    #[arg(long)]
    pub classic: bool,
    /// Size of the picture
    #[arg(long, value_name = "WxH", default_value = "1600x900")]
    pub size: String,
    /// Pixels to one of --size
    #[arg(
        long,
        value_name = "FACTOR",
        default_value = "1",
        allow_hyphen_values = true
    )]
    pub scale: String,
    /// Font of the picture, TrueType or OpenType
    #[arg(long, value_name = "FILE")]
    pub font: Option<PathBuf>,
    /// Show arguments, too; they may hold secrets
    #[arg(long)]
    pub args: bool,
    /// When to sample.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Whom to show.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Run this and show it and its descendants alone; its status is ours
    #[arg(last = true, value_name = "COMMAND")]
    pub run: Vec<OsString>,
}

/// Where a live view is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ViewArg {
    /// A window
    Window,
    /// The terminal
    Terminal,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ThemeArg {
    /// Dark on white
    Light,
    /// Light on black
    Dark,
}

/// Today's colours or those of 2011.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PaletteArg {
    /// Told apart by all eyes
    Default,
    /// Those of 2011
    Original,
}

/// By what tasks are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupArg {
    /// The real user
    User,
    /// The cgroup
    Cgroup,
    /// The oldest ancestor below init
    Tree,
    /// The process's name
    Command,
}
