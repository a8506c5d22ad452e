/// The header of every record in the ring buffer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Header {
    /// A [`Kind`] as a number; user space counts records of unknown kinds.
    pub kind: u32,
    /// Size of the whole record including this header, bytes.
    pub size: u32,
}

const _: () = assert!(size_of::<Header>() == 8);

/// The kinds of records. The number of a kind is also the index of its counter
/// of failed reservations in the map `LOST`.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A task was created.
    Fork = 0,
    /// A process called exec.
    Exec = 1,
    /// A task is exiting; its CPU time is not final yet.
    Exit = 2,
    /// A dead task left its CPU for the last time; its figures are final.
    Dead = 3,
    /// A task changed its name.
    Rename = 4,
    /// A cgroup was created.
    Cgroup = 5,
    /// A process was moved to another cgroup.
    Move = 6,
    /// A process got a signal that can end it.
    Signal = 7,
}

impl Kind {
    /// Number of kinds, which is the size of the map `LOST`.
    pub const COUNT: usize = 8;
}
