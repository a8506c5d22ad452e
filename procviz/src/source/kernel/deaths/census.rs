//! What a look at all tasks tells of those who were there before, or whom the
//! events have lost.

use procviz_common::Row;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Life, Lives, PATIENCE_NS,
    figures::{add_row, gone_of},
};
use crate::model::{Comm, TaskId};

/// What the census saw, for threads that died around it.
pub(super) struct Census {
    pub(super) taken_ns: u64,
    pub(super) threads: FxHashSet<TaskId>,
    /// Those of them that were dead already: their figures are among the gone.
    pub(super) dead: FxHashSet<TaskId>,
}

/// What records tell while somebody looks at all tasks: his rows may be older.
pub(super) struct Look {
    pub(super) began_ns: u64,
    pub(super) ended_threads: FxHashSet<TaskId>,
    pub(super) ended_processes: FxHashSet<TaskId>,
}

impl Look {
    fn is_living(&self, row: &Row) -> bool {
        row.exit_state == 0
            && !self.ended_threads.contains(&id_of(row))
            && !self.ended_processes.contains(&process_of(row))
    }
}

impl Lives {
    /// Somebody begins to look at all tasks while events go on. What he sees
    /// alive may have ended by the time that he is back.
    pub(crate) fn begin_look(&mut self, now_ns: u64) {
        self.look = Some(Look {
            began_ns: now_ns,
            ended_threads: FxHashSet::default(),
            ended_processes: FxHashSet::default(),
        });
    }

    /// Takes in the census. Processes that the events have told of keep what is known.
    pub(crate) fn seed(&mut self, rows: &[Row], taken_ns: u64) {
        let counts = living_threads(rows, |row| row.exit_state == 0);
        self.look = None;
        self.enter(rows, &counts, taken_ns);
    }

    fn enter(&mut self, rows: &[Row], counts: &FxHashMap<TaskId, u32>, taken_ns: u64) {
        for row in rows.iter().filter(|row| row.tid == row.tgid) {
            let process = process_of(row);
            // A zombie has ended before: there is nothing left to be told.
            let Some(count) = counts.get(&process) else {
                continue;
            };
            let life = self.life_of_row(row, process, *count);
            self.lives.entry(row.tgid).or_insert(life);
        }
        let is_dead = |row: &&Row| row.exit_state != 0;
        self.census = Some(Census {
            taken_ns,
            threads: rows.iter().map(id_of).collect(),
            dead: rows.iter().filter(is_dead).map(id_of).collect(),
        });
        self.watch_the_descendants();
    }

    /// After a loss: forgets whoever is not in `rows` and takes in the unknown.
    /// Those whose end was seen are still to be told of: with their final
    /// figures if these come, else as partial.
    pub(crate) fn resync(&mut self, rows: &[Row], taken_ns: u64) {
        let look = self.look.take();
        let began_ns = look.as_ref().map_or(taken_ns, |look| look.began_ns);
        let counts = living_threads(rows, |row| {
            look.as_ref()
                .map_or(row.exit_state == 0, |look| look.is_living(row))
        });
        self.lives.retain(|_, life| {
            life.last_exit.is_some()
                || counts.contains_key(&life.process)
                || life.process.start_ns >= began_ns
        });
        self.leaving
            .retain(|_, leaving| taken_ns.saturating_sub(leaving.time_ns) < 10 * PATIENCE_NS);
        self.enter(rows, &counts, taken_ns);
        for life in self.lives.values_mut() {
            life.partial = true;
            life.threads = counts.get(&life.process).copied().unwrap_or(life.threads);
        }
    }

    fn life_of_row(&self, row: &Row, process: TaskId, threads: u32) -> Life {
        let mut gone = gone_of(row);
        if row.exit_state != 0 {
            // A dead leader is not among the gone while its threads live, and its DEAD is over.
            add_row(&mut gone, row);
        }
        Life {
            process,
            ppid: row.ppid,
            origin: process,
            ns_pid: Some(row.ns_pid),
            uid: row.uid,
            comm: Comm(row.comm),
            args: None,
            cgroup_id: row.cgroup_id,
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

/// Threads of each process that have not begun to end.
fn living_threads(rows: &[Row], is_living: impl Fn(&Row) -> bool) -> FxHashMap<TaskId, u32> {
    let mut counts = FxHashMap::default();
    for row in rows.iter().filter(|row| is_living(row)) {
        *counts.entry(process_of(row)).or_default() += 1;
    }
    counts
}
