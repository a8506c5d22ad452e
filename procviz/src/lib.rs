//! Shows every task on a Linux machine at a glance, and misses none.
//!
//! eBPF programs report which tasks ran, did IO, started or exited between two
//! samples. `/proc` gives the figures of these tasks. The tracker merges both into
//! one snapshot, and charts draw the snapshot.

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
