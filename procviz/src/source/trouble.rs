//! Makes the tracer the last to stall on a machine in trouble, and then gives
//! away the privileges that sampling does not need.

use rustix::{
    mm::{MlockAllFlags, mlockall},
    process::setpriority_process,
    thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs},
};

/// Nicer than all but the machine's own.
const NICE: i32 = -10;

/// Raises this thread's priority, which those it starts inherit, and keeps
/// its memory from being swapped out; then keeps only what reading others'
/// `/proc` files takes. What is not allowed is left as it is.
pub fn prepare_for_trouble() {
    _ = setpriority_process(None, NICE);
    // Not what is mapped later: that would count against a limit which holds
    // once the privilege to lock is gone, and make allocations fail.
    _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::ONFAULT);
    _ = std::fs::write("/proc/self/oom_score_adj", "-900");
    keep_only(CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH | CapabilitySet::KILL);
}

/// Takes back the priority of a thread whose work can wait.
pub fn back_to_normal() {
    _ = setpriority_process(None, 0);
}

fn keep_only(kept: CapabilitySet) {
    let Ok(now) = capabilities(None) else { return };
    let sets = CapabilitySets {
        effective: now.effective & kept,
        permitted: now.permitted & kept,
        inheritable: CapabilitySet::empty(),
    };
    _ = set_capabilities(None, sets);
    _ = set_no_new_privs(true);
}
