//! Describes the values that rows of several tables have.

use std::sync::Arc;

use super::columns::Columns;
use crate::model::{Comm, Io, MemoryParts, State, Status};

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
pub(super) fn state(row: &mut impl Columns, value: &mut State) {
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

pub(super) fn io(row: &mut impl Columns, value: &mut Option<Io>) {
    let mut pair = value.map(|io| (io.read, io.write));
    byte_pair(row, &mut pair);
    *value = pair.map(|(read, write)| Io { read, write });
}

pub(super) fn byte_pair(row: &mut impl Columns, value: &mut Option<(u64, u64)>) {
    let mut read = value.map(|(read, _)| read);
    let mut write = value.map_or(0, |(_, write)| write);
    row.maybe(&mut read);
    row.number(&mut write);
    *value = read.map(|read| (read, write));
}

pub(super) fn status(row: &mut impl Columns, value: &mut Status) {
    small(row, &mut value.0);
}
pub(super) fn parts(row: &mut impl Columns, value: &mut Option<MemoryParts>) {
    let mut anon = value.map(|parts| parts.anon);
    let mut rest = value.unwrap_or_default();
    row.maybe(&mut anon);
    for size in [
        &mut rest.file,
        &mut rest.shmem,
        &mut rest.swap,
        &mut rest.hugetlb,
    ] {
        row.number(size);
    }
    *value = anon.map(|anon| MemoryParts { anon, ..rest });
}
