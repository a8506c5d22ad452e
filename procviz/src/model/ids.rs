use serde::{Deserialize, Serialize};

use crate::model::Untrusted;

/// Who a task is: a thread id alone is reused, with its start it is not.
///
/// A process is known by the id of its leader.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct TaskId {
    /// Thread id in the first pid namespace.
    pub tid: u32,
    /// Start, ns since boot (from `/proc` alone in steps of 10 ms).
    pub start_ns: u64,
}

/// What a task is taken to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every thread is a task.
    Threads,
    /// Every process is a task, its dead threads included.
    Processes,
}

/// A task's name: up to 15 bytes that its owner chose.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Comm(pub [u8; 16]);

impl Comm {
    /// From bytes, cut after 15.
    pub fn new(bytes: &[u8]) -> Self {
        let mut name = [0; 16];
        let len = bytes.iter().take(15).take_while(|byte| **byte != 0).count();
        name[..len].copy_from_slice(&bytes[..len]);
        Self(name)
    }

    /// The bytes before the closing zero.
    pub fn bytes(&self) -> &[u8] {
        let len = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(self.0.len());
        &self.0[..len]
    }

    /// The name as text that has to be escaped for where it goes.
    pub fn text(&self) -> Untrusted<'_> {
        Untrusted::new(self.bytes())
    }
}

impl std::fmt::Debug for Comm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes()))
    }
}
