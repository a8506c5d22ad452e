//! Describes the rows of events, and of the short-lived processes that are counted.

use std::sync::Arc;

use super::{
    columns::Columns,
    scalars::{byte_pair, comm, flags, maybe_small, small, state, status},
};
use crate::model::{
    Comm, Event, Exec, ExitRecord, Fork, KillKind, Killer, Rename, Sender, State, Status, TaskId,
    ThreadEnd,
};

/// Numbers of the kinds of events. Each kind has its own table.
pub(super) const EVENTS: std::ops::RangeInclusive<u8> = 20..=32;

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
        Event::Name(..) => 31,
        Event::Waits(..) => 32,
        Event::OpenOn(..) => 33,
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
            name: None,
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
        25 => Event::ProcessEnd(Arc::new(ExitRecord::default())),
        26 => Event::Reaped(id),
        27 => Event::Parent(id, 0),
        28 => Event::Args(id, Arc::default()),
        31 => Event::Name(id, Arc::default()),
        32 => Event::Waits(id, Arc::default()),
        33 => Event::OpenOn(id, Arc::default()),
        29 => Event::State(id, State::default()),
        30 => Event::Cgroup(id, Arc::from("")),
        _ => return None,
    })
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
        Event::Args(id, args)
        | Event::Name(id, args)
        | Event::Waits(id, args)
        | Event::OpenOn(id, args) => {
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
    row.text(&mut fork.name);
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
    row.maybe(&mut exit.cancelled_write_bytes);
    row.maybe(&mut exit.args_bytes);
    row.text(&mut exit.name);
    killer(row, exit.time_ns, &mut exit.killed_by);
    killer(row, exit.time_ns, &mut exit.terminated_by);
}

/// The time is that before the exit.
fn killer(row: &mut impl Columns, exit_ns: u64, value: &mut Option<Arc<Killer>>) {
    let known = value.as_deref();
    let mut kind = known.map(|known| known.kind.number());
    row.maybe(&mut kind);
    let sender = known.and_then(|known| known.sender);
    let mut process = sender.map_or_else(TaskId::default, |sender| sender.process);
    row.task(&mut process);
    let mut name = sender.map_or_else(Comm::default, |sender| sender.comm);
    comm(row, &mut name);
    let mut uid = sender.map(|sender| sender.uid);
    maybe_small(row, &mut uid);
    let mut before_ns = known.map(|known| exit_ns.saturating_sub(known.time_ns));
    row.maybe(&mut before_ns);
    *value = match (kind.map(KillKind::from_number), before_ns) {
        (None, None) => None,
        (Some(Some(kind)), Some(before_ns)) => Some(Arc::new(Killer {
            kind,
            sender: uid.map(|uid| Sender {
                process,
                comm: name,
                uid,
            }),
            time_ns: exit_ns.saturating_sub(before_ns),
        })),
        _ => return row.fail(),
    };
}
