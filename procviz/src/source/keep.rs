//! Gives away the capabilities that a thread does not need.

use rustix::{
    process::geteuid,
    thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs},
};

/// What a thread goes on doing after it has given away all other capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Reads `/proc` files of other users.
    Reading,
    /// Reads `/proc` files, and places output files at its end where root may write.
    ReadingAndPlacing,
    /// Reads `/proc` files, and sends signals to the command that it watches.
    ReadingAndSignals,
    /// Reads recordings of all users.
    ReadingFiles,
    /// Reads recordings of all users, and writes files where root may write.
    ReadingAndWritingFiles,
    /// Writes files where root may write.
    Writing,
    /// Reads the files of container runtimes.
    ReadingContainers,
    /// Needs no capability.
    Nothing,
}

/// Gives away all capabilities of this thread and of the threads that it starts,
/// except those for `keep`. Capabilities for reading are not effective until a
/// thread raises them.
pub fn keep_only(keep: Keep) {
    let reading = CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH;
    let kept = match keep {
        Keep::Reading => reading,
        Keep::ReadingAndSignals => reading | CapabilitySet::KILL,
        Keep::ReadingContainers => CapabilitySet::DAC_READ_SEARCH,
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
        Keep::Writing
        | Keep::ReadingFiles
        | Keep::ReadingAndWritingFiles
        | Keep::ReadingContainers => permitted,
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
