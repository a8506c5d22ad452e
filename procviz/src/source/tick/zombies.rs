//! Watches zombies: dead processes that their parents have not reaped yet.

use crate::{
    model::{Event, Sample, TaskId},
    source::{kernel::Snaps, proc::ProcDir},
};

/// Shortest and longest time between two reads of one zombie, ns.
const AGAIN_NS: (u64, u64) = (100_000_000, 10_000_000_000);

/// One zombie.
struct Zombie {
    id: TaskId,
    /// When procviz first saw it, ns since boot.
    since_ns: u64,
    /// When to read it again, ns since boot.
    next_ns: u64,
}

/// All zombies of the machine.
#[derive(Default)]
pub(super) struct Zombies(Vec<Zombie>);

impl Zombies {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn add(&mut self, id: TaskId, now_ns: u64) {
        self.0.push(Zombie {
            id,
            since_ns: now_ns,
            next_ns: now_ns + AGAIN_NS.0,
        });
    }

    /// Adds an event for each zombie that was reaped.
    ///
    /// A bit in a map says that the kernel freed some task with this thread id,
    /// and one read of `/proc` says whether it was this zombie. The bit alone is
    /// not enough: where a guest hides its agent, no program runs while the agent has the CPU,
    /// and of some ten thousand tasks a few are freed in such moments. So each zombie is also
    /// read without the bit, at growing intervals: a quarter of its age.
    pub(super) fn check(
        &mut self,
        snaps: &Snaps,
        proc: &mut ProcDir,
        tick_ns: u64,
        sample: &mut Sample,
    ) {
        let now = sample.stamp.boot_ns;
        self.0.retain_mut(|zombie| {
            if !snaps.is_freed(zombie.id.tid) && now < zombie.next_ns {
                return true;
            }
            let stat = proc.process_stat(zombie.id.tid);
            let is_there = stat.is_ok_and(|stat| stat.start == zombie.id.start_ns / tick_ns);
            if !is_there {
                sample.events.push(Event::Reaped(zombie.id));
            }
            let age_ns = now.saturating_sub(zombie.since_ns);
            zombie.next_ns = now + (age_ns / 4).clamp(AGAIN_NS.0, AGAIN_NS.1);
            is_there
        });
    }
}
