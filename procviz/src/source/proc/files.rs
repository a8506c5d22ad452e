//! Reads whole files of any task, from `/proc` or a saved copy of `/proc`: for
//! tables, and for programs that need typed values. The sampler does not use
//! this module.

use std::{
    io,
    path::{Path, PathBuf},
};

use procfs::FromRead;

use super::reader::ReadError;
use crate::model::Scope;

/// A file in a task's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskFile {
    /// `stat`: one line of figures.
    Stat,
    /// `status`: a name and a value on each line.
    Status,
    /// `io`: a name and a value on each line. The kernel refuses this file for tasks
    /// of other users.
    Io,
}

impl TaskFile {
    /// The name of the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Status => "status",
            Self::Io => "io",
        }
    }
}

/// The folder of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDir {
    /// Thread id; the leader's thread id for a process as a whole.
    pub tid: u32,
    /// Process id.
    pub pid: u32,
    folder: PathBuf,
}

/// `/proc`, or a folder with the same layout.
#[derive(Clone, Debug)]
pub struct ProcFiles {
    root: PathBuf,
}

impl ProcFiles {
    /// Uses the folder `root`, usually `/proc`.
    ///
    /// # Errors
    ///
    /// When `root` is not a folder, or cannot be listed.
    pub fn open(root: &Path) -> io::Result<Self> {
        std::fs::read_dir(root)?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// All current tasks, in order of pid, then tid. The iterator makes one task at a
    /// time, so the number of tasks costs no memory.
    ///
    /// # Errors
    ///
    /// When the folder cannot be listed. A task that exits meanwhile is left out.
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

    /// One process, whose figures are sums over all its threads.
    pub fn process(&self, pid: u32) -> TaskDir {
        TaskDir {
            tid: pid,
            pid,
            folder: self.root.join(pid.to_string()),
        }
    }

    /// The bytes of a file as the kernel returns them.
    ///
    /// # Errors
    ///
    /// [`ReadError::Gone`] when the task has exited, [`ReadError::Denied`] when the
    /// kernel refuses the file.
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
    /// As [`ProcFiles::raw`], and [`ReadError::Other`] when the file is malformed.
    pub fn stat(&self, task: &TaskDir) -> Result<procfs::process::Stat, ReadError> {
        self.typed(task, TaskFile::Stat)
    }

    /// `status` with all its fields; memory is in KiB.
    ///
    /// # Errors
    ///
    /// As [`ProcFiles::raw`], and [`ReadError::Other`] when the file is malformed.
    pub fn status(&self, task: &TaskDir) -> Result<procfs::process::Status, ReadError> {
        self.typed(task, TaskFile::Status)
    }

    /// `io` with all its fields: bytes, and numbers of system calls.
    ///
    /// # Errors
    ///
    /// As [`ProcFiles::raw`], and [`ReadError::Other`] when the file is malformed.
    pub fn io(&self, task: &TaskDir) -> Result<procfs::process::Io, ReadError> {
        self.typed(task, TaskFile::Io)
    }

    fn typed<T: FromRead>(&self, task: &TaskDir, file: TaskFile) -> Result<T, ReadError> {
        let bytes = self.raw(task, file)?;
        T::from_read(bytes.as_slice())
            .map_err(|error| ReadError::Other(io::Error::other(error.to_string())))
    }
}

/// The entries of a folder whose names are numbers, in rising order.
fn numbers(folder: &Path) -> io::Result<Vec<u32>> {
    let entries = std::fs::read_dir(folder)?;
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}
