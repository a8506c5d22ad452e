//! Keeps the newest blocks of a file in memory, so that they can be taken back.

use super::{open::Open, part::Part};

/// The last block of samples of a file and the blocks after it.
pub(super) struct Newest {
    /// Length of the file before these blocks, bytes, and the number of its blocks.
    pub(super) good: u64,
    pub(super) entries: usize,
    pub(super) samples: u64,
    pub(super) parts: Vec<Part>,
}

impl Newest {
    /// Before blocks are appended; `None` if they are the first samples of the file, which
    /// do not give way.
    pub(super) fn at_end_of(open: &Open, samples: u64) -> Option<Self> {
        (open.has_samples() && !open.is_gone).then(|| Self {
            good: open.good,
            entries: open.entries.len(),
            samples,
            parts: Vec::new(),
        })
    }

    /// After the blocks `parts` were appended: `next` if they hold samples, otherwise they
    /// belong to the samples before them.
    pub(super) fn after(
        earlier: Option<Self>,
        next: Option<Self>,
        parts: Vec<Part>,
    ) -> Option<Self> {
        let has_samples = parts.iter().any(|(block, _)| block.has_samples());
        let mut newest = if has_samples { next } else { earlier }?;
        newest.parts.extend(parts);
        Some(newest)
    }
}
