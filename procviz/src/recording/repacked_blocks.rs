//! Builds recordings from bytes whose payloads are neither compressed nor
//! checksummed, so that a fuzzer can change what is inside a block.
//!
//! Each block is: kind (1 byte), begin and end (8 bytes each, ns since boot),
//! length of the payload (4 bytes), payload. Numbers are little-endian. A length
//! beyond the end of the input means the rest of the input.

use super::block::{Kind, MOST_NS, file_header, frame};

/// Size of the header before a payload, bytes.
const HEAD: usize = 21;

/// Compresses the payloads and adds checksums: the result is a recording file.
pub(crate) fn repacked_blocks(mut bytes: &[u8]) -> Vec<u8> {
    let mut file = file_header().to_vec();
    while let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() {
        let number = |from: usize| {
            let eight: [u8; 8] = head[from..from + 8].try_into().unwrap_or_default();
            u64::from_le_bytes(eight) % MOST_NS
        };
        let four: [u8; 4] = head[17..].try_into().unwrap_or_default();
        let length = u32::from_le_bytes(four) as usize;
        let (payload, after) = rest.split_at(length.min(rest.len()));
        let (begin, end) = (number(1), number(9));
        let packed = zstd::bulk::compress(payload, 1).unwrap_or_default();
        let span = (begin.min(end), begin.max(end));
        file.extend(frame(Kind::of(head[0]), &packed, payload.len(), span));
        bytes = after;
    }
    file
}

/// The opposite of [`repacked_blocks`]: the blocks of a recording file, unpacked.
#[cfg(test)]
pub(crate) fn unpacked_blocks(file: &[u8]) -> Vec<u8> {
    use super::block::{BLOCK_HEADER, FILE_HEADER, Header, unpacked};

    let mut out = Vec::new();
    let mut rest = &file[FILE_HEADER..];
    while let Some((head, after)) = rest.split_first_chunk::<BLOCK_HEADER>() {
        let header = Header::parse(head).unwrap();
        let (packed, next) = after.split_at(header.packed);
        let payload = unpacked(&header, packed).unwrap();
        out.push(header.kind.number());
        out.extend(header.begin_ns.to_le_bytes());
        out.extend(header.end_ns.to_le_bytes());
        out.extend((payload.len() as u32).to_le_bytes());
        out.extend(payload);
        rest = next;
    }
    out
}
