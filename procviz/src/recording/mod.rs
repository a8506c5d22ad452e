//! Recordings: samples in a file, read back as if live. `docs/FORMAT.md` tells
//! what is in one, byte by byte.

mod block;
mod columns;
mod facts;
mod reader;
mod rows;
mod samples;
#[cfg(test)]
mod tests;
mod varint;
mod writer;

pub use facts::Facts;
pub use reader::{Damage, Findings, Gap, ReadError, Reader};
pub use writer::{Block, Entry, Packer};

/// The number of the index's table.
const INDEX: u8 = 16;
