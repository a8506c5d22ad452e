//! Sends records to user space, and counts the records that did not fit in the ring buffer.

use aya_ebpf::maps::ring_buf::RingBufEntry;
use procviz_common::{Header, Kind};

use crate::maps::{EVENTS, LOST};

const BPF_RB_NO_WAKEUP: u64 = 1;
const BPF_RB_FORCE_WAKEUP: u64 = 2;
const BPF_RB_AVAIL_DATA: u64 = 0;
const BPF_RB_RING_SIZE: u64 = 1;

/// Reserves memory for a record of `kind`, or counts the record as lost.
#[inline(always)]
pub(crate) fn reserve<T: 'static>(kind: Kind) -> Option<(RingBufEntry<T>, Header)> {
    match EVENTS.reserve::<T>(0) {
        Some(entry) => Some((
            entry,
            Header {
                kind: kind as u32,
                size: size_of::<T>() as u32,
            },
        )),
        None => {
            count_lost(kind);
            None
        }
    }
}

/// As [`reserve`], but leaves half of the ring to other records: what a process can send itself
/// as often as it likes must not take the room of exits.
#[inline(always)]
pub(crate) fn reserve_half<T: 'static>(kind: Kind) -> Option<(RingBufEntry<T>, Header)> {
    if EVENTS.query(BPF_RB_AVAIL_DATA) > EVENTS.query(BPF_RB_RING_SIZE) / 2 {
        count_lost(kind);
        return None;
    }
    reserve(kind)
}

/// Submits a record. Wakes the reader only if the ring buffer is an eighth full,
/// because a wake-up per record costs the forking process microseconds.
#[inline(always)]
pub(crate) fn submit<T: 'static>(entry: RingBufEntry<T>) {
    entry.submit(wake_up());
}

/// Sends the first `len` bytes of a record, or counts the record as lost.
///
/// # Safety
///
/// `record` must point to `len` readable bytes.
#[inline(always)]
pub(crate) unsafe fn send(kind: Kind, record: *const u8, len: usize) {
    // SAFETY: the caller guarantees it, and the verifier checks it.
    let bytes = unsafe { core::slice::from_raw_parts(record, len) };
    if EVENTS.output::<[u8]>(bytes, wake_up()).is_err() {
        count_lost(kind);
    }
}

#[inline(always)]
fn wake_up() -> u64 {
    let full = EVENTS.query(BPF_RB_AVAIL_DATA) > EVENTS.query(BPF_RB_RING_SIZE) / 8;
    if full {
        BPF_RB_FORCE_WAKEUP
    } else {
        BPF_RB_NO_WAKEUP
    }
}

#[inline(always)]
fn count_lost(kind: Kind) {
    if let Some(counter) = LOST.get_ptr_mut(kind as u32) {
        // SAFETY: this is a per-CPU value, and only this CPU adds to it.
        unsafe { *counter += 1 };
    }
}
