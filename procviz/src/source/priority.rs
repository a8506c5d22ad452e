//! Makes the sampling thread the last one to stall on an overloaded machine, and
//! gives away the privileges that sampling does not need.

use rustix::{
    mm::{MlockAllFlags, mlockall},
    process::setpriority_process,
};

use super::{
    capabilities::raise,
    confine::leave_root,
    keep::{Keep, keep_only},
};

/// A higher priority than all processes but the machine's own have.
const NICE: i32 = -10;

/// Raises the priority of this thread and of the threads that it starts, keeps its
/// memory from being swapped out, and then gives away all capabilities except
/// those for `keep`. A step that the kernel refuses is left out.
///
/// The capabilities that are kept are not effective: threads that need them raise
/// them.
pub fn prepare_for_overload(keep: Keep) {
    let raised = raise();
    _ = setpriority_process(None, NICE);
    // Not the memory that is mapped later: once the privilege to lock memory is
    // gone, that memory counts against a limit, and allocations fail.
    _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::ONFAULT);
    _ = std::fs::write("/proc/self/oom_score_adj", "-900");
    // If the kernel refuses, the thread stays root without capabilities.
    _ = leave_root();
    drop(raised);
    keep_only(keep);
}

/// Takes back the priority of a thread whose work can wait.
pub fn back_to_normal() {
    _ = setpriority_process(None, 0);
}
