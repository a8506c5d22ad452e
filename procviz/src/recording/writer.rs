//! Builds the blocks of a recording. The caller decides where the bytes go.

use super::{
    block::{Kind, MOST, MOST_OF_KEYFRAME, file_header, frame},
    columns::{Columns as _, TableOut, Words, finish},
    facts::Facts,
    gap::Gap,
    keyframes,
    map::Entry,
    marks::Mark,
    samples::SamplesOut,
    trails,
};
use crate::{model::Sample, tracker::Keyframe, trails::Stretch};

/// Time that the samples of one block cover, ns.
const BLOCK_NS: u64 = 1_000_000_000;
/// Size of the unpacked samples from which a block is finished early, bytes.
const LARGE: usize = 8 << 20;
/// Compression level of zstd. It saves a few per cent of the bytes compared with level 1,
/// for some microseconds per second. Higher levels save more only for twice the time.
const LEVEL: i32 = 6;
/// Compression level for keyframes, which are rare: 8 % fewer bytes than with level 6,
/// for half a millisecond.
const LEVEL_OF_KEYFRAME: i32 = 9;

/// A part of a recording that is written at once.
#[derive(Clone, Debug)]
pub struct Block {
    kind: Kind,
    /// The bytes of the block in the file: header and packed payload.
    pub bytes: Vec<u8>,
    /// Time of the first sample, ns since boot.
    pub begin_ns: u64,
    /// Time of the last sample, ns since boot.
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
            return Err(std::io::Error::other(
                "the block is larger than the upper limit of 32 MiB",
            ));
        }
        Ok(Self {
            kind,
            bytes: frame(kind, &packed, payload.len(), (begin_ns, end_ns)),
            begin_ns,
            end_ns,
        })
    }

    /// The bytes of a file header.
    pub fn file_header() -> Vec<u8> {
        file_header().to_vec()
    }

    /// Builds a block of facts. It is written again when more user names are known.
    ///
    /// # Errors
    ///
    /// When the facts cannot be packed.
    pub fn facts(facts: &Facts) -> std::io::Result<Self> {
        Self::new(Kind::Facts, &serde_json::to_vec(facts)?, (0, 0))
    }

    /// Builds a gap block, for a period whose samples could not be kept.
    ///
    /// # Errors
    ///
    /// When the gap cannot be packed.
    pub fn gap(gap: &Gap) -> std::io::Result<Self> {
        let text = serde_json::json!({
            "samples": gap.samples,
            "deaths": gap.deaths,
            "why": gap.why,
        });
        Self::new(Kind::Gap, text.to_string().as_bytes(), gap.span_ns)
    }

    /// Builds a block of marks: findings that begin, hold or end.
    ///
    /// # Errors
    ///
    /// When the marks cannot be packed.
    pub fn marks(marks: &[Mark]) -> std::io::Result<Self> {
        let times = || marks.iter().map(|mark| mark.time_ns);
        let span = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        Self::new(Kind::Marks, &serde_json::to_vec(marks)?, span)
    }

    /// Builds a block with the state of the tracker.
    ///
    /// # Errors
    ///
    /// When the state is too large, or cannot be packed.
    pub fn keyframe(keyframe: &Keyframe) -> std::io::Result<Self> {
        let payload = keyframes::pack(keyframe);
        if payload.len() > MOST_OF_KEYFRAME {
            return Err(std::io::Error::other(
                "the keyframe is larger than the upper limit of 8 MiB",
            ));
        }
        let at_ns = keyframe.boot_ns;
        Self::new(Kind::Keyframe, &payload, (at_ns, at_ns))
    }

    /// Builds a block with the new points of trails since the last such block.
    ///
    /// # Errors
    ///
    /// When the points are too many, or cannot be packed.
    pub fn trails(stretches: &[Stretch]) -> std::io::Result<Self> {
        let payload = trails::pack(stretches);
        if payload.len() > MOST_OF_KEYFRAME {
            return Err(std::io::Error::other(
                "the block is larger than the upper limit of 8 MiB",
            ));
        }
        let spans = stretches.iter().map(|stretch| stretch.span_ns);
        let begin = spans.clone().map(|(begin, _)| begin).min();
        let end = spans.map(|(_, end)| end).max();
        let span = (begin.unwrap_or(0), end.unwrap_or(0));
        Self::new(Kind::Trails, &payload, span)
    }

    /// Builds the index: the offset of each block. It closes a file.
    ///
    /// # Errors
    ///
    /// When the index cannot be packed.
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

    /// Whether the block holds samples.
    pub fn has_samples(&self) -> bool {
        self.kind == Kind::Samples
    }

    /// Whether the block is a keyframe: reading can begin with it.
    pub fn is_keyframe(&self) -> bool {
        self.kind == Kind::Keyframe
    }

    /// The index entry of the block if it is written at `offset`.
    pub fn entry(&self, offset: u64) -> Entry {
        Entry {
            offset,
            kind: self.kind.number().into(),
            begin_ns: self.begin_ns,
            end_ns: self.end_ns,
        }
    }
}

/// Collects samples until a block is full.
pub struct Packer {
    samples_out: SamplesOut,
    samples: u64,
}

impl Packer {
    /// A packer without samples.
    pub fn new() -> Self {
        Self {
            samples_out: SamplesOut::new(),
            samples: 0,
        }
    }

    /// Adds a sample. Returns whether the block is full and should be taken now.
    pub fn add(&mut self, sample: &Sample) -> bool {
        self.samples_out.add(sample);
        self.samples += 1;
        let span = self.samples_out.span().unwrap_or_default();
        let next = sample.stamp.interval_ns;
        span.1 - span.0.min(span.1) + next >= BLOCK_NS || self.samples_out.size() >= LARGE
    }

    /// Adds the names of containers that were not known in the blocks of `other`, once they are.
    pub fn wait_for_names(&mut self, other: Self) {
        self.samples_out.wait_for_names(other.samples_out);
    }

    /// Must be called with each keyframe: a reader can begin there, so samples after the
    /// keyframe must not leave out rows that were written before it.
    pub fn begin_anew(&mut self) {
        self.samples_out.forget_memories();
    }

    /// Packs the collected samples. Returns the block and the number of its samples;
    /// `None` without samples.
    ///
    /// # Errors
    ///
    /// When the samples cannot be packed.
    pub fn block(&mut self) -> Option<(std::io::Result<Block>, u64)> {
        let span = self.samples_out.span()?;
        let payload = self.samples_out.finish();
        let samples = std::mem::take(&mut self.samples);
        Some((Block::new(Kind::Samples, &payload, span), samples))
    }
}

impl Default for Packer {
    fn default() -> Self {
        Self::new()
    }
}
