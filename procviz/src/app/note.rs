//! Runs `procviz note`: adds a text by the user to the notes beside a recording.

use std::{path::Path, slice::from_ref};

use anyhow::Context as _;

use crate::{
    cli::NoteArgs,
    export::time,
    recorder::add_notes,
    recording::{LONGEST_NOTE, Note, notes_of},
    replay::note_place,
    runtime::{Failure, output::split, stderr::summary, text::escaped},
    session::open,
};

pub(super) fn run(args: &NoteArgs) -> Result<u8, Failure> {
    let text = args.text.trim();
    if text.is_empty() || text.len() > LONGEST_NOTE {
        return Err(Failure::usage(format!(
            "a note has from 1 to {LONGEST_NOTE} bytes, but this one has {}",
            text.len()
        )));
    }
    if args.recording == Path::new("-") {
        return Err(Failure::usage(
            "a stream has no notes: name a recording or a folder of recordings".to_owned(),
        ));
    }
    let (path, folder) = open::beside(&args.recording)?;
    let now_ns = jiff::Timestamp::now().as_nanosecond();
    let (recording, wall_ns, host) = note_place(&path, args.at.as_deref(), now_ns)?;
    let note = Note {
        time_ns: i64::try_from(wall_ns).context("the time of the note is too far away")?,
        kind: args.kind.word().to_owned(),
        text: text.to_owned(),
    };
    add_notes(&folder, split(&recording).1, from_ref(&note))?;
    summary(format!(
        "noted at {} in `{}`",
        time::local_wall(&host, wall_ns),
        escaped(notes_of(&recording))
    ));
    Ok(0)
}
