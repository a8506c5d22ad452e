//! Takes and completes a census: figures of exited threads, and forks that a census refutes.

use procviz_common::Row;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    model::{Event, Found, Io, Sample, TaskId},
    source::{
        SamplerError,
        kernel::{Kernel, TaskIterator},
    },
};

/// The rows of a census; `None` if the kernel refused the program.
pub(in crate::source) fn all_rows(kernel: &mut Kernel) -> Result<Option<Vec<Row>>, SamplerError> {
    let rows = kernel.census()?.map(TaskIterator::all);
    rows.transpose().map_err(SamplerError::Proc)
}

/// Completes tasks that `/proc` shows: what their processes used beyond the figures of the
/// living threads was used by threads that have exited.
pub(super) fn add_gone(all: &mut [Found]) {
    let mut living: FxHashMap<TaskId, (u64, Io)> = FxHashMap::default();
    for thread in all.iter() {
        let (cpu_ns, io) = living.entry(thread.process).or_default();
        let own = thread.io.unwrap_or_default();
        *cpu_ns = cpu_ns.saturating_add(thread.cpu_ns);
        io.read = io.read.saturating_add(own.read);
        io.write = io.write.saturating_add(own.write);
    }
    for task in all {
        let used = living.get(&task.process).copied();
        let (Some((cpu_ns, io)), Some((used_ns, used_io))) = (task.whole.take(), used) else {
            continue;
        };
        let io = io.unwrap_or_default();
        task.gone.cpu_ns = cpu_ns.saturating_sub(used_ns);
        task.gone.io = Io {
            read: io.read.saturating_sub(used_io.read),
            write: io.write.saturating_sub(used_io.write),
        };
    }
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
