//! Describes the rows of a sample, column by column. A later version can add columns after
//! the last column of a table.

use super::{
    columns::Columns,
    scalars::{byte_pair, comm, flags, io, maybe_small, parts, small, state, status},
    varint::{unzigzag, zigzag},
};
use crate::model::{
    Fold, Found, Gone, Losses, MachineFigures, Memory, MemorySizes, Pressure, Reading, Sample,
    Sources,
};

/// Numbers of rows in the other tables that belong to a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) found: u64,
    pub(super) events: u64,
    pub(super) folds: u64,
    pub(super) readings: u64,
    pub(super) memories: u64,
}

fn pressure(row: &mut impl Columns, value: &mut Option<Pressure>) {
    let mut pair = value.map(|pressure| (pressure.some_us, pressure.full_us));
    byte_pair(row, &mut pair);
    *value = pair.map(|(some_us, full_us)| Pressure { some_us, full_us });
}

pub(super) fn sample(row: &mut impl Columns, sample: &mut Sample, counts: &mut Counts) {
    row.rising(&mut sample.stamp.boot_ns);
    row.number(&mut sample.stamp.interval_ns);
    // 64 bits hold all dates within 292 years of 1970.
    let wall = sample.boot_wall_ns;
    let mut wall = wall.map(|ns| zigzag(ns as i64));
    row.maybe(&mut wall);
    sample.boot_wall_ns = wall.map(|ns| unzigzag(ns).into());
    let mut has_events = sample.sources == Sources::EbpfAndProc;
    flags(row, [&mut has_events, &mut sample.complete]);
    sample.sources = if has_events {
        Sources::EbpfAndProc
    } else {
        Sources::ProcOnly
    };
    row.number(&mut sample.events_seen);
    row.number(&mut sample.own_cpu_ns);
    for count in [
        &mut counts.found,
        &mut counts.events,
        &mut counts.folds,
        &mut counts.readings,
        &mut counts.memories,
    ] {
        row.number(count);
    }
    losses(row, &mut sample.losses);
    machine(row, &mut sample.machine);
}

fn losses(row: &mut impl Columns, losses: &mut Losses) {
    for count in [
        &mut losses.fork,
        &mut losses.exec,
        &mut losses.exit,
        &mut losses.dead,
        &mut losses.other,
        &mut losses.late_ticks,
        &mut losses.skipped_ticks,
    ] {
        row.number(count);
    }
}

fn machine(row: &mut impl Columns, machine: &mut MachineFigures) {
    let mut load = machine.load1.map(f64::to_bits);
    for figure in [
        &mut machine.cpu_busy_ns,
        &mut machine.steal_ns,
        &mut machine.iowait_ns,
        &mut load,
        &mut machine.running,
        &mut machine.blocked,
        &mut machine.mem_total_bytes,
        &mut machine.mem_available_bytes,
        &mut machine.swap_used_bytes,
        &mut machine.psi_cpu_some_us,
        &mut machine.forks,
        &mut machine.deaths,
    ] {
        row.maybe(figure);
    }
    machine.load1 = load.map(f64::from_bits);
    pressure(row, &mut machine.psi_memory);
    pressure(row, &mut machine.psi_io);
    row.maybe(&mut machine.shmem_bytes);
}

pub(super) fn reading(row: &mut impl Columns, reading: &mut Reading) {
    row.task(&mut reading.id);
    maybe_small(row, &mut reading.uid);
    state(row, &mut reading.state);
    flags(
        row,
        [
            &mut reading.on_cpu,
            &mut reading.preempted,
            &mut reading.in_iowait,
        ],
    );
    row.number(&mut reading.cpu_ns);
    row.maybe(&mut reading.run_delay_ns);
    row.maybe(&mut reading.wait_max_ns);
    io(row, &mut reading.io);
}

pub(super) fn memory(row: &mut impl Columns, memory: &mut Memory) {
    row.task(&mut memory.process);
    row.number(&mut memory.sizes.rss);
    row.number(&mut memory.sizes.vsize);
    small(row, &mut memory.threads);
    parts(row, &mut memory.sizes.parts);
    row.maybe(&mut memory.written);
}

pub(super) fn found(row: &mut impl Columns, found: &mut Found) {
    row.task(&mut found.id);
    row.task(&mut found.process);
    small(row, &mut found.ppid);
    maybe_small(row, &mut found.uid);
    maybe_small(row, &mut found.ns_pid);
    flags(
        row,
        [
            &mut found.kthread,
            &mut found.on_cpu,
            &mut found.in_iowait,
            &mut found.watched,
            &mut found.is_rough,
        ],
    );
    comm(row, &mut found.comm);
    state(row, &mut found.state);
    row.number(&mut found.cpu_ns);
    row.maybe(&mut found.run_delay_ns);
    row.maybe(&mut found.off_cpu_ns);
    io(row, &mut found.io);
    let mut sizes = found.memory.map(|sizes| (sizes.rss, sizes.vsize));
    byte_pair(row, &mut sizes);
    small(row, &mut found.threads);
    gone(row, &mut found.gone);
    let mut whole_ns = found.whole.map(|(cpu_ns, _)| cpu_ns);
    let mut whole_io = found.whole.and_then(|(_, io)| io);
    row.maybe(&mut whole_ns);
    io(row, &mut whole_io);
    found.whole = whole_ns.map(|cpu_ns| (cpu_ns, whole_io));
    row.path(&mut found.cgroup);
    let mut found_parts = found.memory.and_then(|sizes| sizes.parts);
    parts(row, &mut found_parts);
    found.memory = sizes.map(|(rss, vsize)| MemorySizes {
        rss,
        vsize,
        parts: found_parts,
    });
}

fn gone(row: &mut impl Columns, gone: &mut Gone) {
    for figure in [
        &mut gone.cpu_ns,
        &mut gone.user_ns,
        &mut gone.system_ns,
        &mut gone.io.read,
        &mut gone.io.write,
        &mut gone.minor_faults,
        &mut gone.major_faults,
    ] {
        row.number(figure);
    }
}

pub(super) fn fold(row: &mut impl Columns, fold: &mut Fold) {
    row.task(&mut fold.origin);
    comm(row, &mut fold.comm);
    small(row, &mut fold.uid);
    status(row, &mut fold.status);
    row.number(&mut fold.count);
    row.number(&mut fold.cpu_ns);
    flags(row, [&mut fold.watched]);
}
