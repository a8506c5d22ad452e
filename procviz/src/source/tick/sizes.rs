//! Reads the exact sizes of the memory of a process, no more often than needed.

use super::KernelTick;
use crate::{
    model::{Memory, MemorySizes, Sample, TaskId},
    source::{
        proc::ProcDir,
        roster::{Member, Roster},
    },
};

impl KernelTick {
    /// Reads the memory of a process once a tick. Memory belongs to the process, so
    /// one `stat` is enough, and `status` if the memory is not what it was. They are
    /// read through a thread that ran, because those of a dead leader have no memory.
    pub(super) fn read_memory(&mut self, member: Member, sample: &mut Sample) {
        if member.kthread || !self.roster.first_in_tick(member.process, self.tick) {
            return;
        }
        let Ok(stat) = self.proc.thread_stat(member.process.tid, member.id.tid) else {
            return;
        };
        if stat.start != member.id.start_ns / self.host.tick_ns {
            return;
        }
        let fast = (stat.rss * self.host.page_bytes, stat.vsize);
        let (process, tid) = (member.process, member.id.tid);
        let sizes = exact_sizes(&mut self.roster, &mut self.proc, (process, tid), fast);
        let written = self.tmpfs.is_growing().then(|| {
            let io = self.proc.process_io(member.process.tid).ok()?;
            Some(io.written)
        });
        sample.memories.push(Memory {
            process: member.process,
            sizes,
            threads: stat.threads,
            written: written.flatten(),
        });
    }
}

/// The sizes of the memory of a process, through one of its threads. The counters in `stat`,
/// and those that eBPF programs read, are fast but not exact: each CPU keeps a part of its
/// own. `status` has the exact sizes (since Linux 6.12) and their parts, and is slower. It is
/// read if the fast counters (resident set and address space, bytes) have changed.
pub(super) fn exact_sizes(
    roster: &mut Roster,
    proc: &mut ProcDir,
    (process, tid): (TaskId, u32),
    fast: (u64, u64),
) -> MemorySizes {
    if let Some(known) = roster.known_sizes(process, fast) {
        return known;
    }
    // A thread that exits meanwhile has no sizes.
    let read = proc.thread_memory(process.tid, tid).ok();
    match read.filter(|read| read.vsize > 0) {
        Some(read) => {
            roster.keep_sizes(process, fast, read);
            read
        }
        None => MemorySizes::new(fast.0, fast.1),
    }
}
