//! Decodes bytes from the ring and from the task iterator into records. Checks
//! lengths, refuses unknown kinds, and does not trust sizes inside the bytes.

use bytemuck::{AnyBitPattern, pod_read_unaligned};
use procviz_common::{
    ARGS_LEN, CgroupRecord, DeadRecord, ExecRecord, ExitRecord, ForkRecord, Kind, MoveRecord,
    RenameRecord, SignalRecord,
};

// The programs send as many bytes of arguments as are kept.
const _: () = assert!(ARGS_LEN == crate::model::MOST_ARGS);

/// A record from the ring, by kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Record<'a> {
    Fork(ForkRecord),
    /// With the arguments, which can be cut.
    Exec(ExecRecord, &'a [u8]),
    Exit(ExitRecord),
    Dead(DeadRecord),
    Rename(RenameRecord),
    Cgroup(CgroupRecord),
    Move(MoveRecord),
    Signal(SignalRecord),
}

impl<'a> Record<'a> {
    /// Decodes a record. `None` if the kind is unknown, or the length does not match
    /// the kind.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let kind = u32::from_ne_bytes(*bytes.first_chunk::<4>()?);
        Some(match kind {
            k if k == Kind::Fork as u32 => Self::Fork(read(bytes)?),
            k if k == Kind::Exec as u32 => {
                let (record, args) = bytes.split_at_checked(size_of::<ExecRecord>())?;
                let record: ExecRecord = read(record)?;
                let is_right = args.len() == record.args_len as usize && args.len() <= ARGS_LEN;
                is_right.then_some(Self::Exec(record, args))?
            }
            k if k == Kind::Exit as u32 => Self::Exit(read(bytes)?),
            k if k == Kind::Dead as u32 => Self::Dead(read(bytes)?),
            k if k == Kind::Rename as u32 => Self::Rename(read(bytes)?),
            k if k == Kind::Cgroup as u32 => Self::Cgroup(read(bytes)?),
            k if k == Kind::Move as u32 => Self::Move(read(bytes)?),
            k if k == Kind::Signal as u32 => Self::Signal(read(bytes)?),
            _ => return None,
        })
    }
}

/// Decodes bytes as a record and as a row, for fuzzing.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn decode_any(bytes: &[u8]) {
    _ = Record::decode(bytes);
    _ = read::<procviz_common::Row>(bytes);
}

/// Reads a `T`; `None` if the number of bytes is not exactly the size of a `T`.
pub(crate) fn read<T: AnyBitPattern>(bytes: &[u8]) -> Option<T> {
    (bytes.len() == size_of::<T>()).then(|| pod_read_unaligned(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(bytes: &[u8], at: usize) -> u32 {
        u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_not(kind in 0u32..10, mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if bytes.len() >= 4 {
                bytes[..4].copy_from_slice(&kind.to_ne_bytes());
            }
            if kind == Kind::Exec as u32 {
                // The length is that of the arguments.
                let right = bytes.len() >= 88 && word(&bytes, 52) as usize == bytes.len() - 88;
                prop_assert_eq!(Record::decode(&bytes).is_some(), right);
                return Ok(());
            }
            let right = [96, 0, 104, 184, 40, 280, 32, 72].get(kind as usize) == Some(&bytes.len());
            prop_assert_eq!(Record::decode(&bytes).is_some(), right);
        }

        #[test]
        fn right_lengths_decode(kind in 0usize..8, fill in any::<u8>()) {
            let mut bytes = vec![fill; [96, 88 + 5, 104, 184, 40, 280, 32, 72][kind]];
            bytes[..4].copy_from_slice(&(kind as u32).to_ne_bytes());
            if kind == Kind::Exec as usize {
                bytes[52..56].copy_from_slice(&5u32.to_ne_bytes());
            }
            prop_assert!(Record::decode(&bytes).is_some());
        }
    }
}
