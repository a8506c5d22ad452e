use crate::{COMM_LEN, Header};

/// [`ForkRecord::flags`]: the new task is a kernel thread.
pub const FORK_KTHREAD: u32 = 1;

/// From `sched_process_fork`: a task was made.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct ForkRecord {
    /// Kind and size.
    pub header: Header,
    /// Nanoseconds since boot, suspend included.
    pub time_ns: u64,
    /// Start of the new task, ns since boot.
    pub start_ns: u64,
    /// Start of the new task's group leader, ns since boot.
    pub leader_start_ns: u64,
    /// Start of the parent's group leader, ns since boot.
    pub parent_start_ns: u64,
    /// Id of the parent's cgroup (v2).
    pub cgroup_id: u64,
    /// Thread id.
    pub tid: u32,
    /// Process id.
    pub tgid: u32,
    /// Process id of who called fork.
    pub parent_tgid: u32,
    /// Process id of the new task's `real_parent`, which `CLONE_PARENT` makes another.
    pub ppid: u32,
    /// Real user id.
    pub uid: u32,
    /// Process id in the task's own pid namespace.
    pub ns_pid: u32,
    /// `FORK_*` bits.
    pub flags: u32,
    /// Zero.
    pub _pad: u32,
    /// The parent's name, which is the child's until it calls exec.
    pub comm: [u8; COMM_LEN],
}

const _: () = assert!(size_of::<ForkRecord>() == 96);
const _: () = assert!(core::mem::offset_of!(ForkRecord, comm) == 80);
