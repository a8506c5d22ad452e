//! Processes that are listed as one.

use crate::model::Process;

/// From this number on, processes with the same name and user are one entry.
const MANY: usize = 3;

/// Processes with the same name and user.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub(super) sum: f64,
    pub(super) members: Vec<(f64, &'a Process)>,
}

impl<'a> Group<'a> {
    /// Removes and returns the members that have far less than the largest: a parent that only
    /// waits is not one of its workers.
    pub(super) fn leave_the_small(&mut self) -> Vec<(f64, &'a Process)> {
        let most = self.members.iter().map(|(value, _)| *value);
        let least = most.fold(0.0, f64::max) / 20.0;
        let is_small = |(value, _): &mut (f64, &Process)| *value < least;
        let small: Vec<_> = self.members.extract_if(.., is_small).collect();
        self.sum -= small.iter().map(|(value, _)| *value).sum::<f64>();
        small
    }

    pub(super) fn is_many(&self) -> bool {
        let most = self.members.iter().map(|(value, _)| *value);
        self.members.len() >= MANY && most.fold(0.0, f64::max) < self.sum / 2.0
    }

    /// The largest member; of equal ones the oldest.
    pub(super) fn largest(&self) -> Option<&'a Process> {
        let most = self
            .members
            .iter()
            .max_by(|(a, x), (b, y)| a.total_cmp(b).then_with(|| y.id.cmp(&x.id)));
        most.map(|(_, process)| *process)
    }

    /// The memory of the group, in which shared memory counts once.
    pub(super) fn shared_once(&self) -> f64 {
        let parts = self.members.iter();
        let parts = parts.filter_map(|(_, process)| process.parts);
        let (sum, most) = parts.fold((0.0, 0.0_f64), |(sum, most), parts| {
            let shared = parts.shmem as f64;
            (sum + shared, most.max(shared))
        });
        self.sum - sum + most
    }
}
