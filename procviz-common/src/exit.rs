use crate::{COMM_LEN, Header};

/// [`ExitRecord::flags`]: the task is the last thread of its process.
pub const EXIT_GROUP_DEAD: u32 = 1;
/// [`ExitRecord::flags`]: the last thread, except for races; user space takes the last of several.
pub const EXIT_GROUP_DEAD_GUESSED: u32 = 2;
/// [`ExitRecord::flags`]: the OOM killer chose its process.
pub const EXIT_OOM: u32 = 4;

/// From `sched_process_exit`: a task is exiting.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct ExitRecord {
    /// Kind and size of the record.
    pub header: Header,
    /// Identity and status.
    pub task: TaskExit,
}

/// Identity and status of an exiting task. EXIT and DEAD both have them: a kernel since
/// 7.0 skips a program that already runs on the same CPU.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct TaskExit {
    /// Time of the event, ns since boot, suspend included.
    pub time_ns: u64,
    /// Start of the task, ns since boot.
    pub start_ns: u64,
    /// Start of the task's group leader, ns since boot; 0: not known, because the kernel
    /// had already freed the leader.
    pub leader_start_ns: u64,
    /// Address of the task in the kernel; matches EXIT and DEAD; never shown.
    pub address: u64,
    /// Largest resident set of the process, in pages; valid with group death.
    pub max_rss_pages: u64,
    /// Id of the cgroup (v2).
    pub cgroup_id: u64,
    /// Thread id.
    pub tid: u32,
    /// Process id.
    pub tgid: u32,
    /// Process id of the parent, or of the reaper if the parent has exited; in DEAD, the
    /// parent may already be another task.
    pub ppid: u32,
    /// Process id in the task's own pid namespace; in DEAD, the kernel may not have it
    /// any more.
    pub ns_pid: u32,
    /// Real user id.
    pub uid: u32,
    /// Wait status of this thread alone.
    pub exit_code: u32,
    /// Wait status of the process; valid with group death.
    pub group_exit_code: u32,
    /// `EXIT_*` bits.
    pub flags: u32,
    /// Name of the task.
    pub comm: [u8; COMM_LEN],
}

const _: () = assert!(size_of::<ExitRecord>() == 104);
const _: () = assert!(core::mem::offset_of!(TaskExit, comm) == 80);
