//! Defines the data that procviz's eBPF programs and user space exchange:
//! the records in the ring buffer, the layouts of the maps, and the offsets that
//! user space passes to the programs. The only code here is arithmetic that
//! must be the same on both sides.
//!
//! Every struct is `repr(C)` with named padding. Assertions next to each struct
//! check its size and the offset of its last field.

#![no_std]

mod cgroup;
mod dead;
mod exec;
mod exit;
mod fork;
mod header;
mod maps;
mod offsets;
mod rename;
mod row;
mod signal;
mod snap;

pub use cgroup::{CgroupRecord, MoveRecord};
pub use dead::DeadRecord;
pub use exec::ExecRecord;
pub use exit::{EXIT_GROUP_DEAD, EXIT_GROUP_DEAD_GUESSED, EXIT_OOM, ExitRecord, TaskExit};
pub use fork::{FORK_KTHREAD, ForkRecord};
pub use header::{Header, Kind};
pub use maps::{
    ARGS_LEN, COMM_LEN, CUR_CPUS, LEAST_RING_BYTES, LEAST_SNAP_SLOTS, MOST_RING_BYTES,
    MOST_SNAP_SLOTS, PATH_LEN, TID_LIMIT, TID_WORDS, Tick,
};
pub use offsets::{ABSENT, Offsets, WIDTH_SHIFT};
pub use rename::RenameRecord;
pub use row::{ROW_HAS_MM, ROW_IN_IOWAIT, ROW_KTHREAD, ROW_ON_CPU, Row};
pub use signal::{
    SIGNAL_CPU_LIMIT, SIGNAL_FROM_EXITING, SIGNAL_FROM_KTHREAD, SIGNAL_FROM_TRACER, SIGNAL_NO_INFO,
    SIGNAL_PRIVATE, SignalRecord,
};
pub use snap::{
    LEFT_IN_IOWAIT, LEFT_PREEMPTED, SNAP_WORDS, SnapWords, memory_mark, snap_mix, snap_start,
};
