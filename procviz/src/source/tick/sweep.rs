//! Reads the memory of all processes in slices, one slice a tick: memory also
//! changes without the process running, as the kernel reclaims pages.

use procviz_common::ROW_HAS_MM;

use super::sizes::exact_sizes;
use crate::{
    model::{Memory, Sample, TaskId},
    source::{
        kernel::{Kernel, TaskIterator},
        proc::ProcDir,
        roster::{FastSizes, Roster},
    },
};

/// Upper limit for the age of the memory figures of a process that does not run, ns.
const PERIOD_NS: u64 = 9_500_000_000;
/// The same for the first pass, ns: the sizes that a census finds are not exact.
const FIRST_PERIOD_NS: u64 = 2_500_000_000;
/// Rows that one read of the iterator returns.
const ROWS_A_READ: u64 = 113;

/// A pass over all processes, and when it began.
#[derive(Default)]
pub(super) struct Sweep {
    iterator: Option<TaskIterator>,
    /// When the last pass began, ns since boot; 0: there was none.
    began_ns: u64,
    /// How long the pass takes, ns.
    period_ns: u64,
}

impl Sweep {
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
            if self.began_ns != 0 && now - self.began_ns < self.period_ns {
                return;
            }
            self.period_ns = match self.began_ns {
                0 => FIRST_PERIOD_NS,
                _ => PERIOD_NS,
            };
            self.began_ns = now;
            // A kernel that is short of memory refuses. Then the memory figures
            // stay as they are until the next pass.
            self.iterator = kernel.sweep().ok();
        }
        let rows = (roster.processes() as u64).saturating_mul(interval_ns) / self.period_ns;
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
