use std::{ffi::OsString, path::PathBuf};

use clap::{Args, ValueEnum};

use super::{FilterArgs, RuleArgs, SamplingArgs, SummaryArgs};

/// Options that all charts share.
#[derive(Clone, Debug, Args)]
pub struct PictureArgs {
    /// Output file: .png, .svg, .gif, .apng or .html (an interactive page); {number} or {time} in the name makes a series of files
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Permissions of new files, octal
    #[arg(long, value_name = "MODE", default_value = "600")]
    pub mode: String,
    /// Upper limit for the file of an animation or a page; it then stops early
    #[arg(long, value_name = "BYTES", default_value = "256M")]
    pub max_size: String,
    /// Also record all samples to this file, for --from
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Colours of the background [default: light; in a terminal: dark]
    #[arg(long, value_enum)]
    pub theme: Option<ThemeArg>,
    /// Where to show the live view [default: a window if there is a display]
    #[arg(long, value_enum)]
    pub view: Option<ViewArg>,
    /// Use only ASCII characters in a terminal
    #[arg(long)]
    pub ascii: bool,
    /// Speed of a recording in a live view; 2 is twice as fast as recorded
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub speed: Option<String>,
    /// CPU time of one core that a live view can use before it samples less often; 0: no limit
    #[arg(
        long,
        value_name = "PERCENT",
        default_value = "25",
        allow_hyphen_values = true
    )]
    pub max_cpu: String,
    /// Colours of the activities
    #[arg(long, value_enum, default_value = "default")]
    pub palette: PaletteArg,
    /// Draw as the scripts of 2011 did: their colours; grid: 30 columns, RSS on every thread; bubble: linear axes
    #[arg(long)]
    pub classic: bool,
    /// Width and height of the picture, in pixels at --scale 1
    #[arg(long, value_name = "WxH", default_value = "1600x900")]
    pub size: String,
    /// Pixels per unit of --size; in a window, too
    #[arg(
        long,
        value_name = "FACTOR",
        default_value = "1",
        allow_hyphen_values = true
    )]
    pub scale: String,
    /// In a terminal, leave the mouse to the terminal, so that it selects text
    #[arg(long, conflicts_with = "output")]
    pub no_mouse: bool,
    /// Font file for the picture, TrueType or OpenType
    #[arg(long, value_name = "FILE")]
    pub font: Option<PathBuf>,
    /// Show the arguments of processes, too; arguments can contain secrets
    #[arg(long)]
    pub args: bool,
    /// When to sample.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// The tasks to show.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// The findings to report.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// What to print after a command.
    #[command(flatten)]
    pub summary: SummaryArgs,
    /// Run this command; show only the command and its descendants, and exit with its status
    #[arg(last = true, value_name = "COMMAND")]
    pub run: Vec<OsString>,
}

/// Where a live view is shown.
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

/// The current colours, or the colours of 2011.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PaletteArg {
    /// Colours that people with colour blindness can distinguish
    Default,
    /// The colours of 2011
    Original,
}

/// What tasks are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupArg {
    /// The real user
    User,
    /// The cgroup
    Cgroup,
    /// The container
    Container,
    /// The pod of Kubernetes
    Pod,
    /// The systemd unit
    Unit,
    /// The oldest ancestor below init
    Tree,
    /// The name of the process
    Command,
}
