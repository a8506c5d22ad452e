//! Finds the threads that ran since the last tick, and reads the figures that each
//! thread had when it left its CPU.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use procviz_common::{LEFT_IN_IOWAIT, LEFT_PREEMPTED, SNAP_SLOTS, SNAP_WORDS, SnapWords, snap_mix};

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
    /// The thread's figures.
    Reading(Reading),
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

    /// The figures of a thread when it last left its CPU.
    pub(crate) fn slot(&self, tid: u32) -> Slot {
        let from = (tid as usize & (SNAP_SLOTS - 1)) * SNAP_WORDS;
        let shared = &self.snap.get()[from..from + SNAP_WORDS];
        // Two tries: the kernel writes the slot at this moment if the checksum does not
        // match, and the write is short.
        for _ in 0..2 {
            let words: SnapWords = std::array::from_fn(|index| shared[index].load(Acquire));
            let [figures @ .., mix] = &words;
            if *mix == snap_mix(figures) {
                return if words[0] as u32 == tid {
                    Slot::Reading(reading(&words, self.epoch))
                } else {
                    Slot::Unknown
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

/// Decodes the words of a slot. The longest wait is known only if the slot was written
/// in tick `epoch`.
fn reading(words: &SnapWords, epoch: u64) -> Reading {
    let left = words[6];
    let preempted = left & LEFT_PREEMPTED != 0;
    let wait_us = left >> 32;
    let this_tick = left >> 20 & 0xfff == epoch;
    Reading {
        id: TaskId {
            tid: words[0] as u32,
            start_ns: words[1],
        },
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
