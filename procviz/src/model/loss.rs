use serde::{Deserialize, Serialize};

/// Numbers of lost events and samples since the run began. They are always shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Fork events lost because the ring buffer was full.
    pub fork: u64,
    /// Exec events lost because the ring buffer was full.
    pub exec: u64,
    /// Exit events lost because the ring buffer or the reader's queue was full.
    pub exit: u64,
    /// Final figures of dead tasks lost because the ring buffer was full.
    pub dead: u64,
    /// Lost renames and new cgroups, records of an unknown kind, and events dropped
    /// because no tick took them.
    pub other: u64,
    /// Samples taken more than half an interval late.
    pub late_ticks: u64,
    /// Samples that were not taken at all.
    pub skipped_ticks: u64,
}

impl Losses {
    /// Number of lost events of all kinds.
    pub fn events(&self) -> u64 {
        self.fork + self.exec + self.exit + self.dead + self.other
    }
}
