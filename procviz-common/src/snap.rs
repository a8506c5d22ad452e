/// Number of 64-bit words in one slot of the map `SNAP`: one cache line.
pub const SNAP_WORDS: usize = 8;

/// Figures of a task at the last time it left a CPU.
///
/// | word | holds |
/// |---|---|
/// | 0 | tid (low 32 bits), real uid (high 32 bits) |
/// | 1 | [`snap_start`] (low 32 bits), mark of the memory (high 32 bits) |
/// | 2 | CPU time, ns |
/// | 3 | run delay, ns |
/// | 4 | bytes read |
/// | 5 | bytes written |
/// | 6 | state (16 bits), `LEFT_*` (4), tick of user space (12), largest single wait since that tick in units of 1024 ns (32, all ones: unknown) |
/// | 7 | [`snap_mix`] of the other words |
pub type SnapWords = [u64; SNAP_WORDS];

/// What a slot holds of the start of a task: units of 1024 ns, modulo 2^32 (73 minutes). With the
/// thread id that is enough to tell two tasks apart.
#[inline(always)]
pub const fn snap_start(start_ns: u64) -> u32 {
    (start_ns >> 10) as u32
}

/// The mark of a process' memory: another one if the resident set, the swapped pages or the address
/// space are others. All numbers are pages; `rss` and `swap` are the sums of the kernel's fast
/// counters. 0 stands for no memory.
#[inline(always)]
pub const fn memory_mark(rss: u64, swap: u64, vsize: u64) -> u32 {
    let mix = (rss as u32).wrapping_mul(0x9e37_79b1)
        ^ (swap as u32).wrapping_mul(0x85eb_ca77).rotate_left(11)
        ^ (vsize as u32).wrapping_mul(0xc2b2_ae3d).rotate_left(22);
    mix | 1
}

/// Word 6, bit 16: the task was preempted, so it is runnable.
pub const LEFT_PREEMPTED: u64 = 1 << 16;
/// Word 6, bit 17: the task waits for IO.
pub const LEFT_IN_IOWAIT: u64 = 1 << 17;

/// The checksum word of a slot. If the checksum does not match, a concurrent
/// write tore the slot; user space then reads `/proc` instead.
#[inline(always)]
pub const fn snap_mix(words: &[u64; SNAP_WORDS - 1]) -> u64 {
    words[0]
        ^ words[1].rotate_left(9)
        ^ words[2].rotate_left(18)
        ^ words[3].rotate_left(27)
        ^ words[4].rotate_left(36)
        ^ words[5].rotate_left(45)
        ^ words[6].rotate_left(54)
        ^ 0x9e37_79b9_7f4a_7c15
}

const _: () = assert!(size_of::<SnapWords>() == 64);
