//! Finds the threads that ran since the last tick, and reads the figures that each
//! thread had when it left its CPU.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use procviz_common::{LEFT_IN_IOWAIT, LEFT_PREEMPTED, SNAP_WORDS, SnapWords, snap_mix, snap_start};

use super::raw::Words;
use crate::model::{Io, Reading, State, TaskId};

/// The shared maps of the eBPF programs.
pub(crate) struct Snaps {
    /// One bit for each thread id: the thread left a CPU since the last take.
    ran: Words,
    /// One bit for each thread id: the kernel freed a dead task with this id.
    freed: Words,
    /// Figures of threads when they left their CPU.
    snap: Words,
    /// The thread id on each CPU.
    cur: Words,
    /// The tick of user space.
    tick: Words,
    /// Number of the current tick, modulo 4096.
    epoch: u64,
}

/// The content of a slot of the map `SNAP`, for one thread id.
#[derive(Debug)]
pub(crate) enum Slot {
    /// The thread's figures, and the mark of its memory: see
    /// [`memory_mark`](procviz_common::memory_mark).
    Reading(Reading, u32),
    /// Torn by a write at the same time, or of another thread: read `/proc` instead.
    Unknown,
}

impl Snaps {
    pub(crate) fn new(ran: Words, freed: Words, snap: Words, cur: Words, tick: Words) -> Self {
        Self {
            ran,
            freed,
            snap,
            cur,
            tick,
            epoch: 0,
        }
    }

    /// Starts a tick: finds the threads that are on a CPU now, then the threads that
    /// left a CPU since the last tick. In this order no task is missed.
    ///
    /// Bits beyond `largest_tid` belong to threads whose fork has not been read yet.
    /// These bits stay set until the fork is read.
    pub(crate) fn take(&mut self, largest_tid: u32, on_cpu: &mut Vec<u32>, ran: &mut Vec<u32>) {
        on_cpu.clear();
        on_cpu.extend(self.running());
        ran.clear();
        let words = self.ran.get();
        let used = (largest_tid as usize / 64 + 1).min(words.len());
        for (index, word) in words[..used].iter().enumerate() {
            // Loads first: a swap dirties the cache line, even if the word is 0.
            if word.load(Relaxed) == 0 {
                continue;
            }
            let mut bits = word.swap(0, AcqRel);
            while bits != 0 {
                ran.push(index as u32 * 64 + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
        // A thread in both lists can have left its CPU in between. If it never runs
        // again, no later bit would correct that it is on a CPU. So a thread in both
        // lists is checked again. `ran` is sorted.
        on_cpu.retain(|tid| {
            ran.binary_search(tid).is_err() || self.running().any(|running| running == *tid)
        });
    }

    /// The threads that are on a CPU now.
    fn running(&self) -> impl Iterator<Item = u32> {
        self.cur
            .get()
            .iter()
            .map(|word| word.load(Acquire) as u32)
            .filter(|tid| *tid != 0)
    }

    /// Ends a tick: from here on, the longest single waits belong to the next tick.
    pub(crate) fn next_epoch(&mut self) {
        self.epoch = (self.epoch + 1) & 0xfff;
        self.tick.get()[0].store(self.epoch, Release);
    }

    /// The figures of a thread when it last left its CPU. The thread's start can be that of
    /// `/proc`, which is rounded down to a clock tick.
    pub(crate) fn slot(&self, id: TaskId, tick_ns: u64) -> Slot {
        let slots = self.snap.get();
        let from = (id.tid as usize & (slots.len() / SNAP_WORDS - 1)) * SNAP_WORDS;
        let shared = &slots[from..from + SNAP_WORDS];
        // Two tries: the kernel writes the slot at this moment if the checksum does not
        // match, and the write is short.
        for _ in 0..2 {
            let words: SnapWords = std::array::from_fn(|index| shared[index].load(Acquire));
            let [figures @ .., mix] = &words;
            if *mix == snap_mix(figures) {
                let is_it =
                    words[0] as u32 == id.tid && is_start(words[1] as u32, id.start_ns, tick_ns);
                return match is_it {
                    true => {
                        let mark = (words[1] >> 32) as u32;
                        Slot::Reading(reading(id, &words, self.epoch), mark)
                    }
                    false => Slot::Unknown,
                };
            }
        }
        Slot::Unknown
    }

    /// Whether the kernel has freed a dead task with this thread id.
    pub(crate) fn is_freed(&self, tid: u32) -> bool {
        self.freed.get()[tid as usize / 64].load(Acquire) >> (tid % 64) & 1 == 1
    }
}

/// Whether a slot with this [`snap_start`] is that of a task with this start, which can be rounded
/// down to a clock tick: no thread id is used twice within one.
fn is_start(slot: u32, start_ns: u64, tick_ns: u64) -> bool {
    let later = slot.wrapping_sub(snap_start(start_ns));
    later <= snap_start(tick_ns)
}

/// Decodes the words of a slot. The longest wait is known only if the slot was written
/// in tick `epoch`.
fn reading(id: TaskId, words: &SnapWords, epoch: u64) -> Reading {
    let left = words[6];
    let preempted = left & LEFT_PREEMPTED != 0;
    let wait_us = left >> 32;
    let this_tick = left >> 20 & 0xfff == epoch;
    Reading {
        id,
        uid: Some((words[0] >> 32) as u32),
        state: if preempted {
            State::Running
        } else {
            State::from_bits(left as u32 & 0xffff)
        },
        on_cpu: false,
        preempted,
        in_iowait: left & LEFT_IN_IOWAIT != 0,
        cpu_ns: words[2],
        run_delay_ns: Some(words[3]),
        wait_max_ns: (this_tick && wait_us != u64::from(u32::MAX)).then_some(wait_us << 10),
        io: Some(Io {
            read: words[4],
            write: words[5],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start in a slot is exact to a microsecond; the known one is it, or is rounded down.
    #[test]
    fn a_slot_belongs_to_a_start() {
        const TICK_NS: u64 = 10_000_000;
        let exact = 7_000_123_456_789;
        let slot = snap_start(exact);
        assert!(is_start(slot, exact, TICK_NS));
        assert!(is_start(slot, exact / TICK_NS * TICK_NS, TICK_NS));
        assert!(!is_start(slot, exact + TICK_NS, TICK_NS));
        assert!(!is_start(slot, exact - 2 * TICK_NS, TICK_NS));
        // The numbers begin anew every 73 minutes.
        let wraps = (1_u64 << 42) + 500;
        assert!(is_start(snap_start(wraps), wraps - TICK_NS / 2, TICK_NS));
    }
}
