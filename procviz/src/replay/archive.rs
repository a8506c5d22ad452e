//! Opens recordings: a single file, or all files of a folder. Reports their damage.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::moment::Span;
use crate::{
    recording::{Damage, Facts, Gap, Integrity, Map, ReadError, Reader, SUFFIX},
    runtime::{
        Failure,
        text::escaped,
        warning::{Warning, warn},
    },
    trails::Past,
};

/// One file of a recording.
pub(super) struct RecordingFile {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) facts: Facts,
    /// Where the blocks are; `None` for a stream, which is read only from the front.
    pub(super) map: Option<Map>,
    /// Wall clock of the first and the last sample, ns since 1970.
    pub(super) span: Option<Span>,
    /// The same of each part in which the clock was not set.
    periods: Vec<Span>,
    /// At least one sample of the file was shown.
    pub(super) is_read: bool,
    /// The damage and the gaps that reading has found so far.
    found: Integrity,
}

impl RecordingFile {
    fn new(path: &Path) -> Result<(Self, Reader), Failure> {
        let (reader, name) = reader(path)?;
        let recorded = Self {
            path: path.to_owned(),
            name,
            facts: reader.facts().clone(),
            map: None,
            span: None,
            periods: Vec::new(),
            is_read: false,
            found: Integrity::default(),
        };
        Ok((recorded, reader))
    }

    pub(super) fn open(&self) -> Result<File, Failure> {
        File::open(&self.path).map_err(|error| failed(&self.name, &error.into()))
    }

    /// The trails before a moment (wall clock, ns since 1970); `None` if the file has no
    /// trails, or not all of them.
    pub(super) fn past(&self, wall_ns: i128) -> Result<Option<Past>, Failure> {
        let Some(map) = self.map.as_ref().filter(|_| self.facts.has_trails) else {
            return Ok(None);
        };
        let until = u64::try_from(self.boot_ns(wall_ns)).unwrap_or(0);
        let past = map.past(&mut self.open()?, until);
        past.map_err(|error| failed(&self.name, &error.into()))
    }

    /// The time since boot, ns, at which the recorded clock showed a time.
    pub(super) fn boot_ns(&self, wall_ns: i128) -> i128 {
        let span = self.map.as_ref().and_then(Map::span);
        let last_ns = span.map_or(u64::MAX, |(_, last)| last);
        self.facts.boot_ns(wall_ns, last_ns)
    }

    pub(super) fn reader(&self) -> Result<Reader, Failure> {
        reader(&self.path).map(|(reader, _)| reader)
    }

    /// The gaps that reading has found.
    pub(super) fn gaps(&self) -> &[Gap] {
        &self.found.gaps
    }

    /// Adds damage and gaps that reading has found, unless they are known.
    pub(super) fn merge_integrity(&mut self, integrity: &Integrity) {
        for damage in &integrity.damages {
            // The same damage can be found in part, or in full later.
            let known = &mut self.found.damages;
            if known.iter().any(|other| is_within(damage, other)) {
                continue;
            }
            known.retain(|other| !is_within(other, damage));
            known.push(damage.clone());
        }
        for gap in &integrity.gaps {
            if !self.found.gaps.contains(gap) {
                self.found.gaps.push(gap.clone());
            }
        }
    }

    /// Reports damage and gaps on stderr. Returns 3 if the file is damaged anywhere, also
    /// outside the part that was read. Of the gaps, reports those that reading has found
    /// and those within `wanted`.
    pub(super) fn report_losses(&mut self, wanted: Span) -> u8 {
        if !self.is_read {
            return 0;
        }
        if self.path.is_file() {
            match self.scan_checksums() {
                Ok(mut integrity) => {
                    let gaps = &mut integrity.gaps;
                    gaps.retain(|gap| overlaps(self.wall(gap.span_ns), wanted));
                    self.merge_integrity(&integrity);
                    if integrity.unfinished > 0 {
                        warn(Warning::IncompleteBlock {
                            name: &self.name,
                            bytes: integrity.unfinished,
                        });
                    }
                }
                Err(failure) => {
                    warn(Warning::UnreadableRecording {
                        error: &failure.error,
                    });
                    return 3;
                }
            }
        }
        self.found.damages.sort_by_key(|damage| damage.offset);
        report_losses(&self.name, &self.found)
    }

    fn scan_checksums(&self) -> Result<Integrity, Failure> {
        let mut reader = self.reader()?;
        let passed = reader.scan_checksums();
        passed.map_err(|error| failed(&self.name, &error))?;
        Ok(reader.integrity().clone())
    }

    /// Finds the blocks of the file, unless it is a stream.
    fn load_map(&mut self) -> Result<(), Failure> {
        if self.map.is_some() || !self.path.is_file() {
            return Ok(());
        }
        let map = Map::of(&mut self.open()?);
        let map = map.map_err(|error| failed(&self.name, &error.into()))?;
        let facts = map.last_facts(&mut self.open()?);
        if let Some(facts) = facts.map_err(|error| failed(&self.name, &error.into()))? {
            // Both grow while a recording is made.
            (self.facts.clock, self.facts.users) = (facts.clock, facts.users);
        }
        self.span = map.span().map(|span| self.wall(span));
        let periods = map.span().map(|span| self.facts.wall_periods(span));
        self.periods = periods.unwrap_or_default();
        self.map = Some(map);
        Ok(())
    }

    /// Wall clock of the first and the last sample of each part in which the clock was not set,
    /// ns since 1970.
    pub(super) fn periods(&self) -> &[Span] {
        &self.periods
    }

    /// Periods without samples; wall clock, ns since 1970.
    pub(super) fn gap_spans(&self) -> Vec<Span> {
        let gaps = self.map.iter().flat_map(Map::gaps);
        gaps.map(|gap| self.wall(gap)).collect()
    }

    fn wall(&self, (first, last): (u64, u64)) -> Span {
        (self.facts.wall_ns(first), self.facts.wall_ns(last))
    }
}

fn is_within(one: &Damage, other: &Damage) -> bool {
    let end = |damage: &Damage| damage.offset.saturating_add(damage.bytes);
    other.offset <= one.offset && end(one) <= end(other)
}

/// Whether two spans overlap.
pub(super) fn overlaps(one: Span, other: Span) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}

/// The recordings at a path, a file or a folder, in the order of time. Also returns the
/// reader of a single file, because a stream cannot be opened twice, and the status: 3 if
/// some files of a folder cannot be read, else 0. Such files are reported and left out.
pub(super) fn archive(path: &Path) -> Result<(Vec<RecordingFile>, Option<Reader>, u8), Failure> {
    if !path.is_dir() {
        let (recorded, reader) = RecordingFile::new(path)?;
        return Ok((vec![recorded], Some(reader), 0));
    }
    let folder = escaped(path);
    let mut archive = Vec::new();
    let mut status = 0;
    for path in recordings(path)? {
        let recorded = RecordingFile::new(&path).and_then(|(mut recorded, _)| {
            recorded.load_map()?;
            Ok(recorded)
        });
        match recorded {
            // This recording has just begun.
            Ok(recorded) if recorded.span.is_none() => {}
            Ok(recorded) => archive.push(recorded),
            Err(failure) => {
                warn(Warning::UnreadableRecording {
                    error: &failure.error,
                });
                status = 3;
            }
        }
    }
    archive.sort_by_key(|recorded| recorded.span);
    if archive.is_empty() {
        return Err(anyhow::anyhow!("no recordings (*.pvz) with samples in `{folder}`").into());
    }
    Ok((archive, None, status))
}

/// Finds the blocks of all files, unless they are streams.
pub(super) fn load_maps(archive: &mut [RecordingFile]) -> Result<(), Failure> {
    archive.iter_mut().try_for_each(RecordingFile::load_map)
}

/// Wall clock of the first and the last sample of each file, and of each part in which the
/// clock was not set, ns since 1970. A stream has none.
pub(super) fn spans(archive: &[RecordingFile]) -> Vec<Span> {
    let periods = archive.iter().flat_map(|recorded| &recorded.periods);
    periods.copied().collect()
}

/// The files of a folder with the file name suffix of recordings.
pub(crate) fn recordings(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = escaped(folder);
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("failed to list the folder `{name}`"))?;
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("failed to list the folder `{name}`"))?;
        let path = entry.path();
        if path
            .as_os_str()
            .as_encoded_bytes()
            .ends_with(SUFFIX.as_bytes())
        {
            files.push(path);
        }
    }
    Ok(files)
}

/// Opens a recording; `-` is the standard input.
///
/// # Errors
///
/// When the file is not a recording, or cannot be read.
pub(crate) fn reader(path: &Path) -> Result<(Reader, String), Failure> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin {
        "standard input".to_owned()
    } else {
        escaped(path)
    };
    let input: Box<dyn Read + Send> = if is_stdin {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| failed(&name, &error.into()))?)
    };
    let reader = Reader::new(input).map_err(|error| failed(&name, &error))?;
    Ok((reader, name))
}

pub(crate) fn failed(name: &str, error: &ReadError) -> Failure {
    anyhow::anyhow!("failed to read `{name}`: {error}").into()
}

/// Reports gaps and damage of a recording on stderr. Returns 3 if it is damaged, else 0.
pub(crate) fn report_losses(name: &str, integrity: &Integrity) -> u8 {
    for gap in integrity.gaps.iter().take(5) {
        warn(Warning::Gap {
            name,
            samples: gap.samples,
            exits: gap.deaths,
            why: &gap.why,
        });
    }
    if integrity.gaps.len() > 5 {
        let more = &integrity.gaps[5..];
        warn(Warning::MoreGaps {
            name,
            gaps: more.len(),
            samples: more.iter().map(|gap| gap.samples).sum(),
            exits: more.iter().map(|gap| gap.deaths).sum(),
        });
    }
    for damage in integrity.damages.iter().take(5) {
        warn(Warning::Damage {
            name,
            offset: damage.offset,
            what: damage.what,
            left_out: damage.bytes,
        });
    }
    if let Some(more) = integrity.damages.len().checked_sub(6) {
        warn(Warning::MoreDamage {
            name,
            places: more + 1,
        });
    }
    if integrity.damages.is_empty() { 0 } else { 3 }
}
