use crate::{COMM_LEN, Header};

/// From `task_rename`: a task is about to change its name.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct RenameRecord {
    /// Kind and size of the record.
    pub header: Header,
    /// Start of the task, ns since boot.
    pub start_ns: u64,
    /// Thread id.
    pub tid: u32,
    /// Process id.
    pub tgid: u32,
    /// The new name.
    pub comm: [u8; COMM_LEN],
}

const _: () = assert!(size_of::<RenameRecord>() == 40);
const _: () = assert!(core::mem::offset_of!(RenameRecord, comm) == 24);
