//! Adapts to the resource limits that this process was started with.

use std::sync::{Arc, atomic::AtomicBool};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Failure;
use crate::source::share_heap;

/// Open files that procviz needs when it reads only `/proc`.
const LEAST_FILES: u64 = 24;
/// Open files that procviz needs with kernel events: maps, programs and their links, files of
/// the machine that stay open, and the files of a view or a recording.
const FILES_WITH_EVENTS: u64 = 72;

/// Open files that are enough for any run, with some to spare.
const ENOUGH_FILES: u64 = 256;

/// Raises a very low limit of open files, as far as the hard limit allows. Makes a write beyond
/// the file size limit (SIGXFSZ) an error like a full disk, instead of the end of procviz. Keeps
/// the memory of all threads in one heap.
///
/// # Errors
///
/// When the limit of open files is too low for procviz to work.
pub(crate) fn prepare() -> Result<(), Failure> {
    share_heap();
    let limit = getrlimit(Resource::Nofile);
    // Not higher: a command under watch inherits this limit.
    let wanted = limit.maximum.unwrap_or(ENOUGH_FILES).min(ENOUGH_FILES);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = Some(wanted);
        _ = setrlimit(Resource::Nofile, Rlimit { current, ..limit });
    }
    let files = files();
    if files < LEAST_FILES {
        return Err(anyhow::anyhow!(
            "the limit on open files is {files}, but procviz needs at least {LEAST_FILES}: run `ulimit -n 1024` first"
        )
        .into());
    }
    // Without a handler, the signal ends procviz.
    signal_hook::flag::register(
        signal_hook::consts::SIGXFSZ,
        Arc::new(AtomicBool::new(false)),
    )?;
    Ok(())
}

/// Why there are no kernel events, if the limit of open files is too low for them.
pub(crate) fn too_few_for_events() -> Option<String> {
    let files = files();
    (files < FILES_WITH_EVENTS).then(|| {
        format!(
            "the limit on open files is {files}, but kernel events need {FILES_WITH_EVENTS}: run `ulimit -n 1024` first"
        )
    })
}

fn files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
