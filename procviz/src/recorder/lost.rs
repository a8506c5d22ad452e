//! Counts what a recording loses until blocks can be written again. Keeps the small and
//! important part of the loss: exit records, marks and trails.

use std::sync::Arc;

use super::part::Part;
use crate::{
    model::ExitRecord,
    recording::{Block, Gap},
};

/// Upper limit for what is kept from lost blocks, bytes in memory.
const MOST_KEPT: usize = 4 << 20;

/// Approximate size of a packed exit record in a file, bytes.
const BYTES_OF_END: usize = 40;

/// The loss until blocks can be written again.
#[derive(Clone, Debug, Default)]
pub(super) struct Lost {
    pub(super) samples: u64,
    span_ns: Option<(u64, u64)>,
    pub(super) why: String,
    /// Blocks that are not samples, such as marks and trails.
    kept: Vec<Part>,
    /// Exit records of the lost samples. `forgotten` is the number of further exits, for
    /// which no record is kept.
    ended: Vec<Arc<ExitRecord>>,
    forgotten: u64,
    /// Size of what is kept, bytes in memory.
    pub(super) bytes: usize,
}

impl Lost {
    /// Adds a part that could not be written.
    pub(super) fn add(&mut self, part: Part, why: &str) {
        let (block, samples) = &part;
        self.samples += samples;
        why.clone_into(&mut self.why);
        if block.has_samples() {
            let begin = self.span_ns.map_or(block.begin_ns, |(begin, _)| begin);
            self.span_ns = Some((begin, block.end_ns));
            let (ended, folded) = block.ended();
            self.forgotten += folded;
            ended.into_iter().for_each(|record| self.keep_end(record));
        } else if !block.is_keyframe() {
            self.keep(part);
        }
    }

    /// Adds parts that were written before this loss, and taken back.
    pub(super) fn begin_earlier(&mut self, parts: Vec<Part>) {
        let later = std::mem::take(self);
        for part in parts {
            self.add(part, &later.why);
        }
        self.absorb(later);
    }

    fn keep(&mut self, part: Part) {
        if self.has_room_for(part.0.bytes.len()) {
            self.kept.push(part);
        }
    }

    fn keep_end(&mut self, record: Arc<ExitRecord>) {
        let args = record.args.as_ref().map_or(0, |args| args.len());
        if self.has_room_for(size_of::<ExitRecord>() + args) {
            self.ended.push(record);
        } else {
            self.forgotten += 1;
        }
    }

    fn has_room_for(&mut self, bytes: usize) -> bool {
        let has_room = self.bytes + bytes <= MOST_KEPT;
        self.bytes += if has_room { bytes } else { 0 };
        has_room
    }

    /// Adds a later loss.
    pub(super) fn absorb(&mut self, later: Self) {
        self.samples += later.samples;
        self.forgotten += later.forgotten;
        self.span_ns = match (self.span_ns, later.span_ns) {
            (Some((begin, _)), Some((_, end))) => Some((begin, end)),
            (one, other) => one.or(other),
        };
        if self.why.is_empty() {
            self.why = later.why;
        }
        later.kept.into_iter().for_each(|part| self.keep(part));
        let ended = later.ended.into_iter();
        ended.for_each(|record| self.keep_end(record));
    }

    /// Approximate number of bytes that a file needs for what is kept.
    pub(super) fn needs(&self) -> usize {
        let kept = self.kept.iter().map(|(block, _)| block.bytes.len());
        kept.sum::<usize>() + self.ended.len() * BYTES_OF_END
    }

    /// Limits the loss to the time before `first_ns`, ns since boot: later samples are not
    /// lost after all.
    pub(super) fn end_before(&mut self, first_ns: u64) {
        let Some((begin, end)) = self.span_ns.filter(|(_, end)| *end >= first_ns) else {
            return;
        };
        self.ended.retain(|record| record.time_ns < first_ns);
        self.span_ns = (begin < first_ns).then_some((begin, first_ns.min(end)));
        if self.span_ns.is_none() {
            (self.samples, self.forgotten) = (0, 0);
        }
    }

    /// Whether no samples are lost.
    pub(super) fn is_empty(&self) -> bool {
        self.span_ns.is_none()
    }

    /// Takes the kept blocks, for a caller that writes them because no samples are lost.
    pub(super) fn take_kept(&mut self) -> Vec<Part> {
        self.bytes = 0;
        std::mem::take(&mut self.kept)
    }

    /// The gap block, without the kept data; `None` if no samples are lost.
    pub(super) fn gap(&self) -> Option<Block> {
        let gap = self.gap_without(0)?;
        Block::gap(&gap).ok()
    }

    /// The gap block, and blocks of all that is kept.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let kept = self.kept.iter().map(|(block, _)| block.clone());
        let Some(gap) = self.gap_without(self.ended.len() as u64) else {
            return kept.collect();
        };
        let deaths = (!self.ended.is_empty()).then(|| Block::deaths(gap.span_ns, &self.ended));
        let blocks = match deaths {
            None => vec![Block::gap(&gap)],
            Some(Ok(deaths)) => vec![Block::gap(&gap), Ok(deaths)],
            Some(Err(_)) => self.gap().map(Ok).into_iter().collect(),
        };
        blocks.into_iter().flatten().chain(kept).collect()
    }

    /// The gap, if `written` exit records are written beside it.
    fn gap_without(&self, written: u64) -> Option<Gap> {
        Some(Gap {
            span_ns: self.span_ns?,
            samples: self.samples,
            deaths: self.forgotten + (self.ended.len() as u64).saturating_sub(written),
            why: self.why.clone(),
        })
    }
}
