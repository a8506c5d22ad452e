//! The last minutes, in memory, as blocks that a file is made of when
//! something happens.

use std::{collections::VecDeque, time::Duration};

use super::{job::Why, part::Part, trigger::Triggers};
use crate::{
    model::{bytes_text, duration_text},
    runtime::stdout::say,
};

/// A chunk begins anew with all that is known each so many ns, or before that
/// in a short ring.
const CHUNK_NS: u64 = 30_000_000_000;

/// What a flight ring is to be.
#[derive(Debug)]
pub(crate) struct RingPlan {
    pub(crate) span: Duration,
    pub(crate) bytes: u64,
    pub(crate) after: Duration,
    pub(crate) cool_down: Duration,
    pub(crate) triggers: Triggers,
}

/// What can be read on its own.
struct Chunk {
    begin_ns: u64,
    /// Of all that was known when it began.
    opening_bytes: u64,
    bytes: u64,
    parts: Vec<Part>,
}

/// What is written at the moment.
#[derive(Clone, Copy, Debug)]
struct Writing {
    first_ns: u64,
    until_ns: u64,
}

/// The ring.
pub(super) struct Ring {
    plan: RingPlan,
    chunks: VecDeque<Chunk>,
    writing: Option<Writing>,
    quiet_until_ns: u64,
    /// What fired while nothing could be written.
    left_out: u64,
    has_said_short: bool,
}

/// What to do when something has fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fired {
    /// A file is to be begun.
    Begins,
    /// One is written, and goes on for longer.
    GoesOn,
    /// Another one has been written not long ago.
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
            has_said_short: false,
        }
    }

    pub(super) fn triggers(&mut self) -> &mut Triggers {
        &mut self.plan.triggers
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Whether what is known should be kept anew.
    pub(super) fn wants_chunk(&self, now: u64) -> bool {
        self.chunks.back().is_some_and(|chunk| {
            let most = CHUNK_NS.min(self.plan.span.as_nanos() as u64 / 4);
            // In a small ring, knowing it again is not to be all that it holds.
            let most_bytes = (self.plan.bytes / 4).max(chunk.opening_bytes * 2);
            now.saturating_sub(chunk.begin_ns) >= most || chunk.bytes > most_bytes
        })
    }

    /// Begins a chunk with parts that tell all that is known.
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
            // The opening census tells all by itself.
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
            if is_much && second.begin_ns + span_ns > now && !self.has_said_short {
                self.has_said_short = true;
                say(&format!(
                    "procviz: the last {} are all that fits into {} (--ring-size), not {}",
                    duration_text(now.saturating_sub(second.begin_ns)),
                    bytes_text(self.plan.bytes),
                    duration_text(span_ns)
                ));
            }
            self.chunks.pop_front();
        }
    }

    /// All that is held.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.chunks.iter().flat_map(|chunk| &chunk.parts)
    }

    /// Takes note of what has fired.
    pub(super) fn fire(&mut self, now: u64, why: &Why) -> Fired {
        let after = self.plan.after.as_nanos() as u64;
        if let Some(writing) = &mut self.writing {
            // What goes on and on is another recording's business.
            let most = self.plan.span.max(self.plan.after).as_nanos() as u64;
            writing.until_ns = (now + after).min(writing.first_ns + most.max(after));
            return Fired::GoesOn;
        }
        if now < self.quiet_until_ns {
            self.left_out += 1;
            if self.left_out == 1 {
                say(&format!(
                    "procviz: {}: left out, {} to go until the next file (--cool-down)",
                    crate::model::Untrusted::new(why.words.as_bytes()).terminal(),
                    duration_text(self.quiet_until_ns - now)
                ));
            }
            return Fired::TooSoon;
        }
        self.writing = Some(Writing {
            first_ns: now,
            until_ns: now + after,
        });
        self.left_out = 0;
        Fired::Begins
    }

    /// Nothing could be written after all.
    pub(super) fn forget_writing(&mut self) {
        self.writing = None;
    }

    /// Whether the file that is written should end now.
    pub(super) fn is_over(&self, now: u64) -> bool {
        self.writing.is_some_and(|writing| now >= writing.until_ns)
    }

    /// It has ended: there is no other one for a while.
    pub(super) fn end(&mut self, now: u64) {
        self.writing = None;
        self.quiet_until_ns = now + self.plan.cool_down.as_nanos() as u64;
    }
}
