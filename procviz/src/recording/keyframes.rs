//! Packs a keyframe into tables in columns, and unpacks it.

use std::sync::Arc;

use super::{
    columns::{Columns as _, Invalid, TableOut, TablesIn, Words, finish},
    task_rows::{self, Sums},
};
use crate::{
    model::{Process, Slots, Thread},
    tracker::Keyframe,
};

/// Numbers of the tables in a block.
const HEAD: u8 = 40;
const THREADS: u8 = 41;
const PROCESSES: u8 = 42;
/// Slot of each process, and the number of its threads.
const GROUPS: u8 = 43;
/// Slots of these threads, in the order of their processes.
const MEMBERS: u8 = 44;
/// Free slots for the next threads, then free slots for the next processes.
const FREE: u8 = 45;

/// The only row of the table `HEAD`.
#[derive(Clone, Debug, Default)]
struct Head {
    boot_ns: u64,
    tick: u64,
    free_threads: u64,
    rest: Option<Arc<[u8]>>,
}

impl Head {
    fn row(&mut self, row: &mut impl super::columns::Columns) {
        row.number(&mut self.boot_ns);
        row.number(&mut self.tick);
        row.number(&mut self.free_threads);
        row.blob(&mut self.rest);
    }
}

/// Packs a keyframe into the payload of a block.
pub(super) fn pack(keyframe: &Keyframe) -> Vec<u8> {
    let mut words = Words::new();
    let [
        mut heads,
        mut threads,
        mut processes,
        mut groups,
        mut members,
        mut free,
    ] = [HEAD, THREADS, PROCESSES, GROUPS, MEMBERS, FREE].map(TableOut::new);
    let mut head = Head {
        boot_ns: keyframe.boot_ns,
        tick: keyframe.tick,
        free_threads: keyframe.threads.free().len() as u64,
        rest: Some(keyframe.rest.as_slice().into()),
    };
    heads.row(&mut words, |row| head.row(row));
    for (slot, thread) in keyframe.threads.entries() {
        let (mut slot, mut thread) = (slot as u64, thread.clone());
        threads.row(&mut words, |row| {
            row.rising(&mut slot);
            task_rows::thread(row, &mut thread, keyframe.boot_ns, keyframe.tick);
        });
    }
    for (slot, process) in keyframe.processes.entries() {
        let (mut slot, mut process) = (slot as u64, process.clone());
        let mut count = process.members.len() as u64;
        let sums = Sums::of(&process.members, &keyframe.threads);
        for member in &process.members {
            members.row(&mut words, |row| row.rising(&mut (*member as u64)));
        }
        groups.row(&mut words, |row| {
            row.rising(&mut slot);
            row.number(&mut count);
        });
        processes.row(&mut words, |row| {
            task_rows::process(row, &mut process, sums, keyframe.boot_ns, keyframe.tick);
        });
    }
    let all = [keyframe.threads.free(), keyframe.processes.free()];
    for slot in all.into_iter().flatten() {
        free.row(&mut words, |row| row.rising(&mut (*slot as u64)));
    }
    finish(
        &mut words,
        &mut [heads, threads, processes, groups, members, free],
    )
}

/// Unpacks the payload of a keyframe; `None` if another version of procviz wrote the
/// keyframe.
///
/// # Errors
///
/// When the payload is invalid.
pub(super) fn unpack(payload: Vec<u8>) -> Result<Option<Keyframe>, Invalid> {
    let mut tables = TablesIn::parse(payload)?;
    let mut head = Head::default();
    tables.row(HEAD, |row| head.row(row))?;
    let rest = head.rest.clone().ok_or(Invalid)?.to_vec();
    if !Keyframe::is_known(&rest) {
        return Ok(None);
    }
    let slot_of = |slot: u64| usize::try_from(slot).map_err(|_| Invalid);
    let mut threads = Vec::new();
    for _ in 0..tables.rows(THREADS) {
        let (mut slot, mut thread) = (0, Thread::default());
        tables.row(THREADS, |row| {
            row.rising(&mut slot);
            task_rows::thread(row, &mut thread, head.boot_ns, head.tick);
        })?;
        threads.push((slot_of(slot)?, thread));
    }
    let mut free = Vec::new();
    for _ in 0..tables.rows(FREE) {
        let mut slot = 0;
        tables.row(FREE, |row| row.rising(&mut slot))?;
        free.push(slot_of(slot)?);
    }
    let free_threads = usize::try_from(head.free_threads).map_err(|_| Invalid)?;
    if free_threads > free.len() {
        return Err(Invalid);
    }
    let free_processes = free.split_off(free_threads);
    let threads = Slots::from_parts(threads, free).map_err(|_| Invalid)?;
    let mut processes = Vec::new();
    for _ in 0..tables.rows(PROCESSES) {
        let (mut slot, mut count, mut process) = (0, 0, Process::default());
        tables.row(GROUPS, |row| {
            row.rising(&mut slot);
            row.number(&mut count);
        })?;
        if count > tables.rows(MEMBERS) {
            return Err(Invalid);
        }
        for _ in 0..count {
            let mut member = 0;
            tables.row(MEMBERS, |row| row.rising(&mut member))?;
            process.members.push(slot_of(member)?);
        }
        let sums = Sums::of(&process.members, &threads);
        tables.row(PROCESSES, |row| {
            task_rows::process(row, &mut process, sums, head.boot_ns, head.tick);
        })?;
        processes.push((slot_of(slot)?, process));
    }
    Ok(Some(Keyframe {
        threads,
        processes: Slots::from_parts(processes, free_processes).map_err(|_| Invalid)?,
        boot_ns: head.boot_ns,
        tick: head.tick,
        rest,
    }))
}
