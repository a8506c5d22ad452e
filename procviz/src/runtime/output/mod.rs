//! Writes files into a folder that was checked first. A file gets its name only when it
//! is complete. procviz never writes through a symbolic link, and never over an
//! existing file without `--force`.

mod folder;
mod part;
mod writer;

use std::{
    ffi::OsString,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
};

use anyhow::anyhow;

pub(crate) use self::{
    folder::{OutFolder, split},
    part::{Part, beside},
    writer::{Job, Writer},
};
use super::{
    Failure,
    text::escaped,
    warning::{Warning, warn},
};
use crate::source::{Keep, confine, invoker, keep_only};

/// The file format of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Svg,
    Gif,
    Apng,
    Html,
}

/// Which samples one picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// The last sample: the others would be lost.
    OneSample,
    /// All samples up to the picture.
    AllSamples,
}

/// Permissions of a file when no option sets them.
pub(crate) const PRIVATE: u32 = 0o600;

/// The file, or the series of files, that pictures are written to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    folder: OutFolder,
    name: String,
    pub(crate) format: Format,
    pub(crate) is_series: bool,
    force: bool,
    mode: u32,
    digits: usize,
}

/// Where the number of a picture stands in the name of a series.
const NUMBERS: [&str; 2] = ["{number}", "{n}"];

fn has_number(name: &str) -> bool {
    NUMBERS.iter().any(|place| name.contains(place))
}

impl Target {
    /// Checks the output file before procviz starts to watch.
    pub(crate) fn new(
        path: &Path,
        (force, mode): (bool, u32),
        samples: Option<u64>,
        shows: Shows,
    ) -> Result<Self, Failure> {
        let typed = escaped(path);
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
                    "unknown picture format `{typed}`: expected a name that ends in .png, .svg, .gif, .apng or .html"
                )));
            }
        };
        let is_series = has_number(&name) || name.contains("{time}");
        let is_animation = matches!(format, Format::Gif | Format::Apng | Format::Html);
        if is_series && is_animation {
            return Err(Failure::usage(format!(
                "`{typed}` names a series of files, but this format holds all pictures in one file: leave out `{{number}}` and `{{time}}`"
            )));
        }
        let is_one = !is_series && !is_animation && shows == Shows::OneSample;
        if let Some(count) = samples.filter(|count| *count > 1 && is_one) {
            return Err(Failure::usage(format!(
                "`--samples {count}` makes {count} pictures, but `{typed}` is the name of one file: put `{{number}}` or `{{time}}` in the name, or use `--duration`"
            )));
        }
        if path.file_name().is_some_and(|raw| raw.to_str().is_none()) {
            return Err(Failure::usage(format!(
                "invalid file name `{typed}`: expected UTF-8"
            )));
        }
        let target = Self {
            folder: OutFolder::open(split(path).0)?,
            name,
            format,
            is_series,
            force,
            mode,
            digits: samples.map_or(6, |samples| samples.to_string().len()),
        };
        target.check_free()?;
        Ok(target)
    }

    /// The target of live views: pictures in the current folder.
    pub(crate) fn for_views(mode: u32) -> Result<Self, Failure> {
        Ok(Self {
            folder: OutFolder::open(Path::new("."))?,
            name: "procviz-{time}.png".to_owned(),
            format: Format::Png,
            is_series: true,
            force: false,
            mode,
            digits: 6,
        })
    }

    /// Checks that the file, or all files of a numbered series, can be created: a new
    /// series must not stop at a file of an older series.
    fn check_free(&self) -> anyhow::Result<()> {
        if !self.is_series {
            return self
                .folder
                .check_free(self.name.as_str().as_ref(), self.force);
        }
        if self.name.contains("{time}") || self.force {
            return Ok(());
        }
        let split = NUMBERS.iter().find_map(|place| self.name.split_once(place));
        let Some((before, after)) = split else {
            return Ok(());
        };
        let is_one = |name: &str| {
            let number = name
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after));
            number.is_some_and(|number| {
                !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        // Without permission to list the folder, a conflict shows up when the file is written.
        let names = self.folder.names().unwrap_or_default();
        let mut names = names.iter().filter_map(|name| name.to_str());
        match names.find(|name| is_one(name)) {
            None => Ok(()),
            Some(name) => Err(anyhow!(
                "`{}` already exists: overwrite it with `--force`",
                escaped(self.folder.path_of(name.as_ref()))
            )),
        }
    }

    /// Checks that a picture of that name can be created.
    ///
    /// # Errors
    ///
    /// When something has that name.
    pub(crate) fn check_name(&self, name: &OsString) -> anyhow::Result<()> {
        self.folder.check_free(name, self.force)
    }

    /// The folder of the pictures.
    pub(crate) fn folder(&self) -> &OutFolder {
        &self.folder
    }

    /// Whether the format is made of pixels.
    pub(crate) fn has_pixels(&self) -> bool {
        matches!(self.format, Format::Png | Format::Gif | Format::Apng)
    }

    pub(crate) fn is_animation(&self) -> bool {
        matches!(self.format, Format::Gif | Format::Apng | Format::Html)
    }

    /// Whether procviz draws every sample, and not only the last one.
    pub(crate) fn has_many(&self) -> bool {
        self.is_series || self.is_animation()
    }

    /// The name of picture `number` (from 1), taken at `time`.
    pub(crate) fn name(&self, number: u64, time: &str) -> OsString {
        if !self.is_series {
            return self.name.clone().into();
        }
        let width = self.digits;
        self.name
            .replace(NUMBERS[0], &format!("{number:0width$}"))
            .replace(NUMBERS[1], &format!("{number:0width$}"))
            .replace("{time}", time)
            .into()
    }

    /// The path of a picture, for messages.
    pub(crate) fn path_of(&self, name: &OsString) -> PathBuf {
        self.folder.path_of(name)
    }
}

/// Confines this thread to writing files into a folder, with the privileges that
/// [`take_owner_identity`] has left. Returns whether the kernel refuses writes to other
/// folders.
pub(crate) fn confine_writer(folder: &OutFolder, keep: Keep) -> bool {
    let is_limited = confine::write_only_in(&[folder.as_fd()]).unwrap_or_else(|error| {
        warn(Warning::WriterNotConfined {
            error: error.to_string(),
        });
        false
    });
    keep_only(keep);
    is_limited
}

/// Takes the file system identity of the user who called sudo, if that user owns the
/// folder: new files then belong to that user. Returns the privileges that writing
/// still needs.
pub(crate) fn take_owner_identity(folder: &OutFolder) -> Keep {
    if !rustix::process::geteuid().is_root() {
        return Keep::Nothing;
    }
    let Some(invoker) = invoker().ok().flatten() else {
        return Keep::Writing;
    };
    if folder.owner() != Some(invoker.uid) || invoker.use_identity_for_files().is_err() {
        return Keep::Writing;
    }
    Keep::Nothing
}
