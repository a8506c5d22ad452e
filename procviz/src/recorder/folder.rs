//! A folder of recordings: how they are called, and which have to go. Only
//! files that this procviz, or one before it with the same task, has made there
//! are ever removed, and none that is being written.

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
    recording::{Facts, ReadError, Reader, SUFFIX},
    runtime::{
        output::{OutFolder, split},
        stdout::shown,
    },
};

/// What procviz calls its files there.
const PREFIX: &str = "procviz-";

/// Where many recordings go.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    base: Base,
    pub(crate) limits: Limits,
}

/// How much of it may stay.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) max_age: Option<Duration>,
    pub(crate) max_size: Option<u64>,
    /// Files that there may be.
    pub(crate) keep: Option<u64>,
}

/// What there is of it when procviz begins.
#[derive(Clone, Debug)]
enum Base {
    There(OutFolder),
    /// The folder that it is to be made in, and its name there.
    Within(OutFolder, OsString),
}

impl Folder {
    /// Looks at a folder, or at the one that it is to be made in.
    ///
    /// # Errors
    ///
    /// As [`OutFolder::open`].
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

    /// The nearest folder that is there: whose files are whose is its owner's business.
    pub(super) fn nearest(&self) -> &OutFolder {
        match &self.base {
            Base::There(folder) | Base::Within(folder, _) => folder,
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is something at its path.
    pub(super) fn is_there(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    /// Opens it, and makes it before for those who may read files of that mode.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or another procviz records there.
    pub(super) fn open(&self, mode: u32) -> anyhow::Result<OutFolder> {
        let readers = mode & 0o044;
        let folder = match &self.base {
            Base::There(folder) => folder.clone(),
            Base::Within(parent, name) => parent.make(name, 0o700 | readers | readers >> 2)?,
        };
        self.lock(folder)
    }

    /// Opens what is in its place now: somebody has moved the folder.
    ///
    /// # Errors
    ///
    /// When there is none, or another procviz records there.
    pub(super) fn open_again(&self) -> anyhow::Result<OutFolder> {
        self.lock(OutFolder::open(&self.path)?)
    }

    /// Locks it as long as it is open: another recorder must not remove what
    /// this one writes.
    fn lock(&self, folder: OutFolder) -> anyhow::Result<OutFolder> {
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Err(anyhow!(
                "another procviz records into `{}`: name another folder",
                shown(&self.path)
            )),
            // A file system without locks, or a folder that may not be listed.
            Ok(()) | Err(_) => Ok(folder),
        }
    }
}

/// A name that nobody has: with the time, so that they sort, and with what has
/// made it.
///
/// # Errors
///
/// When all are taken.
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
                let path = shown(folder.path_of(&name));
                return Err(error).with_context(|| format!("failed to create `{path}`"));
            }
        }
    }
    Err(anyhow!("no name is free in `{}`", shown(folder.path())))
}

/// Keeps a folder within its limits.
#[derive(Default)]
pub(super) struct Tidy {
    limits: Limits,
    /// Who makes the files, as their facts say.
    keeper: String,
    host: String,
    /// Whether a file is one of its own, by name and inode: looking takes a read.
    known: HashMap<(OsString, u64), bool>,
}

impl Tidy {
    /// For files that say the same of their maker as these facts.
    pub(super) fn new(limits: Limits, facts: &Facts) -> Self {
        Self {
            limits,
            keeper: facts.keeper.clone(),
            host: facts.host.clone(),
            known: HashMap::new(),
        }
    }

    /// Removes the oldest, until there is room for `more` files beside the one
    /// that is written, which has some bytes.
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

    /// The recordings that this recorder has made here, the oldest first.
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
                // One that cannot be read now may be read later on.
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

    /// Whether the file says that a recorder with the same task has made it;
    /// `None` where it cannot be read.
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

/// Removes a file unless somebody writes it; whether it is gone.
fn remove(folder: &OutFolder, name: &OsStr) -> bool {
    let Ok(file) = folder.read(name) else {
        return false;
    };
    let is_written =
        flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK);
    // One that cannot be removed is in nobody's way but its own.
    !is_written && folder.remove(name).is_ok()
}

struct Found {
    name: OsString,
    bytes: u64,
    changed: SystemTime,
}

/// Whether a file is called as [`free_name`] calls it.
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

/// `exit:nginx` as `-exit-nginx`: what a trigger says, without what a name or
/// a shell would take amiss.
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
