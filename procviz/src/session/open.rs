//! Opens the best source that the machine and the privileges of procviz allow, and
//! confines procviz.

use std::{
    os::{fd::AsFd, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    model::Host,
    runtime::{
        Failure, limits,
        output::{OutFolder, split, take_owner_identity},
        text::escaped,
        warning::{Warning, warn},
    },
    source::{
        Keep, Sampler, access_files_as, confine, keep_only,
        kernel::{Kernel, Need, Support, release_is_enough},
        kernel_release, prepare_for_overload,
    },
};

/// Why there are no kernel events, in one line: what is missing, and how to fix it.
pub(crate) fn why_not(missing: &[Need]) -> String {
    let names: Vec<_> = missing.iter().map(|need| need.name()).collect();
    let fix = missing.first().map_or("", |need| need.fix());
    format!("{} missing: {fix}", names.join(", "))
}

/// Loads the eBPF programs.
///
/// # Errors
///
/// Why the programs cannot be loaded, in one line.
pub(crate) fn kernel() -> Result<Kernel, String> {
    let support = Support::probe();
    if !support.missing().is_empty() {
        return Err(why_not(support.missing()));
    }
    if let Some(why) = limits::too_few_for_events() {
        return Err(why);
    }
    let kernel = Kernel::load().map_err(|error| {
        let old = match release_is_enough(&kernel_release()) {
            true => "",
            false => "procviz needs Linux 6.1 or newer: ",
        };
        format!(
            "{old}{:#}; for details, run `procviz doctor`",
            anyhow::Error::from(error)
        )
    })?;
    for (error, cost) in kernel.refused() {
        warn(Warning::ProgramRefused { error, cost });
    }
    Ok(kernel)
}

/// Opens a sampler with kernel events; without them, a sampler that reads only `/proc`,
/// and reports why.
///
/// Then confines procviz. `command` is the pid of the only process that procviz can
/// still send signals to.
pub(crate) fn sampler(
    host: &Host,
    require_ebpf: bool,
    command: Option<u32>,
) -> Result<Sampler, Failure> {
    let sampler = match kernel() {
        Ok(kernel) => Sampler::with_events(host, kernel)?,
        Err(why) if require_ebpf => {
            return Err(Failure::privilege(format!(
                "kernel events are required, but not available: {why}"
            )));
        }
        Err(why) => {
            warn(Warning::NoKernelEvents {
                tick_ms: host.tick_ns / 1_000_000,
                why,
            });
            Sampler::proc_only(host)?
        }
    };
    confine_watcher(command);
    Ok(sampler)
}

/// Gives away all privileges that watching does not need.
pub(crate) fn confine_watcher(command: Option<u32>) {
    prepare_for_overload(match command {
        Some(_) => Keep::ReadingAndSignals,
        None => Keep::Reading,
    });
    report_unconfined(confine::refuse_calls(command));
}

/// Gives away all privileges that the tables of `procviz csv` do not need. `is_real`: the
/// tables come from `/proc`, not from another folder of the same layout.
pub(crate) fn confine_tables(is_real: bool, output: Option<&OutFolder>) {
    let is_owners = output.is_none_or(|folder| take_owner_identity(folder) == Keep::Nothing);
    let keep = match (is_real, is_owners) {
        (true, true) => Keep::Reading,
        (true, false) => Keep::ReadingAndPlacing,
        (false, true) => Keep::ReadingFiles,
        (false, false) => Keep::ReadingAndWritingFiles,
    };
    if !is_real {
        let writes: Vec<_> = output.map(AsFd::as_fd).into_iter().collect();
        report_unconfined(confine::write_only_in(&writes));
    } else if output.is_none() {
        // If the kernel refuses, procviz stays root, without capabilities.
        _ = confine::leave_root();
    }
    keep_only(keep);
    report_unconfined(confine::refuse_calls(None));
}

/// The real path of a recording or a folder of recordings, and the folder beside it, in which
/// procviz can write from then on, as whoever the recording belongs to: whoever can read the
/// recording must be able to read what procviz writes beside it.
///
/// # Errors
///
/// When there is no such path.
pub(crate) fn beside(recording: &Path) -> anyhow::Result<(PathBuf, OutFolder)> {
    let failed = || format!("failed to open `{}`", escaped(recording));
    let path = std::fs::canonicalize(recording).with_context(failed)?;
    let about = path.metadata().with_context(failed)?;
    let folder = OutFolder::open(if about.is_dir() {
        &path
    } else {
        split(&path).0
    })?;
    access_files_as(about.uid(), about.gid());
    confine_reader(std::slice::from_ref(&folder));
    Ok((path, folder))
}

/// Gives away all privileges that reading a recording does not need, before the recording
/// is opened. procviz can then write only in the folders `writes`.
pub(crate) fn confine_reader(writes: &[OutFolder]) {
    // The writer threads inherit this identity, and cannot change it later: files belong
    // to the user who called sudo if that user owns the folders.
    let is_owners = match writes {
        [] => true,
        [first, rest @ ..] => {
            let owner = first.owner();
            rest.iter().all(|folder| folder.owner() == owner)
                && take_owner_identity(first) == Keep::Nothing
        }
    };
    keep_only(match is_owners {
        true => Keep::ReadingFiles,
        false => Keep::ReadingAndWritingFiles,
    });
    let writes: Vec<_> = writes.iter().map(AsFd::as_fd).collect();
    report_unconfined(confine::write_only_in(&writes));
    report_unconfined(confine::refuse_calls(None));
}

/// Reports that procviz could not confine itself. procviz goes on: the user can need it
/// right now.
fn report_unconfined<T>(confined: Result<T, confine::Refused>) {
    if let Err(error) = confined {
        warn(Warning::NotConfined {
            error: error.to_string(),
        });
    }
}
