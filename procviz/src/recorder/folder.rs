//! Names the recordings in a folder, and removes old recordings. Only files that a recorder
//! of the same kind on the same machine made, and their notes, are ever removed, and never a
//! file that is being written.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use rustix::{
    fs::{FileType, FlockOperation, flock},
    io::Errno,
};

use super::job::Begin;
use crate::{
    recording::{Facts, ReadError, Reader, SUFFIX, notes_of},
    runtime::{
        output::{OutFolder, split},
        text::escaped,
    },
};

/// Prefix of the names of procviz's files.
const PREFIX: &str = "procviz-";

/// A folder for many recordings.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    base: Base,
    pub(crate) limits: Limits,
}

/// Limits for the recordings that are kept in a folder.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) max_age: Option<Duration>,
    pub(crate) max_size: Option<u64>,
    /// Upper limit for the number of files.
    pub(crate) keep: Option<u64>,
}

/// What exists of the folder when procviz starts.
#[derive(Clone, Debug)]
enum Base {
    There(OutFolder),
    /// Only the parent folder, and the name of the folder to create in it.
    Within(OutFolder, OsString),
}

impl Folder {
    /// Opens a folder, or its parent folder if it does not exist.
    ///
    /// # Errors
    ///
    /// Errors of [`OutFolder::open`].
    pub(crate) fn new(path: &Path, limits: Limits) -> anyhow::Result<Self> {
        let base = match path.symlink_metadata() {
            Ok(_) => Base::There(OutFolder::open(path)?),
            Err(_) => {
                let (parent, name) = split(path);
                Base::Within(OutFolder::open(parent)?, name.to_owned())
            }
        };
        Ok(Self {
            path: path.to_owned(),
            base,
            limits,
        })
    }

    /// The folder itself, or its parent folder if it does not exist. New files belong to the
    /// owner of this folder.
    pub(super) fn nearest(&self) -> &OutFolder {
        match &self.base {
            Base::There(folder) | Base::Within(folder, _) => folder,
        }
    }

    /// Path of the folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything exists at the path.
    pub(super) fn is_there(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    /// Opens and locks the folder; creates it first if it does not exist. Users who can read
    /// files of `mode` can read a new folder.
    ///
    /// # Errors
    ///
    /// When the folder cannot be created, or another procviz records to it.
    pub(super) fn open(&self, mode: u32) -> anyhow::Result<OutFolder> {
        let readers = mode & 0o044;
        let folder = match &self.base {
            Base::There(folder) => folder.clone(),
            Base::Within(parent, name) => parent.make(name, 0o700 | readers | readers >> 2)?,
        };
        self.lock(folder)
    }

    /// Opens and locks the folder that is now at the path, after the original folder was
    /// moved or removed.
    ///
    /// # Errors
    ///
    /// When there is no folder at the path, or another procviz records to it.
    pub(super) fn open_again(&self) -> anyhow::Result<OutFolder> {
        self.lock(OutFolder::open(&self.path)?)
    }

    /// Locks the folder as long as it is open: another recorder must not remove the files of
    /// this recorder.
    fn lock(&self, folder: OutFolder) -> anyhow::Result<OutFolder> {
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Err(anyhow!(
                "another procviz records to the folder `{}`: choose another folder",
                escaped(&self.path)
            )),
            // The file system lacks locks, or procviz has no read access to the folder.
            Ok(()) | Err(_) => Ok(folder),
        }
    }
}

/// A name for a new file, not used in the folder yet. It contains the time, so that names
/// sort by time, and the trigger.
///
/// # Errors
///
/// When all names for this time are in use, or stat(2) fails.
pub(super) fn free_name(folder: &OutFolder, begin: &Begin) -> anyhow::Result<OsString> {
    let time = Timestamp::from_nanosecond(begin.wall_ns).unwrap_or_default();
    let time = time.strftime("%Y%m%dT%H%M%SZ");
    let why: String = begin.why.iter().map(|why| word(&why.trigger)).collect();
    for number in 1..1_000 {
        let more = match number {
            1 => String::new(),
            _ => format!("-{number}"),
        };
        let name = OsString::from(format!("{PREFIX}{time}{why}{more}{SUFFIX}"));
        match folder.stat(&name) {
            Ok(_) => {}
            Err(Errno::NOENT) => return Ok(name),
            Err(error) => {
                let path = escaped(folder.path_of(&name));
                return Err(error).with_context(|| format!("failed to create `{path}`"));
            }
        }
    }
    Err(anyhow!(
        "failed to create a file in `{}`: all 999 names for this second are in use",
        escaped(folder.path())
    ))
}

/// Removes old recordings to keep a folder within its limits.
#[derive(Default)]
pub(super) struct Cleanup {
    limits: Limits,
    /// Kind of the recorder, as in the facts of its files.
    keeper: String,
    host: String,
    /// Whether a file was made by such a recorder, by name and inode. Kept because the check
    /// reads from the file.
    known: HashMap<(OsString, u64), bool>,
}

impl Cleanup {
    /// For files of recorders of the same kind and machine as in `facts`.
    pub(super) fn new(limits: Limits, facts: &Facts) -> Self {
        Self {
            limits,
            keeper: facts.keeper.clone(),
            host: facts.host.clone(),
            known: HashMap::new(),
        }
    }

    /// Removes the oldest files until there is room for `more` further files. `written` is the
    /// name and size, in bytes, of the file that is being written.
    pub(super) fn make_room(
        &mut self,
        folder: &OutFolder,
        more: u64,
        written: Option<(&OsStr, u64)>,
    ) {
        let mut files = self.files(folder);
        files.retain(|file| written.is_none_or(|(name, _)| file.name != name));
        let (written_files, written_bytes) = written.map_or((0, 0), |(_, bytes)| (1, bytes));
        let now = SystemTime::now();
        let is_old = |file: &Found| {
            self.limits
                .max_age
                .is_some_and(|most| now.duration_since(file.changed).is_ok_and(|age| age > most))
        };
        files.retain(|file| !(is_old(file) && remove(folder, &file.name)));
        let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
        let mut count = files.len() as u64 + more + written_files;
        for file in files {
            let is_much = self
                .limits
                .max_size
                .is_some_and(|most| bytes + written_bytes > most);
            let are_many = self.limits.keep.is_some_and(|most| count > most.max(1));
            if !(is_much || are_many) {
                break;
            }
            if remove(folder, &file.name) {
                bytes -= file.bytes;
                count -= 1;
            }
        }
    }

    /// The recordings that such a recorder made in the folder, oldest first.
    fn files(&mut self, folder: &OutFolder) -> Vec<Found> {
        let names = folder.names().unwrap_or_default();
        let mut files: Vec<Found> = names
            .into_iter()
            .filter(|name| name.to_str().is_some_and(is_name))
            .filter_map(|name| self.own(folder, name))
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let here = |(name, _): &(OsString, u64)| files.iter().any(|file| file.name == *name);
        self.known.retain(|key, is_own| !*is_own || here(key));
        files
    }

    fn own(&mut self, folder: &OutFolder, name: OsString) -> Option<Found> {
        let stat = folder.stat(&name).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return None;
        }
        let key = (name.clone(), stat.st_ino);
        let is_own = match self.known.get(&key) {
            Some(is_own) => *is_own,
            None => {
                // A file that cannot be read now is checked again later.
                let is_own = self.has_made(folder, &name)?;
                self.known.insert(key, is_own);
                is_own
            }
        };
        let changed = u64::try_from(stat.st_mtime).unwrap_or_default();
        is_own.then(|| Found {
            name,
            bytes: u64::try_from(stat.st_size).unwrap_or_default(),
            changed: UNIX_EPOCH + Duration::from_secs(changed),
        })
    }

    /// Whether a recorder of the same kind and machine made the file, according to its facts;
    /// `None` if the file cannot be read.
    fn has_made(&self, folder: &OutFolder, name: &OsStr) -> Option<bool> {
        let reader = match Reader::new(folder.read(name).ok()?) {
            Ok(reader) => reader,
            Err(ReadError::Io(_)) => return None,
            Err(_) => return Some(false),
        };
        let facts = reader.facts();
        let is_own =
            !facts.keeper.is_empty() && facts.keeper == self.keeper && facts.host == self.host;
        Some(is_own)
    }
}

/// Removes a file, unless another process writes it. Returns whether the file was removed.
fn remove(folder: &OutFolder, name: &OsStr) -> bool {
    let Ok(file) = folder.read(name) else {
        return false;
    };
    let is_written =
        flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK);
    // A failure is not an error: the next call tries again.
    let is_removed = !is_written && folder.remove(name).is_ok();
    if is_removed {
        // Most recordings have no notes.
        _ = folder.remove(&notes_of(name));
    }
    is_removed
}

struct Found {
    name: OsString,
    bytes: u64,
    changed: SystemTime,
}

/// Whether a file name has the form of [`free_name`].
fn is_name(name: &str) -> bool {
    let rest = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX));
    let Some((time, rest)) = rest.and_then(|rest| rest.split_at_checked(16)) else {
        return false;
    };
    let is_time = time.bytes().enumerate().all(|(at, byte)| match at {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    });
    is_time && (rest.is_empty() || rest.starts_with('-'))
}

/// A trigger as a part of a file name, such as `-exit-nginx` for `exit:nginx`. Characters
/// that are special in file names or in a shell become `-`.
fn word(trigger: &str) -> String {
    let plain = |ch: char| match ch {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' => ch,
        _ => '-',
    };
    let text: String = trigger.chars().take(40).map(plain).collect();
    format!("-{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tame() {
        assert_eq!(word("exit:nginx"), "-exit-nginx");
        assert_eq!(word("psi:memory.some:10%"), "-psi-memory.some-10-");
        assert_eq!(word("exit:../../etc/\u{1b}[0m"), "-exit-..-..-etc---0m");
    }

    #[test]
    fn only_its_own_names_are_known() {
        for name in [
            "procviz-20261128T100453Z.pvz",
            "procviz-20261128T100453Z-2.pvz",
            "procviz-20261128T100453Z-exit-nginx.pvz",
        ] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "procviz-notes.pvz",
            "procviz-20261128.pvz",
            "procviz-20261128T100453Z.pvz.notes",
            "procviz-20261128T100453Zx.pvz",
            "procviz-2026112aT100453Z.pvz",
            "procviz-é261128T100453Z.pvz",
            "other-20261128T100453Z.pvz",
            "procviz-.pvz",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
