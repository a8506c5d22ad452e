use crate::{COMM_LEN, Header};

/// [`ForkRecord::flags`]: the new task is a kernel thread.
pub const FORK_KTHREAD: u32 = 1;

/// From `task_newtask`: a task was created.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct ForkRecord {
    /// Kind and size of the record.
    pub header: Header,
    /// Time of the event, ns since boot, suspend included.
    pub time_ns: u64,
    /// Start of the new task, ns since boot.
    pub start_ns: u64,
    /// Start of the new task's group leader, ns since boot.
    pub leader_start_ns: u64,
    /// Start of the parent's group leader, ns since boot.
    pub parent_start_ns: u64,
    /// Id of the parent's cgroup (v2).
    pub cgroup_id: u64,
    /// Thread id of the new task.
    pub tid: u32,
    /// Process id of the new task.
    pub tgid: u32,
    /// Process id of the caller of fork.
    pub parent_tgid: u32,
    /// Process id of the new task's `real_parent`; with `CLONE_PARENT` not the caller.
    pub ppid: u32,
    /// Real user id.
    pub uid: u32,
    /// Process id in the new task's own pid namespace.
    pub ns_pid: u32,
    /// `FORK_*` bits.
    pub flags: u32,
    /// Padding, zero.
    pub _pad: u32,
    /// Name of the parent, which the child keeps until it calls exec.
    pub comm: [u8; COMM_LEN],
}

const _: () = assert!(size_of::<ForkRecord>() == 96);
const _: () = assert!(core::mem::offset_of!(ForkRecord, comm) == 80);
