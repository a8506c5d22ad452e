//! Describes the rows of threads and processes in a keyframe.

use super::{
    columns::Columns,
    scalars::{comm, flags, io, maybe_small, parts, small, state},
    varint::{unzigzag, zigzag},
};
use crate::model::{Change, End, Io, Process, Slots, Status, Thread};

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
    flags(
        row,
        [
            &mut process.kthread,
            &mut process.watched,
            &mut process.is_rough,
        ],
    );
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
    size_change(row, &mut process.rss_change);
    maybe_beyond(
        row,
        &mut process.first_private,
        process.rss.unwrap_or_default(),
    );
    row.next_task(&mut process.origin);
    end(row, &mut process.end);
    parts(row, &mut process.parts);
    size_change(row, &mut process.private_change);
    row.text(&mut process.name);
}

fn size_change(row: &mut impl Columns, (changed, delta): &mut (u64, Option<i64>)) {
    row.number(changed);
    let mut by = delta.map(zigzag);
    row.maybe(&mut by);
    *delta = by.map(unzigzag);
}

fn change(row: &mut impl Columns, change: &mut Change, tick: u64) {
    let mut is_new = change.tick == tick;
    flags(row, [&mut is_new, &mut change.ran]);
    change.tick = if is_new { tick } else { 0 };
    row.number(&mut change.cpu_ns);
    row.maybe(&mut change.wait_ns);
    row.maybe(&mut change.wait_max_ns);
    row.number(&mut change.io_bytes);
    let mut read_kib = u64::from(change.read_kib);
    row.number(&mut read_kib);
    change.read_kib = u32::try_from(read_kib).unwrap_or(u32::MAX);
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
