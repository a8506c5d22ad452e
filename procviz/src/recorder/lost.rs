//! What a recording lacks until something can be written again, and what is
//! kept of it: it is small, and nobody should miss it.

use std::sync::Arc;

use super::part::Part;
use crate::{
    model::ExitRecord,
    recording::{Block, Gap},
};

/// More than this is kept of nothing that is lost.
const MOST_KEPT: usize = 4 << 20;

/// Of an end in a file, packed, about.
const BYTES_OF_END: usize = 40;

/// What is lost until something can be written again.
#[derive(Debug, Default)]
pub(super) struct Lost {
    pub(super) samples: u64,
    span_ns: Option<(u64, u64)>,
    pub(super) why: String,
    /// What stood out and came to trails meanwhile.
    kept: Vec<Part>,
    /// Who ended meanwhile, and how many more did.
    ended: Vec<Arc<ExitRecord>>,
    forgotten: u64,
    /// Of what is kept, in memory.
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

    /// Takes in what was lost after it.
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

    /// About how many bytes a file needs for what is kept.
    pub(super) fn needs(&self) -> usize {
        let kept = self.kept.iter().map(|(block, _)| block.bytes.len());
        kept.sum::<usize>() + self.ended.len() * BYTES_OF_END
    }

    /// What comes from then on is known after all.
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

    /// Whether no samples are.
    pub(super) fn is_empty(&self) -> bool {
        self.span_ns.is_none()
    }

    /// What was kept where no samples are lost; that is somebody else's then.
    pub(super) fn take_kept(&mut self) -> Vec<Part> {
        self.bytes = 0;
        std::mem::take(&mut self.kept)
    }

    /// Word of it, where samples are.
    pub(super) fn gap(&self) -> Option<Block> {
        let gap = self.gap_without(0)?;
        Block::gap(&gap).ok()
    }

    /// Word of it, and all that is kept.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let kept = self.kept.iter().map(|(block, _)| block.clone());
        let Some(gap) = self.gap_without(self.ended.len() as u64) else {
            return kept.collect();
        };
        let deaths = (!self.ended.is_empty()).then(|| Block::deaths(gap.span_ns, &self.ended));
        let told = match deaths {
            None => vec![Block::gap(&gap)],
            Some(Ok(deaths)) => vec![Block::gap(&gap), Ok(deaths)],
            Some(Err(_)) => self.gap().map(Ok).into_iter().collect(),
        };
        told.into_iter().flatten().chain(kept).collect()
    }

    /// The gap, where so many ends are told of beside it.
    fn gap_without(&self, told: u64) -> Option<Gap> {
        Some(Gap {
            span_ns: self.span_ns?,
            samples: self.samples,
            deaths: self.forgotten + (self.ended.len() as u64).saturating_sub(told),
            why: self.why.clone(),
        })
    }
}
