//! Parses the memory figures of `/proc/PID/status`.

use super::stat::{ParseError, number};
use crate::model::{MemoryParts, MemorySizes};

/// The memory of a process, from its `status` file. A kernel thread, and a zombie, has no
/// such lines: all sizes are 0, and there are no parts.
///
/// # Errors
///
/// When a line is not a number of kB.
pub fn parse_memory(bytes: &[u8]) -> Result<MemorySizes, ParseError> {
    let mut sizes = MemorySizes::default();
    let mut parts = MemoryParts::default();
    let mut found = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (size, field) = match &line[..colon] {
            b"VmSize" => (&mut sizes.vsize, "VmSize"),
            b"VmRSS" => (&mut sizes.rss, "VmRSS"),
            b"RssAnon" => (&mut parts.anon, "RssAnon"),
            b"RssFile" => (&mut parts.file, "RssFile"),
            b"RssShmem" => (&mut parts.shmem, "RssShmem"),
            b"VmSwap" => (&mut parts.swap, "VmSwap"),
            b"HugetlbPages" => (&mut parts.hugetlb, "HugetlbPages"),
            _ => continue,
        };
        let bad = ParseError {
            file: "status",
            field,
        };
        let kib = line[colon + 1..]
            .trim_ascii()
            .strip_suffix(b" kB")
            .and_then(|digits| number(digits.trim_ascii()))
            .ok_or(bad)?;
        *size = kib.checked_mul(1024).ok_or(bad)?;
        found += u32::from(field.starts_with("Rss") || field == "VmSwap");
    }
    // `HugetlbPages` is missing where the kernel has none.
    sizes.parts = (found == 4).then_some(parts);
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use procfs::FromBufRead;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_to_the_procfs_crate_on_the_live_system() {
        let mut compared = 0;
        for process in procfs::process::all_processes().unwrap().flatten() {
            let Ok(bytes) = std::fs::read(format!("/proc/{}/status", process.pid)) else {
                continue;
            };
            let ours = parse_memory(&bytes).unwrap();
            let theirs = procfs::process::Status::from_buf_read(&bytes[..]).unwrap();
            let parts = ours.parts.unwrap_or_default();
            let kib = |value: Option<u64>| value.unwrap_or(0) * 1024;
            assert_eq!(
                (ours.rss, ours.vsize, parts.anon, parts.file),
                (
                    kib(theirs.vmrss),
                    kib(theirs.vmsize),
                    kib(theirs.rssanon),
                    kib(theirs.rssfile)
                )
            );
            assert_eq!(
                (parts.shmem, parts.swap, parts.hugetlb),
                (
                    kib(theirs.rssshmem),
                    kib(theirs.vmswap),
                    kib(theirs.hugetlbpages)
                )
            );
            assert_eq!(parts.rss(), ours.rss);
            compared += 1;
        }
        assert!(compared > 0);
    }

    proptest! {
        #[test]
        fn any_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            _ = parse_memory(&bytes);
        }
    }

    #[test]
    fn a_size_that_is_no_number_is_refused() {
        assert!(parse_memory(b"VmRSS:\t  many kB\n").is_err());
        assert!(parse_memory(b"VmRSS:\t99999999999999999999 kB\n").is_err());
        assert_eq!(
            parse_memory(b"Name:\tVmRSS: 1 kB\n").unwrap().rss,
            0,
            "the name of a process must not be read as a size"
        );
    }
}
