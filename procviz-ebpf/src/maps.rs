//! The maps and globals; what each holds is in procviz-common.

use aya_ebpf::{
    macros::map,
    maps::{Array, PerCpuArray, RingBuf},
};
use procviz_common::{CUR_CPUS, Kind, Offsets, RING_BYTES, SNAP_SLOTS, SnapWords, TID_WORDS, Tick};

/// `BPF_F_MMAPABLE`.
const MMAPABLE: u32 = 1 << 10;

/// Records for user space.
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// Failed reserves, by kind.
#[map]
pub(crate) static LOST: PerCpuArray<u64> = PerCpuArray::with_max_entries(Kind::COUNT as u32, 0);

/// A bit a thread id: it left a CPU since user space last took the word.
#[map]
pub(crate) static RAN: Array<u64> = Array::with_max_entries(TID_WORDS as u32, MMAPABLE);

/// A bit a thread id: somebody reaped it.
#[map]
pub(crate) static FREED: Array<u64> = Array::with_max_entries(TID_WORDS as u32, MMAPABLE);

/// How a task left its CPU, by the low bits of its thread id.
#[map]
pub(crate) static SNAP: Array<SnapWords> = Array::with_max_entries(SNAP_SLOTS as u32, MMAPABLE);

/// Who is on each CPU.
#[map]
pub(crate) static CUR: Array<u64> = Array::with_max_entries(CUR_CPUS as u32, MMAPABLE);

/// User space's tick.
#[map]
pub(crate) static TICK: Array<Tick> = Array::with_max_entries(1, MMAPABLE);

/// Set by user space before the programs are loaded.
#[unsafe(no_mangle)]
pub(crate) static OFFSETS: Offsets = Offsets::NONE;
