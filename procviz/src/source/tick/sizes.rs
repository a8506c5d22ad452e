//! Reads the exact sizes of the memory of a process, no more often than needed.

use super::KernelTick;
use crate::{
    model::{Memory, MemorySizes, Sample, TaskId},
    source::{
        proc::ProcDir,
        roster::{FastSizes, Member, Roster},
    },
};

impl KernelTick {
    /// Adds the memory of a process through one of its threads that ran: a dead leader has no
    /// memory.
    pub(super) fn read_memory(&mut self, member: Member, sample: &mut Sample) {
        let process = member.process;
        let (fast, threads) = match self.roster.marks(process) {
            Some(fast) => (fast, self.roster.threads_of(process)),
            None => {
                let Some(read) = self.read_fast(member) else {
                    return;
                };
                read
            }
        };
        let now_ns = sample.stamp.boot_ns;
        let files = (&mut self.roster, &mut self.proc);
        let Some(sizes) = exact_sizes(files, (process, member.id.tid), fast, now_ns) else {
            return;
        };
        let written = self.tmpfs.is_growing().then(|| {
            let io = self.proc.process_io(process.tid).ok()?;
            Some(io.written)
        });
        sample.memories.push(Memory {
            process,
            sizes,
            threads,
            written: written.flatten(),
        });
    }

    /// Reads the fast counters from `/proc`: of a thread that has not left its CPU since the last
    /// tick. Also returns the number of threads of its process.
    fn read_fast(&mut self, member: Member) -> Option<(FastSizes, u32)> {
        let stat = self.proc.thread_stat(member.process.tid, member.id.tid);
        let stat = stat.ok()?;
        let is_it = stat.start == member.id.start_ns / self.host.tick_ns;
        let fast = FastSizes::Stat {
            rss: stat.rss,
            vsize: stat.vsize,
        };
        is_it.then_some((fast, stat.threads))
    }
}

/// The sizes of the memory of a process, through one of its threads. The counters that eBPF
/// programs and `stat` read are fast but not exact: each CPU keeps a part of its own. `status` has
/// the exact sizes (since Linux 6.12) and their parts, and is slower. It is read if the fast
/// counters have changed, and now and then, because small changes stay in the parts of the CPUs.
/// `None`: the thread has exited meanwhile, and the sizes of the process are not known better than
/// before.
pub(super) fn exact_sizes(
    (roster, proc): (&mut Roster, &mut ProcDir),
    (process, tid): (TaskId, u32),
    fast: FastSizes,
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
