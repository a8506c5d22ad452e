//! Provides what all subcommands use: parsed numbers, standard output, warnings,
//! output files, signals and resource limits of the process, and errors with an exit status.

pub(crate) mod config;
pub(crate) mod drawing;
pub(crate) mod ending;
mod failure;
pub(crate) mod limits;
pub(crate) mod measures;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod signals;
pub(crate) mod stderr;
pub(crate) mod stdout;
pub(crate) mod text;
pub(crate) mod warning;

pub use failure::Failure;
