//! Reads findings as they were recorded, without playing the samples.

use std::collections::BTreeMap;

use super::{Player, archive::failed, moment::Span, notes::FRESH_NS};
use crate::{
    model::Host,
    recording::{Mark, MarkKey},
    runtime::{
        Failure,
        warning::{Warning, warn},
    },
    tracker::Change,
};

impl Player {
    /// Whether all files hold marks of findings.
    pub(crate) fn has_marks(&self) -> bool {
        self.archive.iter().all(|recorded| recorded.facts.has_marks)
    }

    /// When findings began and what was noted in a span (wall clock, ns since 1970), in order,
    /// with words for a picture.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub(crate) fn flags(&mut self, span: Span) -> Result<Vec<(i128, String)>, Failure> {
        let marks = self.marks()?.into_iter();
        let begun = marks.filter(|(_, _, mark)| mark.change == Change::Begins);
        let begun = begun.map(|(wall_ns, _, mark)| (wall_ns, mark.words()));
        let notes = self.notes()?.into_iter();
        // A note that was made just after the last sample stands at its end.
        let notes = notes.map(|(wall_ns, note)| match wall_ns - span.1 {
            0..=FRESH_NS => (span.1, note.words()),
            _ => (wall_ns, note.words()),
        });
        let mut flags: Vec<_> = begun.chain(notes).collect();
        flags.retain(|(wall_ns, _)| (span.0..=span.1).contains(wall_ns));
        flags.sort_by_key(|(wall_ns, _)| *wall_ns);
        Ok(flags)
    }

    /// The marks of all files with their wall clock times (ns since 1970), in order.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub(crate) fn marks(&mut self) -> Result<Vec<(i128, Host, Mark)>, Failure> {
        let mut all = Vec::new();
        for recorded in &self.archive {
            let Some(map) = &recorded.map else { continue };
            let marks = map.marks(&mut recorded.open()?);
            let (marks, damaged) = marks.map_err(|error| failed(&recorded.name, &error.into()))?;
            for at in damaged {
                warn(Warning::DamagedFindings {
                    name: &recorded.name,
                    offset: at,
                });
                self.status = 3;
            }
            let host = recorded.facts.machine();
            all.extend(marks.into_iter().map(|mark| {
                let wall_ns = recorded.facts.wall_ns(mark.time_ns);
                (wall_ns, host.clone(), mark)
            }));
        }
        all.sort_by_key(|(wall_ns, ..)| *wall_ns);
        Ok(all)
    }
}

/// The change that a mark reports, with the duration in ns of a finding that ends.
/// `None`: the mark repeats what is known. `open` keeps when each finding that holds
/// began, wall clock in ns since 1970.
pub(crate) fn change_of(
    key: &MarkKey,
    mark: &Mark,
    wall_ns: i128,
    open: &mut BTreeMap<MarkKey, i128>,
) -> Option<(Change, Option<u64>)> {
    match (mark.change, open.get(key).copied()) {
        (Change::Ends, Some(begun)) => {
            open.remove(key);
            Some((Change::Ends, u64::try_from(wall_ns - begun).ok()))
        }
        // A finding that holds without a begin has begun before the recording.
        (Change::Begins | Change::Holds, None) => {
            open.insert(key.clone(), wall_ns);
            Some((Change::Begins, None))
        }
        _ => None,
    }
}
