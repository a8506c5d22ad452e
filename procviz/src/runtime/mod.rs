//! What every way to run procviz uses: numbers that were typed, standard output,
//! output files, signals and limits of the process, and why it ends.

pub(crate) mod config;
pub(crate) mod drawing;
pub(crate) mod ending;
mod failure;
pub(crate) mod limits;
pub(crate) mod measures;
pub(crate) mod output;
pub(crate) mod signals;
pub(crate) mod stdout;

pub use failure::Failure;
