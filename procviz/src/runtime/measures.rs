//! Parses the options of pictures and views that hold numbers. Checks all of these
//! options, also the options that the chosen kind of output does not use.

use super::{Failure, config};
use crate::cli::PictureArgs;

/// Numbers that the user typed for a picture or a live view.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measures {
    /// Width and height of the picture, in units of `--size`.
    pub(crate) size: (f32, f32),
    /// Pixels to one unit of `--size`.
    pub(crate) scale: f64,
    /// Permissions of new files.
    pub(crate) mode: u32,
    /// Upper limit for the file of an animation or a page, bytes.
    pub(crate) max_size: u64,
    /// Upper limit for the CPU time of a live view, percent of a core; 0: no limit.
    pub(crate) max_cpu: f64,
    /// Speed of a replay; 1 is the speed of the recording.
    pub(crate) speed: f64,
}

impl Measures {
    pub(crate) fn new(args: &PictureArgs) -> Result<Self, Failure> {
        let factor = |factor: f64| (0.25..=8.0).contains(&factor);
        let percent = |percent: f64| (0.0..=100_000.0).contains(&percent);
        let times = |speed: f64| (0.01..=1_000.0).contains(&speed);
        let speed = args.speed.as_deref().unwrap_or("1");
        Ok(Self {
            size: config::size(&args.size)?,
            scale: config::number("--scale", &args.scale, "a factor from 0.25 to 8", factor)?,
            mode: config::mode(&args.mode)?,
            max_size: config::bytes("--max-size", &args.max_size, &args.max_size)?,
            max_cpu: config::number(
                "--max-cpu",
                &args.max_cpu,
                "a percentage of a core from 0 (no limit) to 100000",
                percent,
            )?,
            speed: config::number("--speed", speed, "a factor from 0.01 to 1000", times)?,
        })
    }
}
