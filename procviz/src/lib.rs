//! Shows every task on a Linux machine at a glance, and misses none.
//!
//! eBPF programs report which tasks ran, did IO, started or exited between two
//! samples. `/proc` gives the figures of these tasks. The tracker merges both into
//! one snapshot, and charts draw the snapshot.
//!
//! # Example
//!
//! Takes two samples of this machine from `/proc`, and prints the threads that ran in
//! between:
//!
//! ```no_run
//! use procviz::{
//!     model::{Sample, Scope},
//!     source::{Sampler, host},
//!     tracker::Tracker,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let host = host()?;
//! let mut sampler = Sampler::proc_only(&host)?;
//! let mut tracker = Tracker::new(host, sampler.sources());
//! let mut sample = Sample::new(sampler.sources());
//! for _ in 0..2 {
//!     sampler.sample(&mut sample)?;
//!     tracker.update(&sample);
//!     sample.clear();
//!     std::thread::sleep(std::time::Duration::from_secs(1));
//! }
//! for task in tracker.snapshot().tasks(Scope::Threads) {
//!     if task.change().ran {
//!         println!("{:?} {:.2} cores", task.thread.comm, task.cpu_share());
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! [`source`] takes a [`Sample`](model::Sample), [`tracker`] merges samples into a
//! [`Snapshot`](model::Snapshot), [`chart`] draws a snapshot as a [`scene`], and
//! [`paint`] makes a file of a scene. [`recording`] writes samples to a file and reads
//! them back. [`model`] has the data that all of them share, and [`trails`] the figures
//! of interesting tasks over time.

#![deny(unsafe_code)]

#[doc(hidden)]
pub mod app;
pub mod chart;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
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
