//! Limits the memory that a recording takes at one time: a file can claim any number of
//! tasks.

use rustc_hash::FxHashSet;

use crate::{
    model::{Snapshot, bytes_text, count_text},
    runtime::Failure,
};

/// Upper limit for the threads at one time. A machine with 100,000 threads is shown; more
/// threads than this limit take more memory than a viewer of recordings should need.
pub(super) const MOST_THREADS: usize = 1 << 17;
/// Upper limit for the arguments and cgroups of all processes at one time, bytes.
const MOST_TEXT_BYTES: usize = 64 << 20;
/// The texts are counted again after this many unpacked bytes of the file.
const COUNTED_EACH: u64 = 32 << 20;

/// Checks how much of a recording is kept in memory.
#[derive(Default)]
pub(super) struct Limits {
    /// Unpacked bytes of the file when the texts were counted last.
    counted_at: u64,
}

impl Limits {
    /// Checks what is kept after `unpacked` bytes of the file.
    ///
    /// # Errors
    ///
    /// When it is more than the upper limits.
    pub(super) fn check(&mut self, snapshot: &Snapshot, unpacked: u64) -> Result<(), Failure> {
        let threads = snapshot.threads.len();
        if threads > MOST_THREADS {
            return Err(anyhow::anyhow!(
                "the recording has {} threads at one time, but procviz shows up to {}: read an earlier part of the recording with `--end`",
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
                "the recording has {} of arguments and cgroups at one time, but procviz keeps up to {}: read an earlier part of the recording with `--end`",
                bytes_text(bytes as u64),
                bytes_text(MOST_TEXT_BYTES as u64)
            )
            .into());
        }
        Ok(())
    }
}

/// Size of arguments and cgroups, bytes; a text that processes share counts once.
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
