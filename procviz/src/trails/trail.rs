//! Stores the CPU time and resident set of one task through time.

use std::sync::Arc;

use crate::model::{Comm, Snapshot, TaskId, TaskView};

/// CPU time, ns, and change of the resident set, bytes, in one interval. A task with
/// more is interesting.
const CPU_NS: u64 = 100_000_000;
const RSS: u64 = 60 << 20;
/// Interest of a task that is interesting now, and of a task that has not been
/// interesting for some time.
const INTEREST: (u8, u8) = (5, 2);
/// Upper limit for the points of the current stretch.
const FRESH: usize = 300;
/// Upper limit for the points that are kept of a complete stretch.
const KEPT: usize = 60;
/// Upper limit for the points of all complete stretches.
const SETTLED: usize = 700;

/// Figures of a task at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// Time, ns since boot.
    pub boot_ns: u64,
    /// CPU time since the task was first seen, ns.
    pub cpu_ns: u64,
    /// Resident set of the task's process, bytes.
    pub rss: u64,
}

/// The task of a trail, as known when the trail began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailTask {
    /// Name of the task.
    pub comm: Comm,
    /// Real user id; `None` if not known.
    pub uid: Option<u32>,
    /// Arguments of the process; `None` if not known.
    pub args: Option<Arc<[u8]>>,
}

/// CPU time and resident set of one task through time.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// The task of the trail.
    pub who: TrailTask,
    /// The points, in order. Points older than half a minute are thinned.
    pub points: Vec<Point>,
    /// From 5 (the task is interesting now) down to 2.
    pub interest: u8,
    /// Whether the task has exited.
    pub is_over: bool,
    /// Number of points of complete stretches.
    settled: usize,
    /// Slot of the task in the snapshot; `None` if not known.
    pub(super) slot: Option<usize>,
    /// CPU time before the first point, ns; `None` in a trail of a recording.
    pub(super) first: Option<u64>,
}

/// The new points of one trail in a stretch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Id of the task.
    pub id: TaskId,
    /// The task, as known when the trail began.
    pub who: TrailTask,
    /// Interest at the end of the stretch, as in [`Trail`].
    pub interest: u8,
    /// Whether the task has exited.
    pub is_over: bool,
    /// The points, in order.
    pub points: Vec<Point>,
}

/// CPU time of a task at the beginning of the interval, ns.
pub(super) fn before(task: &TaskView<'_>) -> u64 {
    task.cpu_ns().saturating_sub(task.change().cpu_ns)
}

pub(super) fn is_interesting(task: &TaskView<'_>, is_named: bool) -> bool {
    let grew = task.rss_delta().map_or(0, i64::unsigned_abs);
    task.change().cpu_ns > CPU_NS || grew > RSS || is_named
}

impl Trail {
    /// Begins a trail with a point at the beginning of the interval in which the task
    /// became interesting.
    pub(super) fn new(task: &TaskView<'_>, first: u64, began: u64, snapshot: &Snapshot) -> Self {
        let rss = rss(task).saturating_add_signed(task.rss_delta().map_or(0, i64::saturating_neg));
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
            who: TrailTask {
                comm: task.short_name(),
                uid: task.thread.uid,
                args: task.process.args.clone(),
            },
            points: vec![start],
            interest: INTEREST.0,
            is_over: false,
            settled: 0,
            slot: Some(task.slot),
            first: Some(first),
        }
    }

    pub(super) fn add(&mut self, task: &TaskView<'_>, first: u64, is_named: bool) {
        self.is_over = task.end().is_some();
        // A dead task has no resident set; the last known one says more.
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

    /// Keeps one of `step` points between the indices `from` and `to`, including the
    /// last one. The first point of the trail is always kept.
    fn thin(&mut self, from: usize, to: usize, step: usize) {
        let mut index = 0;
        self.points.retain(|_| {
            let at = index;
            index += 1;
            at == 0 || at < from || at >= to || (to - 1 - at).is_multiple_of(step)
        });
    }

    /// Ends the current stretch: thins its points and returns the points that stay;
    /// `None` if there were no points.
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

    /// Thins the older half if there are too many points, so that the trail still
    /// covers the whole time.
    fn age(&mut self) {
        if self.points.len() > SETTLED {
            self.thin(0, SETTLED / 2, 2);
        }
        self.settled = self.points.len();
    }

    pub(super) fn append(&mut self, step: &Step) {
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
