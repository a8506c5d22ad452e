//! Writes files: under a name of their own until they are complete, never
//! through a symbolic link, never over what is there unless that was asked for.

use std::{
    fs::File,
    io::Write,
    os::{fd::AsFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::JoinHandle,
};

use anyhow::{Context as _, anyhow};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open, renameat, unlink};

use super::Failure;
use crate::{
    paint,
    source::{Keep, keep_only},
};

/// What kind of picture a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Svg,
    Gif,
    Apng,
    Html,
}

/// What one picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// The last sample: of several, all but one would be lost.
    OneSample,
    /// All that was watched until then.
    AllSamples,
}

/// Where pictures go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    path: PathBuf,
    pub(super) format: Format,
    pub(super) is_series: bool,
    force: bool,
    digits: usize,
}

impl Drop for Writer {
    fn drop(&mut self) {
        // What was handed over is written, also when something else went wrong.
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

impl Target {
    /// Checks what can be checked before anything is watched.
    pub(super) fn new(
        path: &Path,
        force: bool,
        samples: Option<u64>,
        shows: Shows,
    ) -> Result<Self, Failure> {
        let shown = path.display();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let format = match path
            .extension()
            .and_then(|suffix| suffix.to_str())
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("png") => Format::Png,
            Some("svg") => Format::Svg,
            Some("gif") => Format::Gif,
            Some("apng") => Format::Apng,
            Some("html") => Format::Html,
            _ => {
                return Err(Failure::usage(format!(
                    "`{shown}` does not end in .png, .svg, .gif, .apng or .html, so its format is not known"
                )));
            }
        };
        let is_series = name.contains("{n}") || name.contains("{time}");
        let is_animation = matches!(format, Format::Gif | Format::Apng | Format::Html);
        if is_series && is_animation {
            return Err(Failure::usage(format!(
                "`{shown}` names a series, but in such a file there are all of them: leave {{n}} and {{time}} out"
            )));
        }
        let is_one = !is_series && !is_animation && shows == Shows::OneSample;
        if let Some(count) = samples.filter(|count| *count > 1 && is_one) {
            return Err(Failure::usage(format!(
                "`--samples {count}` makes {count} pictures, but `{shown}` names one: put {{n}} or {{time}} in the name, or use --duration"
            )));
        }
        Self::checked(path, format, is_series, force, samples)
    }

    /// Where live views save pictures: the folder where procviz was called.
    pub(super) fn for_views() -> Result<Self, Failure> {
        Self::checked(
            Path::new("procviz-{time}.png"),
            Format::Png,
            true,
            false,
            None,
        )
    }

    fn checked(
        path: &Path,
        format: Format,
        is_series: bool,
        force: bool,
        samples: Option<u64>,
    ) -> Result<Self, Failure> {
        let digits = samples.map_or(6, |samples| samples.to_string().len());
        let target = Self {
            path: path.to_owned(),
            format,
            is_series,
            force,
            digits,
        };
        let folder = target.folder();
        let meta = std::fs::metadata(folder)
            .with_context(|| format!("failed to open the folder `{}`", folder.display()))?;
        if !meta.is_dir() {
            return Err(anyhow!("`{}` is no folder", folder.display()).into());
        }
        if !is_series {
            check_free(path, force)?;
        }
        Ok(target)
    }

    pub(super) fn is_animation(&self) -> bool {
        matches!(self.format, Format::Gif | Format::Apng | Format::Html)
    }

    /// Whether every sample is drawn, not the last alone.
    pub(super) fn has_many(&self) -> bool {
        self.is_series || self.is_animation()
    }

    fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    /// The name of picture `number` (from 1), taken at `time`.
    pub(super) fn name(&self, number: u64, time: &str) -> PathBuf {
        if !self.is_series {
            return self.path.clone();
        }
        let name = self
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let width = self.digits;
        self.path.with_file_name(
            name.replace("{n}", &format!("{number:0width$}"))
                .replace("{time}", time),
        )
    }
}

/// Where a file is.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Whether a file may be put there.
pub(super) fn check_free(path: &Path, force: bool) -> anyhow::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => Err(anyhow!(
            "`{}` is a symbolic link, and none is followed: name the file itself",
            path.display()
        )),
        Ok(meta) if !meta.is_file() => Err(anyhow!("`{}` is there and is no file", path.display())),
        Ok(_) if !force => Err(anyhow!(
            "`{}` is there already: --force overwrites it",
            path.display()
        )),
        _ => Ok(()),
    }
}

/// What is to be written.
pub(super) enum Job {
    /// A file as it is.
    File(Vec<u8>),
    /// An animation of frames that are PNG files.
    Animation {
        format: Format,
        frames: Vec<Vec<u8>>,
        delay_ms: u32,
    },
}

impl Job {
    fn bytes(self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::File(bytes) => Ok(bytes),
            Self::Animation {
                format: Format::Gif,
                frames,
                delay_ms,
            } => Ok(paint::gif(&frames, delay_ms)?),
            Self::Animation {
                frames, delay_ms, ..
            } => Ok(paint::apng(&frames, delay_ms)?),
        }
    }
}

/// The thread that writes, so that a slow disk delays no sample.
pub(super) struct Writer {
    jobs: Option<SyncSender<(PathBuf, Job)>>,
    failed: Receiver<anyhow::Error>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts it, as the user who called sudo where that user owns the folder.
    ///
    /// # Errors
    ///
    /// When no thread can be had.
    pub(super) fn start(target: &Target) -> std::io::Result<Self> {
        let (jobs, todo) = sync_channel::<(PathBuf, Job)>(8);
        let (tell, failed) = sync_channel(1);
        let target = target.clone();
        let body = move || {
            keep_only(become_owner(target.folder()));
            for (path, job) in todo {
                let outcome = job
                    .bytes()
                    .and_then(|bytes| write(&path, &bytes, target.force));
                if let Err(error) = outcome {
                    // Whoever does not listen still has the first one to hear.
                    _ = tell.try_send(error);
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("procviz-writer".to_owned())
            .spawn(body)?;
        Ok(Self {
            jobs: Some(jobs),
            failed,
            thread: Some(thread),
        })
    }

    /// Hands a file over.
    ///
    /// # Errors
    ///
    /// What went wrong with an earlier one.
    pub(super) fn write(&self, path: PathBuf, job: Job) -> anyhow::Result<()> {
        self.check()?;
        let sent = self
            .jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send((path, job)).is_ok());
        if sent {
            Ok(())
        } else {
            Err(anyhow!("the writing thread ended early"))
        }
    }

    /// Whether all went well so far.
    ///
    /// # Errors
    ///
    /// What went wrong since the last time that somebody asked.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.failed.try_recv().map_or(Ok(()), Err)
    }

    /// Waits until all is written.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
        self.check()
    }
}

/// Takes the identity, for files, of the user who called sudo, where the
/// folder is that user's: what is written there then is, too. Returns what
/// writing still takes.
pub(super) fn become_owner(folder: &Path) -> Keep {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    let (Some(uid), Some(gid), Ok(meta)) = (
        number("SUDO_UID"),
        number("SUDO_GID"),
        std::fs::metadata(folder),
    ) else {
        return Keep::Writing;
    };
    if meta.uid() != uid || !nix::unistd::geteuid().is_root() {
        return Keep::Writing;
    }
    nix::unistd::setfsgid(nix::unistd::Gid::from_raw(gid));
    nix::unistd::setfsuid(nix::unistd::Uid::from_raw(uid));
    Keep::Nothing
}

fn write(path: &Path, bytes: &[u8], force: bool) -> anyhow::Result<()> {
    let (mut file, part) = Part::create(path, force)?;
    file.write_all(bytes)
        .and_then(|()| Ok(rustix::fs::fdatasync(file.as_fd())?))
        .with_context(|| format!("failed to write `{}`", path.display()))?;
    part.place()
}

/// A file beside its place until it is complete; dropped before, it is gone.
pub(super) struct Part {
    part: PathBuf,
    path: PathBuf,
    force: bool,
    is_placed: bool,
}

impl Part {
    /// Creates it, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// When its place is taken, or no file can be made there.
    pub(super) fn create(path: &Path, force: bool) -> anyhow::Result<(File, Self)> {
        check_free(path, force)?;
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(name);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = open(&part, flags, Mode::RUSR | Mode::WUSR)
            .with_context(|| format!("failed to create a file beside `{}`", path.display()))?;
        let part = Self {
            part,
            path: path.to_owned(),
            force,
            is_placed: false,
        };
        Ok((file.into(), part))
    }

    /// Gives it its name.
    ///
    /// # Errors
    ///
    /// When something has come to its place meanwhile.
    pub(super) fn place(mut self) -> anyhow::Result<()> {
        place(&self.part, &self.path, self.force)
            .with_context(|| format!("failed to write `{}`", self.path.display()))?;
        // With --force the part has become the file.
        self.is_placed = self.force;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_placed {
            _ = unlink(&self.part);
        }
    }
}

/// Gives a complete file its name: a link fails where something has come
/// meanwhile, a rename replaces it.
fn place(part: &Path, path: &Path, force: bool) -> std::io::Result<()> {
    if force {
        renameat(CWD, part, CWD, path)?;
    } else {
        linkat(CWD, part, CWD, path, AtFlags::empty())?;
    }
    Ok(())
}
