//! A folder of recordings: how they are called, and which have to go.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use rustix::fs::unlink;

use super::{
    super::output::folder_of,
    disk::{Begin, shown},
};
use crate::recording::SUFFIX;

/// What procviz calls its files there; no other is ever removed.
const PREFIX: &str = "procviz-";

/// Where many recordings go.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) max_age: Option<Duration>,
    pub(crate) max_size: Option<u64>,
    /// Files that there may be.
    pub(crate) keep: Option<u64>,
}

impl Folder {
    /// The nearest folder that is there: whose files are whose is its owner's business.
    pub(super) fn place(&self) -> &Path {
        if self.path.is_dir() {
            &self.path
        } else {
            folder_of(&self.path)
        }
    }

    /// Makes it, for those who may read files of that mode.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub(super) fn make(&self, mode: u32) -> anyhow::Result<()> {
        if self.path.is_dir() {
            return Ok(());
        }
        let readers = mode & 0o044;
        DirBuilder::new()
            .mode(0o700 | readers | readers >> 2)
            .create(&self.path)
            .with_context(|| format!("failed to make the folder `{}`", shown(&self.path)))
    }

    /// A name that nobody has: with the time, so that they sort, and with what
    /// has made it.
    ///
    /// # Errors
    ///
    /// When all are taken.
    pub(super) fn free_name(&self, begin: &Begin) -> anyhow::Result<PathBuf> {
        let time = Timestamp::from_nanosecond(begin.wall_ns).unwrap_or_default();
        let time = time.strftime("%Y%m%dT%H%M%SZ");
        let why: String = begin.why.iter().map(|why| word(&why.trigger)).collect();
        for number in 1..1_000 {
            let more = match number {
                1 => String::new(),
                _ => format!("-{number}"),
            };
            let path = self.path.join(format!("{PREFIX}{time}{why}{more}{SUFFIX}"));
            if path.symlink_metadata().is_err() {
                return Ok(path);
            }
        }
        Err(anyhow!("no name is free in `{}`", shown(&self.path)))
    }

    /// Removes the oldest, until there is room for `more` files; never the one
    /// that is written, which has some bytes.
    pub(super) fn make_room(&self, more: u64, written: Option<(&Path, u64)>) {
        let mut files = self.files();
        files.retain(|file| written.is_none_or(|(path, _)| file.path != path));
        let written_bytes = written.map_or(0, |(_, bytes)| bytes);
        let now = SystemTime::now();
        let count = |files: &[Found]| files.len() as u64 + more + u64::from(written.is_some());
        while let Some(oldest) = files.first() {
            let sum: u64 = files.iter().map(|file| file.bytes).sum();
            let is_old = self.max_age.is_some_and(|most| {
                now.duration_since(oldest.changed)
                    .is_ok_and(|age| age > most)
            });
            let is_much = self.max_size.is_some_and(|most| sum + written_bytes > most);
            let are_many = self.keep.is_some_and(|most| count(&files) > most.max(1));
            if !(is_old || is_much || are_many) {
                break;
            }
            // One that cannot be removed is in nobody's way but its own.
            _ = unlink(&oldest.path);
            files.remove(0);
        }
    }

    /// The recordings that procviz has made here, the oldest first.
    fn files(&self) -> Vec<Found> {
        let entries = std::fs::read_dir(&self.path)
            .into_iter()
            .flatten()
            .flatten();
        let mut files: Vec<Found> = entries
            .filter_map(|entry| {
                let name = entry.file_name();
                let name = name.to_str()?;
                let is_ours = name.starts_with(PREFIX) && name.ends_with(SUFFIX);
                let meta = entry.metadata().ok()?;
                (is_ours && meta.is_file()).then(|| {
                    Some(Found {
                        path: entry.path(),
                        bytes: meta.len(),
                        changed: meta.modified().ok()?,
                    })
                })?
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }
}

struct Found {
    path: PathBuf,
    bytes: u64,
    changed: SystemTime,
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
    use super::word;

    #[test]
    fn names_are_tame() {
        assert_eq!(word("exit:nginx"), "-exit-nginx");
        assert_eq!(word("psi:memory.some:10%"), "-psi-memory.some-10-");
        assert_eq!(word("exit:../../etc/\u{1b}[0m"), "-exit-..-..-etc---0m");
    }
}
