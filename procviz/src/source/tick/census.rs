//! Completes a census: figures of exited threads, and forks that a census refutes.

use rustc_hash::FxHashSet;

use crate::model::{Event, Found, Io, Sample, TaskId};

/// Completes a task that `/proc` shows: what its process used beyond the figures
/// of the living threads was used by threads that have exited.
pub(super) fn with_gone(task: &Found, all: &[Found]) -> Found {
    let mut task = task.clone();
    let Some((mut cpu_ns, io)) = task.whole.take() else {
        return task;
    };
    let mut io = io.unwrap_or_default();
    for thread in all.iter().filter(|thread| thread.process == task.process) {
        cpu_ns = cpu_ns.saturating_sub(thread.cpu_ns);
        let own = thread.io.unwrap_or_default();
        io = Io {
            read: io.read.saturating_sub(own.read),
            write: io.write.saturating_sub(own.write),
        };
    }
    task.gone.cpu_ns = cpu_ns;
    task.gone.io = io;
    task
}

/// Removes forks of tasks that the census did not find and whose exit events were
/// lost. A sample that was not taken yet also holds events of earlier ticks.
pub(super) fn remove_refuted_forks(sample: &mut Sample) {
    if sample.events.is_empty() {
        return;
    }
    let mut known: FxHashSet<TaskId> = sample.found.iter().map(|task| task.id).collect();
    known.extend(sample.events.iter().filter_map(|event| match event {
        Event::ThreadEnd(end) => Some(end.id),
        Event::ProcessEnd(record) => Some(record.process),
        _ => None,
    }));
    for event in &mut sample.events {
        if matches!(event, Event::Fork(fork) if !known.contains(&fork.id)) {
            *event = Event::Nothing;
        }
    }
}
