//! Adds notes to the file beside a recording.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use anyhow::Context as _;

use crate::{
    recording::{LARGEST_NOTES, Note, notes_path},
    runtime::text::escaped,
};

/// Adds a note to those of a recording.
///
/// # Errors
///
/// When the file of notes cannot be written.
pub(crate) fn add_note(recording: &Path, note: &Note) -> anyhow::Result<()> {
    let path = notes_path(recording);
    let written = append(&path, recording, note);
    written.with_context(|| format!("failed to write `{}`", escaped(&path)))
}

/// Adds a note to the file, which gets the permissions of the recording. Records of two writers
/// do not mix: each is written at once, at the end.
fn append(path: &Path, recording: &Path, note: &Note) -> anyhow::Result<()> {
    let mode = recording.metadata()?.permissions().mode() & 0o666;
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(mode | 0o200)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        anyhow::bail!("it is not a file");
    }
    let record = note.record();
    if about.len() + record.len() as u64 > LARGEST_NOTES {
        anyhow::bail!("it has as many notes as are read");
    }
    let written = file.write(&record)?;
    if written < record.len() {
        anyhow::bail!("there is no storage space for the whole note");
    }
    file.sync_data()?;
    Ok(())
}
