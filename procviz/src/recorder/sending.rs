//! Sends blocks to the writer thread. A block that does not fit into the queue is lost; the
//! loss is recorded when the queue has room again.

use std::sync::atomic::Ordering;

use super::{Recorder, job::Job, part::Part};
use crate::{
    recording::Block,
    runtime::warning::{Warning, warn},
    tracker::Tracker,
};

impl Recorder {
    /// Sends what was lost, when the queue has room again. If the writer thread asks for the
    /// state of all tasks, sends that state, too: after a loss, a reader needs it to
    /// continue.
    pub(super) fn go_on(&mut self, tracker: &Tracker) {
        if !self.lost.is_empty() {
            self.send_lost();
        }
        if self.shared.wants_full_state.swap(false, Ordering::Relaxed)
            && let Ok(facts) = Block::facts(&self.facts)
        {
            let mut parts = vec![(facts, 0)];
            parts.extend(self.all_known(tracker));
            if !self.send(Job::FullState(parts)) {
                self.shared.wants_full_state.store(true, Ordering::Relaxed);
            }
        }
        if self.lost.is_empty() {
            for part in self.lost.take_kept() {
                self.send(Job::Part(part));
            }
        }
    }

    /// Sends what was lost. Returns whether the writer thread now knows all losses.
    pub(super) fn send_lost(&mut self) -> bool {
        let Some(jobs) = &self.jobs else { return false };
        match jobs.offer(Job::Lost(std::mem::take(&mut self.lost))) {
            Ok(()) => true,
            Err(Job::Lost(lost)) => {
                self.lost = lost;
                false
            }
            Err(_) => false,
        }
    }

    pub(super) fn flush(&mut self) {
        match self.packer.block() {
            None => {}
            Some((Ok(block), samples)) => self.put((block, samples)),
            Some((Err(error), _)) => warn(Warning::SamplesNotRecorded {
                error: error.to_string(),
            }),
        }
    }

    /// Adds a block to the ring, if there is one, and to the file, if one is being written.
    pub(super) fn put(&mut self, part: Part) {
        if let Some(ring) = &mut self.ring {
            let is_writing = ring.is_writing();
            ring.push(part.clone());
            if !is_writing {
                return;
            }
        }
        self.send(Job::Part(part));
    }

    /// Sends a job. Returns whether the queue took the job; lost samples are counted.
    pub(super) fn send(&mut self, job: Job) -> bool {
        let is_behind = !self.lost.is_empty();
        let job = match job {
            // After a loss, a reader cannot use samples without the state of all tasks.
            Job::Part(part) if is_behind => {
                self.lose(part);
                return false;
            }
            other => other,
        };
        // The loss belongs to the current file: send it before a job begins another file.
        if is_behind && !self.send_lost() {
            return false;
        }
        let Some(jobs) = &self.jobs else { return false };
        match jobs.offer(job) {
            Ok(()) => true,
            Err(Job::Part(part)) => {
                self.lose(part);
                false
            }
            Err(_) => false,
        }
    }

    pub(super) fn lose(&mut self, part: Part) {
        if self.lost.is_empty() && part.1 > 0 {
            warn(Warning::DiskTooSlow);
        }
        self.lost_in_all += part.1;
        self.lost.add(part, "the disk was too slow");
    }
}
