use crate::{Header, TaskExit};

/// From the last `sched_switch` of a dead task: the final figures of this task alone.
///
/// If a thread calls exec, the ids of the old leader change between EXIT and DEAD. The
/// address is the same in both records. The identity in this record counts only if there
/// was no EXIT.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct DeadRecord {
    /// Kind and size of the record.
    pub header: Header,
    /// Identity and status, as far as the kernel still has them.
    pub task: TaskExit,
    /// CPU time, ns (`se.sum_exec_runtime`).
    pub cpu_ns: u64,
    /// Run delay: time runnable without a CPU, ns (`sched_info.run_delay`).
    pub run_delay_ns: u64,
    /// Bytes read from storage (`ioac.read_bytes`).
    pub read_bytes: u64,
    /// Bytes written to storage (`ioac.write_bytes`).
    pub write_bytes: u64,
    /// Bytes whose write to storage this task prevented, because it removed or cut a file
    /// before; others can have written them (`ioac.cancelled_write_bytes`).
    pub cancelled_write_bytes: u64,
    /// User time as sampled by the timer, ns (`utime`).
    pub user_ns: u64,
    /// System time as sampled by the timer, ns (`stime`).
    pub system_ns: u64,
    /// Minor faults.
    pub minor_faults: u64,
    /// Major faults.
    pub major_faults: u64,
    /// `EXIT_ZOMBIE` (32) if the task is not reaped yet, else `EXIT_DEAD` (16).
    pub exit_state: u32,
    /// Padding, zero.
    pub _pad: u32,
}

const _: () = assert!(size_of::<DeadRecord>() == 184);
const _: () = assert!(core::mem::offset_of!(DeadRecord, _pad) == 180);
