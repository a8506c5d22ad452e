//! Defines what a recording holds, and where it is written.

use std::{ffi::OsString, path::Path, time::Duration};

use super::{Folder, RingPlan};
use crate::{
    model::{Host, Scope},
    recording::Facts,
    runtime::{
        Failure,
        output::{OutFolder, split},
        text::escaped,
    },
    source::{boot_id, kernel_release, time_zone},
    tracker::Filter,
};

/// Where a recording is written, and what is left out.
#[derive(Clone, Debug)]
pub(crate) struct RecordingOptions {
    pub(crate) place: Place,
    pub(crate) force: bool,
    /// Permissions of the files.
    pub(crate) mode: u32,
    /// Whether the arguments of processes are left out: they can hold secrets.
    pub(crate) redacts: bool,
    /// Threads, or only processes.
    pub(crate) scope: Scope,
}

/// One file, or many in a folder.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A file of that name in that folder.
    File(OutFolder, OsString),
    Folder(Folder),
}

impl Place {
    /// A file in an existing folder.
    ///
    /// # Errors
    ///
    /// When the file cannot be created there.
    pub(crate) fn file(path: &Path, force: bool) -> Result<Self, Failure> {
        if path == Path::new("-") || path.file_name().is_none() {
            return Err(Failure::usage(format!(
                "`{}` is not the name of a file: record to a file, such as `incident.pvz`, or to a folder",
                escaped(path)
            )));
        }
        let (folder, name) = split(path);
        let folder = OutFolder::open(folder)?;
        folder.check_free(name, force)?;
        Ok(Self::File(folder, name.to_owned()))
    }

    /// The folder whose owner the new files get.
    pub(crate) fn nearest(&self) -> &OutFolder {
        match self {
            Self::File(folder, _) => folder,
            Self::Folder(folder) => folder.nearest(),
        }
    }
}

/// When to begin another file.
#[derive(Debug)]
pub(crate) enum Files {
    /// Never: there is only one file.
    One,
    /// After this time, or when the file has this many bytes.
    Rotated(Duration, Option<u64>),
    /// When a trigger fires.
    Ring(RingPlan),
}

impl Files {
    /// Kind of the recorder, for the facts: a recorder that removes old files recognizes its
    /// own files by that.
    pub(super) fn keeper(&self) -> &'static str {
        match self {
            Self::One => "",
            Self::Rotated(..) => "rotation",
            Self::Ring(_) => "ring",
        }
    }
}

/// The facts of this machine.
pub(crate) fn facts(host: &Host) -> Facts {
    Facts {
        host: host.name.clone(),
        kernel: kernel_release(),
        boot_id: boot_id(),
        time_zone: time_zone(),
        cpus: host.cpus,
        page_bytes: host.page_bytes,
        tick_ns: host.tick_ns,
        boot_wall_ns: host.boot_wall_ns as i64,
        procviz: env!("CARGO_PKG_VERSION").to_owned(),
        pid: host.own_pid,
        tasks: "threads".to_owned(),
        has_marks: true,
        ..Facts::default()
    }
}

impl RecordingOptions {
    /// A recording of all data in one file.
    ///
    /// # Errors
    ///
    /// When the file cannot be created, as far as that is known before sampling begins.
    pub(crate) fn all(path: &Path, (force, mode): (bool, u32)) -> Result<Self, Failure> {
        Ok(Self {
            place: Place::file(path, force)?,
            force,
            mode,
            redacts: false,
            scope: Scope::Threads,
        })
    }
}

/// Whether the session shows fewer tasks than its recording must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filtered {
    No,
    Yes,
}

/// Whether the user can change the filter during the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunKind {
    Once,
    Live,
}

impl Filtered {
    pub(crate) fn of(filter: &Filter, kind: RunKind) -> Self {
        match kind {
            RunKind::Once if filter.is_plain() => Self::No,
            RunKind::Once | RunKind::Live => Self::Yes,
        }
    }
}
