//! Loads and attaches the eBPF programs, and reads their output: the ring of events,
//! the maps of threads that ran, and the task iterator. Only this module uses aya.

mod btf;
mod deaths;
mod decode;
mod drain;
mod iterate;
mod load;
#[cfg(feature = "log")]
mod log;
mod lost;
mod misses;
#[allow(
    unsafe_code,
    reason = "maps of the kernel are shared memory, and libc calls that rustix does not have"
)]
mod raw;
mod room;
mod snaps;
mod support;

pub(crate) use deaths::gone_of;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use decode::decode_any;
pub(crate) use drain::{Batch, Drain, DrainThread, Mode};
pub(crate) use iterate::TaskIterator;
pub use load::{Kernel, LoadError};
pub(crate) use lost::{LostRecords, lost_figures};
pub(crate) use raw::{is_secure_exec, share_heap, trim_heap};
pub(crate) use snaps::{Slot, Snaps};
pub(crate) use support::release_is_enough;
pub use support::{Need, Support};
