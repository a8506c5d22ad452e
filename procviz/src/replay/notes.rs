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
    archive::{RecordingFile, archive, load_maps, spans},
    moment::Moment,
};
use crate::{
    export::time,
    model::Host,
    recording::{LARGEST_NOTES, Note, notes, notes_of},
    runtime::{
        Failure,
        text::escaped,
        warning::{Warning, warn},
    },
};

/// How long after its last sample a recording is still being made, ns.
pub(super) const FRESH_NS: i128 = 60_000_000_000;
/// Upper limit for the damaged places of a file that are reported one by one.
const MOST_REPORTED: usize = 5;

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

impl RecordingFile {
    /// Whether a note about a time (wall clock, ns since 1970) is shown with this recording. A
    /// file of notes can be left of another recording with this name.
    fn takes_note(&self, wall_ns: i128, margin_ns: i128) -> bool {
        let periods = self.periods();
        let begin = periods.iter().map(|(begin, _)| *begin).min();
        let end = periods.iter().map(|(_, end)| *end).max();
        let (Some(begin), Some(end)) = (begin, end) else {
            return false;
        };
        (begin.saturating_sub(margin_ns)..=end.saturating_add(margin_ns)).contains(&wall_ns)
    }
}

impl Player {
    /// The notes of all files with their wall clock times (ns since 1970), in order. What
    /// cannot be read is reported.
    ///
    /// # Errors
    ///
    /// When a recording cannot be read.
    pub(crate) fn notes(&mut self) -> Result<Vec<(i128, Note)>, Failure> {
        load_maps(&mut self.archive)?;
        let mut all = Vec::new();
        let is_file = |recorded: &&RecordingFile| recorded.path != Path::new("-");
        for recorded in self.archive.iter().filter(is_file) {
            let real = std::fs::canonicalize(&recorded.path);
            let path = PathBuf::from(notes_of(real.as_deref().unwrap_or(&recorded.path)));
            let name = escaped(&path);
            let bytes = match read(&path) {
                Ok(bytes) => bytes,
                Err(error) if is_absent(&error) => continue,
                Err(error) => {
                    warn(Warning::UnreadableNotes {
                        name: &name,
                        error: error.to_string(),
                    });
                    self.status = 3;
                    continue;
                }
            };
            let (notes, damaged) = notes(&bytes);
            for at in damaged.iter().take(MOST_REPORTED) {
                warn(Warning::DamagedNote {
                    name: &name,
                    offset: *at,
                });
                self.status = 3;
            }
            if damaged.len() > MOST_REPORTED {
                warn(Warning::MoreDamage {
                    name: &name,
                    places: damaged.len() - MOST_REPORTED,
                });
            }
            let notes = notes.into_iter().map(|note| (note.time_ns.into(), note));
            all.extend(notes.filter(|(wall_ns, _)| recorded.takes_note(*wall_ns, FRESH_NS)));
        }
        all.sort_by_key(|(wall_ns, _)| *wall_ns);
        Ok(all)
    }

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

fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidFilename, NotFound};
    // With the suffix, a long name can be too long.
    matches!(error.kind(), NotFound | InvalidFilename)
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
/// When there is no recording, when `at` cannot be parsed, or when nothing was recorded at that
/// time.
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
    let at = |margin_ns: i128| {
        let takes = |file: &&RecordingFile| file.takes_note(wall_ns, margin_ns);
        files.iter().rfind(takes)
    };
    let nothing = || {
        let when = time::local_wall(&files[0].facts.machine(), wall_ns);
        Failure::usage(format!(
            "nothing was recorded at {when}: choose another `--at`"
        ))
    };
    let file = at(0).or_else(|| at(FRESH_NS)).ok_or_else(nothing)?;
    Ok((file.path.clone(), wall_ns, file.facts.machine()))
}
