//! Parses `/proc/PID/io`.

use super::stat::{ParseError, number};

/// What procviz needs of `/proc/PID/io`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IoFile {
    /// `read_bytes`: bytes read from storage.
    pub read_bytes: u64,
    /// `write_bytes`: bytes written to storage.
    pub write_bytes: u64,
    /// `wchar`: bytes passed to write calls.
    pub written: u64,
}

/// Parses `io`.
///
/// # Errors
///
/// When one of the fields is missing or not a number.
pub fn parse_io(bytes: &[u8]) -> Result<IoFile, ParseError> {
    let field = |name: &'static str| {
        bytes
            .split(|byte| *byte == b'\n')
            .find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b": "))
            .and_then(number)
            .ok_or(ParseError {
                file: "io",
                field: name,
            })
    };
    Ok(IoFile {
        read_bytes: field("read_bytes")?,
        write_bytes: field("write_bytes")?,
        written: field("wchar")?,
    })
}

#[cfg(test)]
mod tests {
    use procfs::FromRead;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equal_to_the_procfs_crate(n in proptest::array::uniform7(0u64..1 << 62)) {
            let text = format!(
                "rchar: {}\nwchar: {}\nsyscr: {}\nsyscw: {}\nread_bytes: {}\nwrite_bytes: {}\ncancelled_write_bytes: {}\n",
                n[0], n[1], n[2], n[3], n[4], n[5], n[6]
            );
            let ours = parse_io(text.as_bytes()).unwrap();
            let theirs = procfs::process::Io::from_read(text.as_bytes()).unwrap();
            prop_assert_eq!((ours.read_bytes, ours.write_bytes, ours.written), (theirs.read_bytes, theirs.write_bytes, theirs.wchar));
        }

        #[test]
        fn any_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            _ = parse_io(&bytes);
        }
    }
}
