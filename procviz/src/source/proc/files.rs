//! Reads any task's files whole, from `/proc` or a recorded folder of its
//! shape: for tables, and for programs that want typed values. The tick does
//! not come here.

use std::{
    io,
    path::{Path, PathBuf},
};

use procfs::FromRead;

use super::reader::ReadError;
use crate::model::Scope;

/// One of a task's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskFile {
    /// `stat`, one line of figures.
    Stat,
    /// `status`, a name and a value a line.
    Status,
    /// `io`, a name and a value a line; refused for others' tasks.
    Io,
}

impl TaskFile {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Status => "status",
            Self::Io => "io",
        }
    }
}

/// Where a task's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDir {
    /// Thread id; that of the leader for a process as a whole.
    pub tid: u32,
    /// Process id.
    pub pid: u32,
    folder: PathBuf,
}

/// `/proc`, or a folder of its shape.
#[derive(Clone, Debug)]
pub struct ProcFiles {
    root: PathBuf,
}

impl ProcFiles {
    /// Takes `root`, mostly `/proc`.
    ///
    /// # Errors
    ///
    /// When it is no folder that can be listed.
    pub fn open(root: &Path) -> io::Result<Self> {
        std::fs::read_dir(root)?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Every task there is now, in order of pid, then tid; one at a time, so
    /// that their number costs no memory.
    ///
    /// # Errors
    ///
    /// When the folder cannot be listed. A task that ends meanwhile is left out.
    pub fn tasks(&self, scope: Scope) -> io::Result<impl Iterator<Item = TaskDir>> {
        let pids = numbers(&self.root)?;
        let root = self.root.clone();
        Ok(pids.into_iter().flat_map(move |pid| {
            let folder = root.join(pid.to_string());
            let tids = match scope {
                Scope::Processes => vec![pid],
                Scope::Threads => numbers(&folder.join("task")).unwrap_or_default(),
            };
            tids.into_iter().map(move |tid| TaskDir {
                tid,
                pid,
                folder: match scope {
                    Scope::Processes => folder.clone(),
                    Scope::Threads => folder.join("task").join(tid.to_string()),
                },
            })
        }))
    }

    /// One process, its figures those of all its threads.
    pub fn process(&self, pid: u32) -> TaskDir {
        TaskDir {
            tid: pid,
            pid,
            folder: self.root.join(pid.to_string()),
        }
    }

    /// The bytes of a file as the kernel gives them.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when the task has ended, [`ReadError::Denied`] where
    /// the kernel refuses the file.
    pub fn raw(&self, task: &TaskDir, file: TaskFile) -> Result<Vec<u8>, ReadError> {
        std::fs::read(task.folder.join(file.name())).map_err(|error| {
            match error
                .raw_os_error()
                .map(rustix::io::Errno::from_raw_os_error)
            {
                Some(errno) => errno.into(),
                None => ReadError::Other(error),
            }
        })
    }

    /// `stat` with all its fields; times are in clock ticks, `rss` in pages.
    ///
    /// # Errors
    ///
    /// As [`ProcFiles::raw`], and [`ReadError::Other`] where it is malformed.
    pub fn stat(&self, task: &TaskDir) -> Result<procfs::process::Stat, ReadError> {
        self.typed(task, TaskFile::Stat)
    }

    /// `status` with all its fields; memory is in KiB.
    ///
    /// # Errors
    ///
    /// As [`ProcFiles::raw`], and [`ReadError::Other`] where it is malformed.
    pub fn status(&self, task: &TaskDir) -> Result<procfs::process::Status, ReadError> {
        self.typed(task, TaskFile::Status)
    }

    /// `io`, bytes and calls.
    ///
    /// # Errors
    ///
    /// As [`ProcFiles::raw`], and [`ReadError::Other`] where it is malformed.
    pub fn io(&self, task: &TaskDir) -> Result<procfs::process::Io, ReadError> {
        self.typed(task, TaskFile::Io)
    }

    fn typed<T: FromRead>(&self, task: &TaskDir, file: TaskFile) -> Result<T, ReadError> {
        let bytes = self.raw(task, file)?;
        T::from_read(bytes.as_slice())
            .map_err(|error| ReadError::Other(io::Error::other(error.to_string())))
    }
}

/// The names of a folder's entries that are numbers, in order.
fn numbers(folder: &Path) -> io::Result<Vec<u32>> {
    let entries = std::fs::read_dir(folder)?;
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}
