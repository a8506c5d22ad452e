//! Gives away what procviz does not need while it watches or reads, so that
//! somebody who takes it over gains little: system calls by seccomp, writing by
//! Landlock, and root's user id.
//!
//! A thread that reads `/proc` of others cannot be in a Landlock domain: the
//! kernel then refuses `io`, `wchan` and `syscall`. It has no user id of root.

#[cfg(debug_assertions)]
pub(crate) mod attempts;
mod calls;

use std::{
    os::fd::BorrowedFd,
    sync::atomic::{AtomicBool, Ordering},
};

use landlock::{
    ABI, AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetStatus,
};
use rustix::{
    process::{Gid, Uid, geteuid},
    thread::{set_keep_capabilities, set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};

use super::{Keep, invoker::invoker, keep_only};

static IS_OFF: AtomicBool = AtomicBool::new(false);

/// Leaves everything as it is from now on, for debugging.
pub fn turn_off() {
    IS_OFF.store(true, Ordering::Relaxed);
}

/// Whether procviz is not to confine itself.
pub fn is_off() -> bool {
    IS_OFF.load(Ordering::Relaxed)
}

/// Who reads `/proc` where nobody called root through sudo.
const NOBODY: u32 = 65_534;

/// Why procviz cannot confine itself.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// Refuses system calls on all threads, those that are there and those that
/// come. `command` may be signalled.
///
/// # Errors
///
/// When the kernel knows no such filters.
pub(crate) fn refuse_calls(command: Option<u32>) -> Result<(), Refused> {
    if is_off() {
        return Ok(());
    }
    let refused = |error: &dyn std::fmt::Display| Refused(format!("seccomp: {error}"));
    let filters = calls::filters(command).map_err(|error| refused(&error))?;
    for filter in &filters {
        seccompiler::apply_filter_all_threads(filter).map_err(|error| refused(&error))?;
    }
    Ok(())
}

/// Lets this thread, and those that it starts, write in these folders alone,
/// and to the terminal. Returns whether it is limited now: a kernel without
/// Landlock changes nothing.
///
/// # Errors
///
/// When the kernel has Landlock, and refuses.
pub(crate) fn write_only_in(folders: &[BorrowedFd<'_>]) -> Result<bool, Refused> {
    if is_off() {
        return Ok(false);
    }
    restrict(folders).map_err(|error| Refused(format!("Landlock: {error}")))
}

fn restrict(folders: &[BorrowedFd<'_>]) -> Result<bool, landlock::RulesetError> {
    let abi = ABI::V3;
    let to_file = AccessFs::WriteFile | AccessFs::Truncate;
    let rules = folders
        .iter()
        .map(|folder| Ok(PathBeneath::new(*folder, AccessFs::from_write(abi))));
    let devices = ["/dev/tty", "/dev/null"]
        .into_iter()
        .filter_map(|path| PathFd::new(path).ok())
        .map(|fd| Ok::<_, landlock::RulesetError>(PathBeneath::new(fd, to_file)));
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_write(abi))?
        .create()?
        .add_rules(rules.collect::<Vec<Result<_, landlock::RulesetError>>>())?
        .add_rules(devices)?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Makes of this thread one that neither reads `/proc` of others nor writes
/// files.
pub(crate) fn alone() {
    // Refused, it is root without capabilities.
    _ = leave_root();
    _ = write_only_in(&[]);
    keep_only(Keep::Nothing);
}

/// Gives away root's user id on this thread and those that it starts, and keeps
/// its capabilities: without the id, files of root are not procviz's own.
///
/// # Errors
///
/// When the kernel refuses.
pub(crate) fn leave_root() -> rustix::io::Result<()> {
    if is_off() || !geteuid().is_root() {
        return Ok(());
    }
    let (uid, gid) = match invoker() {
        Ok(Some(invoker)) => (invoker.uid, invoker.gid),
        _ => (NOBODY, NOBODY),
    };
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_keep_capabilities(true)?;
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

/// Whether this kernel has filters of system calls.
pub fn has_seccomp() -> bool {
    std::path::Path::new("/proc/sys/kernel/seccomp/actions_avail").exists()
}

/// Whether this kernel has Landlock, tried on a thread of its own.
pub fn has_landlock() -> bool {
    let tried = std::thread::spawn(|| restrict(&[]).unwrap_or(false));
    tried.join().unwrap_or(false)
}
