//! Watches threads that left their CPU to wait uninterruptibly (state D).
//!
//! A thread that was woken and has not run yet still shows the state in which it
//! left its CPU. So a thread is read from `/proc` before a rule can report that it
//! has been blocked for long.

use rustc_hash::FxHashMap;

use crate::{
    model::{Event, Sample, State},
    source::{
        proc::ProcDir,
        roster::{Member, Roster},
    },
};

/// Time in state D before the first read, ns.
const FIRST_NS: u64 = 4_000_000_000;
/// Time between two reads of one thread, ns.
const AGAIN_NS: u64 = 1_000_000_000;
/// Upper limit for reads in a tick.
const A_TICK: usize = 100;
/// Upper limit for the threads that are watched.
const MOST: usize = 10_000;

/// Threads in state D by thread id, with the time of their next read, ns since boot.
#[derive(Default)]
pub(super) struct Blocked(FxHashMap<u32, (Member, u64)>);

impl Blocked {
    /// Takes in the states of a sample, and adds an event for each thread that is
    /// not blocked any more.
    pub(super) fn check(&mut self, roster: &Roster, proc: &mut ProcDir, sample: &mut Sample) {
        let now = sample.stamp.boot_ns;
        self.take_states(roster, sample);
        let mut left = A_TICK;
        self.0.retain(|tid, (member, next_ns)| {
            let known = roster.thread(*tid);
            if known.is_none_or(|known| known.id != member.id) {
                return false;
            }
            if now < *next_ns || left == 0 {
                return true;
            }
            left -= 1;
            *next_ns = now + AGAIN_NS;
            match proc.thread_stat(member.process.tid, *tid) {
                Ok(stat) if stat.state == State::Blocked => true,
                Ok(stat) => {
                    sample.events.push(Event::State(member.id, stat.state));
                    false
                }
                Err(_) => false,
            }
        });
    }

    fn take_states(&mut self, roster: &Roster, sample: &Sample) {
        let read = sample.readings.iter();
        let read = read.map(|reading| (reading.id.tid, reading.state));
        let found = sample.found.iter().filter(|task| !task.kthread);
        let found = found.map(|task| (task.id.tid, task.state));
        for (tid, state) in found.chain(read) {
            if state != State::Blocked || self.0.len() >= MOST {
                self.0.remove(&tid);
            } else if let Some(member) = roster.thread(tid) {
                self.0
                    .insert(tid, (member, sample.stamp.boot_ns + FIRST_NS));
            }
        }
    }
}
