//! Reads the exact sizes of the memory of a process, no more often than needed.

use crate::{
    model::{MemorySizes, TaskId},
    source::{proc::ProcDir, roster::Roster},
};

/// The sizes of the memory of a process, through one of its threads. The counters in `stat`,
/// and those that eBPF programs read, are fast but not exact: each CPU keeps a part of its
/// own. `status` has the exact sizes (since Linux 6.12) and their parts, and is slower. It is
/// read if the fast counters (resident set and address space, bytes) have changed.
pub(super) fn exact_sizes(
    roster: &mut Roster,
    proc: &mut ProcDir,
    (process, tid): (TaskId, u32),
    fast: (u64, u64),
) -> MemorySizes {
    if let Some(known) = roster.known_sizes(process, fast) {
        return known;
    }
    // A thread that exits meanwhile has no sizes.
    let read = proc.thread_memory(process.tid, tid).ok();
    match read.filter(|read| read.vsize > 0) {
        Some(read) => {
            roster.keep_sizes(process, fast, read);
            read
        }
        None => MemorySizes::new(fast.0, fast.1),
    }
}
