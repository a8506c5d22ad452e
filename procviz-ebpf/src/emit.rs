//! Sends records to user space, and counts those for which there was no room.

use aya_ebpf::maps::ring_buf::RingBufEntry;
use procviz_common::{Header, Kind};

use crate::maps::{EVENTS, LOST};

const BPF_RB_NO_WAKEUP: u64 = 1;
const BPF_RB_FORCE_WAKEUP: u64 = 2;
const BPF_RB_AVAIL_DATA: u64 = 0;
const BPF_RB_RING_SIZE: u64 = 1;

/// Reserves room for a record of `kind`, or counts it as lost.
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

/// Hands a record over; wakes the reader only when the ring is an eighth full,
/// as a wake-up for each costs microseconds of whoever is forking.
#[inline(always)]
pub(crate) fn submit<T: 'static>(entry: RingBufEntry<T>) {
    let full = EVENTS.query(BPF_RB_AVAIL_DATA) > EVENTS.query(BPF_RB_RING_SIZE) / 8;
    entry.submit(if full {
        BPF_RB_FORCE_WAKEUP
    } else {
        BPF_RB_NO_WAKEUP
    });
}

#[inline(always)]
fn count_lost(kind: Kind) {
    if let Some(counter) = LOST.get_ptr_mut(kind as u32) {
        // SAFETY: a per-CPU value that only this CPU adds to.
        unsafe { *counter += 1 };
    }
}
