//! Gives blocks to the writing thread; what it has no room for is lost, and told
//! of when it has.

use std::sync::atomic::Ordering;

use super::{Recorder, job::Job, part::Part};
use crate::{recording::Block, runtime::stdout::say, tracker::Tracker};

impl Recorder {
    /// After something was lost: word of it, and everybody, whom who reads on
    /// needs to know again, once the writing thread has room for them.
    pub(super) fn go_on(&mut self, tracker: &Tracker) {
        if !self.lost.is_empty() {
            self.send_lost();
        }
        if self.shared.wants_all.swap(false, Ordering::Relaxed)
            && let Ok(facts) = Block::facts(&self.facts)
        {
            let mut parts = vec![(facts, 0)];
            parts.extend(self.all_known(tracker));
            if !self.send(Job::Anew(parts)) {
                self.shared.wants_all.store(true, Ordering::Relaxed);
            }
        }
        if self.lost.is_empty() {
            for part in self.lost.take_kept() {
                self.send(Job::Part(part));
            }
        }
    }

    /// Whether the writing thread knows of all that was lost.
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
            Some((Err(error), _)) => say(&format!("procviz: not recorded: {error}")),
        }
    }

    /// Into the ring, and to the disk where there is a file.
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

    /// Whether it was taken; what was not is counted and told of.
    pub(super) fn send(&mut self, job: Job) -> bool {
        let is_behind = !self.lost.is_empty();
        let job = match job {
            // Nobody would know what led to it.
            Job::Part(part) if is_behind => {
                self.lose(part);
                return false;
            }
            other => other,
        };
        // It belongs to what is there before another file begins.
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
            say("procviz: the disk does not keep up; sampling goes on, samples are lost");
        }
        self.lost_in_all += part.1;
        self.lost.add(part, "the disk did not keep up");
    }
}
