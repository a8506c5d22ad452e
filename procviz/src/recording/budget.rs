//! Bounds what reading a recording costs by how many bytes the recording has, so
//! that a small file cannot keep anybody busy, nor fill the memory.

use super::block::{Header, Kind, MOST, MOST_OF_KEYFRAME};

/// Rows of all tables that any file may have (FORMAT.md, "Limits"): the census and
/// the keyframe of a machine of 100,000 threads.
const ROWS: u64 = 1_700_000;
/// And beyond those, for each byte of its blocks as they are in the file.
const ROWS_A_BYTE: u64 = 2;
/// Bytes of payloads, unpacked.
const UNPACKED: u64 = 128 << 20;
const UNPACKED_A_BYTE: u64 = 100;
/// Bytes of blocks that turn out to be damaged, whose checksum costs a look at
/// all of them.
const SEARCHED: u64 = 256 << 20;
const SEARCHED_A_BYTE: u64 = 8;

/// A row of a keyframe or a trail is about so many bytes.
const BYTES_OF_ROW: u64 = 8;

/// More than a recording of that size may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded;

/// What is left of what reading a file may cost.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    rows: u64,
    unpacked: u64,
    searched: u64,
}

impl Budget {
    /// Before the first byte of a file.
    pub(super) fn new() -> Self {
        Self {
            rows: ROWS,
            unpacked: UNPACKED,
            searched: SEARCHED,
        }
    }

    /// Bytes of the file that have been used, or left out as damaged.
    pub(super) fn used(&mut self, bytes: u64) {
        self.rows += bytes * ROWS_A_BYTE;
        self.unpacked += bytes * UNPACKED_A_BYTE;
        self.searched += bytes * SEARCHED_A_BYTE;
    }

    /// A block is to be unpacked.
    ///
    /// # Errors
    ///
    /// When that is more than the file may hold.
    pub(super) fn unpack(&mut self, header: &Header) -> Result<(), Exceeded> {
        let bytes = header.unpacked as u64;
        self.unpacked = self.unpacked.checked_sub(bytes).ok_or(Exceeded)?;
        match header.kind {
            Kind::Keyframe | Kind::Trails => self.rows(bytes / BYTES_OF_ROW),
            _ => Ok(()),
        }
    }

    /// Rows are to be read.
    ///
    /// # Errors
    ///
    /// When that is more than the file may hold.
    pub(super) fn rows(&mut self, rows: u64) -> Result<(), Exceeded> {
        self.rows = self.rows.checked_sub(rows).ok_or(Exceeded)?;
        Ok(())
    }

    /// A block of so many bytes was looked at in vain.
    ///
    /// # Errors
    ///
    /// When a file of this size cannot have so much damage.
    pub(super) fn search(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.searched = self.searched.checked_sub(bytes as u64).ok_or(Exceeded)?;
        Ok(())
    }
}

/// Upper limit for a payload of a kind, unpacked, in bytes: what it becomes in
/// memory is more.
pub(super) fn most_unpacked(kind: Kind) -> usize {
    match kind {
        Kind::Facts => 1 << 20,
        Kind::Gap => 4 << 10,
        Kind::Marks => 4 << 20,
        Kind::Keyframe | Kind::Trails => MOST_OF_KEYFRAME,
        Kind::Samples | Kind::Deaths | Kind::Index | Kind::Other(_) => MOST,
    }
}
