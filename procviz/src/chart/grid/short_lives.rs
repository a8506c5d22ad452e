//! The tasks of a grid, and those among them that get no dot of their own.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{Scope, Snapshot, State, TaskId, TaskView};

/// Upper limit for the dots of tasks that started and exited between two samples.
const SHOWN_SHORT_LIVES: usize = 60;
/// More short lives than this with one name, which used less than a thousandth of the CPU time,
/// have one dot together.
const MANY_CHEAP: usize = 20;
/// Upper limit for the dots of tasks that exited, in the picture of a period.
const SHOWN_ENDED: usize = 1_000;

/// The tasks of a grid. They are collected once for all that a picture needs of them: with
/// many tasks, the way through the snapshot is most of the cost of a picture.
pub(in crate::chart) struct Shown<'a> {
    /// The tasks that get a dot.
    pub(in crate::chart) tasks: Vec<TaskView<'a>>,
    /// Short lives that get none.
    pub(in crate::chart) folded: Vec<TaskView<'a>>,
}

impl<'a> Shown<'a> {
    pub(in crate::chart) fn new(snapshot: &'a Snapshot, scope: Scope) -> Self {
        let mut tasks = Vec::with_capacity(match scope {
            Scope::Threads => snapshot.threads.len(),
            Scope::Processes => snapshot.processes.len(),
        });
        let mut exited = Vec::new();
        for task in snapshot.tasks(scope) {
            let has_exited = task.exited();
            if has_exited {
                exited.push(task);
            }
            if has_exited || task.state() != State::Dead {
                tasks.push(task);
            }
        }
        let without = short_lives_without_dot(snapshot, &exited);
        let folded = match without.is_empty() {
            true => Vec::new(),
            false => {
                let is_folded = |task: &mut TaskView<'_>| without.contains(&task.id());
                tasks.extract_if(.., is_folded).collect()
            }
        };
        Self { tasks, folded }
    }
}

/// Tasks that started and exited within the last two intervals and get no dot, because
/// too many dots make the picture unreadable. The newest of them get a dot, and so do
/// all tasks whose dot has the number of a finding.
fn short_lives_without_dot(snapshot: &Snapshot, exited: &[TaskView<'_>]) -> FxHashSet<TaskId> {
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
        let has_left = task.state() != State::Zombie;
        task.id().start_ns >= began && has_left && !is_numbered(task.id())
    };
    let is_period = snapshot.peaks.is_some();
    let shorts = || exited.iter().copied().filter(is_short);
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
