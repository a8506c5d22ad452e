//! Defines what procviz's eBPF programs and user space say to each other:
//! the records of the ring, the layouts of the maps, and the offsets that
//! user space hands over. It holds no code that runs in either of them
//! beyond the arithmetic both must agree on.
//!
//! Every struct is `repr(C)` with named padding, and its size and the offset
//! of its last field are asserted beside it.

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
mod snap;

pub use cgroup::CgroupRecord;
pub use dead::DeadRecord;
pub use exec::ExecRecord;
pub use exit::{EXIT_GROUP_DEAD, EXIT_GROUP_DEAD_GUESSED, EXIT_OOM, ExitRecord};
pub use fork::{FORK_KTHREAD, ForkRecord};
pub use header::{Header, Kind};
pub use maps::{COMM_LEN, CUR_CPUS, PATH_LEN, RING_BYTES, SNAP_SLOTS, TID_LIMIT, TID_WORDS, Tick};
pub use offsets::{ABSENT, Offsets};
pub use rename::RenameRecord;
pub use row::{ROW_HAS_MM, ROW_IN_IOWAIT, ROW_KTHREAD, ROW_ON_CPU, Row};
pub use snap::{LEFT_IN_IOWAIT, LEFT_PREEMPTED, SNAP_WORDS, SnapWords, snap_mix};
