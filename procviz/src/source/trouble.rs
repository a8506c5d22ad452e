//! Makes the tracer the last to stall on a machine in trouble, and then gives
//! away the privileges that sampling does not need.

use super::{capabilities::raise, confine::leave_root};
use rustix::{
    mm::{MlockAllFlags, mlockall},
    process::{geteuid, setpriority_process},
    thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs},
};

/// Nicer than all but the machine's own.
const NICE: i32 = -10;

/// What a thread may go on doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Read others' `/proc` files.
    Reading,
    /// And give files their names in the end where root may.
    ReadingAndPlacing,
    /// And send signals to the command under watch.
    ReadingAndSignals,
    /// Read files that the caller of root may want to read, whoever owns them.
    ReadingFiles,
    /// The same, and write files where root may.
    ReadingAndWritingFiles,
    /// Write files where root may.
    Writing,
    /// Nothing that takes a privilege.
    Nothing,
}

/// Raises this thread's priority, which those it starts inherit, and keeps
/// its memory from being swapped out; then keeps only what is needed. What is
/// not allowed is left as it is.
///
/// What is kept is put aside: threads that need it raise it.
pub fn prepare_for_trouble(keep: Keep) {
    let raised = raise();
    _ = setpriority_process(None, NICE);
    // Not what is mapped later: that would count against a limit which holds
    // once the privilege to lock is gone, and make allocations fail.
    _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::ONFAULT);
    _ = std::fs::write("/proc/self/oom_score_adj", "-900");
    // Refused, it stays root without capabilities, as before confinement.
    _ = leave_root();
    drop(raised);
    keep_only(keep);
}

/// Takes back the priority of a thread whose work can wait.
pub fn back_to_normal() {
    _ = setpriority_process(None, 0);
}

/// Gives away all privileges of this thread, and those it starts, but `keep`.
/// Those that reading takes are put aside until a thread raises them.
pub fn keep_only(keep: Keep) {
    let reading = CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH;
    let kept = match keep {
        Keep::Reading => reading,
        Keep::ReadingAndSignals => reading | CapabilitySet::KILL,
        Keep::ReadingFiles if geteuid().is_root() => CapabilitySet::DAC_READ_SEARCH,
        Keep::ReadingFiles => CapabilitySet::empty(),
        Keep::ReadingAndWritingFiles => {
            CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH
        }
        Keep::ReadingAndPlacing => reading | CapabilitySet::DAC_OVERRIDE,
        Keep::Writing => CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH,
        Keep::Nothing => CapabilitySet::empty(),
    };
    let Ok(now) = capabilities(None) else { return };
    let permitted = now.permitted & kept;
    let effective = match keep {
        Keep::Writing | Keep::ReadingFiles | Keep::ReadingAndWritingFiles => permitted,
        _ => CapabilitySet::empty(),
    };
    let sets = CapabilitySets {
        effective,
        permitted,
        inheritable: CapabilitySet::empty(),
    };
    _ = set_capabilities(None, sets);
    _ = set_no_new_privs(true);
}
