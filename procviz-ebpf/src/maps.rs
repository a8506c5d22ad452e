//! Defines the maps and globals; procviz-common defines their contents.

use aya_ebpf::{
    macros::map,
    maps::{Array, PerCpuArray, RingBuf},
};
use procviz_common::{
    ARGS_LEN, CUR_CPUS, ExecRecord, Kind, MOST_RING_BYTES, MOST_SNAP_SLOTS, Offsets, Row,
    SnapWords, TID_WORDS, Tick,
};

/// `BPF_F_MMAPABLE`.
const MMAPABLE: u32 = 1 << 10;

/// Records for user space.
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(MOST_RING_BYTES, 0);

/// Number of failed reservations, by kind of record.
#[map]
pub(crate) static LOST: PerCpuArray<u64> = PerCpuArray::with_max_entries(Kind::COUNT as u32, 0);

/// Where a record of an exec is built: it is too long for the stack. The kernel does not
/// run a program twice on one CPU at the same time.
#[map]
pub(crate) static EXEC: PerCpuArray<ExecWithArgs> = PerCpuArray::with_max_entries(1, 0);

/// Where a row of a task iterator is built. Only the sampling thread of user space reads
/// iterators, one at a time.
#[map]
pub(crate) static ROW: PerCpuArray<Row> = PerCpuArray::with_max_entries(1, 0);

/// A record of an exec, and its arguments.
#[repr(C)]
pub(crate) struct ExecWithArgs {
    pub(crate) record: ExecRecord,
    pub(crate) args: [u8; ARGS_LEN],
}

/// One bit per thread id: the task left a CPU since user space last took the word.
#[map]
pub(crate) static RAN: Array<u64> = Array::with_max_entries(TID_WORDS as u32, MMAPABLE);

/// One bit per thread id: the task was reaped and freed.
#[map]
pub(crate) static FREED: Array<u64> = Array::with_max_entries(TID_WORDS as u32, MMAPABLE);

/// Figures of a task when it left its CPU, by the low bits of its thread id.
#[map]
pub(crate) static SNAP: Array<SnapWords> =
    Array::with_max_entries(MOST_SNAP_SLOTS as u32, MMAPABLE);

/// Thread id of the task on each CPU.
#[map]
pub(crate) static CUR: Array<u64> = Array::with_max_entries(CUR_CPUS as u32, MMAPABLE);

/// The tick of user space.
#[map]
pub(crate) static TICK: Array<Tick> = Array::with_max_entries(1, MMAPABLE);

/// Offsets of kernel struct members; user space sets them before it loads the programs.
#[unsafe(no_mangle)]
pub(crate) static OFFSETS: Offsets = Offsets::NONE;
