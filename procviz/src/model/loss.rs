use serde::{Deserialize, Serialize};

/// What was not seen, counted since the run began. Shown, never hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Fork events without room in the ring.
    pub fork: u64,
    /// Exec events without room.
    pub exec: u64,
    /// Exit events without room, or beyond the queue of who reads them.
    pub exit: u64,
    /// Final figures of dead tasks without room.
    pub dead: u64,
    /// Renames, new cgroups, and records of a kind that is not known.
    pub other: u64,
    /// Samples taken later than half an interval.
    pub late_ticks: u64,
    /// Samples not taken at all.
    pub skipped_ticks: u64,
}

impl Losses {
    /// Events lost, of all kinds.
    pub fn events(&self) -> u64 {
        self.fork + self.exec + self.exit + self.dead + self.other
    }
}
