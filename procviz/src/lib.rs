//! See every task on a Linux machine at a glance, and miss none.
//!
//! eBPF programs tell which tasks ran, did IO, started or ended between two
//! samples; `/proc` gives the figures of those tasks; both are merged into one
//! snapshot; charts draw it. In reading order:

#[doc(hidden)]
pub mod app;
pub mod chart;
#[doc(hidden)]
pub mod cli;
pub mod export;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzed;
mod live;
pub mod model;
pub mod paint;
mod recorder;
pub mod recording;
mod replay;
#[doc(hidden)]
pub mod runtime;
pub mod scene;
mod session;
pub mod source;
pub mod tracker;
pub mod trails;
mod view;
