//! The sums of a group.

use super::Member;
use crate::model::TaskId;

/// A group of which one process does more than this part is that process.
pub(in crate::tracker::rules) const ALONE: f64 = 0.8;
/// Parts of a core, and of a byte per second, in which sums are kept.
pub(super) const UNITS: f64 = 1e6;
/// A process with less is not counted as a member: cores, and bytes per second.
pub(super) const LEAST: [f64; 3] = [0.005, 64.0 * 1024.0, 64.0 * 1024.0];

/// One figure of a group, summed over its members.
#[derive(Default)]
pub(super) struct Sums {
    /// In parts of [`UNITS`]: sums of fractions would depend on the order of the members.
    sum: i128,
    wanted: i128,
    read: i128,
    pub(super) count: u64,
    /// Private memory of the members, bytes.
    pub(super) private: u64,
    largest: Option<(f64, TaskId)>,
    /// The oldest member: its dot has the number.
    pub(super) oldest: Option<TaskId>,
}

impl Sums {
    /// Adds the figure of a process at a place of [`Member::values`].
    pub(super) fn add(&mut self, member: &Member<'_>, at: usize) {
        let (value, process) = (member.values[at], member.process);
        // Members that shrink make up for those that grow.
        self.sum += (value * UNITS).round() as i128;
        self.wanted += (member.wanted * UNITS).round() as i128;
        self.read += (member.read * UNITS).round() as i128;
        let Some(private) = process.private().filter(|_| value >= LEAST[at]) else {
            return;
        };
        self.count += 1;
        let is_older = |known: TaskId| process.id.by_start() < known.by_start();
        if self.oldest.is_none_or(is_older) {
            self.oldest = Some(process.id);
        }
        self.private = self.private.saturating_add(private);
        let is_larger =
            |(most, id): (f64, TaskId)| value > most || (value == most && process.id < id);
        if self.largest.is_none_or(is_larger) {
            self.largest = Some((value, process.id));
        }
    }

    pub(super) fn sum(&self) -> f64 {
        self.sum as f64 / UNITS
    }

    /// See [`Waiting::wanted`](super::Waiting::wanted).
    pub(super) fn wanted(&self) -> f64 {
        self.wanted as f64 / UNITS
    }

    /// The part of storage IO that is reading, bytes per second.
    pub(super) fn read(&self) -> f64 {
        self.read as f64 / UNITS
    }

    /// The process that uses most, if it is not nearly alone.
    pub(super) fn of_many(&self) -> Option<TaskId> {
        let (most, id) = self.largest?;
        (self.count > 1 && most <= self.sum() * ALONE).then_some(id)
    }
}
