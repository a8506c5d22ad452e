//! Reads and writes notes. A note is a text by a user about a moment of a recording, such as
//! "restarted nginx". Notes are in a separate file beside the recording.

use std::ffi::{OsStr, OsString};

use serde::{Deserialize, Serialize};

use crate::model::Untrusted;

/// The name or path of the file of notes that belongs to this recording.
pub(crate) fn notes_of(recording: impl AsRef<OsStr>) -> OsString {
    let mut name = recording.as_ref().to_owned();
    name.push(".notes");
    name
}

/// Upper limit for the text of a note, bytes.
pub(crate) const LONGEST_NOTE: usize = 1_000;
/// Upper limit for the file of notes, bytes. What follows is not read.
pub(crate) const LARGEST_NOTES: u64 = 16 << 20;

const MAGIC: &[u8; 4] = b"PVZN";
/// Magic, length of the content, and checksum.
const HEAD: usize = 12;
/// Upper limit for the content of a note in the file, bytes.
const LONGEST_CONTENT: usize = 8 * LONGEST_NOTE;

/// A text by a user about a moment of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The time, wall clock in ns since 1970.
    pub time_ns: i64,
    /// `deploy`, `restart`, `config`, `incident` or `note`.
    pub kind: String,
    /// What happened.
    pub text: String,
}

impl Note {
    /// The bytes of the note in the file, which are written at once: a writer that is killed
    /// leaves at most one note that is not whole.
    pub(crate) fn record(&self) -> Vec<u8> {
        let content = serde_json::to_vec(self).unwrap_or_default();
        let mut record = MAGIC.to_vec();
        record.extend((content.len() as u32).to_le_bytes());
        record.extend(checksum(&content).to_le_bytes());
        record.extend(content);
        record
    }
}

impl Note {
    /// `restart: restarted nginx`, escaped for a picture.
    pub(crate) fn words(&self) -> String {
        let escaped = |text: &str| Untrusted::new(text.as_bytes()).picture();
        format!("{}: {}", escaped(&self.kind), escaped(&self.text))
    }
}

fn checksum(content: &[u8]) -> u32 {
    crc32c::crc32c_append(
        crc32c::crc32c(&(content.len() as u32).to_le_bytes()),
        content,
    )
}

/// The notes in a file, in the order in which they were written, and the offsets of the places
/// that are damaged: each is passed over up to the next whole note.
pub(crate) fn notes(bytes: &[u8]) -> (Vec<Note>, Vec<usize>) {
    let (mut notes, mut damaged) = (Vec::new(), Vec::new());
    let (mut at, mut is_lost) = (0, false);
    while at < bytes.len() {
        if let Some((note, len)) = first(&bytes[at..]) {
            notes.push(note);
            (at, is_lost) = (at + len, false);
            continue;
        }
        if !is_lost {
            damaged.push(at);
        }
        is_lost = true;
        let rest = &bytes[at + 1..];
        let next = rest.windows(MAGIC.len()).position(|window| window == MAGIC);
        at = next.map_or(bytes.len(), |next| at + 1 + next);
    }
    (notes, damaged)
}

/// The note at the front, and its length in the file.
fn first(bytes: &[u8]) -> Option<(Note, usize)> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    let number = |from: usize| Some(u32::from_le_bytes(*head.get(from..)?.first_chunk()?));
    let len = number(4)? as usize;
    if &head[..4] != MAGIC || len > LONGEST_CONTENT {
        return None;
    }
    let content = bytes.get(HEAD..HEAD + len)?;
    let note: Note = serde_json::from_slice(content).ok()?;
    let is_whole = number(8)? == checksum(content) && note.text.len() <= LONGEST_NOTE;
    is_whole.then_some((note, HEAD + len))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn note(text: &str) -> Note {
        Note {
            time_ns: 1_795_000_000_000_000_000,
            kind: "restart".to_owned(),
            text: text.to_owned(),
        }
    }

    proptest! {
        /// A flipped bit or a cut costs one note, and is reported. What follows is read.
        #[test]
        fn damage_costs_one_note(
            texts in prop::collection::vec(".{0,40}", 1..6),
            at in any::<prop::sample::Index>(),
            bit in 0..8u32,
        ) {
            let all: Vec<Note> = texts.iter().map(|text| note(text)).collect();
            let bytes: Vec<u8> = all.iter().flat_map(Note::record).collect();
            prop_assert_eq!(notes(&bytes), (all.clone(), vec![]));
            let at = at.index(bytes.len());
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let (left, damaged) = notes(&flipped);
            prop_assert_eq!(left.len(), all.len() - 1);
            prop_assert!(left.iter().all(|note| all.contains(note)));
            prop_assert_eq!(damaged.len(), 1);
            // A writer was killed, and another one has gone on.
            let mut torn = bytes[..at].to_vec();
            torn.extend(note("after").record());
            let (left, damaged) = notes(&torn);
            prop_assert_eq!(left.last(), Some(&note("after")));
            prop_assert!(all.starts_with(&left[..left.len() - 1]));
            prop_assert!(damaged.len() <= 1);
        }

        #[test]
        fn noise_has_no_notes(noise in prop::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert!(notes(&noise).0.is_empty());
        }
    }

    #[test]
    fn a_note_that_is_too_long_is_damage() {
        let (left, damaged) = notes(&note(&"x".repeat(LONGEST_NOTE + 1)).record());
        assert!(left.is_empty() && damaged == [0]);
    }
}
