//! Notices in `/proc/vmstat` that memory can have changed without its processes running.

use super::{kept::KeptFile, stat::number};

/// Counters of what the kernel does with the memory of others, by the begin of their names:
/// reclaim, swap, huge pages that it makes or splits, pages that it moves or merges.
const COUNTERS: &[&[u8]] = &[
    b"pgsteal_",
    b"pswp",
    b"zswp",
    b"thp_collapse",
    b"thp_split",
    b"pgmigrate_success",
    b"pgdemote",
    b"ksm_swpin",
    b"cow_ksm",
    b"drop_pagecache",
];

/// Watches the counters.
pub(crate) struct MemoryWatch(KeptFile);

impl MemoryWatch {
    pub(crate) fn new() -> Self {
        Self(KeptFile::open("/proc/vmstat"))
    }

    /// A number that changes if one of the counters does; `None` if they cannot be read.
    pub(crate) fn counters(&mut self) -> Option<u64> {
        self.0.read().map(sum)
    }
}

/// The sum of the counters: they only grow.
fn sum(vmstat: &[u8]) -> u64 {
    let lines = vmstat.split(|byte| *byte == b'\n');
    let is_one = |line: &&[u8]| COUNTERS.iter().any(|name| line.starts_with(name));
    let values = lines
        .filter(is_one)
        .filter_map(|line| line.rsplit(|byte| *byte == b' ').next().and_then(number));
    values.fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_work_on_the_memory_of_others_counts() {
        let before = b"nr_free_pages 10\npgfault 7\npgsteal_kswapd 3\npswpout 2\n";
        assert_eq!(sum(before), 5);
        assert_eq!(
            sum(b"nr_free_pages 99\npgfault 99\npgsteal_kswapd 3\npswpout 2\n"),
            5
        );
        assert_eq!(sum(b"pgsteal_kswapd 4\npswpout 2\nthp_split_pmd 1\n"), 7);
    }

    #[test]
    fn this_kernel_has_the_counters() {
        let text = std::fs::read_to_string("/proc/vmstat").unwrap();
        for name in ["pgsteal_", "pswpout "] {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name}");
        }
        assert!(MemoryWatch::new().counters().is_some());
    }
}
