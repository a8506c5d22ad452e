//! Writes notes between the lines of findings, as text and as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::{json as of_findings, time};
use crate::{
    model::{Host, Untrusted},
    recording::Note,
};

/// Writes notes with their times (ns since 1970), each with a newline.
pub(crate) fn write(
    out: &mut impl Write,
    is_json: bool,
    host: &Host,
    mut notes: impl Iterator<Item = (i128, Note)>,
) -> io::Result<()> {
    notes.try_for_each(|(wall_ns, note)| match is_json {
        true => json(out, (wall_ns, &note)),
        false => text(out, host, (wall_ns, &note)),
    })
}

fn text(out: &mut impl Write, host: &Host, (wall_ns, note): (i128, &Note)) -> io::Result<()> {
    writeln!(
        out,
        "{} note   {:<8} {}",
        time::local_wall(host, wall_ns),
        Untrusted::new(note.kind.as_bytes()).terminal(),
        Untrusted::new(note.text.as_bytes()).terminal()
    )
}

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    time: Option<String>,
    /// Always `note`: it stands where findings have `begins` or `ends`.
    change: &'static str,
    /// `deploy`, `restart`, `config`, `incident` or `note`.
    kind: &'a str,
    text: &'a str,
}

fn json(out: &mut impl Write, (wall_ns, note): (i128, &Note)) -> io::Result<()> {
    let value = Line {
        schema: of_findings::SCHEMA,
        time: time::rfc3339_wall(wall_ns),
        change: "note",
        kind: &note.kind,
        text: &note.text,
    };
    of_findings::line(out, &value)
}
