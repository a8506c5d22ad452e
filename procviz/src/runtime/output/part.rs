//! A file that has its name only when it is complete.

use std::{ffi::OsString, fs::File, path::PathBuf};

use anyhow::Context as _;
use rustix::io::Errno;

use super::OutFolder;
use crate::runtime::stdout::shown;

/// A file on its way to its place; dropped before, it is gone. Where the file
/// system allows that, it has no name until then, so that nothing is left
/// behind whatever becomes of procviz.
pub(crate) struct Part {
    folder: OutFolder,
    name: OsString,
    force: bool,
    /// The name that it has meanwhile, or no name, and the file.
    meanwhile: Meanwhile,
}

enum Meanwhile {
    Nameless(File),
    Named(OsString),
    Placed,
}

impl Part {
    /// Creates it.
    ///
    /// # Errors
    ///
    /// When its place is taken, or no file can be made there.
    pub(crate) fn create(
        folder: &OutFolder,
        name: impl Into<OsString>,
        (force, mode): (bool, u32),
    ) -> anyhow::Result<(File, Self)> {
        let name = name.into();
        folder.check_free(&name, force)?;
        let failed = || {
            let path = folder.path_of(&name);
            format!("failed to create a file beside `{}`", shown(path))
        };
        let (file, meanwhile) = match folder.create_nameless(mode) {
            Ok(file) => {
                let copy = file.try_clone().with_context(failed)?;
                (file, Meanwhile::Nameless(copy))
            }
            // The file system, or the kernel, has no such files.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {
                let part = beside(&name);
                let file = folder.create(&part, mode).with_context(failed)?;
                (file, Meanwhile::Named(part))
            }
            Err(error) => return Err(error).with_context(failed),
        };
        let part = Self {
            folder: folder.clone(),
            name,
            force,
            meanwhile,
        };
        Ok((file, part))
    }

    /// Where it is to be.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path_of(&self.name)
    }

    /// Gives it its name: a link fails where something has come meanwhile, a
    /// rename replaces it.
    ///
    /// # Errors
    ///
    /// When something has come to its place meanwhile.
    pub(crate) fn place(mut self) -> anyhow::Result<()> {
        let placed = match &self.meanwhile {
            Meanwhile::Nameless(file) if self.force => {
                let part = beside(&self.name);
                // What another run of that number has left there.
                _ = self.folder.remove(&part);
                self.folder.link_nameless(file, &part).and_then(|()| {
                    self.folder
                        .rename(&part, &self.name)
                        .inspect_err(|_| _ = self.folder.remove(&part))
                })
            }
            Meanwhile::Nameless(file) => self.folder.link_nameless(file, &self.name),
            Meanwhile::Named(part) if self.force => self.folder.rename(part, &self.name),
            Meanwhile::Named(part) => {
                let linked = self.folder.link(part, &self.name);
                _ = self.folder.remove(part);
                linked
            }
            Meanwhile::Placed => Ok(()),
        };
        placed.with_context(|| format!("failed to write `{}`", shown(self.path())))?;
        self.meanwhile = Meanwhile::Placed;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Meanwhile::Named(part) = &self.meanwhile {
            _ = self.folder.remove(part);
        }
    }
}

/// A name that nobody else takes, beside that of a file.
pub(crate) fn beside(name: &OsString) -> OsString {
    let mut part = OsString::from(".");
    part.push(name);
    part.push(format!(".{}.part", std::process::id()));
    part
}
