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
        let now_ns = sample.stamp.boot_ns;
        let files = (&mut self.roster, &mut self.proc);
        let Some(sizes) = exact_sizes(files, (process, tid), fast, now_ns) else {
            return;
        };
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
/// read if the fast counters (resident set and address space, bytes) have changed, and now
/// and then, because small changes stay in the parts of the CPUs. `None`: the thread has
/// exited meanwhile, and the sizes of the process are not known better than before.
pub(super) fn exact_sizes(
    (roster, proc): (&mut Roster, &mut ProcDir),
    (process, tid): (TaskId, u32),
    fast: (u64, u64),
    now_ns: u64,
) -> Option<MemorySizes> {
    if let Some(known) = roster.known_sizes(process, fast, now_ns) {
        return Some(known);
    }
    let read = proc.thread_memory(process.tid, tid).ok()?;
    // A thread that has given up its memory has none of these lines.
    if read.vsize == 0 || read.parts.is_none() {
        return None;
    }
    roster.keep_sizes(process, (fast, now_ns), read);
    Some(read)
}
