//! What one task did through time.

use std::sync::Arc;

use crate::model::{Comm, Snapshot, TaskId, TaskView};

/// In one interval, beyond which a task is interesting.
const CPU_NS: u64 = 100_000_000;
const RSS: u64 = 60 << 20;
/// Of one who has just done something worth a look, and of one who has not for long.
const INTEREST: (u8, u8) = (5, 2);
/// Points of a stretch that is not over.
const FRESH: usize = 300;
/// Points that stay of a stretch.
const KEPT: usize = 60;
/// Points of all stretches that are over.
const SETTLED: usize = 700;

/// A task at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// When, ns since boot.
    pub boot_ns: u64,
    /// CPU time since it was first seen, ns.
    pub cpu_ns: u64,
    /// Its process's resident set, bytes.
    pub rss: u64,
}

/// Whose trail it is, as was known when it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// Name.
    pub comm: Comm,
    /// Real user id, where known.
    pub uid: Option<u32>,
    /// The process's arguments, where known.
    pub args: Option<Arc<[u8]>>,
}

/// What a task did through time.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// Whose it is.
    pub who: Who,
    /// In order; what is older than half a minute is thinned.
    pub points: Vec<Point>,
    /// From 5 for one who has just done something to 2.
    pub interest: u8,
    /// The task has ended.
    pub is_over: bool,
    /// Points of stretches that are over.
    settled: usize,
    /// Where the snapshot has the task.
    pub(super) slot: Option<usize>,
}

/// What came to a trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Whose it is.
    pub id: TaskId,
    /// As known when the trail began.
    pub who: Who,
    /// At the end of the stretch.
    pub interest: u8,
    /// The task has ended.
    pub is_over: bool,
    /// In order.
    pub points: Vec<Point>,
}

/// CPU time at the beginning of the interval, ns.
pub(super) fn before(task: &TaskView<'_>) -> u64 {
    task.cpu_ns().saturating_sub(task.change().cpu_ns)
}

pub(super) fn is_interesting(task: &TaskView<'_>, is_named: bool) -> bool {
    let grew = task.rss_delta().map_or(0, i64::unsigned_abs);
    task.change().cpu_ns > CPU_NS || grew > RSS || is_named
}

impl Trail {
    /// With the point before the interval in which it became interesting.
    pub(super) fn new(task: &TaskView<'_>, first: u64, began: u64, snapshot: &Snapshot) -> Self {
        let rss = rss(task).saturating_add_signed(-task.rss_delta().unwrap_or(0));
        let start = Point {
            boot_ns: snapshot
                .stamp
                .boot_ns
                .saturating_sub(snapshot.stamp.interval_ns)
                .max(began),
            cpu_ns: before(task).saturating_sub(first),
            rss,
        };
        Self {
            who: Who {
                comm: task.thread.comm,
                uid: task.thread.uid,
                args: task.process.args.clone(),
            },
            points: vec![start],
            interest: INTEREST.0,
            is_over: false,
            settled: 0,
            slot: Some(task.slot),
        }
    }

    pub(super) fn add(&mut self, task: &TaskView<'_>, first: u64, is_named: bool) {
        self.is_over = task.end().is_some();
        // A dead task has none; its last one says more.
        let last = self.points.last().filter(|_| self.is_over);
        self.points.push(Point {
            boot_ns: task.now_ns,
            cpu_ns: task.cpu_ns().saturating_sub(first),
            rss: last.map_or_else(|| rss(task), |last| last.rss),
        });
        self.interest = if is_interesting(task, is_named) {
            INTEREST.0
        } else {
            self.interest.saturating_sub(1).max(INTEREST.1)
        };
        if self.points.len() - self.settled > FRESH {
            self.thin(self.settled, self.points.len(), 2);
        }
    }

    /// Of the points between two places keeps each of so many, the last among
    /// them; and where the trail began.
    fn thin(&mut self, from: usize, to: usize, step: usize) {
        let mut index = 0;
        self.points.retain(|_| {
            let at = index;
            index += 1;
            at == 0 || at < from || at >= to || (to - 1 - at).is_multiple_of(step)
        });
    }

    /// Thins what is no longer fresh; what of it stays, if there was any.
    pub(super) fn settle(&mut self) -> Option<Vec<Point>> {
        let fresh = self.points.len() - self.settled;
        if fresh == 0 {
            return None;
        }
        self.thin(self.settled, self.points.len(), fresh.div_ceil(KEPT));
        let kept = self.points[self.settled..].to_vec();
        self.age();
        Some(kept)
    }

    /// The older half is thinned, so that the whole time stays in view.
    fn age(&mut self) {
        if self.points.len() > SETTLED {
            self.thin(0, SETTLED / 2, 2);
        }
        self.settled = self.points.len();
    }

    pub(super) fn recall(&mut self, step: &Step) {
        self.who.clone_from(&step.who);
        self.points.extend_from_slice(&step.points);
        self.interest = step.interest;
        self.is_over = step.is_over;
        self.age();
    }
}

fn rss(task: &TaskView<'_>) -> u64 {
    task.process
        .rss
        .filter(|_| task.end().is_none())
        .unwrap_or(0)
}
