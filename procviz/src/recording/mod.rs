//! Writes samples to recording files, and reads them back as if they were live.
//! `docs/FORMAT.md` describes the format byte by byte.

mod block;
mod budget;
mod clock;
mod columns;
mod deaths;
mod event_rows;
mod facts;
mod gap;
mod keyframes;
mod machine;
mod map;
mod marks;
mod notes;
mod possible;
mod reader;
#[cfg(any(test, feature = "fuzzing"))]
mod repacked_blocks;
mod rows;
mod samples;
mod scalars;
mod task_rows;
#[cfg(test)]
mod tests;
mod trails;
mod varint;
mod writer;

pub use facts::{ClockStep, Facts, FiredTrigger, PROCESSES};
pub use gap::Gap;
pub use machine::MachineBlocks;
pub use map::{Entry, Map};
pub use marks::{Mark, MarkKey};
pub use notes::Note;
pub(crate) use notes::{LARGEST_NOTES, LONGEST_NOTE, notes, notes_of};
pub(crate) use reader::MOST_ENDED;
pub use reader::{Damage, Integrity, ReadError, Reader};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use repacked_blocks::repacked_blocks;
#[cfg(test)]
pub(crate) use repacked_blocks::unpacked_blocks;
pub use writer::{Block, Packer};

/// Suffix of the file names of recordings.
pub(crate) const SUFFIX: &str = ".pvz";
/// Number of the table of the index.
const INDEX: u8 = 16;
