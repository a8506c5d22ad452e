//! Bounds what a recording may keep in memory at one time: a file may claim any
//! number of tasks.

use rustc_hash::FxHashSet;

use crate::{
    model::{Snapshot, bytes_text, count_text},
    runtime::Failure,
};

/// Threads at one time. A machine of 100,000 is shown; more than this takes
/// more memory than a viewer of recordings should need.
pub(super) const MOST_THREADS: usize = 1 << 17;
/// Arguments and cgroups of all processes at one time, in bytes.
const MOST_TEXT_BYTES: usize = 64 << 20;
/// The texts are counted again after so many bytes of the file, unpacked.
const COUNTED_EACH: u64 = 32 << 20;

/// Watches how much is kept.
#[derive(Default)]
pub(super) struct Limits {
    /// Bytes that had been unpacked when the texts were counted.
    counted_at: u64,
}

impl Limits {
    /// Looks at what is kept after so many bytes of the file, unpacked.
    ///
    /// # Errors
    ///
    /// When it is more than procviz keeps of a recording.
    pub(super) fn check(&mut self, snapshot: &Snapshot, unpacked: u64) -> Result<(), Failure> {
        let threads = snapshot.threads.len();
        if threads > MOST_THREADS {
            return Err(anyhow::anyhow!(
                "the recording has {} threads at one time, and procviz shows up to {}: look at an earlier part of it with --end",
                count_text(threads as u64),
                count_text(MOST_THREADS as u64)
            )
            .into());
        }
        if unpacked.saturating_sub(self.counted_at) < COUNTED_EACH {
            return Ok(());
        }
        self.counted_at = unpacked;
        let bytes = text_bytes(snapshot);
        if bytes > MOST_TEXT_BYTES {
            return Err(anyhow::anyhow!(
                "the recording has {} of arguments and cgroups at one time, and procviz keeps up to {}: look at an earlier part of it with --end",
                bytes_text(bytes as u64),
                bytes_text(MOST_TEXT_BYTES as u64)
            )
            .into());
        }
        Ok(())
    }
}

/// Bytes of arguments and cgroups; those that processes share count once.
fn text_bytes(snapshot: &Snapshot) -> usize {
    let mut seen = FxHashSet::default();
    let mut bytes = 0;
    for process in snapshot.processes.iter() {
        let args = process
            .args
            .as_ref()
            .map(|args| (args.as_ptr(), args.len()));
        let cgroup = process
            .cgroup
            .as_ref()
            .map(|path| (path.as_ptr(), path.len()));
        for (at, len) in args.into_iter().chain(cgroup) {
            if seen.insert(at) {
                bytes += len;
            }
        }
    }
    bytes
}
