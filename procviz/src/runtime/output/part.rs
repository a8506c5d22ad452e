//! Writes a file that gets its name only when it is complete.

use std::{ffi::OsString, fs::File, path::PathBuf};

use anyhow::Context as _;
use rustix::io::Errno;

use super::OutFolder;
use crate::runtime::text::escaped;

/// An unfinished file; dropping it removes the file. Where the file system allows
/// this, the file has no name until it is complete, so that a crash of procviz leaves
/// nothing behind.
pub(crate) struct Part {
    folder: OutFolder,
    name: OsString,
    force: bool,
    /// How the file exists until it is complete.
    state: PartState,
}

enum PartState {
    /// Without a name.
    Nameless(File),
    /// With a temporary name.
    Named(OsString),
    /// With its final name: it is complete.
    Placed,
}

impl Part {
    /// Creates the file.
    ///
    /// # Errors
    ///
    /// When the final name is taken, or the folder refuses a new file.
    pub(crate) fn create(
        folder: &OutFolder,
        name: impl Into<OsString>,
        (force, mode): (bool, u32),
    ) -> anyhow::Result<(File, Self)> {
        let name = name.into();
        folder.check_free(&name, force)?;
        let failed = || {
            let path = folder.path_of(&name);
            format!("failed to create a temporary file for `{}`", escaped(path))
        };
        let (file, state) = match folder.create_nameless(mode) {
            Ok(file) => {
                let copy = file.try_clone().with_context(failed)?;
                (file, PartState::Nameless(copy))
            }
            // The file system or the kernel lacks `O_TMPFILE`.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {
                let part = beside(&name);
                let file = folder.create(&part, mode).with_context(failed)?;
                (file, PartState::Named(part))
            }
            Err(error) => return Err(error).with_context(failed),
        };
        let part = Self {
            folder: folder.clone(),
            name,
            force,
            state,
        };
        Ok((file, part))
    }

    /// The final path of the file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path_of(&self.name)
    }

    /// Gives the file its final name. Without `force`, a link fails if another file has
    /// taken the name meanwhile; with `force`, a rename replaces that file.
    ///
    /// # Errors
    ///
    /// When another file has taken the name meanwhile.
    pub(crate) fn place(mut self) -> anyhow::Result<()> {
        let placed = match &self.state {
            PartState::Nameless(file) if self.force => {
                let part = beside(&self.name);
                // An earlier process with the same pid can have left this file.
                _ = self.folder.remove(&part);
                self.folder.link_nameless(file, &part).and_then(|()| {
                    self.folder
                        .rename(&part, &self.name)
                        .inspect_err(|_| _ = self.folder.remove(&part))
                })
            }
            PartState::Nameless(file) => self.folder.link_nameless(file, &self.name),
            PartState::Named(part) if self.force => self.folder.rename(part, &self.name),
            PartState::Named(part) => {
                let linked = self.folder.link(part, &self.name);
                _ = self.folder.remove(part);
                linked
            }
            PartState::Placed => Ok(()),
        };
        placed.with_context(|| format!("failed to write `{}`", escaped(self.path())))?;
        self.state = PartState::Placed;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let PartState::Named(part) = &self.state {
            _ = self.folder.remove(part);
        }
    }
}

/// A temporary name for a file. The pid makes it unique among running processes.
pub(crate) fn beside(name: &OsString) -> OsString {
    let mut part = OsString::from(".");
    part.push(name);
    part.push(format!(".{}.part", std::process::id()));
    part
}
