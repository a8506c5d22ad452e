use crate::{Header, PATH_LEN};

/// From `cgroup_mkdir`: a cgroup was made. Kept so that one which is gone has a name.
#[repr(C)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[derive(Clone, Copy, Debug)]
pub struct CgroupRecord {
    /// Kind and size.
    pub header: Header,
    /// Its id, which is the inode number of its directory.
    pub id: u64,
    /// 0 for the v2 hierarchy.
    pub hierarchy: u32,
    /// Bytes used of `path`.
    pub path_len: u32,
    /// First bytes of the path below the hierarchy's root.
    pub path: [u8; PATH_LEN],
}

const _: () = assert!(size_of::<CgroupRecord>() == 280);
const _: () = assert!(core::mem::offset_of!(CgroupRecord, path) == 24);
