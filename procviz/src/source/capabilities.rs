//! Holds the capabilities of this process back until they are needed.
//!
//! procviz may have capabilities that its caller does not have: `setcap` on the
//! binary, or the set-user-ID bit. Whatever the caller names (a recording, a
//! folder, a font, an output file) is opened with the caller's rights, so the
//! effective set is empty from the first moment on. Threads that read the real
//! `/proc`, and the calls that load eBPF programs, raise it. A capability that
//! is not in the permitted set is gone for good.

use std::marker::PhantomData;

use rustix::{
    process::{getegid, geteuid, getgid, getuid},
    thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities},
};

use super::kernel::started_with_more_rights;

/// What procviz can make use of: all else of a set-user-ID start is given away.
const USEFUL: CapabilitySet = CapabilitySet::BPF
    .union(CapabilitySet::PERFMON)
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::SYS_NICE)
    .union(CapabilitySet::SYS_RESOURCE)
    .union(CapabilitySet::IPC_LOCK);

/// Empties the effective set of a process whose caller is not root. To be
/// called first of all, before anything is opened and any thread is started.
///
/// A set-user-ID root binary takes the caller's user id and keeps, to be
/// raised, the capabilities that procviz can make use of.
///
/// # Errors
///
/// When the kernel refuses to take rights away: going on would be unsafe.
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

/// Whether this process may have rights that its caller does not have
/// (`AT_SECURE`): file capabilities, or a set-user-ID or set-group-ID bit.
pub fn has_more_rights_than_its_caller() -> bool {
    started_with_more_rights()
}

/// Whether this process has a capability, raised or put aside.
pub(crate) fn may_raise(capability: CapabilitySet) -> bool {
    capabilities(None).is_ok_and(|sets| sets.permitted.contains(capability))
}

/// The capabilities of this thread are raised until the value is dropped.
#[must_use = "dropping it lowers the capabilities again"]
pub struct Raised {
    before: Option<CapabilitySets>,
    /// Capabilities belong to a thread, so the value stays on it.
    of_this_thread: PhantomData<*const ()>,
}

/// Raises all permitted capabilities of this thread, for something that no
/// caller can choose: the real `/proc`, the kernel's BTF, a call of bpf(2).
pub fn raise() -> Raised {
    let before = capabilities(None).ok();
    raise_for_this_thread();
    Raised {
        before,
        of_this_thread: PhantomData,
    }
}

/// Raises all permitted capabilities of a thread that opens nothing which the
/// caller names, for as long as the thread lives.
pub(crate) fn raise_for_this_thread() {
    if let Ok(now) = capabilities(None)
        && now.effective != now.permitted
    {
        // What is refused is then missing where it is used, which is said there.
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
        // Some may have been given away for good meanwhile.
        let effective = before.effective & now.permitted;
        if effective != now.effective {
            _ = set_capabilities(None, CapabilitySets { effective, ..now });
        }
    }
}
