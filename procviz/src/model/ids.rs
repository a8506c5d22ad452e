use serde::{Deserialize, Serialize};

use crate::model::Untrusted;

/// Identity of a task: thread id and start time. The kernel reuses thread ids,
/// so a thread id alone does not identify a task.
///
/// The id of a process is the id of its leader.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct TaskId {
    /// Thread id in the initial pid namespace.
    pub tid: u32,
    /// Start time, ns since boot (from `/proc` alone, in steps of 10 ms).
    pub start_ns: u64,
}

impl TaskId {
    /// A key that orders tasks by their start, the oldest first.
    pub fn by_start(self) -> (u64, u32) {
        (self.start_ns, self.tid)
    }
}

/// What counts as one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every thread is a task.
    Threads,
    /// Every process is a task; its figures include its exited threads.
    Processes,
}

/// Name of a task (`comm`): up to 15 bytes, chosen by the process itself.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Comm([u8; 16]);

impl Comm {
    /// Makes a name from the bytes up to the first zero, at most 15 bytes.
    pub fn new(bytes: &[u8]) -> Self {
        let mut name = [0; 16];
        let len = bytes.iter().take(15).take_while(|byte| **byte != 0).count();
        name[..len].copy_from_slice(&bytes[..len]);
        Self(name)
    }

    /// The bytes before the terminating zero.
    pub fn bytes(&self) -> &[u8] {
        let len = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(self.0.len());
        &self.0[..len]
    }

    /// Whether the name says nothing about the program: the kernel knows only `exe` or a number
    /// if a program was started through `/proc/self/exe` or through a descriptor.
    pub fn is_placeholder(&self) -> bool {
        let name = self.bytes();
        name == b"exe" || (!name.is_empty() && name.iter().all(u8::is_ascii_digit))
    }

    /// The name as untrusted text, which must be escaped for each output.
    pub fn text(&self) -> Untrusted<'_> {
        Untrusted::new(self.bytes())
    }
}

impl std::fmt::Debug for Comm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes()))
    }
}
