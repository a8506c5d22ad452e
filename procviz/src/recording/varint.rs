//! Encodes numbers in as few bytes as they need (LEB128). A signed number has its sign
//! in the lowest bit (zigzag).

/// Appends a number of at most 70 bits.
pub(super) fn put(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a number from the front; `None` if no number ends within ten bytes.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u128> {
    let mut value = 0;
    for index in 0..10 {
        let byte = *bytes.get(index)?;
        value |= u128::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            *bytes = &bytes[index + 1..];
            return Some(value);
        }
    }
    None
}

/// Takes a number from the front; `None` also if the number needs more than 64 bits.
pub(super) fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes)?.try_into().ok()
}

/// Maps small signed numbers to small unsigned numbers (zigzag).
pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1) as u64 ^ (value >> 63) as u64
}

/// The opposite of [`zigzag`].
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for value in [0, 1, 127, 128, u128::from(u64::MAX), 1 << 64] {
            let mut out = Vec::new();
            put(&mut out, value);
            let mut rest = out.as_slice();
            assert_eq!((take(&mut rest), rest), (Some(value), &[][..]));
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!(take(&mut &[0x80; 11][..]), None);
        assert_eq!(take(&mut &[0x80][..]), None);
    }
}
