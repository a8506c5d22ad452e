//! Runs `procviz note`: keeps what somebody says about a time of a recording, beside it.

use anyhow::Context as _;

use crate::{
    cli::NoteArgs,
    export::time,
    recorder::add_note,
    recording::{LONGEST_NOTE, Note, notes_path},
    replay::note_place,
    runtime::{Failure, stderr::summary, text::escaped},
};

pub(super) fn run(args: &NoteArgs) -> Result<u8, Failure> {
    let text = args.text.trim();
    if text.is_empty() || text.len() > LONGEST_NOTE {
        return Err(Failure::usage(format!(
            "a note has from 1 to {LONGEST_NOTE} bytes, but this one has {}",
            text.len()
        )));
    }
    let now_ns = jiff::Timestamp::now().as_nanosecond();
    let (recording, wall_ns, host) = note_place(&args.recording, args.at.as_deref(), now_ns)?;
    let note = Note {
        time_ns: i64::try_from(wall_ns).context("the time of the note is too far away")?,
        kind: args.kind.word().to_owned(),
        text: text.to_owned(),
    };
    let name = escaped(notes_path(&recording));
    add_note(&recording, &note)?;
    let boot_ns = u64::try_from(wall_ns - host.boot_wall_ns).unwrap_or(u64::MAX);
    summary(format!(
        "noted at {} in `{name}`",
        time::local(&host, boot_ns)
    ));
    Ok(0)
}
