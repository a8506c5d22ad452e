//! What commands used in the last minutes: what a process uses now is compared with that.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{SECOND, world::World};
use crate::model::{Comm, duration_text, total};

/// Name and user of a command.
pub(super) type Name = (Comm, Option<u32>);

/// The past is as long as one to two of these, ns.
const PART_NS: u64 = 300 * SECOND;
/// A shorter past says nothing, ns.
const LEAST_NS: u64 = 60 * SECOND;
/// Upper limit for the names of a part.
const MOST: usize = 4_096;

/// CPU time of all processes by name and user, in the last five minutes and the five before.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Past {
    /// The older part is the first.
    parts: [Part; 2],
}

#[derive(Default, Serialize, Deserialize)]
struct Part {
    /// ns since boot.
    begin_ns: u64,
    /// CPU time, ns.
    used: FxHashMap<Name, u64>,
    /// There were more names than are kept.
    is_full: bool,
}

impl Part {
    fn add(&mut self, name: Name, cpu_ns: u64) {
        if cpu_ns == 0 {
            return;
        }
        if self.used.len() < MOST || self.used.contains_key(&name) {
            let used = self.used.entry(name).or_default();
            *used = total([*used, cpu_ns]);
        } else {
            self.is_full = true;
        }
    }
}

impl Past {
    pub(super) fn take(&mut self, world: World<'_>) {
        let now = world.now_ns();
        let is_gap = world.sample.gap_ns.is_some();
        if world.is_opening() || is_gap || now < self.parts[1].begin_ns {
            // The opening census has no interval before it, and what was used in a gap is not
            // known.
            let part = Part {
                begin_ns: now,
                ..Part::default()
            };
            self.parts = [Part::default(), part];
            self.parts[0].begin_ns = now;
            return;
        }
        if now.saturating_sub(self.parts[1].begin_ns) >= PART_NS {
            self.parts.swap(0, 1);
            self.parts[1] = Part {
                begin_ns: now.saturating_sub(world.snapshot.stamp.interval_ns),
                ..Part::default()
            };
        }
        let part = &mut self.parts[1];
        for process in world.changed() {
            if process.change.tick == world.snapshot.tick {
                part.add(world.group(process), process.change.cpu_ns);
            }
        }
        for fold in &world.sample.folds {
            part.add((fold.comm, Some(fold.uid)), fold.cpu_ns);
        }
    }

    /// What all processes of a name used in the last minutes, now included, if that is less than
    /// half of `cores`, what they use now: `; all of this name used 0.02 on average in the last
    /// 7 min`. Empty if the past is short or not known.
    pub(super) fn compared(&self, name: Name, now_ns: u64, cores: f64) -> String {
        let span_ns = now_ns.saturating_sub(self.parts[0].begin_ns);
        let of_parts = self
            .parts
            .each_ref()
            .map(|part| part.used.get(&name).copied());
        let mut both = self.parts.iter().zip(of_parts);
        let is_unknown = both.any(|(part, used)| part.is_full && used.is_none());
        if span_ns < LEAST_NS || is_unknown {
            return String::new();
        }
        let mean = total(of_parts.into_iter().flatten()) as f64 / span_ns as f64;
        if mean > cores / 2.0 {
            return String::new();
        }
        let span = duration_text(span_ns);
        format!("; all of this name used {mean:.2} on average in the last {span}")
    }
}
