//! A folder that files are written into, held by a descriptor: whoever puts
//! another folder, or a symbolic link, into its place later changes nothing.

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
    runtime::stdout::{say, shown},
    source::invoker,
};

/// The folder. Copies share the descriptor.
#[derive(Clone, Debug)]
pub(crate) struct OutFolder {
    fd: Arc<OwnedFd>,
    path: PathBuf,
}

/// A path as a folder and a name in it.
pub(crate) fn split(path: &Path) -> (&Path, &OsStr) {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    (folder, path.file_name().unwrap_or_default())
}

impl OutFolder {
    /// Opens a folder and looks whether files are safe in it. A symbolic link on
    /// the way is followed if it is root's or the caller's own, which is said.
    ///
    /// # Errors
    ///
    /// When there is no folder, or others could replace files in it while root
    /// writes them.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let failed = || format!("failed to open the folder `{}`", shown(path));
        let fd = match open_without_links(CWD, path) {
            Err(Errno::LOOP) => {
                check_links(path)?;
                let real = std::fs::canonicalize(path).with_context(failed)?;
                say(&format!(
                    "procviz: `{}` leads through a symbolic link to `{}`",
                    shown(path),
                    shown(&real)
                ));
                open_without_links(CWD, &real)
            }
            opened => opened,
        };
        let fd = match fd {
            Ok(fd) => fd,
            Err(Errno::NOTDIR) => return Err(anyhow!("`{}` is no folder", shown(path))),
            Err(error) => return Err(error).with_context(failed),
        };
        let folder = Self {
            fd: Arc::new(fd),
            path: path.to_owned(),
        };
        folder.check_writers()?;
        Ok(folder)
    }

    /// What the caller named.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file of that name is, for messages.
    pub(crate) fn path_of(&self, name: &OsStr) -> PathBuf {
        match self.path.as_os_str() == "." {
            true => PathBuf::from(name),
            false => self.path.join(name),
        }
    }

    /// Who owns it.
    pub(crate) fn owner(&self) -> Option<u32> {
        fstat(self).ok().map(|stat| stat.st_uid)
    }

    /// Whether its path still leads to it: somebody may have moved it.
    pub(crate) fn is_in_place(&self) -> bool {
        let here = std::fs::metadata(&self.path).map(|meta| (meta.dev(), meta.ino()));
        let own = fstat(self).map(|stat| (stat.st_dev, stat.st_ino));
        matches!((here, own), (Ok(here), Ok(own)) if here == own)
    }

    /// Whether a file of that name may be made, or replaced with `force`.
    ///
    /// # Errors
    ///
    /// When something is there that may not be replaced.
    pub(crate) fn check_free(&self, name: &OsStr, force: bool) -> anyhow::Result<()> {
        let path = self.path_of(name);
        let kind = match self.stat(name) {
            Ok(stat) => FileType::from_raw_mode(stat.st_mode),
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => {
                return Err(error).with_context(|| format!("failed to look at `{}`", shown(path)));
            }
        };
        match kind {
            FileType::Symlink => Err(anyhow!(
                "`{}` is a symbolic link, and none is followed: name the file itself",
                shown(path)
            )),
            FileType::RegularFile if force => Ok(()),
            FileType::RegularFile => Err(anyhow!(
                "`{}` is there already: --force overwrites it",
                shown(path)
            )),
            _ => Err(anyhow!("`{}` is there and is no file", shown(path))),
        }
    }

    /// Creates a file that is not there yet, with these permissions, whatever
    /// the umask says: that is about files that nobody said anything of.
    ///
    /// # Errors
    ///
    /// What open(2) says.
    pub(crate) fn create(&self, name: &OsStr, mode: u32) -> rustix::io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let file = self.open_at(name, flags, Mode::RUSR | Mode::WUSR)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        Ok(file)
    }

    /// A file without a name, which is gone when nobody has it open any more.
    ///
    /// # Errors
    ///
    /// What open(2) says; not every file system has such files.
    pub(super) fn create_nameless(&self, mode: u32) -> rustix::io::Result<File> {
        let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
        let file = openat(self, ".", flags, Mode::RUSR | Mode::WUSR)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        Ok(file.into())
    }

    /// A file for what is gathered until it is put together, gone when it is
    /// closed.
    ///
    /// # Errors
    ///
    /// What open(2) says.
    pub(super) fn create_spool(&self) -> rustix::io::Result<File> {
        self.create_nameless(0o600).or_else(|_| {
            let name = OsString::from(format!(".procviz.{}.part", std::process::id()));
            let file = self.create(&name, 0o600)?;
            self.remove(&name)?;
            Ok(file)
        })
    }

    /// Opens a regular file in it for reading; no link is followed, and what is
    /// no regular file is not opened.
    ///
    /// # Errors
    ///
    /// What open(2) says.
    pub(crate) fn read(&self, name: &OsStr) -> rustix::io::Result<File> {
        let file = self.open_at(name, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty())?;
        match FileType::from_raw_mode(fstat(&file)?.st_mode) {
            FileType::RegularFile => Ok(file),
            _ => Err(Errno::INVAL),
        }
    }

    fn open_at(&self, name: &OsStr, flags: OFlags, mode: Mode) -> rustix::io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
        let opened = match openat2(self, name, flags, mode, resolve) {
            // A filter of system calls may know no openat2.
            Err(Errno::NOSYS | Errno::PERM) if split(Path::new(name)).1 == name => {
                openat(self, name, flags, mode)
            }
            opened => opened,
        };
        opened.map(File::from)
    }

    /// What is there under a name; no link is followed.
    ///
    /// # Errors
    ///
    /// What stat(2) says.
    pub(crate) fn stat(&self, name: &OsStr) -> rustix::io::Result<Stat> {
        statat(self, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Removes a name.
    ///
    /// # Errors
    ///
    /// What unlink(2) says.
    pub(crate) fn remove(&self, name: &OsStr) -> rustix::io::Result<()> {
        unlinkat(self, name, AtFlags::empty())
    }

    /// Gives a file another name, whatever has that.
    ///
    /// # Errors
    ///
    /// What rename(2) says.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        renameat(self, from, self, to)
    }

    /// Gives a file another name, unless something has that.
    ///
    /// # Errors
    ///
    /// What link(2) says.
    pub(super) fn link(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        rustix::fs::linkat(self, from, self, to, AtFlags::empty())
    }

    /// Gives a name to a file that has none, unless something has that.
    ///
    /// # Errors
    ///
    /// What link(2) says.
    pub(super) fn link_nameless(&self, file: &File, to: &OsStr) -> rustix::io::Result<()> {
        use std::os::fd::AsRawFd as _;
        let from = format!("/proc/self/fd/{}", file.as_raw_fd());
        rustix::fs::linkat(CWD, from, self, to, AtFlags::SYMLINK_FOLLOW)
    }

    /// The names in it.
    ///
    /// # Errors
    ///
    /// What getdents(2) says.
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

    /// Makes a folder in it, if there is none, and opens that.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or something else is there.
    pub(crate) fn make(&self, name: &OsStr, mode: u32) -> anyhow::Result<Self> {
        let path = self.path_of(name);
        match mkdirat(self, name, Mode::from_raw_mode(mode)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("failed to make the folder `{}`", shown(&path)));
            }
        }
        let fd = open_without_links(self.as_fd(), Path::new(name))
            .with_context(|| format!("failed to open the folder `{}`", shown(&path)))?;
        let folder = Self {
            fd: Arc::new(fd),
            path,
        };
        folder.check_writers()?;
        Ok(folder)
    }

    /// Looks who else may replace files in it, where root is to write them.
    fn check_writers(&self) -> anyhow::Result<()> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let stat = fstat(self)?;
        let mode = stat.st_mode & 0o7777;
        let is_sticky = mode & 0o1000 != 0;
        if mode & 0o002 != 0 && !is_sticky {
            return Err(anyhow!(
                "everybody may replace files in `{}` (mode {mode:o}), so root does not write there: name another folder, or: chmod +t {}",
                shown(&self.path),
                shown(&self.path)
            ));
        }
        let own_group = invoker().ok().flatten().map(|invoker| invoker.gid);
        let is_of_others = stat.st_gid != 0 && Some(stat.st_gid) != own_group;
        if mode & 0o020 != 0 && !is_sticky && is_of_others {
            say(&format!(
                "procviz: group {} may replace files in `{}` (mode {mode:o})",
                stat.st_gid,
                shown(&self.path)
            ));
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
    // To be listed and locked; who may only write in it needs no more than its path.
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

/// Whether all symbolic links on the way to a folder were put there by root, or
/// by the caller.
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
            .with_context(|| format!("failed to look at `{}`", shown(&before)))?;
        let is_trusted = [Some(0), Some(own), invoker].contains(&Some(meta.uid()));
        if meta.is_symlink() && !is_trusted {
            return Err(anyhow!(
                "`{}` is a symbolic link that user {} has made, so it is not followed: name the folder itself",
                shown(&before),
                meta.uid()
            ));
        }
    }
    Ok(())
}
