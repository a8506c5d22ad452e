//! Keeps the capabilities of this process out of the effective set until they are
//! needed.
//!
//! procviz can have capabilities that its caller does not have: from `setcap` on the
//! binary, or from the set-user-ID bit. All files that the caller names (a recording,
//! a folder, a font, an output file) must be opened with the caller's rights. So the
//! effective set is empty from the start. Threads that read the real `/proc`, and the
//! calls that load eBPF programs, raise their capabilities. A capability that has
//! left the permitted set cannot come back.

use std::marker::PhantomData;

use rustix::{
    process::{getegid, geteuid, getgid, getuid},
    thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities},
};

use super::kernel::is_secure_exec;

/// The capabilities that procviz uses. A set-user-ID start gives away all others.
const USEFUL: CapabilitySet = CapabilitySet::BPF
    .union(CapabilitySet::PERFMON)
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::SYS_NICE)
    .union(CapabilitySet::SYS_RESOURCE)
    .union(CapabilitySet::IPC_LOCK);

/// Empties the effective set of a process whose caller is not root. Call this
/// first, before any file is opened and any thread is started.
///
/// A set-user-ID root binary takes the caller's user id. It keeps the capabilities
/// that procviz uses in the permitted set, so that they can be raised later.
///
/// # Errors
///
/// When the kernel refuses to remove rights: continuing would be unsafe.
pub fn put_aside() -> std::io::Result<()> {
    let (uid, gid) = (getuid(), getgid());
    let is_set_id = geteuid() != uid || getegid() != gid;
    if is_set_id {
        rustix::thread::set_keep_capabilities(true)?;
        let gid = nix::unistd::Gid::from_raw(gid.as_raw());
        let uid = nix::unistd::Uid::from_raw(uid.as_raw());
        nix::unistd::setresgid(gid, gid, gid)?;
        nix::unistd::setresuid(uid, uid, uid)?;
    }
    if uid.is_root() {
        return Ok(());
    }
    let now = capabilities(None)?;
    if now.permitted.is_empty() {
        return Ok(());
    }
    let permitted = match is_set_id {
        true => now.permitted & USEFUL,
        false => now.permitted,
    };
    set_capabilities(
        None,
        CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted,
            inheritable: now.inheritable & permitted,
        },
    )?;
    Ok(())
}

/// Whether this process can have rights that its caller does not have (`AT_SECURE`):
/// through file capabilities, or through a set-user-ID or set-group-ID bit.
pub fn has_more_rights_than_its_caller() -> bool {
    is_secure_exec()
}

/// Whether this thread has a capability, in the effective or only in the permitted set.
pub(crate) fn can_raise(capability: CapabilitySet) -> bool {
    capabilities(None).is_ok_and(|sets| sets.permitted.contains(capability))
}

/// Keeps the capabilities of this thread raised until the value is dropped.
#[must_use = "dropping it lowers the capabilities again"]
pub struct Raised {
    before: Option<CapabilitySets>,
    /// Makes the value not `Send`: capabilities belong to a thread.
    of_this_thread: PhantomData<*const ()>,
}

/// Raises all permitted capabilities of this thread. Use this only for targets that
/// the caller cannot choose: the real `/proc`, the kernel's BTF, bpf(2).
pub fn raise() -> Raised {
    let before = capabilities(None).ok();
    raise_for_this_thread();
    Raised {
        before,
        of_this_thread: PhantomData,
    }
}

/// Raises all permitted capabilities of this thread, until the thread exits. Use this
/// only on threads that open no files which the caller names.
pub(crate) fn raise_for_this_thread() {
    if let Ok(now) = capabilities(None)
        && now.effective != now.permitted
    {
        // A failure shows where the missing capability is used, with an error there.
        _ = set_capabilities(
            None,
            CapabilitySets {
                effective: now.permitted,
                ..now
            },
        );
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        let (Some(before), Ok(now)) = (self.before, capabilities(None)) else {
            return;
        };
        // Meanwhile, some capabilities can have left the permitted set.
        let effective = before.effective & now.permitted;
        if effective != now.effective {
            _ = set_capabilities(None, CapabilitySets { effective, ..now });
        }
    }
}
