//! Defines the unit of writing: a packed block.

use crate::recording::Block;

/// A block and the number of samples in it.
pub(super) type Part = (Block, u64);
