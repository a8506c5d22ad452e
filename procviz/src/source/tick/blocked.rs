//! Watches threads that left their CPU to wait uninterruptibly (state D).
//!
//! A thread that was woken and has not run yet still shows the state in which it
//! left its CPU. So a thread is read from `/proc` before a rule can report that it
//! has been blocked for long.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::waits;
use crate::{
    model::{Event, Sample, State, TaskId},
    source::{
        open_files::OpenFiles,
        proc::ProcDir,
        roster::{Member, Roster},
    },
};

/// Time in state D before the first read, ns.
const FIRST_NS: u64 = 2_000_000_000;
/// Time between two reads of one thread, ns.
const AGAIN_NS: u64 = 1_000_000_000;
/// Upper limit for reads in a tick.
const A_TICK: usize = 100;
/// Upper limit for the threads that are watched.
const MOST: usize = 10_000;

/// Watches threads in state D.
pub(super) struct Blocked {
    /// By thread id.
    suspects: FxHashMap<u32, Suspect>,
    files: OpenFiles,
    /// What each process has open, as far as it is known, of those that were asked about.
    open_on: FxHashMap<TaskId, Option<Arc<[u8]>>>,
}

/// A thread in state D.
struct Suspect {
    member: Member,
    /// Time of the next read, ns since boot.
    next_ns: u64,
    /// Where it waits, as of the last read.
    place: Option<Arc<[u8]>>,
}

impl Blocked {
    /// `tick_ns` is the unit of start times in `/proc`, ns.
    pub(super) fn new(tick_ns: u64) -> Self {
        Self {
            suspects: FxHashMap::default(),
            files: OpenFiles::start(tick_ns),
            open_on: FxHashMap::default(),
        }
    }

    /// Takes in the states of a sample, and adds an event for each thread that is
    /// not blocked any more.
    pub(super) fn check(&mut self, roster: &Roster, proc: &mut ProcDir, sample: &mut Sample) {
        let now = sample.stamp.boot_ns;
        self.take_states(roster, sample);
        let mut left = A_TICK;
        let (files, open_on) = (&self.files, &mut self.open_on);
        self.suspects.retain(|tid, suspect| {
            let member = suspect.member;
            let known = roster.thread(*tid);
            if known.is_none_or(|known| known.id != member.id) {
                return false;
            }
            if now < suspect.next_ns || left == 0 {
                return true;
            }
            left -= 1;
            suspect.next_ns = now + AGAIN_NS;
            match proc.thread_stat(member.process.tid, *tid) {
                Ok(stat) if stat.state == State::Blocked => {
                    let place = waits::place(proc, member, *tid);
                    if let Some(place) = place.filter(|place| suspect.place.as_ref() != Some(place))
                    {
                        suspect.place = Some(Arc::clone(&place));
                        let known = open_on.entry(member.process).or_insert_with(|| {
                            files.ask(member, &place);
                            None
                        });
                        let known = known.iter();
                        let events = known.map(|on| Event::OpenOn(member.id, Arc::clone(on)));
                        sample.events.extend(events);
                        sample.events.push(Event::Waits(member.id, place));
                    }
                    true
                }
                Ok(stat) => {
                    sample.events.push(Event::State(member.id, stat.state));
                    false
                }
                Err(_) => false,
            }
        });
        for (process, on) in self.files.answers() {
            let waits = self.suspects.values();
            let waits = waits
                .filter(|suspect| suspect.member.process == process && suspect.place.is_some());
            let events = waits.map(|suspect| Event::OpenOn(suspect.member.id, Arc::clone(&on)));
            sample.events.extend(events);
            self.open_on.insert(process, Some(on));
        }
        if self.suspects.is_empty() {
            self.open_on.clear();
        }
    }

    fn take_states(&mut self, roster: &Roster, sample: &Sample) {
        let read = sample.readings.iter();
        let read = read.map(|reading| (reading.id.tid, reading.state, 0));
        let found = sample.found.iter().filter(|task| !task.kthread);
        // A thread that a census finds can have been blocked for long.
        let found = found.map(|task| (task.id.tid, task.state, task.off_cpu_ns.unwrap_or(0)));
        for (tid, state, blocked_ns) in found.chain(read) {
            if state != State::Blocked || self.suspects.len() >= MOST {
                self.suspects.remove(&tid);
            } else if let Some(member) = roster.thread(tid) {
                let left_ns = FIRST_NS.saturating_sub(blocked_ns);
                let suspect = Suspect {
                    member,
                    next_ns: sample.stamp.boot_ns + left_ns,
                    place: None,
                };
                self.suspects.insert(tid, suspect);
            }
        }
    }
}
