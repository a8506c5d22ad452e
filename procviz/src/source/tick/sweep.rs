//! Reads the memory of all processes in slices, one slice a tick: memory also
//! changes without the process running, as the kernel reclaims pages.

use procviz_common::ROW_HAS_MM;

use super::rows::memory;
use crate::{
    model::Sample,
    source::kernel::{Kernel, TaskIterator},
};

/// Upper limit for the age of the memory figures of a process that does not run, ns.
const PERIOD_NS: u64 = 9_500_000_000;
/// Rows that one read of the iterator returns.
const ROWS_A_READ: u64 = 136;

/// A pass over all processes, and when it began.
#[derive(Default)]
pub(super) struct Sweep {
    iterator: Option<TaskIterator>,
    /// When the last pass began, ns since boot; 0: there was none.
    began_ns: u64,
}

impl Sweep {
    /// Reads one slice. `processes` is the number of processes of the machine,
    /// `interval_ns` the time since the last tick.
    pub(super) fn read_slice(
        &mut self,
        kernel: &mut Kernel,
        (processes, interval_ns): (usize, u64),
        page_bytes: u64,
        sample: &mut Sample,
    ) {
        let now = sample.stamp.boot_ns;
        if self.iterator.is_none() {
            // The census of the first tick has all memory figures.
            let is_first = self.began_ns == 0;
            if !is_first && now - self.began_ns < PERIOD_NS {
                return;
            }
            self.began_ns = now;
            if is_first {
                return;
            }
            // A kernel that is short of memory refuses. Then the memory figures
            // stay as they are until the next pass.
            self.iterator = kernel.sweep().ok();
        }
        let rows = processes as u64 * interval_ns / PERIOD_NS;
        for _ in 0..=rows / ROWS_A_READ {
            let Some(iterator) = &mut self.iterator else {
                break;
            };
            let memories = &mut sample.memories;
            let more = iterator.next_slice(|row| {
                if row.flags & ROW_HAS_MM != 0 {
                    memories.push(memory(&row, page_bytes));
                }
            });
            if !more.unwrap_or(false) {
                self.iterator = None;
            }
        }
    }
}
