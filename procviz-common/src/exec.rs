use crate::{COMM_LEN, Header, PATH_LEN};

/// From `sched_process_exec`: a process runs another program.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct ExecRecord {
    /// Kind and size.
    pub header: Header,
    /// Nanoseconds since boot, suspend included.
    pub time_ns: u64,
    /// Start of the process's leader, ns since boot: it outlives an exec by another thread.
    pub start_ns: u64,
    /// The task's address in the kernel: matches this to the exit; never shown.
    pub address: u64,
    /// Id of the cgroup (v2).
    pub cgroup_id: u64,
    /// Process id, which is the thread id after an exec.
    pub tgid: u32,
    /// Thread id of who called exec; another than `tgid` when it was not the leader.
    pub old_tid: u32,
    /// Real user id.
    pub uid: u32,
    /// Bytes used of `args`.
    pub args_len: u32,
    /// The new name.
    pub comm: [u8; COMM_LEN],
    /// First bytes of the arguments, each ended by a zero.
    pub args: [u8; PATH_LEN],
}

const _: () = assert!(size_of::<ExecRecord>() == 328);
const _: () = assert!(core::mem::offset_of!(ExecRecord, args) == 72);
