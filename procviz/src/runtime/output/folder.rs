//! Holds the output folder by a file descriptor. Another folder or a symbolic link that
//! takes its path later does not change where files are written.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::MetadataExt as _,
    },
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, mkdirat, openat,
        openat2, renameat, statat, unlinkat,
    },
    io::Errno,
};

use crate::{
    runtime::{
        text::escaped,
        warning::{Warning, warn},
    },
    source::invoker,
};

/// A folder for output files. Copies share the file descriptor.
#[derive(Clone, Debug)]
pub(crate) struct OutFolder {
    fd: Arc<OwnedFd>,
    path: PathBuf,
}

/// Splits a path into the folder and the file name.
pub(crate) fn split(path: &Path) -> (&Path, &OsStr) {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    (folder, path.file_name().unwrap_or_default())
}

impl OutFolder {
    /// Opens a folder and checks that files are safe in it. Follows a symbolic link on
    /// the way only if root or the caller owns the link, and reports that.
    ///
    /// # Errors
    ///
    /// When the folder does not exist, or other users could replace files in it while
    /// root writes them.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let failed = || format!("failed to open the folder `{}`", escaped(path));
        let fd = match open_without_links(CWD, path) {
            Err(Errno::LOOP) => {
                check_links(path)?;
                let real = std::fs::canonicalize(path).with_context(failed)?;
                warn(Warning::FolderBehindLink { path, real: &real });
                open_without_links(CWD, &real)
            }
            opened => opened,
        };
        let fd = match fd {
            Ok(fd) => fd,
            Err(Errno::NOTDIR) => return Err(anyhow!("`{}` is not a folder", escaped(path))),
            Err(error) => return Err(error).with_context(failed),
        };
        let folder = Self {
            fd: Arc::new(fd),
            path: path.to_owned(),
        };
        folder.check_writers()?;
        Ok(folder)
    }

    /// The path that the user typed.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the folder, for messages.
    pub(crate) fn path_of(&self, name: &OsStr) -> PathBuf {
        match self.path.as_os_str() == "." {
            true => PathBuf::from(name),
            false => self.path.join(name),
        }
    }

    /// The user id of the owner; `None` if fstat(2) fails.
    pub(crate) fn owner(&self) -> Option<u32> {
        fstat(self).ok().map(|stat| stat.st_uid)
    }

    /// Whether the path still leads to this folder: another process can move the folder.
    pub(crate) fn is_in_place(&self) -> bool {
        let here = std::fs::metadata(&self.path).map(|meta| (meta.dev(), meta.ino()));
        let own = fstat(self).map(|stat| (stat.st_dev, stat.st_ino));
        matches!((here, own), (Ok(here), Ok(own)) if here == own)
    }

    /// Checks that a file of that name can be created, or replaced with `force`.
    ///
    /// # Errors
    ///
    /// When something has that name and must not be replaced.
    pub(crate) fn check_free(&self, name: &OsStr, force: bool) -> anyhow::Result<()> {
        let path = self.path_of(name);
        let kind = match self.stat(name) {
            Ok(stat) => FileType::from_raw_mode(stat.st_mode),
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("failed to read the metadata of `{}`", escaped(path))
                });
            }
        };
        match kind {
            FileType::Symlink => Err(anyhow!(
                "`{}` is a symbolic link, which procviz does not follow: type the path of the file itself",
                escaped(path)
            )),
            FileType::RegularFile if force => Ok(()),
            FileType::RegularFile => Err(anyhow!(
                "`{}` already exists: overwrite it with `--force`",
                escaped(path)
            )),
            _ => Err(anyhow!(
                "`{}` already exists and is not a file",
                escaped(path)
            )),
        }
    }

    /// Creates a new file with exactly these permissions. The umask does not apply: it
    /// is for files without explicit permissions.
    ///
    /// # Errors
    ///
    /// Errors of open(2).
    pub(crate) fn create(&self, name: &OsStr, mode: u32) -> rustix::io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let file = self.open_at(name, flags, Mode::RUSR | Mode::WUSR)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        Ok(file)
    }

    /// Creates a file without a name (`O_TMPFILE`). The file is gone when its last file
    /// descriptor is closed.
    ///
    /// # Errors
    ///
    /// Errors of open(2); not every file system has such files.
    pub(super) fn create_nameless(&self, mode: u32) -> rustix::io::Result<File> {
        let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
        let file = openat(self, ".", flags, Mode::RUSR | Mode::WUSR)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        Ok(file.into())
    }

    /// Creates a temporary file for the frames of an unfinished animation. The file is
    /// gone when it is closed.
    ///
    /// # Errors
    ///
    /// Errors of open(2).
    pub(super) fn create_spool(&self) -> rustix::io::Result<File> {
        self.create_nameless(0o600).or_else(|_| {
            let name = OsString::from(format!(".procviz.{}.part", std::process::id()));
            let file = self.create(&name, 0o600)?;
            self.remove(&name)?;
            Ok(file)
        })
    }

    /// Opens a regular file in the folder for reading. Does not follow symbolic links,
    /// and refuses everything but regular files.
    ///
    /// # Errors
    ///
    /// Errors of open(2).
    pub(crate) fn read(&self, name: &OsStr) -> rustix::io::Result<File> {
        let file = self.open_at(name, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty())?;
        match FileType::from_raw_mode(fstat(&file)?.st_mode) {
            FileType::RegularFile => Ok(file),
            _ => Err(Errno::INVAL),
        }
    }

    /// Opens a regular file for writing at its end; a new one gets exactly these permissions.
    /// Does not follow symbolic links.
    ///
    /// # Errors
    ///
    /// Errors of open(2); EINVAL if it is not a file.
    pub(crate) fn append(&self, name: &OsStr, mode: u32) -> rustix::io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK;
        let new = flags | OFlags::CREATE | OFlags::EXCL;
        match self.open_at(name, new, Mode::RUSR | Mode::WUSR) {
            Ok(file) => {
                rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
                return Ok(file);
            }
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        let file = self.open_at(name, flags, Mode::empty())?;
        match FileType::from_raw_mode(fstat(&file)?.st_mode) {
            FileType::RegularFile => Ok(file),
            _ => Err(Errno::INVAL),
        }
    }

    fn open_at(&self, name: &OsStr, flags: OFlags, mode: Mode) -> rustix::io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
        let opened = match openat2(self, name, flags, mode, resolve) {
            // A seccomp filter can refuse openat2.
            Err(Errno::NOSYS | Errno::PERM) if split(Path::new(name)).1 == name => {
                openat(self, name, flags, mode)
            }
            opened => opened,
        };
        opened.map(File::from)
    }

    /// The metadata of a file in the folder. Does not follow symbolic links.
    ///
    /// # Errors
    ///
    /// Errors of stat(2).
    pub(crate) fn stat(&self, name: &OsStr) -> rustix::io::Result<Stat> {
        statat(self, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Removes a file from the folder.
    ///
    /// # Errors
    ///
    /// Errors of unlink(2).
    pub(crate) fn remove(&self, name: &OsStr) -> rustix::io::Result<()> {
        unlinkat(self, name, AtFlags::empty())
    }

    /// Renames a file, and replaces a file that has the new name.
    ///
    /// # Errors
    ///
    /// Errors of rename(2).
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        renameat(self, from, self, to)
    }

    /// Gives a file a second name. Fails if something has that name.
    ///
    /// # Errors
    ///
    /// Errors of link(2).
    pub(super) fn link(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        rustix::fs::linkat(self, from, self, to, AtFlags::empty())
    }

    /// Gives a name to a file without a name. Fails if something has that name.
    ///
    /// # Errors
    ///
    /// Errors of link(2).
    pub(super) fn link_nameless(&self, file: &File, to: &OsStr) -> rustix::io::Result<()> {
        use std::os::fd::AsRawFd as _;
        let from = format!("/proc/self/fd/{}", file.as_raw_fd());
        rustix::fs::linkat(CWD, from, self, to, AtFlags::SYMLINK_FOLLOW)
    }

    /// All names in the folder, except `.` and `..`.
    ///
    /// # Errors
    ///
    /// Errors of getdents(2).
    pub(crate) fn names(&self) -> rustix::io::Result<Vec<OsString>> {
        use std::os::unix::ffi::OsStringExt as _;
        let mut names = Vec::new();
        for entry in Dir::read_from(self)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// Opens a folder in this folder; creates it first if it does not exist.
    ///
    /// # Errors
    ///
    /// When the folder cannot be created, or something else has that name.
    pub(crate) fn make(&self, name: &OsStr, mode: u32) -> anyhow::Result<Self> {
        let path = self.path_of(name);
        match mkdirat(self, name, Mode::from_raw_mode(mode)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("failed to create the folder `{}`", escaped(&path)));
            }
        }
        let fd = open_without_links(self.as_fd(), Path::new(name))
            .with_context(|| format!("failed to open the folder `{}`", escaped(&path)))?;
        let folder = Self {
            fd: Arc::new(fd),
            path,
        };
        folder.check_writers()?;
        Ok(folder)
    }

    /// Checks whether other users can replace files in the folder, if root writes them.
    fn check_writers(&self) -> anyhow::Result<()> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let stat = fstat(self)?;
        let mode = stat.st_mode & 0o7777;
        let is_sticky = mode & 0o1000 != 0;
        if mode & 0o002 != 0 && !is_sticky {
            return Err(anyhow!(
                "all users can replace files in `{}` (mode {mode:o}), so procviz does not write there as root: choose another folder, or run `chmod +t {}`",
                escaped(&self.path),
                escaped(&self.path)
            ));
        }
        let own_group = invoker().ok().flatten().map(|invoker| invoker.gid);
        let is_of_others = stat.st_gid != 0 && Some(stat.st_gid) != own_group;
        if mode & 0o020 != 0 && !is_sticky && is_of_others {
            warn(Warning::GroupCanReplaceFiles {
                gid: stat.st_gid,
                path: &self.path,
                mode,
            });
        }
        Ok(())
    }
}

impl AsFd for OutFolder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn open_without_links(at: BorrowedFd<'_>, path: &Path) -> rustix::io::Result<OwnedFd> {
    // Read access is for listing and locking. Without it, `O_PATH` is enough to write files.
    let flags = |access: OFlags| access | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = |access: OFlags| match openat2(
        at,
        path,
        flags(access),
        Mode::empty(),
        ResolveFlags::NO_SYMLINKS,
    ) {
        Err(Errno::NOSYS | Errno::PERM) => openat(at, path, flags(access), Mode::empty()),
        opened => opened,
    };
    match open(OFlags::RDONLY) {
        Err(Errno::ACCESS) => open(OFlags::PATH),
        opened => opened,
    }
}

/// Checks that root or the caller owns each symbolic link on the way to a folder.
fn check_links(path: &Path) -> anyhow::Result<()> {
    let own = rustix::process::getuid().as_raw();
    let invoker = invoker().ok().flatten().map(|invoker| invoker.uid);
    let mut before = PathBuf::new();
    for part in path.components() {
        before.push(part);
        if matches!(part, Component::CurDir | Component::RootDir) {
            continue;
        }
        let meta = std::fs::symlink_metadata(&before)
            .with_context(|| format!("failed to read the metadata of `{}`", escaped(&before)))?;
        let is_trusted = [Some(0), Some(own), invoker].contains(&Some(meta.uid()));
        if meta.is_symlink() && !is_trusted {
            return Err(anyhow!(
                "`{}` is a symbolic link of user {}, so procviz does not follow it: type the path of the folder itself",
                escaped(&before),
                meta.uid()
            ));
        }
    }
    Ok(())
}
