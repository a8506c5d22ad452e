/// Bytes of a task's name in the kernel, with its closing zero.
pub const COMM_LEN: usize = 16;
/// Bytes kept of a file name, of arguments or of a cgroup's path.
pub const PATH_LEN: usize = 256;
/// The kernel's `PID_MAX_LIMIT` on 64 bits: no thread id reaches it.
pub const TID_LIMIT: usize = 4 * 1024 * 1024;
/// 64-bit words of a map with one bit a thread id.
pub const TID_WORDS: usize = TID_LIMIT / 64;
/// Slots of the map `SNAP`, a power of two, indexed by the thread id's low bits.
pub const SNAP_SLOTS: usize = 131_072;
/// Slots of the map `CUR`, one a possible CPU; those beyond are unused.
pub const CUR_CPUS: usize = 1024;
/// Bytes of the ring of events; it is mapped twice.
pub const RING_BYTES: u32 = 4 * 1024 * 1024;

/// What user space tells the programs while they run: the map `TICK`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Tick {
    /// Low 12 bits: user space's tick. The largest single wait in a
    /// snapshot counts since the tick that stands beside it.
    pub epoch: u64,
}

const _: () = assert!(size_of::<Tick>() == 8);
