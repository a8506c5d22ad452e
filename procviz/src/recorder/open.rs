//! A recording that is written: as far as it is good, under its own name at
//! once, and locked, so that no other recorder takes it away.

use std::{
    ffi::OsString,
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
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
        stdout::shown,
    },
};

/// The file.
pub(super) struct Open {
    folder: OutFolder,
    pub(super) name: OsString,
    /// The name that it has until samples are in it, where it is to replace
    /// another file: that one is kept until then.
    meanwhile: Option<OsString>,
    file: File,
    pub(super) entries: Vec<Entry>,
    pub(super) good: u64,
    pub(super) synced: Instant,
    /// Somebody has removed it: what is written is read by nobody.
    pub(super) is_gone: bool,
}

impl Open {
    /// Creates it, so that it is there after a crash.
    ///
    /// # Errors
    ///
    /// When something is there, or it cannot be made.
    pub(super) fn create(
        folder: &OutFolder,
        name: OsString,
        (force, mode): (bool, u32),
    ) -> anyhow::Result<Self> {
        folder.check_free(&name, force)?;
        let is_there = folder.stat(&name).is_ok();
        if is_there && is_locked(folder, &name) {
            return Err(anyhow!(
                "another procviz writes `{}`: name another file",
                shown(folder.path_of(&name))
            ));
        }
        let meanwhile = is_there.then(|| beside(&name));
        if let Some(part) = &meanwhile {
            // What an earlier run with the same process id has left.
            _ = folder.remove(part);
        }
        let first = meanwhile.as_ref().unwrap_or(&name);
        let path = folder.path_of(&name);
        let file = folder
            .create(first, mode)
            .with_context(|| format!("failed to create `{}`", shown(&path)))?;
        // A file system without locks has none to offer.
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
        };
        let header = Block::file_header();
        if let Err(error) = open.file.write_all(&header) {
            open.remove();
            return Err(error).with_context(|| format!("failed to write `{}`", shown(&path)));
        }
        open.good = header.len() as u64;
        Ok(open)
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path_of(&self.name)
    }

    /// Appends blocks, or leaves the file as it was. With the first samples it
    /// takes its place.
    ///
    /// # Errors
    ///
    /// What write(2) says.
    pub(super) fn append<'a>(
        &mut self,
        blocks: impl IntoIterator<Item = &'a Block>,
    ) -> std::io::Result<()> {
        let (entries, mut good) = (self.entries.len(), self.good);
        let mut has_samples = false;
        for block in blocks {
            if let Err(error) = self.file.write_all(&block.bytes) {
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
            self.take_place();
        }
        Ok(())
    }

    /// Takes its own name, if it has another one meanwhile; whether it has it.
    /// Refused, it is tried again with what is written next.
    pub(super) fn take_place(&mut self) -> bool {
        let Some(part) = &self.meanwhile else {
            return true;
        };
        let is_placed = self.folder.rename(part, &self.name).is_ok();
        if is_placed {
            self.meanwhile = None;
        }
        is_placed
    }

    /// Whether there are samples in it.
    pub(super) fn has_samples(&self) -> bool {
        self.entries.iter().any(Entry::has_samples)
    }

    /// Whether so many bytes could be appended, as far as the file system tells.
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

    /// Takes away what is not good.
    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.good)?;
        self.file.seek(SeekFrom::Start(self.good))?;
        Ok(())
    }

    /// Has the disk keep what is written.
    pub(super) fn sync(&mut self) {
        // A disk that cannot says so when it is written to.
        _ = rustix::fs::fdatasync(self.file.as_fd());
        self.synced = Instant::now();
    }

    /// Whether it has no name any more, and had one at the last look.
    pub(super) fn has_gone(&mut self) -> bool {
        let is_gone = rustix::fs::fstat(&self.file).is_ok_and(|stat| stat.st_nlink == 0);
        is_gone && !std::mem::replace(&mut self.is_gone, is_gone)
    }

    /// Takes its name away.
    pub(super) fn remove(&self) {
        let name = self.meanwhile.as_ref().unwrap_or(&self.name);
        let of = |stat: rustix::io::Result<rustix::fs::Stat>| stat.ok().map(|stat| stat.st_ino);
        // Not what somebody else has put there.
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
