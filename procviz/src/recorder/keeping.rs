//! What a recording is to be, and where it goes.

use std::{ffi::OsString, path::Path, time::Duration};

use super::{Folder, RingPlan};
use crate::{
    model::{Host, Scope},
    recording::Facts,
    runtime::{
        Failure,
        output::{OutFolder, split},
        stdout::shown,
    },
    source::{boot_id, kernel_release},
    tracker::Filter,
};

/// Where a recording goes, and what is left out of it.
#[derive(Clone, Debug)]
pub(crate) struct Keeping {
    pub(crate) place: Place,
    pub(crate) force: bool,
    /// Permissions of the file.
    pub(crate) mode: u32,
    /// Whether arguments, which may hold secrets, are left out.
    pub(crate) redacts: bool,
    /// Threads, or processes alone.
    pub(crate) scope: Scope,
}

/// One file, or many in a folder.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Of that name, in that folder.
    File(OutFolder, OsString),
    Folder(Folder),
}

impl Place {
    /// A file, in a folder that is there.
    ///
    /// # Errors
    ///
    /// When it cannot be made there.
    pub(crate) fn file(path: &Path, force: bool) -> Result<Self, Failure> {
        if path == Path::new("-") || path.file_name().is_none() {
            return Err(Failure::usage(format!(
                "`{}` names no file: a recording goes into a file, such as incident.pvz, or a folder",
                shown(path)
            )));
        }
        let (folder, name) = split(path);
        let folder = OutFolder::open(folder)?;
        folder.check_free(name, force)?;
        Ok(Self::File(folder, name.to_owned()))
    }

    /// The folder whose owner the files are to have.
    pub(crate) fn nearest(&self) -> &OutFolder {
        match self {
            Self::File(folder, _) => folder,
            Self::Folder(folder) => folder.nearest(),
        }
    }
}

/// When there is to be another file.
#[derive(Debug)]
pub(crate) enum Files {
    /// One is enough.
    One,
    /// After so long, or before it has so many bytes.
    Rotated(Duration, Option<u64>),
    /// When something has happened.
    Ring(RingPlan),
}

impl Files {
    /// What the files say of who makes them: files of a recorder that removes
    /// some later on are known by that.
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
        time_zone: jiff::tz::TimeZone::system()
            .iana_name()
            .unwrap_or_default()
            .to_owned(),
        cpus: host.cpus,
        page_bytes: host.page_bytes,
        tick_ns: host.tick_ns,
        boot_wall_ns: host.boot_wall_ns as i64,
        procviz: env!("CARGO_PKG_VERSION").to_owned(),
        tasks: "threads".to_owned(),
        has_marks: true,
        ..Facts::default()
    }
}

impl Keeping {
    /// A file with all there is.
    ///
    /// # Errors
    ///
    /// When it cannot be made, as far as that is known before anything is watched.
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

/// Whether whom the session shows is not all that its recording is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filtered {
    No,
    Yes,
}

/// Whether somebody may filter while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Once,
    Live,
}

impl Filtered {
    pub(crate) fn of(filter: &Filter, shown: Shown) -> Self {
        match shown {
            Shown::Once if filter.is_plain() => Self::No,
            Shown::Once | Shown::Live => Self::Yes,
        }
    }
}
