/// Size of a task's name in the kernel with the terminating zero, bytes.
pub const COMM_LEN: usize = 16;
/// Number of bytes kept of a cgroup's path.
pub const PATH_LEN: usize = 256;
/// Upper limit for the bytes kept of the arguments of a process.
pub const ARGS_LEN: usize = 4096;
/// The kernel's `PID_MAX_LIMIT` on 64 bits: no thread id reaches it.
pub const TID_LIMIT: usize = 4 * 1024 * 1024;
/// Number of 64-bit words in a map with one bit per thread id.
pub const TID_WORDS: usize = TID_LIMIT / 64;
/// Least number of slots in the map `SNAP`, a power of two; the index is the thread id's low bits.
/// User space chooses the number by the number of threads.
pub const LEAST_SNAP_SLOTS: usize = 32_768;
/// Largest number of slots in the map `SNAP`.
pub const MOST_SNAP_SLOTS: usize = 131_072;
/// Number of slots in the map `CUR`: one per possible CPU, the rest is unused.
pub const CUR_CPUS: usize = 1024;
/// Least size of the ring buffer of events, bytes, a power of two; its memory is mapped twice.
/// User space chooses the size by the number of CPUs.
pub const LEAST_RING_BYTES: u32 = 4 * 1024 * 1024;
/// Largest size of the ring buffer of events, bytes.
pub const MOST_RING_BYTES: u32 = 16 * 1024 * 1024;

/// Data that user space passes to the running programs: the map `TICK`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Tick {
    /// Low 12 bits: the tick of user space. The largest single wait in a slot of
    /// `SNAP` counts since the tick that is stored in the same slot.
    pub epoch: u64,
}

const _: () = assert!(size_of::<Tick>() == 8);
