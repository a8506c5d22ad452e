use crate::model::TaskId;

/// What the memory of a process consists of, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryParts {
    /// Resident anonymous pages (`RssAnon`).
    pub anon: u64,
    /// Resident pages of files (`RssFile`): the kernel can drop them at any time.
    pub file: u64,
    /// Resident pages of shared memory and of tmpfs (`RssShmem`). Each process that has
    /// used such a page counts it.
    pub shmem: u64,
    /// Anonymous pages in swap (`VmSwap`).
    pub swap: u64,
    /// Huge pages of hugetlbfs (`HugetlbPages`), no part of the resident set.
    pub hugetlb: u64,
}

impl MemoryParts {
    /// The resident set.
    pub fn rss(self) -> u64 {
        self.anon
            .saturating_add(self.file)
            .saturating_add(self.shmem)
    }

    /// Memory that the machine lacks because of this process alone: neither pages of files
    /// nor shared pages. Huge pages of hugetlbfs can be shared, and are reserved anyway.
    pub fn private(self) -> u64 {
        self.anon.saturating_add(self.swap)
    }
}

/// Sizes of the memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemorySizes {
    /// Resident set, bytes.
    pub rss: u64,
    /// Address space, bytes.
    pub vsize: u64,
    /// What the memory consists of; `None`: unchanged if `rss` is unchanged, else not known.
    pub parts: Option<MemoryParts>,
}

impl MemorySizes {
    /// Sizes without the parts.
    pub fn new(rss: u64, vsize: u64) -> Self {
        Self {
            rss,
            vsize,
            parts: None,
        }
    }
}

/// Memory and number of threads of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The process.
    pub process: TaskId,
    /// The sizes.
    pub sizes: MemorySizes,
    /// Number of threads.
    pub threads: u32,
    /// Bytes that the process has passed to write calls (`wchar`). It is read only while
    /// shared memory grows: the kernel does not say who writes to tmpfs.
    pub written: Option<u64>,
}

impl Memory {
    /// Takes over what an earlier row of the same process says and this one leaves open.
    pub fn follow(&mut self, before: &Self) {
        if before.sizes.rss == self.sizes.rss {
            self.sizes.parts = self.sizes.parts.or(before.sizes.parts);
        }
        self.written = self.written.or(before.written);
    }
}
