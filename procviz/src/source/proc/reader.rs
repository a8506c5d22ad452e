use std::{
    fmt::Write as _,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags, open, openat},
    io::Errno,
};

use super::{
    io::{IoFile, parse_io},
    schedstat::{Schedstat, parse_schedstat},
    stat::{ParseError, Stat, parse_stat},
};

/// Why a file of `/proc` was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The task is gone.
    #[error("the task is gone")]
    Gone,
    /// The kernel refuses it to this user.
    #[error("permission denied")]
    Denied,
    /// It is not what proc(5) says.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// Anything else.
    #[error("failed to read")]
    Other(#[source] std::io::Error),
}

impl From<Errno> for ReadError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::SRCH => Self::Gone,
            Errno::ACCESS | Errno::PERM => Self::Denied,
            other => Self::Other(other.into()),
        }
    }
}

/// An open `/proc` (or a folder like it) with buffers that are used again.
pub struct ProcDir {
    root: OwnedFd,
    path: String,
    buffer: Vec<u8>,
    /// Files opened so far.
    opened: u64,
}

impl ProcDir {
    /// Opens the folder, `/proc` or another of its shape.
    ///
    /// # Errors
    ///
    /// What open(2) says.
    pub fn open(root: &Path) -> std::io::Result<Self> {
        let root = open(
            root,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        Ok(Self {
            root,
            path: String::with_capacity(64),
            buffer: vec![0; 4096],
            opened: 0,
        })
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Files opened so far.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// `stat` of a thread: its own times, its process's memory.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when there is no such thread any more.
    pub fn thread_stat(&mut self, tgid: u32, tid: u32) -> Result<Stat, ReadError> {
        self.set_path(format_args!("{tgid}/task/{tid}/stat"));
        Ok(parse_stat(self.read()?)?)
    }

    /// `stat` of a process: the times of all its threads.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when there is no such process any more.
    pub fn process_stat(&mut self, pid: u32) -> Result<Stat, ReadError> {
        self.set_path(format_args!("{pid}/stat"));
        Ok(parse_stat(self.read()?)?)
    }

    /// `io` of a thread.
    ///
    /// # Errors
    ///
    /// [`ReadError::Denied`] where the kernel refuses it.
    pub fn thread_io(&mut self, tgid: u32, tid: u32) -> Result<IoFile, ReadError> {
        self.set_path(format_args!("{tgid}/task/{tid}/io"));
        Ok(parse_io(self.read()?)?)
    }

    /// `io` of a process.
    ///
    /// # Errors
    ///
    /// [`ReadError::Denied`] where the kernel refuses it.
    pub fn process_io(&mut self, pid: u32) -> Result<IoFile, ReadError> {
        self.set_path(format_args!("{pid}/io"));
        Ok(parse_io(self.read()?)?)
    }

    /// `schedstat` of a thread.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when there is no such thread any more.
    pub fn thread_schedstat(&mut self, tgid: u32, tid: u32) -> Result<Schedstat, ReadError> {
        self.set_path(format_args!("{tgid}/task/{tid}/schedstat"));
        Ok(parse_schedstat(self.read()?)?)
    }

    /// The first 4 KiB of a process's arguments, each ended by a zero. It may
    /// hang with the process's memory: never call it from a tick.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when there is no such process any more.
    pub fn cmdline(&mut self, pid: u32) -> Result<Vec<u8>, ReadError> {
        self.set_path(format_args!("{pid}/cmdline"));
        Ok(self.read()?.to_vec())
    }

    fn set_path(&mut self, path: std::fmt::Arguments<'_>) {
        self.path.clear();
        // Writing to a String cannot fail.
        _ = self.path.write_fmt(path);
    }

    fn read(&mut self) -> Result<&[u8], ReadError> {
        self.opened += 1;
        let file = openat(
            &self.root,
            self.path.as_str(),
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        read_once(file.as_fd(), &mut self.buffer)
    }
}

/// One read: the kernel writes these files in one piece.
pub(super) fn read_once<'a>(
    file: BorrowedFd<'_>,
    buffer: &'a mut [u8],
) -> Result<&'a [u8], ReadError> {
    let len = rustix::io::retry_on_intr(|| rustix::io::read(file, &mut *buffer))?;
    Ok(&buffer[..len])
}
