use serde::{Deserialize, Serialize};

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{SECOND, World};
use crate::model::{Finding, Memory, Process, Rule, TaskId, bytes_text, duration_text, rate_text};

const SPAN_NS: u64 = 3 * SECOND;
/// Longest time that is stored, ns.
const KEPT_NS: u64 = 4 * SECOND;
/// The part of the growth that a process must account for to be named.
const PART: f64 = 0.3;
/// The same, at most.
const MOST_PART: f64 = 1.5;

/// Shared memory and files on tmpfs that grow. Each page counts once, in the figures of the
/// machine; the figures of processes say who maps it, or who writes.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Shmem {
    /// Not in every keyframe, see [`Rules::last_seconds`](super::Rules::last_seconds).
    #[serde(skip)]
    pub(super) recent: RecentShmem,
    /// Since when it has grown without a pause, ns since boot.
    since_ns: Option<u64>,
}

/// The sizes of the last seconds.
#[derive(Default, Serialize, Deserialize)]
pub(in crate::tracker) struct RecentShmem {
    /// Time, ns since boot, and size, bytes.
    sizes: VecDeque<(u64, u64)>,
    /// Processes that ran meanwhile.
    users: FxHashMap<TaskId, VecDeque<Use>>,
}

/// What a process does with shared memory, at one time.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Use {
    time_ns: u64,
    /// Resident shared pages, bytes.
    mapped: u64,
    /// Bytes passed to write calls that did not go to storage.
    written: Option<u64>,
}

impl Shmem {
    pub(super) fn take(&mut self, world: World<'_>) {
        let now = world.now_ns();
        let Some(size) = world.snapshot.machine.shmem_bytes else {
            return;
        };
        self.recent.sizes.push_back((now, size));
        let is_old = |time: u64| now.saturating_sub(time) > KEPT_NS;
        // Two points stay, however far apart: a long interval is judged, too.
        while self.recent.sizes.len() > 2
            && self
                .recent
                .sizes
                .get(1)
                .is_some_and(|(time, _)| is_old(*time))
        {
            self.recent.sizes.pop_front();
        }
        for memory in &world.sample.memories {
            let Some(parts) = memory.sizes.parts else {
                continue;
            };
            let uses = self.recent.users.entry(memory.process).or_default();
            uses.push_back(Use {
                time_ns: now,
                mapped: parts.shmem,
                written: world
                    .process(memory.process)
                    .and_then(|process| passed_on(process, memory)),
            });
            while uses.len() > 2 && uses.get(1).is_some_and(|it| is_old(it.time_ns)) {
                uses.pop_front();
            }
        }
        self.recent
            .users
            .retain(|_, uses| uses.back().is_some_and(|last| !is_old(last.time_ns)));
    }

    pub(super) fn judge(&mut self, world: World<'_>, findings: &mut Vec<Finding>) {
        let Some((span_ns, grown, size)) = self.growth(world.thresholds().shmem_rate) else {
            // After a keyframe, the sizes of the last seconds are missing at first.
            if self.is_warm() {
                self.since_ns = None;
            }
            return;
        };
        let now = world.now_ns();
        let since_ns = *self.since_ns.get_or_insert(now.saturating_sub(span_ns));
        let speed = grown as f64 / (span_ns as f64 / 1e9);
        let text = format!(
            "{} for {}, now {} on the machine",
            rate_text(speed),
            duration_text(now.saturating_sub(since_ns)),
            bytes_text(size)
        );
        // Who wrote much more wrote mostly elsewhere, such as into a pipe.
        let plausible = (grown as f64 * PART) as u64..=(grown as f64 * MOST_PART) as u64;
        let shown = |id: &TaskId| {
            let process = world.process(*id)?;
            (process.end.is_none() && !world.is_hidden(process)).then_some(process)
        };
        let largest = |figure: fn(&VecDeque<Use>) -> u64| {
            let uses = self
                .recent
                .users
                .iter()
                .map(|(id, uses)| (figure(uses), *id));
            let uses = uses.filter(|(size, id)| plausible.contains(size) && shown(id).is_some());
            let all: Vec<_> = uses.collect();
            all.iter().max().map(|(_, id)| (*id, all.len() as u64))
        };
        let (subject, count, text) = match (largest(mapped), largest(written)) {
            (Some((id, count)), _) => (Some(id), count, format!("fills shared memory with {text}")),
            (None, Some((id, count))) => (Some(id), count, format!("writes to tmpfs: {text}")),
            (None, None) => (None, 1, format!("shared memory and tmpfs grow by {text}")),
        };
        let process = subject.as_ref().and_then(shown);
        findings.push(Finding {
            about: subject,
            dot: subject,
            comm: process.map(|process| world.snapshot.name_of(process)),
            count,
            value: speed,
            unit: "bytes/s",
            since_ns,
            text: match count {
                0 | 1 => text,
                _ => format!("{text}; {} other processes, too", count - 1),
            },
            ..Finding::new(Rule::Shmem)
        });
    }

    /// Whether the sizes cover the time that the rule judges.
    fn is_warm(&self) -> bool {
        let first = self.recent.sizes.front().zip(self.recent.sizes.back());
        first.is_some_and(|((first, _), (last, _))| last - first >= SPAN_NS - SPAN_NS / 20)
    }

    /// Length of the time watched, ns, growth in it and the size now, bytes; `None`: it does
    /// not grow by more than the threshold.
    fn growth(&self, threshold: f64) -> Option<(u64, u64, u64)> {
        let (now, size) = *self.recent.sizes.back()?;
        let from = now.checked_sub(SPAN_NS - SPAN_NS / 20)?;
        let (then, before) = *self
            .recent
            .sizes
            .iter()
            .rev()
            .find(|(time, _)| *time <= from)?;
        let (span_ns, grown) = (now - then, size.saturating_sub(before));
        (grown as f64 / (span_ns as f64 / 1e9) >= threshold).then_some((span_ns, grown, size))
    }
}

/// What a process passed to write calls and what did not go to storage, as far as is known.
fn passed_on(process: &Process, memory: &Memory) -> Option<u64> {
    let stored = process.io?.write;
    Some(memory.written?.saturating_sub(stored))
}

/// By how much the resident shared pages of a process grew.
fn mapped(uses: &VecDeque<Use>) -> u64 {
    let (first, last) = (uses.front(), uses.back());
    let grown = first.zip(last);
    grown.map_or_else(u64::default, |(first, last)| {
        last.mapped.saturating_sub(first.mapped)
    })
}

/// How much a process wrote elsewhere than to storage.
fn written(uses: &VecDeque<Use>) -> u64 {
    let mut known = uses.iter().filter_map(|it| it.written);
    let (first, last) = (known.next(), known.next_back());
    let more = first.zip(last);
    more.map_or_else(u64::default, |(first, last)| last.saturating_sub(first))
}
