//! Reads how busy the machine was over a whole recording, without playing it.

use std::{fs::File, path::PathBuf};

use super::{Player, archive::overlaps, moment::Span};
use crate::{
    model::{MachineFigures, Sample},
    recording::{Facts, MachineBlocks},
};

/// Upper limit for the blocks that are read, of about a second each: of a longer recording,
/// every second, third, ... block is read.
const MOST_BLOCKS: usize = 20_000;
/// A span is divided into at least this many parts, if it has as many samples. No part is
/// longer than a second, or than a sample: a mean over more would hide short loads.
const PARTS: i128 = 1_000;
const LONGEST_NS: u64 = 1_000_000_000;

/// How busy the machine was in a part of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MachinePart {
    /// Wall clock, ns since 1970.
    pub(crate) span: Span,
    /// See [`MachineFigures::shares`]; CPU time is that which the kernel counts.
    pub(crate) shares: [Option<f32>; 3],
}

/// Reads the figures of the machine over a span, on any thread.
#[derive(Default)]
pub(crate) struct MachineReader {
    files: Vec<(PathBuf, Facts, MachineBlocks)>,
    /// Shortest length of a part, ns.
    least_ns: u64,
}

impl Player {
    /// What reads the machine over a span, wall clock in ns since 1970.
    pub(crate) fn machine_reader(&self, span: Span) -> MachineReader {
        let maps = || {
            let all = self.archive.iter();
            all.filter_map(|recorded| Some((recorded, recorded.map.as_ref()?)))
        };
        let is_in = |facts: &Facts, (begin_ns, end_ns): (u64, u64)| {
            overlaps((facts.wall_ns(begin_ns), facts.wall_ns(end_ns)), span)
        };
        let mut count: usize = 0;
        for (recorded, map) in maps() {
            map.machine_blocks(|of| {
                count += usize::from(is_in(&recorded.facts, of));
                false
            });
        }
        let every = count.div_ceil(MOST_BLOCKS).max(1);
        let mut number: usize = 0;
        let files = maps().map(|(recorded, map)| {
            let blocks = map.machine_blocks(|of| {
                let is_in = is_in(&recorded.facts, of);
                number += usize::from(is_in);
                is_in && (number - 1).is_multiple_of(every)
            });
            (recorded.path.clone(), recorded.facts.clone(), blocks)
        });
        let files: Vec<_> = files.filter(|(.., blocks)| !blocks.is_empty()).collect();
        let least_ns = u64::try_from((span.1 - span.0) / PARTS).unwrap_or(LONGEST_NS);
        MachineReader {
            files,
            least_ns: least_ns.min(LONGEST_NS),
        }
    }
}

impl MachineReader {
    /// Reads all parts, in the order of the files. What cannot be read is left out: playing the
    /// recording reports it.
    pub(crate) fn read(&self, mut take: impl FnMut(&MachinePart)) {
        for (path, facts, blocks) in &self.files {
            let Ok(mut file) = File::open(path) else {
                continue;
            };
            let mut sum: Option<Sum> = None;
            let mut give = |sum: Option<Sum>| {
                if let Some(sum) = sum {
                    take(&sum.part(facts));
                }
            };
            // Of a file that can be read only in part, that part is shown.
            _ = blocks.read(&mut file, |sample| {
                let Some(next) = Sum::of(sample) else { return };
                let goes_on = |sum: &Sum| {
                    sum.until_ns == next.from_ns && sum.until_ns - sum.from_ns < self.least_ns
                };
                sum = match sum.take() {
                    Some(sum) if goes_on(&sum) => Some(sum.and(&next)),
                    before => {
                        give(before);
                        Some(next)
                    }
                };
            });
            give(sum);
        }
    }
}

/// Figures of the machine in one or several intervals.
#[derive(Clone, Debug)]
struct Sum {
    from_ns: u64,
    until_ns: u64,
    figures: MachineFigures,
}

impl Sum {
    /// `None`: the first sample of a file has no interval.
    fn of(sample: &Sample) -> Option<Self> {
        let stamp = sample.stamp;
        let from_ns = stamp.boot_ns.checked_sub(stamp.interval_ns)?;
        (stamp.interval_ns > 0).then(|| Self {
            from_ns,
            until_ns: stamp.boot_ns,
            figures: sample.machine.clone(),
        })
    }

    fn and(&self, next: &Self) -> Self {
        Self {
            from_ns: self.from_ns,
            until_ns: next.until_ns,
            figures: self.figures.and(&next.figures),
        }
    }

    fn part(&self, facts: &Facts) -> MachinePart {
        let len_ns = self.until_ns.saturating_sub(self.from_ns);
        // The clock can have been set in between.
        let until = facts.wall_ns(self.until_ns);
        MachinePart {
            span: (until - i128::from(len_ns), until),
            shares: self.figures.shares(facts.cpus, len_ns),
        }
    }
}
