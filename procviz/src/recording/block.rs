//! Builds and parses the frame of a block: kind, lengths, times, and a checksum over
//! header and payload.

/// First bytes of every file; the version follows.
pub(super) const MAGIC: &[u8; 8] = b"procviz\n";
/// Version of the format that this procviz writes, and the newest that it can read.
pub(super) const VERSION: u16 = 1;
/// Size of the file header, bytes: magic, version, six zeros.
pub(super) const FILE_HEADER: usize = 16;
/// First bytes of every block.
pub(super) const BLOCK_MAGIC: &[u8; 4] = b"PVZB";
/// Size of a block header, bytes.
pub(super) const BLOCK_HEADER: usize = 36;
/// Upper limit for a payload, packed or unpacked, bytes. A header with a larger length is
/// invalid.
pub(super) const MOST: usize = 32 << 20;
/// Upper limit for times since boot, ns: 73 years.
pub(super) const MOST_NS: u64 = 1 << 61;
/// Upper limit for the unpacked payload of a keyframe or of a block of trails, bytes.
/// Lower than [`MOST`], because these data take more room in memory.
pub(super) const MOST_OF_KEYFRAME: usize = 8 << 20;

/// Kind of a block: what its payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// JSON: what does not change from sample to sample, and user names.
    Facts,
    /// Tables in columns: samples.
    Samples,
    /// State of the tracker after the samples before this block.
    Keyframe,
    /// JSON: a period whose samples could not be kept, and the reason.
    Gap,
    /// Table in columns: where each block begins. Last block of a closed file.
    Index,
    /// JSON: which findings begin, hold or end.
    Marks,
    /// Tables in columns: new points of the trails of interesting tasks.
    Trails,
    /// Tables in columns: exit records of processes that exited in a gap.
    Deaths,
    /// A kind of a later version; readers skip the block.
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

    /// The kind with this number in a block header. Unknown kinds are kept, so that
    /// readers can skip blocks of later versions.
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

/// Header of a block, before the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Length of the payload in the file, bytes.
    pub(super) packed: usize,
    /// Length of the unpacked payload, bytes.
    pub(super) unpacked: usize,
    /// Times of the first and the last sample, ns since boot.
    pub(super) begin_ns: u64,
    pub(super) end_ns: u64,
    crc: u32,
}

/// The bytes of a file header.
pub(super) fn file_header() -> [u8; FILE_HEADER] {
    let mut header = [0; FILE_HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..10].copy_from_slice(&VERSION.to_le_bytes());
    header
}

/// Builds a block: header and packed payload.
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
    /// Parses a header; `None` if the magic is missing, or a length or a time is beyond
    /// its limit.
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

    /// Whether the checksum matches header and payload.
    pub(super) fn is_sound(&self, bytes: &[u8; BLOCK_HEADER], payload: &[u8]) -> bool {
        checksum(&bytes[..BLOCK_HEADER - 4], payload) == self.crc
    }
}

/// Offset of the next block magic at or after `from`.
pub(super) fn find(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let at = rest
        .windows(BLOCK_MAGIC.len())
        .position(|window| window == BLOCK_MAGIC)?;
    Some(from + at)
}

/// Unpacks a payload; `None` if it cannot be unpacked, or its length is not the length in
/// the header.
pub(super) fn unpacked(header: &Header, payload: &[u8]) -> Option<Vec<u8>> {
    let bytes = zstd::bulk::decompress(payload, header.unpacked).ok()?;
    (bytes.len() == header.unpacked).then_some(bytes)
}
