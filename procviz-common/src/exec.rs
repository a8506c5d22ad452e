use crate::{COMM_LEN, Header};

/// From `sched_process_exec`: a process called exec. The first [`ARGS_LEN`] bytes of the
/// arguments follow, each argument with a zero byte at its end.
///
/// [`ARGS_LEN`]: crate::ARGS_LEN
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct ExecRecord {
    /// Kind and size of the record.
    pub header: Header,
    /// Time of the event, ns since boot, suspend included.
    pub time_ns: u64,
    /// Start of the process's leader, ns since boot; an exec by another thread keeps it.
    pub start_ns: u64,
    /// Address of the task in the kernel; matches this record to the exit; never shown.
    pub address: u64,
    /// Id of the cgroup (v2).
    pub cgroup_id: u64,
    /// Process id; after an exec also the thread id of the caller.
    pub tgid: u32,
    /// Thread id of the caller before the exec; not `tgid` if the caller was not the leader.
    pub old_tid: u32,
    /// Real user id.
    pub uid: u32,
    /// Number of bytes of the arguments that follow; 0: they could not be read.
    pub args_len: u32,
    /// The new name.
    pub comm: [u8; COMM_LEN],
    /// Largest resident set of the process before the exec, pages: the kernel keeps it.
    pub max_rss_pages: u64,
    /// Number of bytes of all arguments.
    pub args_bytes: u64,
}

const _: () = assert!(size_of::<ExecRecord>() == 88);
const _: () = assert!(core::mem::offset_of!(ExecRecord, max_rss_pages) == 72);
