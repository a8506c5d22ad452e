//! Says where a blocked thread waits: the function of the kernel.
//!
//! `/proc/TID/syscall` would name the system call, but the kernel takes a lock for it that a
//! thread in exec can hold for as long as it is blocked.

use std::sync::Arc;

use crate::source::{proc::ProcDir, roster::Member};

/// Where a thread waits, such as `wait_for_vfork_done`. `None` if that is not known. Nothing of
/// the thread's memory is read.
pub(super) fn place(proc: &mut ProcDir, member: Member, tid: u32) -> Option<Arc<[u8]>> {
    let function = proc.thread_wchan(member.process.tid, tid);
    function.ok().flatten().map(Arc::from)
}
