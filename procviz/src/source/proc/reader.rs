//! Reads the files of one task from `/proc` into reused buffers.

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
    stat::{ParseError, Stat, name_in_stat, parse_stat},
    status::parse_memory,
};
use crate::model::MemorySizes;

/// Why a file of `/proc` was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The task has exited.
    #[error("the task has exited")]
    Gone,
    /// The kernel refuses access to this user.
    #[error("permission denied")]
    Denied,
    /// The content does not match proc(5).
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// Any other error.
    #[error("failed to read a file of the task")]
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

/// Room for `status` of a user with the most groups (65,536), and more.
const LARGE: usize = 1 << 20;

/// An open `/proc`, or a folder with the same layout, with buffers that are reused.
pub struct ProcDir {
    root: OwnedFd,
    path: String,
    buffer: Vec<u8>,
    /// For `status`, which lists all groups of the user.
    large: Vec<u8>,
    /// Number of files opened so far.
    opened: u64,
}

impl ProcDir {
    /// Opens `/proc`, or a folder with the same layout.
    ///
    /// # Errors
    ///
    /// The error of open(2).
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
            large: Vec::new(),
            opened: 0,
        })
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Number of files opened so far.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// `stat` of a thread: the times of the thread, the memory of its process.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when the thread no longer exists.
    pub fn thread_stat(&mut self, tgid: u32, tid: u32) -> Result<Stat, ReadError> {
        self.set_path(format_args!("{tgid}/task/{tid}/stat"));
        Ok(parse_stat(self.read()?)?)
    }

    /// The memory of the process of a thread, from the thread's `status`.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when the thread no longer exists.
    pub fn thread_memory(&mut self, tgid: u32, tid: u32) -> Result<MemorySizes, ReadError> {
        self.set_path(format_args!("{tgid}/task/{tid}/status"));
        self.large.resize(LARGE, 0);
        std::mem::swap(&mut self.buffer, &mut self.large);
        let sizes = self.read().map(parse_memory);
        std::mem::swap(&mut self.buffer, &mut self.large);
        Ok(sizes??)
    }

    /// `stat` of a process: the sum of the times of all its threads.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when the process no longer exists.
    pub fn process_stat(&mut self, pid: u32) -> Result<Stat, ReadError> {
        self.set_path(format_args!("{pid}/stat"));
        Ok(parse_stat(self.read()?)?)
    }

    /// `io` of a thread.
    ///
    /// # Errors
    ///
    /// [`ReadError::Denied`] when the kernel refuses access.
    pub fn thread_io(&mut self, tgid: u32, tid: u32) -> Result<IoFile, ReadError> {
        self.set_path(format_args!("{tgid}/task/{tid}/io"));
        Ok(parse_io(self.read()?)?)
    }

    /// `io` of a process.
    ///
    /// # Errors
    ///
    /// [`ReadError::Denied`] when the kernel refuses access.
    pub fn process_io(&mut self, pid: u32) -> Result<IoFile, ReadError> {
        self.set_path(format_args!("{pid}/io"));
        Ok(parse_io(self.read()?)?)
    }

    /// `schedstat` of a thread.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when the thread no longer exists.
    pub fn thread_schedstat(&mut self, tgid: u32, tid: u32) -> Result<Schedstat, ReadError> {
        self.set_path(format_args!("{tgid}/task/{tid}/schedstat"));
        Ok(parse_schedstat(self.read()?)?)
    }

    /// The first 4 KiB of the arguments of a process, each followed by a zero byte.
    /// The read can hang together with the memory of the process: never call this
    /// from a tick.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when the process no longer exists.
    pub fn cmdline(&mut self, pid: u32) -> Result<Vec<u8>, ReadError> {
        self.set_path(format_args!("{pid}/cmdline"));
        Ok(self.read()?.to_vec())
    }

    /// `stat` of a process, and its name as it is there: the whole one of a kernel thread.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when the process no longer exists.
    pub fn stat_and_name(&mut self, pid: u32) -> Result<(Stat, Vec<u8>), ReadError> {
        self.set_path(format_args!("{pid}/stat"));
        let bytes = self.read()?;
        let stat = parse_stat(bytes)?;
        Ok((stat, name_in_stat(bytes).unwrap_or_default().to_vec()))
    }

    /// The path of the executable of a process.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when the process no longer exists or is a kernel thread,
    /// [`ReadError::Denied`] when the kernel refuses access.
    pub fn exe(&mut self, pid: u32) -> Result<Vec<u8>, ReadError> {
        self.set_path(format_args!("{pid}/exe"));
        let path = rustix::fs::readlinkat(&self.root, self.path.as_str(), Vec::new())?;
        Ok(path.into_bytes())
    }

    /// The function of the kernel in which a thread sleeps; `None` if it does not sleep.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when the thread no longer exists.
    pub fn thread_wchan(&mut self, tgid: u32, tid: u32) -> Result<Option<Vec<u8>>, ReadError> {
        self.set_path(format_args!("{tgid}/task/{tid}/wchan"));
        let name = self.read()?.trim_ascii();
        let is_known = !name.is_empty() && name != b"0";
        Ok(is_known.then(|| name.to_vec()))
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

/// Reads a file with one call of read(2): the kernel returns these files whole.
pub(super) fn read_once<'a>(
    file: BorrowedFd<'_>,
    buffer: &'a mut [u8],
) -> Result<&'a [u8], ReadError> {
    let len = rustix::io::retry_on_intr(|| rustix::io::read(file, &mut *buffer))?;
    Ok(&buffer[..len])
}
