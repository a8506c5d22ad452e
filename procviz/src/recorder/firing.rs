//! Writes what a ring holds to a file when a trigger fires.

use super::{
    MOST_REASONS, Recorder,
    job::{Begin, Job, TriggerReason},
    ring::{Fired, FiredBy},
    trigger,
};
use crate::{
    model::Sample,
    recording::{Block, FiredTrigger},
    runtime::warning::{Warning, warn},
    tracker::Tracker,
};

impl Recorder {
    pub(super) fn next_chunk(&mut self, now: u64, tracker: &Tracker) {
        let parts = self.all_known(tracker);
        let Some(ring) = &mut self.ring else { return };
        let is_writing = ring.is_writing();
        let keyframe = parts.iter().find(|(block, _)| block.is_keyframe());
        let keyframe = keyframe.cloned();
        ring.begin_chunk(now, parts);
        if let Some(keyframe) = keyframe.filter(|_| is_writing) {
            self.send(Job::Part(keyframe));
        }
    }

    /// Checks the triggers of a ring, and closes its file when the time after the last
    /// trigger is over.
    pub(super) fn watch_ring(&mut self, sample: &Sample, tracker: &Tracker) {
        let Some(ring) = &mut self.ring else { return };
        let now = sample.stamp.boot_ns;
        let fired = ring.triggers().judge(sample, tracker.snapshot());
        if ring.is_over(now) {
            self.flush();
            self.put_marks();
            self.send(Job::End);
            self.facts.because.clear();
            self.ring.iter_mut().for_each(|ring| ring.end(now));
        }
        for trigger::Fired { trigger, words } in fired {
            self.fire(&TriggerReason { trigger, words }, now, FiredBy::Trigger);
        }
    }

    /// Writes what the ring holds, after a SIGUSR2.
    pub(crate) fn ask(&mut self, now: u64) {
        let why = TriggerReason {
            trigger: "SIGUSR2".to_owned(),
            words: "SIGUSR2: requested by signal".to_owned(),
        };
        self.fire(&why, now, FiredBy::User);
    }

    fn fire(&mut self, why: &TriggerReason, now: u64, by: FiredBy) {
        let Some(ring) = &mut self.ring else { return };
        let fired = ring.fire(now, why, by);
        if fired == Fired::TooSoon || self.facts.because.len() >= MOST_REASONS {
            return;
        }
        let wall_ns = self.boot_wall_ns + i128::from(now);
        self.facts.because.push(FiredTrigger {
            time_ns: now,
            words: why.words.clone(),
        });
        if fired == Fired::GoesOn {
            return self.put_facts();
        }
        self.flush_into_ring();
        let Some(ring) = &self.ring else { return };
        let Ok(facts) = Block::facts(&self.facts) else {
            return;
        };
        let parts = std::iter::once((facts, 0)).chain(ring.parts().cloned());
        let begin = Job::Begin(Begin {
            wall_ns,
            why: Some(why.clone()),
            parts: parts.collect(),
        });
        if !self.send(begin)
            && let Some(ring) = &mut self.ring
        {
            ring.forget_writing();
            self.facts.because.clear();
            warn(Warning::TriggerLost);
        }
    }

    /// Puts the collected samples into the ring: they belong to the time before the trigger.
    fn flush_into_ring(&mut self) {
        if let (Some((Ok(block), samples)), Some(ring)) = (self.packer.block(), &mut self.ring) {
            ring.push((block, samples));
        }
    }
}
