//! What has changed since the begin of the period that a still picture shows.

use rustc_hash::FxHashMap;

use crate::{
    chart::grouping::GroupKey,
    model::{Process, Snapshot, TaskView},
};

/// If more than one in so many of the living processes is new, that says nothing about one.
const FEW: usize = 3;

/// Which processes are new.
pub(super) struct News {
    /// Begin of the period, ns since boot; `None`: the picture shows no period, or most
    /// processes are new.
    began_ns: Option<u64>,
}

impl News {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let alive = || {
            let processes = snapshot.processes.iter();
            processes.filter(|process| process.end.is_none() && process.leader.is_some())
        };
        let are_few = |began_ns: &u64| {
            let new = alive().filter(|process| process.id.start_ns >= *began_ns);
            new.count() * FEW <= alive().count()
        };
        Self {
            began_ns: snapshot.period_began_ns.filter(are_few),
        }
    }

    /// Whether a process began in the period.
    pub(super) fn has(&self, process: &Process) -> bool {
        let began = self.began_ns;
        began.is_some_and(|began_ns| process.id.start_ns >= began_ns)
    }
}

/// How much the number of living tasks of each group has changed since the begin of the
/// period; empty if the picture shows no period.
pub(super) fn changes<'a>(
    snapshot: &Snapshot,
    tasks: impl Iterator<Item = TaskView<'a>>,
    key: impl Fn(&TaskView<'a>) -> GroupKey,
) -> FxHashMap<GroupKey, i64> {
    let mut changes = FxHashMap::default();
    let Some(began_ns) = snapshot.period_began_ns else {
        return changes;
    };
    for task in tasks {
        let is_new = task.id().start_ns >= began_ns;
        let is_alive = task.end().is_none_or(|end| end.zombie);
        let change = match (is_new, is_alive) {
            (true, true) => 1,
            (false, false) => -1,
            _ => continue,
        };
        *changes.entry(key(&task)).or_insert(0) += change;
    }
    changes
}
