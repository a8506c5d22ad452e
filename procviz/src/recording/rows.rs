//! Describes the row of each table, column by column. A later version can add columns
//! after the last column.

use std::sync::Arc;

use super::{
    columns::Columns,
    varint::{unzigzag, zigzag},
};
use crate::model::{
    Change, Comm, End, Event, Exec, ExitRecord, Fold, Fork, Found, Gone, Io, Losses,
    MachineFigures, Memory, Pressure, Process, Reading, Rename, Sample, Slots, Sources, State,
    Status, TaskId, Thread, ThreadEnd,
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

pub(super) fn small(row: &mut impl Columns, value: &mut u32) {
    let mut number = u64::from(*value);
    row.number(&mut number);
    match u32::try_from(number) {
        Ok(number) => *value = number,
        Err(_) => row.fail(),
    }
}

pub(super) fn maybe_small(row: &mut impl Columns, value: &mut Option<u32>) {
    let mut number = value.map(u64::from);
    row.maybe(&mut number);
    match number.map(u32::try_from).transpose() {
        Ok(number) => *value = number,
        Err(_) => row.fail(),
    }
}

/// Several flags as the bits of one number; the first flag is the lowest bit.
pub(super) fn flags<const N: usize>(row: &mut impl Columns, flags: [&mut bool; N]) {
    let bits = flags.iter().enumerate();
    let mut number = bits.fold(0, |number, (bit, flag)| number | u64::from(**flag) << bit);
    row.number(&mut number);
    for (bit, flag) in flags.into_iter().enumerate() {
        *flag = number >> bit & 1 == 1;
    }
}

/// A state as its letter in proc(5).
fn state(row: &mut impl Columns, value: &mut State) {
    let mut letter = value.letter() as u64;
    row.number(&mut letter);
    match u8::try_from(letter).ok().and_then(State::from_letter) {
        Some(state) => *value = state,
        None => row.fail(),
    }
}

pub(super) fn comm(row: &mut impl Columns, value: &mut Comm) {
    let mut text = Some(Arc::from(value.bytes()));
    row.text(&mut text);
    *value = Comm::new(&text.unwrap_or_default());
}

fn io(row: &mut impl Columns, value: &mut Option<Io>) {
    let mut pair = value.map(|io| (io.read, io.write));
    byte_pair(row, &mut pair);
    *value = pair.map(|(read, write)| Io { read, write });
}

fn byte_pair(row: &mut impl Columns, value: &mut Option<(u64, u64)>) {
    let mut read = value.map(|(read, _)| read);
    let mut write = value.map_or(0, |(_, write)| write);
    row.maybe(&mut read);
    row.number(&mut write);
    *value = read.map(|read| (read, write));
}

fn pressure(row: &mut impl Columns, value: &mut Option<Pressure>) {
    let mut pair = value.map(|pressure| (pressure.some_us, pressure.full_us));
    byte_pair(row, &mut pair);
    *value = pair.map(|(some_us, full_us)| Pressure { some_us, full_us });
}

fn status(row: &mut impl Columns, value: &mut Status) {
    small(row, &mut value.0);
}

pub(super) fn sample(row: &mut impl Columns, sample: &mut Sample, counts: &mut Counts) {
    row.rising(&mut sample.stamp.boot_ns);
    row.number(&mut sample.stamp.interval_ns);
    // 64 bits hold all dates within 292 years of 1970.
    let wall = sample.boot_wall_ns;
    let mut wall = wall.map(|ns| super::varint::zigzag(ns as i64));
    row.maybe(&mut wall);
    sample.boot_wall_ns = wall.map(|ns| super::varint::unzigzag(ns).into());
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
    row.number(&mut memory.rss);
    row.number(&mut memory.vsize);
    small(row, &mut memory.threads);
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
        ],
    );
    comm(row, &mut found.comm);
    state(row, &mut found.state);
    row.number(&mut found.cpu_ns);
    row.maybe(&mut found.run_delay_ns);
    row.maybe(&mut found.off_cpu_ns);
    io(row, &mut found.io);
    byte_pair(row, &mut found.memory);
    small(row, &mut found.threads);
    gone(row, &mut found.gone);
    let mut whole_ns = found.whole.map(|(cpu_ns, _)| cpu_ns);
    let mut whole_io = found.whole.and_then(|(_, io)| io);
    row.maybe(&mut whole_ns);
    io(row, &mut whole_io);
    found.whole = whole_ns.map(|cpu_ns| (cpu_ns, whole_io));
    row.path(&mut found.cgroup);
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

/// Numbers of the kinds of events. Each kind has its own table.
pub(super) const EVENTS: std::ops::RangeInclusive<u8> = 20..=30;

/// Kind of an event: the number of its table.
pub(super) fn kind(event: &Event) -> u8 {
    match event {
        Event::Nothing => 20,
        Event::Fork(_) => 21,
        Event::Exec(_) => 22,
        Event::Rename(_) => 23,
        Event::ThreadEnd(_) => 24,
        Event::ProcessEnd(_) => 25,
        Event::Reaped(_) => 26,
        Event::Parent(..) => 27,
        Event::Args(..) => 28,
        Event::State(..) => 29,
        Event::Cgroup(..) => 30,
    }
}

/// An empty event of a kind, to be filled from columns; `None` for an unknown kind.
pub(super) fn blank(kind: u8) -> Option<Event> {
    let id = TaskId::default();
    let comm = Comm::default();
    Some(match kind {
        20 => Event::Nothing,
        21 => Event::Fork(Fork {
            id,
            process: id,
            parent: id,
            ppid: 0,
            origin: id,
            uid: 0,
            ns_pid: 0,
            kthread: false,
            comm,
            args: None,
            cgroup: None,
            watched: false,
        }),
        22 => Event::Exec(Exec {
            process: id,
            old_tid: 0,
            uid: 0,
            comm,
            args: None,
            cgroup: None,
        }),
        23 => Event::Rename(Rename { id, comm }),
        24 => Event::ThreadEnd(ThreadEnd {
            id,
            process: id,
            time_ns: 0,
            status: Status(0),
            cpu_ns: None,
            run_delay_ns: None,
            io: None,
            zombie: false,
            superseded: false,
            comm,
        }),
        25 => Event::ProcessEnd(Arc::new(blank_exit())),
        26 => Event::Reaped(id),
        27 => Event::Parent(id, 0),
        28 => Event::Args(id, Arc::default()),
        29 => Event::State(id, State::default()),
        30 => Event::Cgroup(id, Arc::from("")),
        _ => return None,
    })
}

fn blank_exit() -> ExitRecord {
    ExitRecord {
        process: TaskId::default(),
        thread: None,
        time_ns: 0,
        ns_pid: None,
        ppid: 0,
        origin: TaskId::default(),
        uid: 0,
        comm: Comm::default(),
        args: None,
        status: Status(0),
        oom: false,
        cpu_ns: None,
        user_ns: None,
        system_ns: None,
        max_rss_bytes: None,
        max_rss_inherited: None,
        read_bytes: None,
        write_bytes: None,
        minor_faults: None,
        major_faults: None,
        cgroup: None,
        zombie: false,
        watched: false,
        partial: false,
    }
}

/// Describes an event in the table of its kind.
pub(super) fn event(row: &mut impl Columns, event: &mut Event) {
    match event {
        // A table with rows needs at least one column.
        Event::Nothing => row.number(&mut 0),
        Event::Fork(fork) => fork_row(row, fork),
        Event::Exec(exec) => {
            row.task(&mut exec.process);
            small(row, &mut exec.old_tid);
            small(row, &mut exec.uid);
            comm(row, &mut exec.comm);
            row.text(&mut exec.args);
            row.path(&mut exec.cgroup);
        }
        Event::Rename(rename) => {
            row.task(&mut rename.id);
            comm(row, &mut rename.comm);
        }
        Event::ThreadEnd(end) => thread_end(row, end),
        Event::ProcessEnd(record) => {
            let mut own = (**record).clone();
            exit(row, &mut own);
            *record = Arc::new(own);
        }
        Event::Reaped(id) => row.task(id),
        Event::Parent(id, ppid) => {
            row.task(id);
            small(row, ppid);
        }
        Event::Args(id, args) => {
            row.task(id);
            let mut text = Some(Arc::clone(args));
            row.text(&mut text);
            *args = text.unwrap_or_default();
        }
        Event::State(id, value) => {
            row.task(id);
            state(row, value);
        }
        Event::Cgroup(id, value) => {
            row.task(id);
            let mut text = Some(Arc::clone(value));
            row.path(&mut text);
            *value = text.unwrap_or_else(|| "".into());
        }
    }
}

fn fork_row(row: &mut impl Columns, fork: &mut Fork) {
    row.task(&mut fork.id);
    row.task(&mut fork.process);
    row.task(&mut fork.parent);
    small(row, &mut fork.ppid);
    row.task(&mut fork.origin);
    small(row, &mut fork.uid);
    small(row, &mut fork.ns_pid);
    flags(row, [&mut fork.kthread, &mut fork.watched]);
    comm(row, &mut fork.comm);
    row.text(&mut fork.args);
    row.path(&mut fork.cgroup);
}

fn thread_end(row: &mut impl Columns, end: &mut ThreadEnd) {
    row.task(&mut end.id);
    row.task(&mut end.process);
    row.rising(&mut end.time_ns);
    status(row, &mut end.status);
    row.maybe(&mut end.cpu_ns);
    row.maybe(&mut end.run_delay_ns);
    byte_pair(row, &mut end.io);
    flags(row, [&mut end.zombie, &mut end.superseded]);
    comm(row, &mut end.comm);
}

fn exit(row: &mut impl Columns, exit: &mut ExitRecord) {
    row.task(&mut exit.process);
    let mut is_thread = exit.thread.is_some();
    let mut thread = exit.thread.unwrap_or_default();
    row.task(&mut thread);
    row.rising(&mut exit.time_ns);
    maybe_small(row, &mut exit.ns_pid);
    small(row, &mut exit.ppid);
    row.task(&mut exit.origin);
    small(row, &mut exit.uid);
    comm(row, &mut exit.comm);
    row.text(&mut exit.args);
    status(row, &mut exit.status);
    for figure in [
        &mut exit.cpu_ns,
        &mut exit.user_ns,
        &mut exit.system_ns,
        &mut exit.max_rss_bytes,
        &mut exit.read_bytes,
        &mut exit.write_bytes,
        &mut exit.minor_faults,
        &mut exit.major_faults,
    ] {
        row.maybe(figure);
    }
    row.path(&mut exit.cgroup);
    let mut is_inherited = exit.max_rss_inherited == Some(true);
    let mut is_inherited_known = exit.max_rss_inherited.is_some();
    flags(
        row,
        [
            &mut is_thread,
            &mut exit.oom,
            &mut exit.zombie,
            &mut exit.watched,
            &mut exit.partial,
            &mut is_inherited,
            &mut is_inherited_known,
        ],
    );
    exit.max_rss_inherited = is_inherited_known.then_some(is_inherited);
    exit.thread = is_thread.then_some(thread);
}

/// Sums over the threads of a process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    cpu_ns: u64,
    run_delay_ns: u64,
    io: (u64, u64),
}

impl Sums {
    pub(super) fn of(members: &[usize], threads: &Slots<Thread>) -> Self {
        let members = members.iter().filter_map(|slot| threads.get(*slot));
        members.fold(Self::default(), |sums, thread| {
            let io = thread.io.unwrap_or_default();
            Self {
                cpu_ns: sums.cpu_ns.wrapping_add(thread.cpu_ns),
                run_delay_ns: sums
                    .run_delay_ns
                    .wrapping_add(thread.run_delay_ns.unwrap_or_default()),
                io: (
                    sums.io.0.wrapping_add(io.read),
                    sums.io.1.wrapping_add(io.write),
                ),
            }
        })
    }
}

/// A number, stored as its difference from `other`.
fn beyond(row: &mut impl Columns, value: &mut u64, other: u64) {
    let mut more = zigzag(value.wrapping_sub(other) as i64);
    row.number(&mut more);
    *value = (unzigzag(more) as u64).wrapping_add(other);
}

fn maybe_beyond(row: &mut impl Columns, value: &mut Option<u64>, other: u64) {
    let mut more = value.map(|value| zigzag(value.wrapping_sub(other) as i64));
    row.maybe(&mut more);
    *value = more.map(|more| (unzigzag(more) as u64).wrapping_add(other));
}

/// Describes a thread in a keyframe.
pub(super) fn thread(row: &mut impl Columns, thread: &mut Thread, now_ns: u64, tick: u64) {
    row.next_task(&mut thread.id);
    let mut process = thread.process as u64;
    row.rising(&mut process);
    thread.process = process as usize;
    comm(row, &mut thread.comm);
    maybe_small(row, &mut thread.uid);
    state(row, &mut thread.state);
    row.number(&mut thread.cpu_ns);
    row.maybe(&mut thread.run_delay_ns);
    io(row, &mut thread.io);
    flags(
        row,
        [
            &mut thread.on_cpu,
            &mut thread.in_iowait,
            &mut thread.hidden,
        ],
    );
    maybe_beyond(row, &mut thread.last_on_cpu_ns, now_ns);
    change(row, &mut thread.change, tick);
    beyond(row, &mut thread.found_tick, tick);
    end(row, &mut thread.end);
}

/// Describes a process in a keyframe, without its threads and its exit record.
pub(super) fn process(
    row: &mut impl Columns,
    process: &mut Process,
    sums: Sums,
    now_ns: u64,
    tick: u64,
) {
    row.next_task(&mut process.id);
    // The leader is usually the first thread.
    let first = process.members.first().map_or(0, |slot| *slot as u64);
    let mut leader = process.leader.map(|slot| slot as u64);
    maybe_beyond(row, &mut leader, first);
    process.leader = leader.map(|slot| slot as usize);
    small(row, &mut process.ppid);
    // The pid in the process's own pid namespace usually equals the pid here.
    let mut ns_pid = process.ns_pid.map(u64::from);
    maybe_beyond(row, &mut ns_pid, process.id.tid.into());
    match ns_pid.map(u32::try_from).transpose() {
        Ok(pid) => process.ns_pid = pid,
        Err(_) => row.fail(),
    }
    flags(row, [&mut process.kthread, &mut process.watched]);
    beyond(row, &mut process.cpu_ns, sums.cpu_ns);
    let mut read = process.io.map(|io| io.read);
    let mut write = process.io.map_or(sums.io.1, |io| io.write);
    maybe_beyond(row, &mut read, sums.io.0);
    beyond(row, &mut write, sums.io.1);
    process.io = read.map(|read| Io { read, write });
    maybe_beyond(row, &mut process.run_delay_ns, sums.run_delay_ns);
    row.maybe(&mut process.rss);
    row.maybe(&mut process.vsize);
    small(row, &mut process.threads);
    row.path(&mut process.cgroup);
    row.text(&mut process.args);
    maybe_beyond(row, &mut process.ended_on_cpu_ns, now_ns);
    change(row, &mut process.change, tick);
    let (changed, delta) = &mut process.rss_change;
    row.number(changed);
    let mut by = delta.map(zigzag);
    row.maybe(&mut by);
    *delta = by.map(unzigzag);
    maybe_beyond(row, &mut process.first_rss, process.rss.unwrap_or_default());
    row.next_task(&mut process.origin);
    end(row, &mut process.end);
}

fn change(row: &mut impl Columns, change: &mut Change, tick: u64) {
    let mut is_new = change.tick == tick;
    flags(row, [&mut is_new, &mut change.ran]);
    change.tick = if is_new { tick } else { 0 };
    row.number(&mut change.cpu_ns);
    row.maybe(&mut change.wait_ns);
    row.maybe(&mut change.wait_max_ns);
    row.number(&mut change.io_bytes);
}

fn end(row: &mut impl Columns, end: &mut Option<End>) {
    let mut tick = end.map(|end| end.tick);
    let mut code = end.and_then(|end| end.status).map(|status| status.0);
    let mut zombie = end.is_some_and(|end| end.zombie);
    row.maybe(&mut tick);
    maybe_small(row, &mut code);
    flags(row, [&mut zombie]);
    *end = tick.map(|tick| End {
        tick,
        status: code.map(Status),
        zombie,
    });
}
