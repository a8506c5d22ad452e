//! Reads the memory of all processes in slices, one slice a tick: memory also changes without the
//! process running, as the kernel reclaims pages. The kernel counts such work, so a pass follows
//! it; without it there is one a minute.

use procviz_common::ROW_HAS_MM;

use super::sizes::exact_sizes;
use crate::{
    model::{Memory, Sample, TaskId},
    source::{
        kernel::{Kernel, TaskIterator},
        proc::{MemoryWatch, ProcDir},
        roster::{FastSizes, Roster},
    },
};

/// How long a pass takes, ns, and how often the kernel's counters are read: what they count is
/// shown within the sum of both.
const PASS_NS: u64 = 8_000_000_000;
const LOOK_NS: u64 = 1_500_000_000;
/// How long the first pass takes, ns: the sizes that a census finds are not exact.
const FIRST_PASS_NS: u64 = 2_500_000_000;
/// A pass begins at the latest after this, ns: not all changes are counted, such as those of a
/// file that was cut.
const RARELY_NS: u64 = 60_000_000_000;
/// Rows that one read of the iterator returns.
const ROWS_A_READ: u64 = 113;

/// A pass over all processes, and when it began.
pub(super) struct Sweep {
    iterator: Option<TaskIterator>,
    /// When the last pass began, ns since boot; 0: there was none.
    began_ns: u64,
    /// How long the pass takes, ns.
    pass_ns: u64,
    watch: MemoryWatch,
    /// When the counters were read last, ns since boot.
    looked_ns: u64,
    /// The counters when the last pass began.
    counters: Option<u64>,
}

impl Sweep {
    pub(super) fn new() -> Self {
        Self {
            iterator: None,
            began_ns: 0,
            pass_ns: FIRST_PASS_NS,
            watch: MemoryWatch::new(),
            looked_ns: 0,
            counters: None,
        }
    }

    /// After a census, the sizes of all processes are to be read again.
    pub(super) fn begin_anew(&mut self) {
        (self.iterator, self.began_ns, self.looked_ns) = (None, 0, 0);
    }

    /// Whether a pass is to begin now.
    fn is_due(&mut self, now_ns: u64) -> bool {
        if now_ns.saturating_sub(self.looked_ns) < LOOK_NS {
            return false;
        }
        self.looked_ns = now_ns;
        let counters = self.watch.counters();
        let is_first = self.began_ns == 0;
        let is_due = is_first
            || counters.is_none()
            || counters != self.counters
            || now_ns.saturating_sub(self.began_ns) >= RARELY_NS;
        if is_due {
            self.pass_ns = if is_first { FIRST_PASS_NS } else { PASS_NS };
            (self.counters, self.began_ns) = (counters, now_ns);
        }
        is_due
    }

    /// Reads one slice. `interval_ns` is the time since the last tick.
    pub(super) fn read_slice(
        &mut self,
        kernel: &mut Kernel,
        (roster, proc): (&mut Roster, &mut ProcDir),
        interval_ns: u64,
        sample: &mut Sample,
    ) {
        let now = sample.stamp.boot_ns;
        if self.iterator.is_none() {
            if !self.is_due(now) {
                return;
            }
            // A kernel that is short of memory refuses. Then the memory figures
            // stay as they are until the next pass.
            self.iterator = kernel.sweep().ok();
        }
        let rows = (roster.processes() as u64).saturating_mul(interval_ns) / self.pass_ns;
        for _ in 0..=rows / ROWS_A_READ {
            let Some(iterator) = &mut self.iterator else {
                break;
            };
            let memories = &mut sample.memories;
            let more = iterator.next_slice(|row| {
                if row.flags & ROW_HAS_MM == 0 {
                    return;
                }
                let process = TaskId {
                    tid: row.tgid,
                    start_ns: row.leader_start_ns,
                };
                let fast = FastSizes::Mark(row.memory_mark);
                let files = (&mut *roster, &mut *proc);
                if let Some(sizes) = exact_sizes(files, (process, row.tid), fast, now) {
                    memories.push(Memory {
                        process,
                        sizes,
                        threads: row.threads,
                        written: None,
                    });
                }
            });
            if !more.unwrap_or(false) {
                self.iterator = None;
            }
        }
    }
}
