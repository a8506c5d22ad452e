//! Chooses the sizes of the kernel's maps by the size of the machine.

use procfs::{Current as _, LoadAverage};
use procviz_common::{LEAST_RING_BYTES, LEAST_SNAP_SLOTS, MOST_RING_BYTES, MOST_SNAP_SLOTS};

/// Slots for each thread: with this many, two threads that run in the same tick rarely share one.
const SLOTS_A_THREAD: usize = 8;
/// Events of a storm of forks on one CPU in a sixth of a second, bytes: a life takes about 400.
const BYTES_A_CPU: usize = 1024 * 1024;

/// Sizes of maps.
pub(super) struct Room {
    /// Number of slots in `SNAP`.
    pub(super) snap_slots: u32,
    /// Size of the ring of events, bytes.
    pub(super) ring_bytes: u32,
}

impl Room {
    pub(super) fn of_this_machine() -> Self {
        let threads = LoadAverage::current().ok().map(|load| load.max as usize);
        let cpus = aya::util::online_cpus().ok().map(|cpus| cpus.len());
        let room = Self::of(threads, cpus);
        Self {
            ring_bytes: ring_bytes_for_tests().unwrap_or(room.ring_bytes),
            ..room
        }
    }

    /// For so many threads and CPUs; `None`: not known.
    fn of(threads: Option<usize>, cpus: Option<usize>) -> Self {
        let between = |wanted: Option<usize>, least: usize, most: usize| {
            let wanted = wanted.map_or(most, |wanted| wanted.clamp(least, most));
            wanted.next_power_of_two() as u32
        };
        let slots = threads.map(|threads| threads.saturating_mul(SLOTS_A_THREAD));
        let bytes = cpus.map(|cpus| cpus.saturating_mul(BYTES_A_CPU));
        let (least, most) = (LEAST_RING_BYTES as usize, MOST_RING_BYTES as usize);
        Self {
            snap_slots: between(slots, LEAST_SNAP_SLOTS, MOST_SNAP_SLOTS),
            ring_bytes: between(bytes, least, most),
        }
    }
}

/// A size of the ring that is too small for the load, so that tests can cause losses.
/// Only in builds with debug assertions.
fn ring_bytes_for_tests() -> Option<u32> {
    if cfg!(debug_assertions) {
        std::env::var("PROCVIZ_TEST_RING_BYTES").ok()?.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_as_large_as_the_machine_needs() {
        const MIB: u32 = 1024 * 1024;
        let sizes = |threads, cpus| {
            let room = Room::of(threads, cpus);
            (room.snap_slots, room.ring_bytes)
        };
        assert_eq!(sizes(Some(300), Some(2)), (32_768, 4 * MIB));
        assert_eq!(sizes(Some(5_000), Some(6)), (65_536, 8 * MIB));
        assert_eq!(sizes(Some(100_000), Some(128)), (131_072, 16 * MIB));
        assert_eq!(sizes(None, None), (131_072, 16 * MIB));
    }
}
