//! Reads the kernel's fast counters of the memory of a process.

use procviz_common::{ABSENT, memory_mark};

use crate::kernel::{Ptr, get, off, read};

/// Indexes of the counters in `rss_stat` (`MM_FILEPAGES` and so on).
pub(crate) const FILE_PAGES: u32 = 0;
pub(crate) const ANON_PAGES: u32 = 1;
pub(crate) const SWAP_ENTRIES: u32 = 2;
pub(crate) const SHMEM_PAGES: u32 = 3;

/// The mark of an address space, from the counters as they are.
#[inline(always)]
pub(crate) fn mark_of(mm: Ptr) -> u32 {
    let rss = counter(mm, FILE_PAGES)
        .wrapping_add(counter(mm, ANON_PAGES))
        .wrapping_add(counter(mm, SHMEM_PAGES));
    memory_mark(
        rss as u64,
        counter(mm, SWAP_ENTRIES) as u64,
        get!(mm, mm_total_vm as u64),
    )
}

/// A counter of `rss_stat`; it can be negative for a moment.
#[inline(always)]
pub(crate) fn counter(mm: Ptr, counter: u32) -> i64 {
    match off!(mm_rss_count) {
        ABSENT => 0,
        first => read(mm, first + counter * off!(rss_stride)),
    }
}
