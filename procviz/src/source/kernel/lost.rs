//! Counts lost records: those for which the ring had no room, and those that a skipped
//! program did not make.

use std::collections::VecDeque;

use procviz_common::Kind;

use super::{deaths::PATIENCE_NS, load::Kernel};

/// Shortest time between two reads of the counts of skipped runs, ns: each read is a file
/// per program, and exits are taken fifty times a second.
const READ_NS: u64 = 500_000_000;
/// The same for a kernel that skips hardly any.
const RARELY_NS: u64 = 10_000_000_000;

/// Lost records since the start.
#[derive(Default)]
pub(crate) struct LostRecords {
    /// Skipped runs by kind of record, and when they were read, ns since boot.
    missed: [u64; Kind::COUNT],
    read_ns: u64,
    exits: LostExits,
}

impl LostRecords {
    /// Lost records by kind, since the start. `without_exit` is the number of DEAD records
    /// that came without their EXIT record.
    pub(crate) fn count(
        &mut self,
        kernel: &Kernel,
        without_exit: u64,
        now_ns: u64,
    ) -> [u64; Kind::COUNT] {
        let mut lost = kernel.lost();
        let period_ns = match kernel.skips_programs() {
            true => READ_NS,
            false => RARELY_NS,
        };
        if now_ns.saturating_sub(self.read_ns) >= period_ns {
            (self.missed, self.read_ns) = (kernel.missed(), now_ns);
        }
        for (lost, missed) in lost.iter_mut().zip(self.missed) {
            *lost += missed;
        }
        let exits = &mut lost[Kind::Exit as usize];
        *exits = self.exits.count(*exits, without_exit, now_ns);
        lost
    }
}

/// The lost records without which figures of an exit are missing.
pub(crate) fn lost_figures(lost: &[u64; Kind::COUNT]) -> u64 {
    [Kind::Fork, Kind::Exec, Kind::Exit, Kind::Dead]
        .map(|kind| lost[kind as usize])
        .iter()
        .sum()
}

/// EXIT records that the kernel did not make, or for which the ring had no room. Such an
/// exit is lost only if its DEAD record does not come either.
#[derive(Default)]
struct LostExits {
    /// Missing EXIT records since the start, when that number was first seen, ns since boot, and
    /// how often it was counted since.
    seen: VecDeque<(u64, u64, u32)>,
    /// Missing EXIT records that are old enough for their DEAD.
    due: u64,
    lost: u64,
}

impl LostExits {
    fn count(&mut self, missed: u64, without_exit: u64, now_ns: u64) -> u64 {
        for (_, _, counted) in &mut self.seen {
            *counted = counted.saturating_add(1);
        }
        if missed > self.seen.back().map_or(self.due, |(missed, ..)| *missed) {
            self.seen.push_back((missed, now_ns, 0));
        }
        // The ring is read after a count: what came late is known at the second count.
        while let Some((missed, ..)) = self.seen.pop_front_if(|(_, since, counted)| {
            now_ns.saturating_sub(*since) >= PATIENCE_NS && *counted >= 2
        }) {
            self.due = missed;
        }
        // A number that was shown does not shrink.
        self.lost = self.lost.max(self.due.saturating_sub(without_exit));
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_skipped_exit_is_lost_if_its_dead_does_not_come() {
        let mut exits = LostExits::default();
        assert_eq!(exits.count(0, 0, SECOND), 0);
        // Five were skipped; the DEAD of three come within a second, the fourth later.
        assert_eq!(exits.count(5, 1, 2 * SECOND), 0);
        assert_eq!(exits.count(5, 3, 2 * SECOND + SECOND / 2), 0);
        assert_eq!(exits.count(5, 3, 3 * SECOND), 2);
        assert_eq!(exits.count(5, 4, 4 * SECOND), 2);
        assert_eq!(exits.count(7, 6, 5 * SECOND), 2);
        assert_eq!(exits.count(7, 6, 9 * SECOND), 2);
        assert_eq!(exits.count(8, 5, 9 * SECOND), 2);
        // One more tick, so that a DEAD that came late has been read.
        assert_eq!(exits.count(8, 5, 10 * SECOND), 2);
        assert_eq!(exits.count(8, 5, 11 * SECOND), 3);
    }
}
