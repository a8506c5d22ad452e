//! Defines the jobs of the writer thread.

use super::{lost::Lost, part::Part};

/// A job for the writer thread.
pub(super) enum Job {
    /// Append a block to the file.
    Part(Part),
    /// Append blocks with the state of all tasks, as `Shared::wants_full_state` requests after a
    /// loss.
    FullState(Vec<Part>),
    /// Note a loss on the way to the writer thread.
    Lost(Lost),
    /// Close the file, if there is one, and begin the next file.
    Begin(Begin),
    /// Close the file.
    End,
}

impl Job {
    /// Approximate size in memory, bytes.
    pub(super) fn bytes(&self) -> usize {
        let parts = match self {
            Self::Part(part) => std::slice::from_ref(part),
            Self::FullState(parts) => parts,
            Self::Lost(lost) => return size_of::<Self>() + lost.bytes,
            Self::Begin(begin) => &begin.parts,
            Self::End => &[],
        };
        let blocks = parts.iter().map(|(block, _)| block.bytes.len());
        size_of::<Self>() + size_of_val(parts) + blocks.sum::<usize>()
    }
}

/// The beginning of a file.
pub(super) struct Begin {
    /// Wall clock for the name of the file, ns since 1970.
    pub(super) wall_ns: i128,
    /// The trigger that fired, for the name of the file, too; `None` without a trigger.
    pub(super) why: Option<TriggerReason>,
    /// The first blocks of the file.
    pub(super) parts: Vec<Part>,
}

/// A trigger that fired, and what happened in words for the user.
#[derive(Clone, Debug)]
pub(super) struct TriggerReason {
    pub(super) trigger: String,
    pub(super) words: String,
}
