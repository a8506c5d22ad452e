use crate::{COMM_LEN, Header};

/// Bit in [`SignalRecord::flags`]: the kernel gave no details (`SEND_SIG_NOINFO`).
pub const SIGNAL_NO_INFO: u32 = 1;
/// Bit in [`SignalRecord::flags`]: the kernel itself sends it (`SEND_SIG_PRIV`).
pub const SIGNAL_PRIVATE: u32 = 2;
/// Bit in [`SignalRecord::flags`]: the task that ran is exiting.
pub const SIGNAL_FROM_EXITING: u32 = 4;
/// Bit in [`SignalRecord::flags`]: the task that ran is a kernel thread.
pub const SIGNAL_FROM_KTHREAD: u32 = 8;
/// Bit in [`SignalRecord::flags`]: the task that ran traces the one that got the signal.
pub const SIGNAL_FROM_TRACER: u32 = 16;
/// Bit in [`SignalRecord::flags`]: the process that got the signal has a limit of CPU time.
pub const SIGNAL_CPU_LIMIT: u32 = 32;

/// From `signal_generate`: a process has got a signal that can end it.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct SignalRecord {
    /// Kind and size of the record.
    pub header: Header,
    /// Time of the event, ns since boot, suspend included.
    pub time_ns: u64,
    /// Start of the leader of the process that got the signal, ns since boot.
    pub leader_start_ns: u64,
    /// Start of the leader of the process that ran, ns since boot. It is the sender only if
    /// `code` and `flags` say so: in an interrupt it is a bystander.
    pub sender_start_ns: u64,
    /// Process id of the process that got the signal.
    pub tgid: u32,
    /// Number of the signal.
    pub signal: u32,
    /// `si_code`; 0 with [`SIGNAL_NO_INFO`] and [`SIGNAL_PRIVATE`].
    pub code: i32,
    /// `SIGNAL_*` bits.
    pub flags: u32,
    /// Process id of the process that ran.
    pub sender_tgid: u32,
    /// Real user id of the process that ran.
    pub sender_uid: u32,
    /// Name of the leader of the process that ran.
    pub sender_comm: [u8; COMM_LEN],
}

const _: () = assert!(size_of::<SignalRecord>() == 72);
const _: () = assert!(core::mem::offset_of!(SignalRecord, sender_comm) == 56);
