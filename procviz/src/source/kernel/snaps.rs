//! Who ran since the last tick, and how each left its CPU.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use procviz_common::{LEFT_IN_IOWAIT, LEFT_PREEMPTED, SNAP_SLOTS, SNAP_WORDS, SnapWords, snap_mix};

use super::raw::Words;
use crate::model::{Io, Reading, State, TaskId};

/// The maps that `sched_switch` writes.
pub(crate) struct Snaps {
    ran: Words,
    freed: Words,
    snap: Words,
    cur: Words,
    tick: Words,
    epoch: u64,
}

/// What a slot says of a thread id.
#[derive(Debug)]
pub(crate) enum Slot {
    /// The thread's figures.
    Reading(Reading),
    /// Torn by a write, or another thread's: `/proc` knows.
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

    /// Starts a tick: who is on a CPU now, then who left one since the last
    /// tick. In this order no task can be missed; some are in both.
    /// Bits beyond `largest_tid` are of threads that nobody has told of yet; they
    /// keep until somebody does.
    pub(crate) fn take(&mut self, largest_tid: u32, on_cpu: &mut Vec<u32>, ran: &mut Vec<u32>) {
        on_cpu.clear();
        on_cpu.extend(self.running());
        ran.clear();
        let words = self.ran.get();
        let used = (largest_tid as usize / 64 + 1).min(words.len());
        for (index, word) in words[..used].iter().enumerate() {
            // A look first: an exchange dirties the cache line of every word.
            if word.load(Relaxed) == 0 {
                continue;
            }
            let mut bits = word.swap(0, AcqRel);
            while bits != 0 {
                ran.push(index as u32 * 64 + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
        // One of both lists may have left for good in between, and nothing
        // would tell of it again: it is on a CPU only if it still is. `ran` is
        // in order.
        on_cpu.retain(|tid| {
            ran.binary_search(tid).is_err() || self.running().any(|running| running == *tid)
        });
    }

    /// The threads on a CPU at this moment.
    fn running(&self) -> impl Iterator<Item = u32> {
        self.cur
            .get()
            .iter()
            .map(|word| word.load(Acquire) as u32)
            .filter(|tid| *tid != 0)
    }

    /// Ends a tick: the longest waits count anew from here.
    pub(crate) fn next_epoch(&mut self) {
        self.epoch = (self.epoch + 1) & 0xfff;
        self.tick.get()[0].store(self.epoch, Release);
    }

    /// How a thread left its CPU.
    pub(crate) fn slot(&self, tid: u32) -> Slot {
        let from = (tid as usize & (SNAP_SLOTS - 1)) * SNAP_WORDS;
        let shared = &self.snap.get()[from..from + SNAP_WORDS];
        // Two tries: a task that runs again at this very moment has soon left.
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

    /// Whether a dead thread has been reaped.
    pub(crate) fn is_freed(&self, tid: u32) -> bool {
        self.freed.get()[tid as usize / 64].load(Acquire) >> (tid % 64) & 1 == 1
    }
}

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
