//! Reads the notes beside recordings, and finds the recording that a new note belongs to.

use std::{
    collections::VecDeque,
    fs::OpenOptions,
    io::Read as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    Player,
    archive::{RecordingFile, archive, failed, load_maps, spans},
    moment::Moment,
};
use crate::{
    export::time,
    model::Host,
    recording::{LARGEST_NOTES, Note, notes, notes_path},
    runtime::{
        Failure,
        text::escaped,
        warning::{Warning, warn},
    },
};

/// How long after its last sample a recording is still being made, ns.
const FRESH_NS: i128 = 60_000_000_000;

/// Notes with their times (ns since 1970), in order.
pub(crate) struct Noted(VecDeque<(i128, Note)>);

impl Noted {
    pub(crate) fn new(notes: Vec<(i128, Note)>) -> Self {
        Self(notes.into())
    }

    /// The notes before a time that were not taken yet.
    pub(crate) fn before(&mut self, wall_ns: i128) -> impl Iterator<Item = (i128, Note)> + use<> {
        let count = self.0.partition_point(|(at, _)| *at < wall_ns);
        let rest = self.0.split_off(count);
        std::mem::replace(&mut self.0, rest).into_iter()
    }
}

impl Player {
    /// The notes of all files with their wall clock times (ns since 1970), in order. Damage
    /// is reported.
    ///
    /// # Errors
    ///
    /// When a file of notes cannot be read.
    pub(crate) fn notes(&mut self) -> Result<Vec<(i128, Note)>, Failure> {
        load_maps(&mut self.archive)?;
        let mut all = Vec::new();
        let is_file = |recorded: &&RecordingFile| recorded.path != Path::new("-");
        for recorded in self.archive.iter().filter(is_file) {
            let path = notes_path(&recorded.path);
            let name = escaped(&path);
            let bytes = match read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(&name, &error.into())),
            };
            let (notes, damaged) = notes(&bytes);
            for at in damaged {
                warn(Warning::DamagedNote {
                    name: &name,
                    offset: at,
                });
                self.status = 3;
            }
            // A file of notes can be left of another recording with this name.
            let span = recorded.span.unwrap_or((i128::MIN, i128::MAX));
            let span = span.0.saturating_sub(FRESH_NS)..=span.1.saturating_add(FRESH_NS);
            let notes = notes.into_iter().map(|note| (note.time_ns.into(), note));
            all.extend(notes.filter(|(wall_ns, _)| span.contains(wall_ns)));
        }
        all.sort_by_key(|(wall_ns, _)| *wall_ns);
        Ok(all)
    }
}

impl Player {
    /// The notes of the part that is to be shown, as in [`Player::notes`].
    ///
    /// # Errors
    ///
    /// As in [`Player::notes`].
    pub(crate) fn wanted_notes(&mut self) -> Result<Vec<(i128, Note)>, Failure> {
        let (begin, end) = self.range.span();
        let mut notes = self.notes()?;
        notes.retain(|(wall_ns, _)| (begin..=end).contains(wall_ns));
        Ok(notes)
    }
}

/// Something else than a file has no notes.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_NOTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The recording that a note about a moment belongs to, the moment (wall clock, ns since 1970),
/// and the recorded machine. In a folder, it is the recording of that moment.
///
/// # Errors
///
/// When there is no recording, when the moment is none, or when the recording had ended before
/// it.
pub(crate) fn place(
    path: &Path,
    at: Option<&str>,
    now_ns: i128,
) -> Result<(PathBuf, i128, Host), Failure> {
    let (mut files, _, _) = archive(path)?;
    load_maps(&mut files)?;
    let zone = time::zone(&files[0].facts.machine());
    let end = |file: &RecordingFile| file.span.map(|(_, end)| end);
    let wall_ns = match at {
        Some(text) => {
            let moment = Moment::parse("--at", text)?;
            moment.find(("--at", text), &spans(&files), &zone)?
        }
        None => {
            let last = files.iter().filter_map(end).max();
            if last.is_none_or(|last| now_ns - last > FRESH_NS) {
                return Err(Failure::usage(format!(
                    "`{}` is not being made now: say the time of the note, as in `--at 03:12`",
                    escaped(path)
                )));
            }
            now_ns
        }
    };
    let began = |file: &RecordingFile| file.span.is_some_and(|(begin, _)| begin <= wall_ns);
    let first = files.first();
    let file = files.iter().rfind(|file| began(file)).or(first);
    let file = file.ok_or_else(|| Failure::usage("there is no recording".to_owned()))?;
    Ok((file.path.clone(), wall_ns, file.facts.machine()))
}
