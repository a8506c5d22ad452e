//! Makes blocks of samples. Where the bytes go is the caller's business.

use super::{
    block::{Kind, MOST, MOST_OF_KEYFRAME, file_header, frame},
    columns::{Columns as _, TableOut, Words, finish},
    facts::Facts,
    gap::Gap,
    keyframes,
    map::Entry,
    marks::Mark,
    samples::Gathered,
    trails,
};
use crate::{model::Sample, tracker::Keyframe, trails::Stretch};

/// Samples of this time go into one block, ns.
const BLOCK_NS: u64 = 1_000_000_000;
/// A block of more than this is finished early.
const LARGE: usize = 8 << 20;
/// How hard zstd tries. A few per cent fewer bytes than at 1, for some
/// microseconds a second; beyond it, only at twice the time.
const LEVEL: i32 = 6;
/// The same for what comes seldom: 8 % fewer bytes than at 6, for half a millisecond.
const LEVEL_OF_KEYFRAME: i32 = 9;

/// A part of a recording that is to be written at once.
#[derive(Clone, Debug)]
pub struct Block {
    kind: Kind,
    /// As they are in the file.
    pub bytes: Vec<u8>,
    /// The first sample's time since boot, ns.
    pub begin_ns: u64,
    /// The last sample's.
    pub end_ns: u64,
}

impl Block {
    pub(super) fn new(
        kind: Kind,
        payload: &[u8],
        (begin_ns, end_ns): (u64, u64),
    ) -> std::io::Result<Self> {
        let level = match kind {
            Kind::Keyframe => LEVEL_OF_KEYFRAME,
            _ => LEVEL,
        };
        let packed = zstd::bulk::compress(payload, level)?;
        if payload.len().max(packed.len()) > MOST {
            return Err(std::io::Error::other("more tasks than a block holds"));
        }
        Ok(Self {
            kind,
            bytes: frame(kind, &packed, payload.len(), (begin_ns, end_ns)),
            begin_ns,
            end_ns,
        })
    }

    /// The bytes that begin a file.
    pub fn file_header() -> Vec<u8> {
        file_header().to_vec()
    }

    /// What does not change; written again when users became known.
    ///
    /// # Errors
    ///
    /// When the facts cannot be packed.
    pub fn facts(facts: &Facts) -> std::io::Result<Self> {
        Self::new(Kind::Facts, &serde_json::to_vec(facts)?, (0, 0))
    }

    /// A time whose samples could not be kept.
    ///
    /// # Errors
    ///
    /// When it cannot be packed.
    pub fn gap(gap: &Gap) -> std::io::Result<Self> {
        let text = serde_json::json!({
            "samples": gap.samples,
            "deaths": gap.deaths,
            "why": gap.why,
        });
        Self::new(Kind::Gap, text.to_string().as_bytes(), gap.span_ns)
    }

    /// What began and ceased to stand out.
    ///
    /// # Errors
    ///
    /// When it cannot be packed.
    pub fn marks(marks: &[Mark]) -> std::io::Result<Self> {
        let times = || marks.iter().map(|mark| mark.time_ns);
        let span = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        Self::new(Kind::Marks, &serde_json::to_vec(marks)?, span)
    }

    /// What the tracker knows.
    ///
    /// # Errors
    ///
    /// When it is too large, or cannot be packed.
    pub fn keyframe(keyframe: &Keyframe) -> std::io::Result<Self> {
        let payload = keyframes::pack(keyframe);
        if payload.len() > MOST_OF_KEYFRAME {
            return Err(std::io::Error::other("more tasks than a keyframe holds"));
        }
        let at_ns = keyframe.boot_ns;
        Self::new(Kind::Keyframe, &payload, (at_ns, at_ns))
    }

    /// What came to trails since the last block of them.
    ///
    /// # Errors
    ///
    /// When it is too large, or cannot be packed.
    pub fn trails(stretches: &[Stretch]) -> std::io::Result<Self> {
        let payload = trails::pack(stretches);
        if payload.len() > MOST_OF_KEYFRAME {
            return Err(std::io::Error::other("more trails than a block holds"));
        }
        let spans = stretches.iter().map(|stretch| stretch.span_ns);
        let begin = spans.clone().map(|(begin, _)| begin).min();
        let end = spans.map(|(_, end)| end).max();
        let span = (begin.unwrap_or(0), end.unwrap_or(0));
        Self::new(Kind::Trails, &payload, span)
    }

    /// Where each block is: closes a file.
    ///
    /// # Errors
    ///
    /// When it cannot be packed.
    pub fn index(entries: &[Entry]) -> std::io::Result<Self> {
        let mut words = Words::new();
        let mut table = TableOut::new(super::INDEX);
        for entry in entries {
            let mut entry = *entry;
            table.row(&mut words, |row| {
                row.rising(&mut entry.offset);
                row.number(&mut entry.kind);
                row.rising(&mut entry.begin_ns);
                row.rising(&mut entry.end_ns);
            });
        }
        let payload = finish(&mut words, std::slice::from_mut(&mut table));
        let span = entries.iter().filter(|entry| entry.end_ns > 0);
        let begin = span.clone().map(|entry| entry.begin_ns).min();
        let end = span.map(|entry| entry.end_ns).max();
        let span = (begin.unwrap_or(0), end.unwrap_or(0));
        Self::new(Kind::Index, &payload, span)
    }

    /// Whether there are samples in it.
    pub fn has_samples(&self) -> bool {
        self.kind == Kind::Samples
    }

    /// Whether reading may begin with it.
    pub fn is_keyframe(&self) -> bool {
        self.kind == Kind::Keyframe
    }

    /// What the index says of the block, written at `offset`.
    pub fn entry(&self, offset: u64) -> Entry {
        Entry {
            offset,
            kind: self.kind.number().into(),
            begin_ns: self.begin_ns,
            end_ns: self.end_ns,
        }
    }
}

/// Gathers samples until a block is full.
pub struct Packer {
    gathered: Gathered,
    samples: u64,
}

impl Packer {
    /// Without samples.
    pub fn new() -> Self {
        Self {
            gathered: Gathered::new(),
            samples: 0,
        }
    }

    /// Adds a sample; whether the block should be taken now.
    pub fn add(&mut self, sample: &Sample) -> bool {
        self.gathered.add(sample);
        self.samples += 1;
        let span = self.gathered.span().unwrap_or_default();
        let next = sample.stamp.interval_ns;
        span.1 - span.0.min(span.1) + next >= BLOCK_NS || self.gathered.size() >= LARGE
    }

    /// To be called with each keyframe: what follows it leaves out nothing
    /// that was said before it.
    pub fn begin_anew(&mut self) {
        self.gathered.forget_memories();
    }

    /// The block of what was gathered, with the number of its samples; `None`
    /// without any.
    ///
    /// # Errors
    ///
    /// When it cannot be packed.
    pub fn block(&mut self) -> Option<(std::io::Result<Block>, u64)> {
        let span = self.gathered.span()?;
        let payload = self.gathered.finish();
        let samples = std::mem::take(&mut self.samples);
        Some((Block::new(Kind::Samples, &payload, span), samples))
    }
}

impl Default for Packer {
    fn default() -> Self {
        Self::new()
    }
}
