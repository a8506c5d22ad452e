//! Keeps the last minutes in memory, as finished blocks. They are written to a file when a
//! trigger fires.

use std::{collections::VecDeque, time::Duration};

use super::{job::TriggerReason, part::Part, trigger::Triggers};
use crate::runtime::warning::{Warning, warn};

/// Upper limit for the time of a chunk, ns; less in a short ring. Each chunk begins with the
/// state of all tasks.
const CHUNK_NS: u64 = 30_000_000_000;

/// The settings of a ring.
#[derive(Debug)]
pub(crate) struct RingPlan {
    pub(crate) span: Duration,
    pub(crate) bytes: u64,
    pub(crate) after: Duration,
    pub(crate) cool_down: Duration,
    pub(crate) triggers: Triggers,
}

/// A part of the ring that can be read alone.
struct Chunk {
    begin_ns: u64,
    /// Size of the state of all tasks at the beginning, bytes.
    opening_bytes: u64,
    bytes: u64,
    parts: Vec<Part>,
}

/// The file that is being written.
#[derive(Clone, Copy, Debug)]
struct Writing {
    first_ns: u64,
    until_ns: u64,
    by: FiredBy,
}

/// A ring of chunks.
pub(super) struct Ring {
    plan: RingPlan,
    chunks: VecDeque<Chunk>,
    writing: Option<Writing>,
    quiet_until_ns: u64,
    /// Number of triggers that fired too soon after the last file.
    left_out: u64,
    has_warned: bool,
}

/// Who asks for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FiredBy {
    Trigger,
    /// The user, with a signal.
    User,
}

/// What a trigger that fires leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fired {
    /// A file begins.
    Begins,
    /// A file is already being written, and now ends later.
    GoesOn,
    /// Nothing: the last file ended too short a time ago.
    TooSoon,
}

impl Ring {
    pub(super) fn new(plan: RingPlan) -> Self {
        Self {
            plan,
            chunks: VecDeque::new(),
            writing: None,
            quiet_until_ns: 0,
            left_out: 0,
            has_warned: false,
        }
    }

    pub(super) fn triggers(&mut self) -> &mut Triggers {
        &mut self.plan.triggers
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Whether a new chunk should begin at `now`, ns since boot.
    pub(super) fn wants_chunk(&self, now: u64) -> bool {
        self.chunks.back().is_some_and(|chunk| {
            let most = CHUNK_NS.min(self.plan.span.as_nanos() as u64 / 4);
            // A small ring must not consist only of repeated states of all tasks.
            let most_bytes = (self.plan.bytes / 4).max(chunk.opening_bytes * 2);
            now.saturating_sub(chunk.begin_ns) >= most || chunk.bytes > most_bytes
        })
    }

    /// Begins a chunk with parts that hold the state of all tasks.
    pub(super) fn begin_chunk(&mut self, now: u64, parts: Vec<Part>) {
        let sizes = parts.iter().map(|(block, _)| block.bytes.len() as u64);
        let opening_bytes = sizes.sum();
        self.chunks.push_back(Chunk {
            begin_ns: now,
            opening_bytes,
            bytes: opening_bytes,
            parts,
        });
        self.trim(now);
    }

    pub(super) fn push(&mut self, part: Part) {
        let now = part.0.end_ns;
        if self.chunks.is_empty() {
            // The first samples include the opening census, so the first chunk needs no
            // further state.
            self.begin_chunk(part.0.begin_ns, Vec::new());
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.bytes += part.0.bytes.len() as u64;
            chunk.parts.push(part);
        }
        self.trim(now);
    }

    fn trim(&mut self, now: u64) {
        let span_ns = self.plan.span.as_nanos() as u64;
        while let Some(second) = self.chunks.get(1) {
            let bytes: u64 = self.chunks.iter().map(|chunk| chunk.bytes).sum();
            let is_much = bytes > self.plan.bytes;
            if second.begin_ns + span_ns > now && !is_much {
                break;
            }
            if is_much && second.begin_ns + span_ns > now && !self.has_warned {
                self.has_warned = true;
                warn(Warning::RingTooSmall {
                    bytes: self.plan.bytes,
                    held_ns: now.saturating_sub(second.begin_ns),
                    wanted_ns: span_ns,
                });
            }
            self.chunks.pop_front();
        }
    }

    /// All parts in the ring.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.chunks.iter().flat_map(|chunk| &chunk.parts)
    }

    /// Handles a trigger that fires at `now`, ns since boot. A request of the user is
    /// granted during the cool-down, too.
    pub(super) fn fire(&mut self, now: u64, why: &TriggerReason, by: FiredBy) -> Fired {
        let after = self.plan.after.as_nanos() as u64;
        if let Some(writing) = &mut self.writing {
            // A trigger that fires again and again must not extend one file without end.
            let most = self.plan.span.max(self.plan.after).as_nanos() as u64;
            writing.until_ns = (now + after).min(writing.first_ns + most.max(after));
            return Fired::GoesOn;
        }
        if now < self.quiet_until_ns && by == FiredBy::Trigger {
            self.left_out += 1;
            if self.left_out == 1 {
                warn(Warning::TriggerTooSoon {
                    trigger: &why.words,
                    wait_ns: self.quiet_until_ns - now,
                });
            }
            return Fired::TooSoon;
        }
        self.writing = Some(Writing {
            first_ns: now,
            until_ns: now + after,
            by,
        });
        self.left_out = 0;
        Fired::Begins
    }

    /// Forgets the file that should begin: it could not be written.
    pub(super) fn forget_writing(&mut self) {
        self.writing = None;
    }

    /// Whether the current file should end at `now`, ns since boot.
    pub(super) fn is_over(&self, now: u64) -> bool {
        self.writing.is_some_and(|writing| now >= writing.until_ns)
    }

    /// Ends the current file. After a file of a trigger, no trigger begins another one
    /// during the cool-down.
    pub(super) fn end(&mut self, now: u64) {
        let writing = self.writing.take();
        if writing.is_some_and(|writing| writing.by == FiredBy::Trigger) {
            self.quiet_until_ns = now + self.plan.cool_down.as_nanos() as u64;
        }
    }
}
