//! Writes one recording file. The file only grows by complete blocks. It has its name from
//! the beginning, unless it replaces another file, and is locked, so that no other recorder
//! removes it.

use std::{
    ffi::OsString,
    fs::File,
    io::{ErrorKind, Seek as _, SeekFrom, Write as _},
    os::fd::AsFd as _,
    path::PathBuf,
    time::Instant,
};

use anyhow::{Context as _, anyhow};
use rustix::{
    fs::{FallocateFlags, FlockOperation, fallocate, flock},
    io::Errno,
};

use crate::{
    recording::{Block, Entry},
    runtime::{
        output::{OutFolder, beside},
        text::escaped,
    },
};

/// An open recording file.
pub(super) struct Open {
    folder: OutFolder,
    pub(super) name: OsString,
    /// The temporary name, if the file replaces another file: that file is kept until samples
    /// are written.
    meanwhile: Option<OsString>,
    file: File,
    pub(super) entries: Vec<Entry>,
    pub(super) good: u64,
    pub(super) synced: Instant,
    /// Whether the file was removed: then all that is written is lost.
    pub(super) is_gone: bool,
    /// Upper limit for the length of the file, bytes; only tests set one.
    pub(super) most: u64,
}

impl Open {
    /// Creates the file at once, so that it exists after a crash.
    ///
    /// # Errors
    ///
    /// When the file already exists, or cannot be created.
    pub(super) fn create(
        folder: &OutFolder,
        name: OsString,
        (force, mode): (bool, u32),
    ) -> anyhow::Result<Self> {
        folder.check_free(&name, force)?;
        let is_there = folder.stat(&name).is_ok();
        if is_there && is_locked(folder, &name) {
            return Err(anyhow!(
                "another procviz writes to `{}`: choose another file",
                escaped(folder.path_of(&name))
            ));
        }
        let meanwhile = is_there.then(|| beside(&name));
        if let Some(part) = &meanwhile {
            // An earlier run with the same pid can have left such a file.
            _ = folder.remove(part);
        }
        let first = meanwhile.as_ref().unwrap_or(&name);
        let path = folder.path_of(&name);
        let file = folder
            .create(first, mode)
            .with_context(|| format!("failed to create `{}`", escaped(&path)))?;
        // Not an error: a file system can lack locks.
        _ = flock(&file, FlockOperation::NonBlockingLockExclusive);
        let mut open = Self {
            folder: folder.clone(),
            name,
            meanwhile,
            file,
            entries: Vec::new(),
            good: 0,
            synced: Instant::now(),
            is_gone: false,
            most: u64::MAX,
        };
        let header = Block::file_header();
        if let Err(error) = open.file.write_all(&header) {
            open.remove();
            return Err(error).with_context(|| format!("failed to write `{}`", escaped(&path)));
        }
        open.good = header.len() as u64;
        Ok(open)
    }

    /// Path of the file.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path_of(&self.name)
    }

    /// Appends all blocks, or leaves the file as it was. With the first samples, the file
    /// replaces the file that has its name.
    ///
    /// # Errors
    ///
    /// Errors of write(2).
    pub(super) fn append<'a>(
        &mut self,
        blocks: impl IntoIterator<Item = &'a Block>,
    ) -> std::io::Result<()> {
        let (entries, mut good) = (self.entries.len(), self.good);
        let mut has_samples = false;
        for block in blocks {
            let written = match good + block.bytes.len() as u64 > self.most {
                true => Err(ErrorKind::StorageFull.into()),
                false => self.file.write_all(&block.bytes),
            };
            if let Err(error) = written {
                self.entries.truncate(entries);
                self.cut()?;
                return Err(error);
            }
            has_samples |= block.has_samples();
            self.entries.push(block.entry(good));
            good += block.bytes.len() as u64;
        }
        self.good = good;
        if has_samples {
            self.rename_to_final();
        }
        Ok(())
    }

    /// Gives the file its final name, if it has a temporary name. Returns whether the file
    /// has its final name. A failed rename is tried again with the next samples.
    pub(super) fn rename_to_final(&mut self) -> bool {
        let Some(part) = &self.meanwhile else {
            return true;
        };
        let is_placed = self.folder.rename(part, &self.name).is_ok();
        if is_placed {
            self.meanwhile = None;
        }
        is_placed
    }

    /// Whether the file holds samples.
    pub(super) fn has_samples(&self) -> bool {
        self.entries.iter().any(Entry::has_samples)
    }

    /// Whether there is room for `bytes` more bytes, as far as the file system reports that.
    pub(super) fn has_room_for(&mut self, bytes: usize) -> bool {
        let flags = FallocateFlags::KEEP_SIZE;
        match fallocate(&self.file, flags, self.good, bytes.max(1) as u64) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => true,
            Err(_) => {
                _ = self.cut();
                false
            }
        }
    }

    /// Truncates the file to its first `entries` blocks, which are `good` bytes long.
    ///
    /// # Errors
    ///
    /// Errors of ftruncate(2) and lseek(2).
    pub(super) fn take_back(&mut self, good: u64, entries: usize) -> std::io::Result<()> {
        self.good = good;
        self.entries.truncate(entries);
        self.cut()
    }

    /// Truncates the file to its complete blocks.
    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.good)?;
        self.file.seek(SeekFrom::Start(self.good))?;
        Ok(())
    }

    /// Calls fdatasync(2), so that written blocks survive a crash of the machine.
    pub(super) fn sync(&mut self) {
        // An error of the disk shows up in the next write.
        _ = rustix::fs::fdatasync(self.file.as_fd());
        self.synced = Instant::now();
    }

    /// Whether the file was removed since the last call.
    pub(super) fn was_removed(&mut self) -> bool {
        let is_gone = rustix::fs::fstat(&self.file).is_ok_and(|stat| stat.st_nlink == 0);
        is_gone && !std::mem::replace(&mut self.is_gone, is_gone)
    }

    /// Removes the file from the folder.
    pub(super) fn remove(&self) {
        let name = self.meanwhile.as_ref().unwrap_or(&self.name);
        let of = |stat: rustix::io::Result<rustix::fs::Stat>| stat.ok().map(|stat| stat.st_ino);
        // Not another file that has the name now.
        if of(self.folder.stat(name)) == of(rustix::fs::fstat(&self.file)) {
            _ = self.folder.remove(name);
        }
    }
}

fn is_locked(folder: &OutFolder, name: &OsString) -> bool {
    let file = folder.read(name);
    file.is_ok_and(|file| {
        flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
    })
}
