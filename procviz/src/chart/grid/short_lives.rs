//! Chooses the short lives that get no dot of their own.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{Scope, Snapshot, State, TaskId, TaskView};

/// Upper limit for the dots of tasks that started and exited between two samples.
const SHOWN_SHORT_LIVES: usize = 60;
/// More short lives than this with one name, which used less than a thousandth of the CPU time,
/// have one dot together.
const MANY_CHEAP: usize = 20;
/// Upper limit for the dots of tasks that exited, in the picture of a period.
const SHOWN_ENDED: usize = 1_000;

/// Tasks that started and exited within the last two intervals and get no dot, because
/// too many dots make the picture unreadable. The newest of them get a dot, and so do
/// all tasks whose dot has the number of a finding.
pub(in crate::chart) fn short_lives_without_dot(
    snapshot: &Snapshot,
    scope: Scope,
) -> FxHashSet<TaskId> {
    let began = snapshot
        .stamp
        .boot_ns
        .saturating_sub(2 * snapshot.stamp.interval_ns);
    let is_numbered = |id: TaskId| {
        snapshot
            .findings
            .iter()
            .any(|finding| finding.dot == Some(id))
    };
    let is_short = |task: &TaskView<'_>| {
        // A zombie is counted among the living, so it has a dot.
        let has_left = task.exited() && task.state() != State::Zombie;
        task.id().start_ns >= began && has_left && !is_numbered(task.id())
    };
    let is_period = snapshot.peaks.is_some();
    let shorts = || snapshot.tasks(scope).filter(is_short);
    let cheap = match is_period {
        true => cheap_lives(shorts(), snapshot),
        false => FxHashSet::default(),
    };
    let mut short: Vec<(u64, TaskId)> = shorts()
        .filter(|task| !cheap.contains(&task.id()))
        .map(|task| {
            // Of a whole period, the costly ones matter more than the newest.
            let cpu_ns = if is_period { task.change().cpu_ns } else { 0 };
            (cpu_ns, task.id())
        })
        .collect();
    short.sort_unstable_by_key(|(cpu_ns, id)| std::cmp::Reverse((*cpu_ns, id.start_ns, id.tid)));
    let most = match is_period {
        true => SHOWN_ENDED,
        false => SHOWN_SHORT_LIVES,
    };
    let without = short.into_iter().skip(most);
    without.map(|(_, id)| id).chain(cheap).collect()
}

/// Of many short lives with one name that used next to no CPU and did not crash, all but the
/// costliest: they have one dot together.
fn cheap_lives<'a>(
    short: impl Iterator<Item = TaskView<'a>>,
    snapshot: &Snapshot,
) -> FxHashSet<TaskId> {
    let all_ns: u64 = snapshot
        .processes
        .iter()
        .fold(0, |sum, process| sum.saturating_add(process.change.cpu_ns));
    let mut alike: FxHashMap<_, Vec<(u64, std::cmp::Reverse<TaskId>)>> = FxHashMap::default();
    for task in short.filter(|task| !task.crashed()) {
        let cpu_ns = task.change().cpu_ns;
        if cpu_ns < all_ns / 1_000 {
            let key = (snapshot.name_of(task.process), task.thread.uid);
            let lives = alike.entry(key).or_default();
            lives.push((cpu_ns, std::cmp::Reverse(task.id())));
        }
    }
    let many = alike.into_values().filter(|lives| lives.len() > MANY_CHEAP);
    many.flat_map(|mut lives| {
        lives.sort_unstable();
        lives.pop();
        lives.into_iter().map(|(_, id)| id.0)
    })
    .collect()
}
