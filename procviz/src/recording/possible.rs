//! Checks that the figures of a sample are possible on a real machine. A recording can
//! hold any numbers. Impossible numbers are damage, so code after the reader does not have
//! to expect them.

use super::block::MOST_NS as TIME_NS;
use crate::model::{
    Event, ExitRecord, Found, MachineFigures, MemorySizes, Pressure, Sample, TaskId,
};

/// Upper limit for counters that only grow: CPU times and run delays, ns, bytes read and
/// written, and numbers of events.
const COUNTER: u64 = 1 << 63;
/// Upper limit for the memory of the machine and for the address space of a process,
/// bytes. A CPU can address 57 bits.
const MEMORY_BYTES: u64 = 1 << 57;
/// Upper limit for the tasks at one time: the largest value that
/// `/proc/sys/kernel/pid_max` allows.
const TASKS: u64 = 1 << 22;
/// Upper limit for the events of one kind in an interval, or lost since the start.
const EVENTS: u64 = 1 << 40;
/// Upper limit for the short-lived processes of one kind in an interval.
const LIVES: u64 = 1 << 32;
/// Upper limit for the time from a sample to its events, ns: events can be later than
/// their sample.
const AHEAD_NS: u64 = 60_000_000_000;

/// Whether a sample is possible after a sample of the time `before_ns`, ns since boot.
pub(super) fn is_possible(sample: &Sample, before_ns: u64) -> bool {
    let stamp = sample.stamp;
    let latest_ns = stamp.boot_ns.saturating_add(AHEAD_NS);
    stamp.boot_ns <= TIME_NS
        && stamp.boot_ns >= before_ns
        && stamp.interval_ns <= stamp.boot_ns
        && sample.events_seen <= COUNTER
        && sample.own_cpu_ns <= COUNTER
        && losses_are_possible(sample)
        && machine_is_possible(&sample.machine)
        && sample
            .found
            .iter()
            .all(|found| found_is_possible(found, latest_ns))
        && sample
            .events
            .iter()
            .all(|event| event_is_possible(event, latest_ns))
        && sample.folds.iter().all(|fold| {
            id_is_possible(fold.origin, latest_ns) && fold.count <= LIVES && fold.cpu_ns <= COUNTER
        })
        && sample.readings.iter().all(|reading| {
            let io = reading.io.map(|io| (io.read, io.write));
            id_is_possible(reading.id, latest_ns)
                && reading.cpu_ns <= COUNTER
                && are_at_most(COUNTER, [reading.run_delay_ns, reading.wait_max_ns])
                && pair_is_at_most(COUNTER, io)
        })
        && sample.memories.iter().all(|memory| {
            id_is_possible(memory.process, latest_ns) && sizes_are_possible(memory.sizes)
        })
}

fn are_at_most<const N: usize>(most: u64, figures: [Option<u64>; N]) -> bool {
    figures.iter().flatten().all(|figure| *figure <= most)
}

fn pair_is_at_most(most: u64, pair: Option<(u64, u64)>) -> bool {
    pair.is_none_or(|(one, other)| one <= most && other <= most)
}

/// Whether a task can have started by `latest_ns`, ns since boot.
fn id_is_possible(id: TaskId, latest_ns: u64) -> bool {
    id.start_ns <= latest_ns
}

fn losses_are_possible(sample: &Sample) -> bool {
    let losses = &sample.losses;
    let counts = [
        losses.fork,
        losses.exec,
        losses.exit,
        losses.dead,
        losses.other,
        losses.late_ticks,
        losses.skipped_ticks,
    ];
    counts.iter().all(|count| *count <= EVENTS)
}

fn machine_is_possible(machine: &MachineFigures) -> bool {
    let stalls = |pressure: Option<Pressure>| pressure.map(|it| (it.some_us, it.full_us));
    let load_is_possible = machine
        .load1
        .is_none_or(|load| (0.0..=TASKS as f64).contains(&load));
    load_is_possible
        && are_at_most(
            COUNTER,
            [machine.cpu_busy_ns, machine.steal_ns, machine.iowait_ns],
        )
        && are_at_most(TASKS, [machine.running, machine.blocked])
        && are_at_most(
            MEMORY_BYTES,
            [
                machine.mem_total_bytes,
                machine.mem_available_bytes,
                machine.swap_used_bytes,
                machine.shmem_bytes,
            ],
        )
        && are_at_most(TIME_NS, [machine.psi_cpu_some_us])
        && pair_is_at_most(TIME_NS, stalls(machine.psi_memory))
        && pair_is_at_most(TIME_NS, stalls(machine.psi_io))
        && are_at_most(EVENTS, [machine.forks, machine.deaths])
}

fn found_is_possible(found: &Found, latest_ns: u64) -> bool {
    let io = |io: Option<crate::model::Io>| io.map(|io| (io.read, io.write));
    let gone = &found.gone;
    id_is_possible(found.id, latest_ns)
        && id_is_possible(found.process, latest_ns)
        && found.cpu_ns <= COUNTER
        && are_at_most(COUNTER, [found.run_delay_ns])
        && are_at_most(TIME_NS, [found.off_cpu_ns])
        && pair_is_at_most(COUNTER, io(found.io))
        && found.memory.is_none_or(sizes_are_possible)
        && u64::from(found.threads) <= TASKS
        && are_at_most(
            COUNTER,
            [
                Some(gone.cpu_ns),
                Some(gone.user_ns),
                Some(gone.system_ns),
                Some(gone.minor_faults),
                Some(gone.major_faults),
            ],
        )
        && pair_is_at_most(COUNTER, io(Some(gone.io)))
        && found
            .whole
            .is_none_or(|(cpu_ns, whole)| cpu_ns <= COUNTER && pair_is_at_most(COUNTER, io(whole)))
}

fn sizes_are_possible(sizes: MemorySizes) -> bool {
    let parts = sizes.parts.unwrap_or_default();
    let all = [
        sizes.rss,
        sizes.vsize,
        parts.anon,
        parts.file,
        parts.shmem,
        parts.swap,
        parts.hugetlb,
    ];
    all.iter().all(|size| *size <= MEMORY_BYTES)
}

fn event_is_possible(event: &Event, latest_ns: u64) -> bool {
    let id = |id: TaskId| id_is_possible(id, latest_ns);
    match event {
        Event::Nothing => true,
        Event::Fork(fork) => [fork.id, fork.process, fork.parent, fork.origin]
            .into_iter()
            .all(id),
        Event::Exec(exec) => id(exec.process),
        Event::Rename(rename) => id(rename.id),
        Event::ThreadEnd(end) => {
            id(end.id)
                && id(end.process)
                && end.time_ns <= latest_ns
                && are_at_most(COUNTER, [end.cpu_ns, end.run_delay_ns])
                && pair_is_at_most(COUNTER, end.io)
        }
        Event::ProcessEnd(record) => end_is_possible(record, latest_ns),
        Event::Reaped(task)
        | Event::Parent(task, _)
        | Event::Args(task, _)
        | Event::Name(task, _)
        | Event::Waits(task, _)
        | Event::OpenOn(task, _)
        | Event::State(task, _)
        | Event::Cgroup(task, _) => id(*task),
    }
}

/// Whether an exit record is possible by `latest_ns`, ns since boot.
pub(super) fn end_is_possible(record: &ExitRecord, latest_ns: u64) -> bool {
    let senders = [&record.killed_by, &record.terminated_by]
        .map(|killer| killer.as_deref().and_then(|killer| killer.sender));
    let [killer, before] = senders.map(|sender| sender.map(|sender| sender.process));
    let own = [Some(record.process), record.thread, Some(record.origin)];
    let ids = own.into_iter().chain([killer, before]);
    ids.flatten().all(|id| id_is_possible(id, latest_ns))
        && record.time_ns <= latest_ns
        && record.process.start_ns <= record.time_ns.saturating_add(AHEAD_NS)
        && are_at_most(
            COUNTER,
            [
                record.cpu_ns,
                record.user_ns,
                record.system_ns,
                record.read_bytes,
                record.write_bytes,
                record.cancelled_write_bytes,
                record.minor_faults,
                record.major_faults,
            ],
        )
        && are_at_most(MEMORY_BYTES, [record.max_rss_bytes, record.args_bytes])
}
