//! Saves the state of the tracker and restores it. A recording holds such
//! keyframes at intervals, so that reading can begin there.

use std::{collections::VecDeque, sync::Arc};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{
    Tracker,
    rules::{Histories, MemoryGroups, RecentShmem, Rules, Waiting},
};
use crate::model::{
    Change, ExitRecord, Io, Losses, Process, Slots, Snapshot, Sources, Stamp, TaskId, Thread,
};

/// Raise this with each change of the saved data or of its format; a test fails if
/// that is forgotten.
const VERSION: u16 = 15;
const VERSION_BYTES: usize = size_of::<u16>();

/// The saved data besides tasks and rules.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Head {
    tick: u64,
    stamp: Stamp,
    unknown_ns: u64,
    began_ns: u64,
    boot_wall_ns: i64,
    sources: Sources,
    losses: Losses,
    events_seen: u64,
}

/// Saved state of a tracker. Most of the data is tasks.
#[derive(Clone, Debug)]
pub struct Keyframe {
    /// Threads in their slots. A thread that did not change in the last interval has
    /// an empty change.
    pub threads: Slots<Thread>,
    /// Processes in their slots, in the same way; without exit records.
    pub processes: Slots<Process>,
    /// Time of the last sample, ns since boot.
    pub boot_ns: u64,
    /// Number of the last sample.
    pub tick: u64,
    /// All other data, in a format of its own for each version of procviz.
    pub rest: Vec<u8>,
}

impl Keyframe {
    /// Whether `rest` was written by this version of procviz.
    pub fn is_known(rest: &[u8]) -> bool {
        let version = rest.first_chunk();
        version.is_some_and(|version| u16::from_le_bytes(*version) == VERSION)
    }
}

type SupersededLeaders = FxHashMap<TaskId, (u64, Option<Io>)>;
type Exits = Vec<(usize, Arc<ExitRecord>)>;
/// The data as it is read; writing uses references to the same types.
type Kept = (
    Head,
    Exits,
    VecDeque<(u64, TaskId)>,
    SupersededLeaders,
    Rules,
    Option<(Histories, Waiting, RecentShmem, MemoryGroups)>,
);

/// Whether the arguments of processes are kept; they can hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// The arguments are kept.
    Kept,
    /// The arguments are left out.
    LeftOut,
}

/// Whether the rules' data about the last seconds is kept; this data is large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastSeconds {
    /// The data is kept: nothing is missing.
    Kept,
    /// The data is left out; see [`Tracker::WARM_UP_NS`].
    LeftOut,
}

/// The bytes are not a keyframe of this version of procviz.
#[derive(Debug, thiserror::Error)]
#[error("the keyframe is damaged or from another version of procviz")]
pub struct KeyframeError;

impl Tracker {
    /// Saves the state of the tracker, without its filter.
    ///
    /// # Errors
    ///
    /// Never in practice, because the data is written to memory.
    pub fn keyframe(
        &self,
        secrets: Secrets,
        last_seconds: LastSeconds,
    ) -> Result<Keyframe, KeyframeError> {
        let Snapshot {
            tick,
            stamp,
            unknown_ns,
            began_ns,
            sources,
            losses,
            events_seen,
            ..
        } = self.snapshot;
        let head = Head {
            tick,
            stamp,
            unknown_ns,
            began_ns,
            boot_wall_ns: self.snapshot.host.boot_wall_ns as i64,
            sources,
            losses,
            events_seen,
        };
        let mut threads = self.snapshot.threads.clone();
        for thread in threads.iter_mut() {
            thread.change = news(thread.change, tick);
        }
        let mut processes = self.snapshot.processes.clone();
        let mut exits = Exits::new();
        for (slot, process) in processes.entries_mut() {
            process.change = news(process.change, tick);
            if process.private_change.0 != tick {
                process.private_change = (0, None);
            }
            if process.rss_change.0 != tick {
                process.rss_change = (0, None);
            }
            if secrets == Secrets::LeftOut {
                process.args = None;
                process.name = None;
            }
            exits.extend(process.exit.take().map(|exit| match secrets {
                Secrets::Kept => (slot, exit),
                Secrets::LeftOut => (slot, without_args(&exit)),
            }));
        }
        let all = (
            head,
            exits,
            &self.leaving,
            &self.superseded_leaders,
            &self.rules,
            (last_seconds == LastSeconds::Kept).then(|| self.rules.last_seconds()),
        );
        let bytes = VERSION.to_le_bytes().to_vec();
        let rest = postcard::to_extend(&all, bytes).map_err(|_| KeyframeError)?;
        Ok(Keyframe {
            threads,
            processes,
            boot_ns: stamp.boot_ns,
            tick,
            rest,
        })
    }

    /// Restores the state that [`Tracker::keyframe`] saved. The tracker keeps its own
    /// filter, which still hides the tasks that do not match.
    ///
    /// # Errors
    ///
    /// If the keyframe is not of this version of procviz; then the tracker is
    /// unchanged.
    pub fn restore(&mut self, keyframe: Keyframe) -> Result<(), KeyframeError> {
        let Keyframe {
            threads,
            mut processes,
            rest,
            ..
        } = keyframe;
        let bytes = rest.get(VERSION_BYTES..).ok_or(KeyframeError)?;
        if !Keyframe::is_known(&rest) {
            return Err(KeyframeError);
        }
        let (head, exits, leaving, superseded_leaders, mut rules, last_seconds): Kept =
            postcard::from_bytes(bytes).map_err(|_| KeyframeError)?;
        for (slot, exit) in exits {
            processes.get_mut(slot).ok_or(KeyframeError)?.exit = Some(exit);
        }
        rules.apply(&self.rule_settings);
        if let Some(rules_state) = last_seconds {
            rules.set_last_seconds(rules_state);
        }
        let mut snapshot = Snapshot::new(self.snapshot.host.clone(), head.sources);
        snapshot.host.boot_wall_ns = head.boot_wall_ns.into();
        snapshot.tick = head.tick;
        snapshot.stamp = head.stamp;
        snapshot.unknown_ns = head.unknown_ns;
        snapshot.began_ns = head.began_ns;
        snapshot.losses = head.losses;
        snapshot.events_seen = head.events_seen;
        let ids = threads.entries().map(|(slot, thread)| (thread.id, slot));
        self.threads = ids.collect();
        let ids = processes
            .entries()
            .map(|(slot, process)| (process.id, slot));
        self.processes = ids.collect();
        snapshot.threads = threads;
        snapshot.processes = processes;
        self.snapshot = snapshot;
        (self.leaving, self.superseded_leaders, self.rules) = (leaving, superseded_leaders, rules);
        self.set_filter(self.filter.clone());
        Ok(())
    }

    /// Forgets the data of rules that can include tasks that a filter hides. After
    /// [`Tracker::LOOKS_BACK_NS`] the data of these rules is complete again.
    pub fn reset_unfiltered_data(&mut self) {
        self.rules.reset_unfiltered_data();
    }

    /// How long samples after a keyframe without the last seconds must be read, ns,
    /// before the findings are the same as with complete data.
    pub const WARM_UP_NS: u64 = 24_000_000_000;

    /// Longest time that a rule looks back, ns.
    pub const LOOKS_BACK_NS: u64 = 600_000_000_000;
}

/// Removes a change that is not of the last interval, because it has no use.
fn news(change: Change, tick: u64) -> Change {
    if change.tick == tick {
        change
    } else {
        Change::default()
    }
}

fn without_args(exit: &ExitRecord) -> Arc<ExitRecord> {
    Arc::new(ExitRecord {
        args: None,
        name: None,
        ..exit.clone()
    })
}
