//! Takes in a census: processes that started before the first event, or whose
//! events were lost.

use procviz_common::{ROW_KTHREAD, Row};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    PATIENCE_NS, ProcessTable, TrackedProcess,
    figures::{add_row, gone_of},
};
use crate::model::{Comm, TaskId};

/// The tasks of the last census, for threads that exit at about the same time.
pub(super) struct Census {
    /// When the census was complete, ns since boot.
    pub(super) taken_ns: u64,
    pub(super) threads: FxHashSet<TaskId>,
    /// The threads that had already exited: their figures are in [`TrackedProcess::gone`].
    pub(super) dead: FxHashSet<TaskId>,
}

/// Exits that events report while a census runs: rows of the census can be older.
pub(super) struct Look {
    /// When the census began, ns since boot.
    pub(super) began_ns: u64,
    pub(super) ended_threads: FxHashSet<TaskId>,
    pub(super) ended_processes: FxHashSet<TaskId>,
}

impl Look {
    /// Whether the thread of a row is alive: neither the row nor an event shows its exit.
    fn is_living(&self, row: &Row) -> bool {
        row.exit_state == 0
            && !self.ended_threads.contains(&id_of(row))
            && !self.ended_processes.contains(&process_of(row))
    }
}

impl ProcessTable {
    /// Notes that a census begins while events continue. A task that the census sees
    /// alive can exit before the census is complete.
    pub(crate) fn begin_census(&mut self, now_ns: u64) {
        self.look = Some(Look {
            began_ns: now_ns,
            ended_threads: FxHashSet::default(),
            ended_processes: FxHashSet::default(),
        });
    }

    /// Takes in the first census. Processes that are known from events stay unchanged.
    pub(crate) fn seed(&mut self, rows: &[Row], taken_ns: u64) {
        let counts = living_threads(rows, |row| row.exit_state == 0);
        self.look = None;
        self.seeded_ns = taken_ns;
        self.enter(rows, &counts, taken_ns);
    }

    /// Adds the unknown processes of a census, and keeps its thread ids.
    fn enter(&mut self, rows: &[Row], counts: &FxHashMap<TaskId, u32>, taken_ns: u64) {
        for row in rows.iter().filter(|row| row.tid == row.tgid) {
            let process = process_of(row);
            // A process without living threads (a zombie) exited before the census: no
            // exit record is due.
            let Some(count) = counts.get(&process) else {
                continue;
            };
            let tracked = self.tracked_of_row(row, process, *count);
            self.processes.entry(row.tgid).or_insert(tracked);
        }
        let is_dead = |row: &&Row| row.exit_state != 0;
        // Without rows there was no census to compare with.
        self.census = (!rows.is_empty()).then(|| Census {
            taken_ns,
            threads: rows.iter().map(id_of).collect(),
            dead: rows.iter().filter(is_dead).map(id_of).collect(),
        });
        self.propagate_watched();
    }

    /// Takes in a census after a loss of events: removes the processes that are not in
    /// `rows`, and adds unknown ones. Processes whose EXIT was seen stay: they are
    /// reported with their final figures if these come, otherwise as partial. Processes
    /// that were forked since the start of the census stay, too.
    pub(crate) fn resync(&mut self, rows: &[Row], taken_ns: u64) {
        let look = self.look.take();
        let began_ns = look.as_ref().map_or(taken_ns, |look| look.began_ns);
        let counts = living_threads(rows, |row| {
            look.as_ref()
                .map_or(row.exit_state == 0, |look| look.is_living(row))
        });
        self.processes.retain(|_, tracked| {
            tracked.last_exit.is_some()
                || counts.contains_key(&tracked.process)
                || tracked.process.start_ns >= began_ns
        });
        self.forget_leaving(taken_ns);
        let processes = &self.processes;
        self.signals.forget_but(|process| {
            let tracked = processes.get(&process.tid);
            counts.contains_key(&process) || tracked.is_some_and(|one| one.process == process)
        });
        self.enter(rows, &counts, taken_ns);
        for row in rows.iter().filter(|row| row.tid == row.tgid) {
            let comm = Comm::new(&row.comm);
            if let Some(tracked) = self.processes.get_mut(&row.tgid)
                && tracked.process == process_of(row)
                && tracked.comm != comm
                && !tracked.kthread
            {
                // It can run another program since an exec that was not seen.
                (tracked.comm, tracked.name) = (comm, None);
            }
        }
        for tracked in self.processes.values_mut() {
            tracked.partial = true;
            tracked.threads = counts
                .get(&tracked.process)
                .copied()
                .unwrap_or(tracked.threads);
        }
    }

    /// Marks all known processes as partial: events were lost, and no census can tell what
    /// happened.
    pub(crate) fn doubt_all(&mut self, now_ns: u64) {
        self.look = None;
        self.forget_leaving(now_ns);
        for tracked in self.processes.values_mut() {
            tracked.partial = true;
        }
    }

    /// Forgets exits whose final figures will not come any more.
    fn forget_leaving(&mut self, now_ns: u64) {
        self.leaving
            .retain(|_, leaving| now_ns.saturating_sub(leaving.time_ns) < 60 * PATIENCE_NS);
    }

    /// A process with `threads` living threads, from the row of its leader.
    fn tracked_of_row(&self, row: &Row, process: TaskId, threads: u32) -> TrackedProcess {
        let mut gone = gone_of(row);
        if row.exit_state != 0 {
            // The kernel adds a dead leader to the exited threads only when no other thread
            // is alive. The DEAD of the leader came before the census.
            add_row(&mut gone, row);
        }
        TrackedProcess {
            process,
            ppid: row.ppid,
            origin: process,
            ns_pid: Some(row.ns_pid),
            uid: row.uid,
            comm: Comm::new(&row.comm),
            name: None,
            kthread: row.flags & ROW_KTHREAD != 0,
            args: None,
            args_bytes: None,
            cgroup_id: row.cgroup_id,
            inherited_rss_pages: None,
            gone,
            threads,
            last_exit: None,
            leader_is_zombie: false,
            partial: false,
            lost_before: self.lost,
            watched: self.is_root(row.tgid),
            had_threads: threads > 1,
            batch: 0,
        }
    }
}

fn id_of(row: &Row) -> TaskId {
    TaskId {
        tid: row.tid,
        start_ns: row.start_ns,
    }
}

fn process_of(row: &Row) -> TaskId {
    TaskId {
        tid: row.tgid,
        start_ns: row.leader_start_ns,
    }
}

/// The number of living threads of each process.
fn living_threads(rows: &[Row], is_living: impl Fn(&Row) -> bool) -> FxHashMap<TaskId, u32> {
    let mut counts = FxHashMap::default();
    for row in rows.iter().filter(|row| is_living(row)) {
        *counts.entry(process_of(row)).or_default() += 1;
    }
    counts
}
