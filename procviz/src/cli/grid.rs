use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::SamplingArgs;

/// Options of `grid`.
#[derive(Clone, Debug, Args)]
pub struct GridArgs {
    /// File to draw to: .png or .svg; with {n} or {time} in its name a series
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
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
    /// Behind the picture
    #[arg(long, value_enum, default_value = "light")]
    pub theme: ThemeArg,
    /// Size of the picture, pixels
    #[arg(long, value_name = "WxH", default_value = "1600x900")]
    pub size: String,
    /// As in 2011: 30 columns, its colours, RSS on every thread
    #[arg(long)]
    pub classic: bool,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// When to sample.
    #[command(flatten)]
    pub sampling: SamplingArgs,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ThemeArg {
    /// Dark on white
    Light,
    /// Light on black
    Dark,
}
