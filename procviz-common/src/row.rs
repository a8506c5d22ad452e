use crate::COMM_LEN;

/// [`Row::flags`]: the task is a kernel thread.
pub const ROW_KTHREAD: u32 = 1;
/// [`Row::flags`]: the task was on a CPU when it was read.
pub const ROW_ON_CPU: u32 = 2;
/// [`Row::flags`]: the task waits for IO.
pub const ROW_IN_IOWAIT: u32 = 4;
/// [`Row::flags`]: the task has memory of its own, so the sizes are known.
pub const ROW_HAS_MM: u32 = 8;

/// The record that the task iterator writes for each task.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Start of the task, ns since boot.
    pub start_ns: u64,
    /// Start of the group leader, ns since boot.
    pub leader_start_ns: u64,
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// Run delay: time runnable without a CPU, ns.
    pub run_delay_ns: u64,
    /// Last time at which the task got a CPU, on the scheduler's clock, ns; 0: never.
    pub last_arrival_ns: u64,
    /// Bytes read from storage.
    pub read_bytes: u64,
    /// Bytes written to storage.
    pub write_bytes: u64,
    /// Bytes whose write to storage this task prevented.
    pub cancelled_write_bytes: u64,
    /// User time as sampled by the timer, ns.
    pub user_ns: u64,
    /// System time as sampled by the timer, ns.
    pub system_ns: u64,
    /// Minor faults of this thread.
    pub minor_faults: u64,
    /// Major faults of this thread.
    pub major_faults: u64,
    /// Resident file pages of the process.
    pub file_pages: u64,
    /// Resident anonymous pages of the process.
    pub anon_pages: u64,
    /// Resident pages of shared memory and of tmpfs.
    pub shmem_pages: u64,
    /// Pages of the process in swap.
    pub swap_pages: u64,
    /// Huge pages of hugetlbfs, in pages of the normal size; no part of the resident set.
    pub hugetlb_pages: u64,
    /// Address space of the process, pages.
    pub vsize_pages: u64,
    /// CPU time of the process's exited threads, ns.
    pub gone_cpu_ns: u64,
    /// User time of the process's exited threads, ns.
    pub gone_user_ns: u64,
    /// System time of the process's exited threads, ns.
    pub gone_system_ns: u64,
    /// Bytes read from storage by the process's exited threads.
    pub gone_read_bytes: u64,
    /// Bytes written to storage by the process's exited threads.
    pub gone_write_bytes: u64,
    /// Bytes whose write to storage the process's exited threads prevented.
    pub gone_cancelled_write_bytes: u64,
    /// Minor faults of the process's exited threads.
    pub gone_minor_faults: u64,
    /// Major faults of the process's exited threads.
    pub gone_major_faults: u64,
    /// Minor faults of the children that the process has reaped; 0: it has reaped none.
    pub children_minor_faults: u64,
    /// Id of the cgroup (v2).
    pub cgroup_id: u64,
    /// Time at which this row was written, on the monotonic clock, ns.
    pub now_ns: u64,
    /// Thread id.
    pub tid: u32,
    /// Process id.
    pub tgid: u32,
    /// Process id of the parent.
    pub ppid: u32,
    /// Process id in the task's own pid namespace.
    pub ns_pid: u32,
    /// Real user id.
    pub uid: u32,
    /// State in the scheduler (`__state`).
    pub state: u32,
    /// Exit state (`exit_state`).
    pub exit_state: u32,
    /// `ROW_*` bits.
    pub flags: u32,
    /// Number of threads of the process.
    pub threads: u32,
    /// Mark of the memory, see [`memory_mark`](crate::memory_mark); 0: the task has none.
    pub memory_mark: u32,
    /// Name of the task.
    pub comm: [u8; COMM_LEN],
}

const _: () = assert!(size_of::<Row>() == 288);
const _: () = assert!(core::mem::offset_of!(Row, comm) == 272);
