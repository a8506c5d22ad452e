//! Tells whether a thread has run between two walks over `/proc`: the kernel counts in
//! `schedstat` how often it was given a CPU. A thread that has not run is as it was.

use super::schedstat::Schedstat;
use crate::model::State;

/// Whether a thread has run since the walk before.
#[derive(Clone, Copy)]
pub(super) struct Turns {
    /// `None`: it cannot be read.
    last: Option<Schedstat>,
    /// Number of the walk that read it.
    walk: u64,
    has_run: bool,
}

impl Turns {
    /// Of a thread that is seen for the first time.
    pub(super) fn first(now: Option<Schedstat>, walk: u64) -> Self {
        Self {
            last: now,
            walk,
            has_run: true,
        }
    }

    /// Of a thread that was in `state` at the walk before.
    pub(super) fn next(self, state: State, now: Option<Schedstat>, walk: u64) -> Self {
        // These two change their state without running.
        let can_change = matches!(state, State::Running | State::Blocked);
        // A thread that never ran is like every other that never ran: its id can belong to
        // another thread now. Kernels that count nothing have zeros.
        let is_same = now == self.last && now.is_some_and(|now| now.slices > 0);
        Self {
            last: now,
            walk,
            has_run: can_change || !is_same,
        }
    }

    /// Whether `walk` has read it.
    pub(super) fn is_of(self, walk: u64) -> bool {
        self.walk == walk
    }

    /// Whether the thread has not run between the walk before and `walk`.
    pub(super) fn is_still(self, walk: u64) -> bool {
        self.is_of(walk) && !self.has_run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_thread_that_cannot_have_changed_is_still() {
        let of = |slices| {
            Some(Schedstat {
                cpu_ns: 100,
                run_delay_ns: 10,
                slices,
            })
        };
        let still = |state, before, now| Turns::first(before, 1).next(state, now, 2).is_still(2);
        assert!(still(State::Sleeping, of(3), of(3)));
        assert!(still(State::Zombie, of(3), of(3)));
        assert!(!still(State::Sleeping, of(3), of(4)));
        assert!(!still(State::Running, of(3), of(3)));
        assert!(!still(State::Blocked, of(3), of(3)));
        assert!(!still(State::Sleeping, of(0), of(0)));
        assert!(!still(State::Sleeping, None, None));
        assert!(!still(State::Sleeping, of(3), None));
        let turns = Turns::first(of(3), 1);
        assert!(!turns.is_still(1) && turns.is_of(1));
        assert!(!turns.next(State::Sleeping, of(3), 2).is_still(3));
    }
}
