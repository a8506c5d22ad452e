//! Adds notes to the file beside a recording.

use std::{ffi::OsStr, io::Write as _};

use anyhow::Context as _;

use crate::{
    recording::{LARGEST_NOTES, Note, notes_of},
    runtime::{output::OutFolder, text::escaped},
};

/// Adds notes to those of a recording in this folder.
///
/// # Errors
///
/// When the file of notes cannot be written.
pub(crate) fn add_notes(
    folder: &OutFolder,
    recording: &OsStr,
    notes: &[Note],
) -> anyhow::Result<()> {
    let name = notes_of(recording);
    let failed = || format!("failed to write `{}`", escaped(folder.path_of(&name)));
    notes
        .iter()
        .try_for_each(|note| append(folder, recording, (&name, note)))
        .with_context(failed)
}

/// Gives a part of a recording its notes, in place of those that an earlier recording of that
/// name had.
///
/// # Errors
///
/// As [`add_notes`].
pub(crate) fn replace_notes(
    folder: &OutFolder,
    recording: &OsStr,
    notes: &[Note],
) -> anyhow::Result<()> {
    // Mostly there are none.
    _ = folder.remove(&notes_of(recording));
    add_notes(folder, recording, notes)
}

/// Adds a note. Records of two writers do not mix: each is written at once, at the end.
fn append(
    folder: &OutFolder,
    recording: &OsStr,
    (name, note): (&OsStr, &Note),
) -> anyhow::Result<()> {
    let mode = folder.stat(recording)?.st_mode & 0o666;
    let mut file = folder.append(name, mode | 0o200)?;
    let record = note.record();
    if file.metadata()?.len() + record.len() as u64 > LARGEST_NOTES {
        anyhow::bail!("it has as many notes as are read");
    }
    if file.write(&record)? < record.len() {
        anyhow::bail!("there is no storage space for the whole note");
    }
    file.sync_data()?;
    Ok(())
}
