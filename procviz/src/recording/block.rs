//! The frame of a block: what it is, how long, of when, and a checksum over
//! all of it.

/// Begins every file, with the version after it.
pub(super) const MAGIC: &[u8; 8] = b"procviz\n";
/// The version that is written, and the newest that can be read.
pub(super) const VERSION: u16 = 1;
/// Bytes before the first block: magic, version, six zeros.
pub(super) const FILE_HEADER: usize = 16;
/// Begins every block.
pub(super) const BLOCK_MAGIC: &[u8; 4] = b"PVZB";
/// Bytes before a block's payload.
pub(super) const BLOCK_HEADER: usize = 36;
/// No payload is larger, packed or not: whoever claims more is not believed.
pub(super) const MOST: usize = 32 << 20;
/// Upper limit for times since boot, ns: 73 years.
pub(super) const MOST_NS: u64 = 1 << 61;
/// Nor is a keyframe, or a block of trails, unpacked, larger than this: what it
/// becomes in memory is more.
pub(super) const MOST_OF_KEYFRAME: usize = 8 << 20;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// JSON: what does not change, and names of users.
    Facts,
    /// Samples in columns.
    Samples,
    /// All that the tracker knows after the samples before it.
    Keyframe,
    /// JSON: a time of which nothing could be kept, and why.
    Gap,
    /// Columns: where each block begins. Closes the file.
    Index,
    /// JSON: what begins and ceases to stand out.
    Marks,
    /// Columns: what came to the trails of interesting tasks.
    Trails,
    /// Columns: who ended in a gap.
    Deaths,
    /// Of a later version: skipped.
    Other(u8),
}

impl Kind {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Facts => 1,
            Self::Samples => 2,
            Self::Keyframe => 3,
            Self::Gap => 4,
            Self::Index => 5,
            Self::Marks => 6,
            Self::Trails => 7,
            Self::Deaths => 8,
            Self::Other(number) => number,
        }
    }

    pub(super) fn of(number: u8) -> Self {
        match number {
            1 => Self::Facts,
            2 => Self::Samples,
            3 => Self::Keyframe,
            4 => Self::Gap,
            5 => Self::Index,
            6 => Self::Marks,
            7 => Self::Trails,
            8 => Self::Deaths,
            other => Self::Other(other),
        }
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Bytes of the payload as it is in the file.
    pub(super) packed: usize,
    /// Bytes of the payload unpacked.
    pub(super) unpacked: usize,
    /// The first and the last sample's time since boot, ns.
    pub(super) begin_ns: u64,
    pub(super) end_ns: u64,
    crc: u32,
}

/// The bytes that begin a file.
pub(super) fn file_header() -> [u8; FILE_HEADER] {
    let mut header = [0; FILE_HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..10].copy_from_slice(&VERSION.to_le_bytes());
    header
}

/// A block around a packed payload.
pub(super) fn frame(
    kind: Kind,
    payload: &[u8],
    unpacked: usize,
    (begin_ns, end_ns): (u64, u64),
) -> Vec<u8> {
    let mut block = Vec::with_capacity(BLOCK_HEADER + payload.len());
    block.extend_from_slice(BLOCK_MAGIC);
    block.extend_from_slice(&[kind.number(), 0, 0, 0]);
    block.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    block.extend_from_slice(&(unpacked as u32).to_le_bytes());
    block.extend_from_slice(&begin_ns.to_le_bytes());
    block.extend_from_slice(&end_ns.to_le_bytes());
    let crc = checksum(&block, payload);
    block.extend_from_slice(&crc.to_le_bytes());
    block.extend_from_slice(payload);
    block
}

fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    let mut crc = crc32c::crc32c(head);
    crc = crc32c::crc32c_append(crc, payload);
    crc
}

impl Header {
    /// From the bytes of one; `None` where none begins, or what it claims is absurd.
    pub(super) fn parse(bytes: &[u8; BLOCK_HEADER]) -> Option<Self> {
        let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        if &bytes[..4] != BLOCK_MAGIC {
            return None;
        }
        let header = Self {
            kind: Kind::of(bytes[4]),
            packed: u32_at(8)? as usize,
            unpacked: u32_at(12)? as usize,
            begin_ns: u64_at(16)?,
            end_ns: u64_at(24)?,
            crc: u32_at(32)?,
        };
        let is_possible = header.packed <= MOST
            && header.unpacked <= MOST
            && header.begin_ns <= header.end_ns
            && header.end_ns <= MOST_NS;
        is_possible.then_some(header)
    }

    /// Whether header and payload are as they were written.
    pub(super) fn is_sound(&self, bytes: &[u8; BLOCK_HEADER], payload: &[u8]) -> bool {
        checksum(&bytes[..BLOCK_HEADER - 4], payload) == self.crc
    }
}

/// The offset of the next block header at or after `from`.
pub(super) fn find(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let at = rest
        .windows(BLOCK_MAGIC.len())
        .position(|window| window == BLOCK_MAGIC)?;
    Some(from + at)
}

/// The payload as it was; `None` where it is not what the header says.
pub(super) fn unpacked(header: &Header, payload: &[u8]) -> Option<Vec<u8>> {
    let bytes = zstd::bulk::decompress(payload, header.unpacked).ok()?;
    (bytes.len() == header.unpacked).then_some(bytes)
}
