/// Starts every record of the ring.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Header {
    /// A [`Kind`] as a number; user space counts those it does not know.
    pub kind: u32,
    /// Bytes of the whole record, this header included.
    pub size: u32,
}

const _: () = assert!(size_of::<Header>() == 8);

/// The kinds of records, and at the same time the index of each kind's
/// counter of failed reserves in the map `LOST`.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A task was made.
    Fork = 0,
    /// A process runs another program.
    Exec = 1,
    /// A task is on its way out; its CPU time is not final.
    Exit = 2,
    /// A dead task left its CPU for the last time; its figures are final.
    Dead = 3,
    /// A task changed its name.
    Rename = 4,
    /// A cgroup was made.
    Cgroup = 5,
}

impl Kind {
    /// Number of kinds, which is the size of the map `LOST`.
    pub const COUNT: usize = 6;
}
