//! The tracker as it stands, to be kept and gone on from: a recording holds it
//! now and then, so that reading may begin there.

use std::{collections::VecDeque, sync::Arc};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{
    Tracker,
    rules::{Histories, Rules, Waiting},
};
use crate::model::{
    Change, ExitRecord, Io, Losses, Process, Slots, Snapshot, Sources, Stamp, TaskId, Thread,
};

/// To be raised with each change of what is kept or of how; a test tells when.
const VERSION: u16 = 4;
const VERSION_BYTES: usize = size_of::<u16>();

/// What is kept beside tasks and rules.
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

/// A tracker as it stood. Tasks are most of it.
#[derive(Clone, Debug)]
pub struct Keyframe {
    /// In their places; what did not change in the last interval says nothing of it.
    pub threads: Slots<Thread>,
    /// Likewise, without their exit records.
    pub processes: Slots<Process>,
    /// The last sample's time since boot, ns.
    pub boot_ns: u64,
    /// The last sample's number.
    pub tick: u64,
    /// All else; each version of procviz has its own.
    pub rest: Vec<u8>,
}

impl Keyframe {
    /// Whether the rest of one is this version's.
    pub fn is_known(rest: &[u8]) -> bool {
        let version = rest.first_chunk();
        version.is_some_and(|version| u16::from_le_bytes(*version) == VERSION)
    }
}

type Ghosts = FxHashMap<TaskId, (u64, Option<Io>)>;
type Exits = Vec<(usize, Arc<ExitRecord>)>;
/// As it is read; it is written from references to the same.
type Kept = (
    Head,
    Exits,
    VecDeque<(u64, TaskId)>,
    Ghosts,
    Rules,
    Option<(Histories, Waiting)>,
);

/// Whether arguments of processes, which may hold secrets, are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They are.
    Kept,
    /// They are left out.
    LeftOut,
}

/// Whether what rules know of the last seconds is kept, which is large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastSeconds {
    /// It is: nothing is missing.
    Kept,
    /// It is not: [`Tracker::REGAINS_NS`].
    LeftOut,
}

/// Bytes that are no tracker's, or another version's.
#[derive(Debug, thiserror::Error)]
#[error("it was made by another version of procviz, or is damaged")]
pub struct NoKeyframe;

impl Tracker {
    /// All that it knows, but for its filter.
    ///
    /// # Errors
    ///
    /// Never in practice: it goes into memory.
    pub fn keyframe(
        &self,
        secrets: Secrets,
        last_seconds: LastSeconds,
    ) -> Result<Keyframe, NoKeyframe> {
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
            if process.rss_change.0 != tick {
                process.rss_change = (0, None);
            }
            if secrets == Secrets::LeftOut {
                process.args = None;
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
            &self.ghosts,
            &self.rules,
            (last_seconds == LastSeconds::Kept).then(|| self.rules.last_seconds()),
        );
        let bytes = VERSION.to_le_bytes().to_vec();
        let rest = postcard::to_extend(&all, bytes).map_err(|_| NoKeyframe)?;
        Ok(Keyframe {
            threads,
            processes,
            boot_ns: stamp.boot_ns,
            tick,
            rest,
        })
    }

    /// Becomes what it was when [`Tracker::keyframe`] was called. Its filter
    /// stays, and hides whom it hides.
    ///
    /// # Errors
    ///
    /// When it is none of this version's; then nothing has changed.
    pub fn restore(&mut self, keyframe: Keyframe) -> Result<(), NoKeyframe> {
        let Keyframe {
            threads,
            mut processes,
            rest,
            ..
        } = keyframe;
        let bytes = rest.get(VERSION_BYTES..).ok_or(NoKeyframe)?;
        if !Keyframe::is_known(&rest) {
            return Err(NoKeyframe);
        }
        let (head, exits, leaving, ghosts, mut rules, last_seconds): Kept =
            postcard::from_bytes(bytes).map_err(|_| NoKeyframe)?;
        for (slot, exit) in exits {
            processes.get_mut(slot).ok_or(NoKeyframe)?.exit = Some(exit);
        }
        if let Some(told) = last_seconds {
            rules.set_last_seconds(told);
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
        (self.leaving, self.ghosts, self.rules) = (leaving, ghosts, rules);
        self.set_filter(self.filter.clone());
        Ok(())
    }

    /// Forgets what rules have gathered of tasks that a filter would have
    /// hidden from them; after [`Tracker::LOOKS_BACK_NS`] they know it again.
    pub fn forget_what_filters_hide(&mut self) {
        self.rules.forget_what_filters_hide();
    }

    /// What comes after a keyframe without the last seconds is to be taken in
    /// for so long, ns, before the findings are those of one who knows all.
    pub const REGAINS_NS: u64 = 24_000_000_000;

    /// The longest time that a rule looks back, ns.
    pub const LOOKS_BACK_NS: u64 = 600_000_000_000;
}

/// What is said of an interval that is over is of no use to anybody.
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
        ..exit.clone()
    })
}
