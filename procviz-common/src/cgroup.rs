use crate::{Header, PATH_LEN};

/// From `cgroup_mkdir`: a cgroup was created. A removed cgroup keeps its name this way.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct CgroupRecord {
    /// Kind and size of the record.
    pub header: Header,
    /// Id of the cgroup: the inode number of its directory.
    pub id: u64,
    /// 0 for the v2 hierarchy.
    pub hierarchy: u32,
    /// Number of used bytes in `path`.
    pub path_len: u32,
    /// First bytes of the path below the root of the hierarchy.
    pub path: [u8; PATH_LEN],
}

const _: () = assert!(size_of::<CgroupRecord>() == 280);
const _: () = assert!(core::mem::offset_of!(CgroupRecord, path) == 24);

/// From `cgroup_attach_task`: a task, or a whole process, was moved to another cgroup.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct MoveRecord {
    /// Kind and size of the record.
    pub header: Header,
    /// Start of the process's leader, ns since boot.
    pub leader_start_ns: u64,
    /// Id of the new cgroup.
    pub id: u64,
    /// Process id.
    pub tgid: u32,
    /// 0 for the v2 hierarchy.
    pub hierarchy: u32,
}

const _: () = assert!(size_of::<MoveRecord>() == 32);
const _: () = assert!(core::mem::offset_of!(MoveRecord, hierarchy) == 28);
