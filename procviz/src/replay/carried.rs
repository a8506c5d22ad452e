//! Keeps exit records until the next sample.

use std::sync::Arc;

use crate::{
    model::{ExitRecord, Sample},
    recording::MOST_ENDED,
};

/// Exit records of samples that are not given out themselves, because they repeat
/// what is known or lie behind the end of the range.
#[derive(Default)]
pub(super) struct Carried(Vec<Arc<ExitRecord>>);

impl Carried {
    /// Adds records, up to the limit for one sample.
    pub(super) fn add(&mut self, records: impl IntoIterator<Item = Arc<ExitRecord>>) {
        let room = MOST_ENDED.saturating_sub(self.0.len());
        self.0.extend(records.into_iter().take(room));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether all of the processes exited before the end of a sample.
    pub(super) fn precede(&self, sample: &Sample) -> bool {
        let mut records = self.0.iter();
        records.all(|record| record.time_ns <= sample.stamp.boot_ns)
    }

    /// Puts the records into a sample, before its own.
    pub(super) fn put_into(&mut self, sample: &mut Sample) {
        sample.precede(self.0.drain(..));
    }
}
