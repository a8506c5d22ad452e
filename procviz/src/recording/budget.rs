//! Limits the cost of reading a recording by the size of the recording, so that a small
//! file can neither keep procviz busy nor fill the memory.

use super::block::{Header, Kind, MOST, MOST_OF_KEYFRAME};

/// Rows, summed over all tables, that every file can have (FORMAT.md, "Limits"): enough
/// for the census and the keyframe of a machine with 100,000 threads.
const ROWS: u64 = 1_700_000;
/// Further rows for each byte of the blocks, as stored in the file.
const ROWS_A_BYTE: u64 = 2;
/// Bytes of unpacked payloads that every file can have, and further bytes for each byte
/// of the file.
const UNPACKED: u64 = 128 << 20;
const UNPACKED_A_BYTE: u64 = 100;
/// Bytes of damaged blocks that every file can have, and further bytes for each byte of
/// the file. Damage costs time: the checksum is computed over the whole block.
const SEARCHED: u64 = 256 << 20;
const SEARCHED_A_BYTE: u64 = 8;

/// Approximate size of a row of a keyframe or of a block of trails, bytes.
const BYTES_OF_ROW: u64 = 8;

/// The file holds more than a file of its size can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded;

/// What reading the rest of a file can still cost.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    rows: u64,
    unpacked: u64,
    searched: u64,
}

impl Budget {
    /// The budget before the first byte of a file.
    pub(super) fn new() -> Self {
        Self {
            rows: ROWS,
            unpacked: UNPACKED,
            searched: SEARCHED,
        }
    }

    /// Raises the budget for bytes of the file that were read, or left out as damaged.
    pub(super) fn used(&mut self, bytes: u64) {
        self.rows += bytes * ROWS_A_BYTE;
        self.unpacked += bytes * UNPACKED_A_BYTE;
        self.searched += bytes * SEARCHED_A_BYTE;
    }

    /// Spends budget to unpack a block.
    ///
    /// # Errors
    ///
    /// When the budget is not enough.
    pub(super) fn unpack(&mut self, header: &Header) -> Result<(), Exceeded> {
        let bytes = header.unpacked as u64;
        self.unpacked = self.unpacked.checked_sub(bytes).ok_or(Exceeded)?;
        match header.kind {
            Kind::Keyframe | Kind::Trails => self.rows(bytes / BYTES_OF_ROW),
            _ => Ok(()),
        }
    }

    /// Spends budget to read rows.
    ///
    /// # Errors
    ///
    /// When the budget is not enough.
    pub(super) fn rows(&mut self, rows: u64) -> Result<(), Exceeded> {
        self.rows = self.rows.checked_sub(rows).ok_or(Exceeded)?;
        Ok(())
    }

    /// Spends budget for the checksum of a damaged block of `bytes` bytes.
    ///
    /// # Errors
    ///
    /// When a file of this size cannot have that much damage.
    pub(super) fn search(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.searched = self.searched.checked_sub(bytes as u64).ok_or(Exceeded)?;
        Ok(())
    }
}

/// Upper limit for the unpacked payload of a kind of block, bytes. The data takes more
/// room in memory.
pub(super) fn most_unpacked(kind: Kind) -> usize {
    match kind {
        Kind::Facts => 1 << 20,
        Kind::Gap => 4 << 10,
        Kind::Marks => 4 << 20,
        Kind::Keyframe | Kind::Trails => MOST_OF_KEYFRAME,
        Kind::Samples | Kind::Deaths | Kind::Index | Kind::Other(_) => MOST,
    }
}
