//! Makes the best of the limits that this process was started with.

use std::sync::{Arc, atomic::AtomicBool};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Failure;

/// Files that are open at once where `/proc` is read alone.
const LEAST_FILES: u64 = 16;
/// And where there are kernel events: maps, programs and their links, and what
/// a view or a recording takes beside them.
const FILES_WITH_EVENTS: u64 = 64;

/// What any run takes, with some to spare.
const ENOUGH_FILES: u64 = 256;

/// Raises the limit of open files where it is very low, as far as that is allowed, and lets a file
/// that grows beyond its limit be an error like that of a full disk, instead of
/// the end of procviz.
///
/// # Errors
///
/// When so few files may be open that nothing works.
pub(crate) fn prepare() -> Result<(), Failure> {
    let limit = getrlimit(Resource::Nofile);
    // No further: a command under watch has the same limit.
    let wanted = limit.maximum.unwrap_or(ENOUGH_FILES).min(ENOUGH_FILES);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = Some(wanted);
        _ = setrlimit(Resource::Nofile, Rlimit { current, ..limit });
    }
    let files = files();
    if files < LEAST_FILES {
        return Err(anyhow::anyhow!(
            "only {files} files may be open at once, and procviz takes {LEAST_FILES} at least: ulimit -n 1024"
        )
        .into());
    }
    // Somebody has to listen, or the signal ends procviz.
    signal_hook::flag::register(
        signal_hook::consts::SIGXFSZ,
        Arc::new(AtomicBool::new(false)),
    )?;
    Ok(())
}

/// Why kernel events cannot be had, where too few files may be open for them.
pub(crate) fn too_few_for_events() -> Option<String> {
    let files = files();
    (files < FILES_WITH_EVENTS).then(|| {
        format!(
            "only {files} files may be open at once, and kernel events take {FILES_WITH_EVENTS}: ulimit -n 1024"
        )
    })
}

fn files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
