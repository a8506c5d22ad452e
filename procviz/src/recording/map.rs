//! Where the blocks of a file are: by its index, or from block to block.

use std::io::{Read, Seek, SeekFrom};

use super::{
    INDEX,
    block::{BLOCK_HEADER, BLOCK_MAGIC, FILE_HEADER, Header, Kind, MOST},
    columns::{Columns as _, TablesIn},
    marks::Mark,
    trails,
};
use crate::tracker::Stretch;

/// A block of a file: where, what, and of when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its first byte.
    pub offset: u64,
    pub(super) kind: u64,
    /// Its first sample's time since boot, ns.
    pub begin_ns: u64,
    /// Its last sample's.
    pub end_ns: u64,
}

impl Entry {
    /// Whether it holds samples.
    pub fn has_samples(&self) -> bool {
        self.is(Kind::Samples)
    }

    /// Whether reading may begin there.
    pub fn is_keyframe(&self) -> bool {
        self.is(Kind::Keyframe)
    }

    pub(super) fn is(&self, kind: Kind) -> bool {
        self.kind == u64::from(kind.number())
    }
}

/// All of a file's blocks, in order.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// Those that could be found.
    pub entries: Vec<Entry>,
}

/// An index of more is not looked for.
const MOST_OF_INDEX: u64 = 8 << 20;
/// Blocks that are no further apart than this have nothing between them, ns.
const FAR_NS: u64 = 3_000_000_000;
/// Bytes that are searched at once for the next block.
const WINDOW: usize = 1 << 16;

impl Map {
    /// Looks for the index, or goes from block to block where there is none.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn of(file: &mut (impl Read + Seek)) -> std::io::Result<Self> {
        let len = file.seek(SeekFrom::End(0))?;
        if let Some(entries) = index(file, len)? {
            return Ok(Self { entries });
        }
        let mut entries = Vec::new();
        let mut at = FILE_HEADER as u64;
        while let Some(head) = head_at(file, at)? {
            let Some(header) = Header::parse(&head) else {
                match next_magic(file, at + 1)? {
                    Some(next) => at = next,
                    None => break,
                }
                continue;
            };
            let end = at + (BLOCK_HEADER + header.packed) as u64;
            if end > len {
                // Not finished, or it lies about its length.
                match next_magic(file, at + 1)? {
                    Some(next) => at = next,
                    None => break,
                }
                continue;
            }
            entries.push(Entry {
                offset: at,
                kind: header.kind.number().into(),
                begin_ns: header.begin_ns,
                end_ns: header.end_ns,
            });
            at = end;
        }
        Ok(Self { entries })
    }

    /// Times since boot of the first and the last sample, ns.
    pub fn span(&self) -> Option<(u64, u64)> {
        let mut samples = self.entries.iter().filter(|entry| entry.has_samples());
        let first = samples.next()?;
        let last = samples.next_back().unwrap_or(first);
        Some((first.begin_ns, last.end_ns))
    }

    /// Times since boot of which there are no samples, ns: the file says so, or
    /// there is far more time between two blocks than between most.
    pub fn holes(&self) -> Vec<(u64, u64)> {
        let span = |entry: &Entry| (entry.begin_ns, entry.end_ns);
        let of = |kind: Kind| self.entries.iter().filter(move |entry| entry.is(kind));
        let samples: Vec<_> = of(Kind::Samples).map(span).collect();
        let between = samples.windows(2).map(|pair| (pair[0].1, pair[1].0));
        let between: Vec<_> = between.collect();
        let len = |(end, begin): &(u64, u64)| begin.saturating_sub(*end);
        let mut lens: Vec<u64> = between.iter().map(len).collect();
        lens.sort_unstable();
        let usual = lens.get(lens.len() / 2).copied().unwrap_or_default();
        let long = FAR_NS.max(usual.saturating_mul(4));
        let long = between.iter().filter(|pair| len(pair) > long).copied();
        of(Kind::Gap).map(span).chain(long).collect()
    }

    /// What began and ceased to stand out, and the places of blocks of it that
    /// are damaged.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn marks(&self, file: &mut (impl Read + Seek)) -> std::io::Result<(Vec<Mark>, Vec<u64>)> {
        let (mut marks, mut damaged) = (Vec::new(), Vec::new());
        for entry in self.entries.iter().filter(|entry| entry.is(Kind::Marks)) {
            let text = payload_at(file, entry.offset)?;
            let read = text.and_then(|text| serde_json::from_slice::<Vec<Mark>>(&text).ok());
            match read {
                Some(more) => marks.extend(more),
                None => damaged.push(entry.offset),
            }
        }
        Ok((marks, damaged))
    }

    /// What came to trails well before a time since boot; `None` where some of
    /// it is damaged.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn trails(
        &self,
        file: &mut (impl Read + Seek),
        until_ns: u64,
    ) -> std::io::Result<Option<Vec<Stretch>>> {
        let mut samples = self
            .entries
            .iter()
            .rev()
            .filter(|entry| entry.has_samples());
        // The wall clock, by which the time may have been found, is not that exact.
        let Some(last) = samples.find(|entry| entry.begin_ns <= until_ns) else {
            return Ok(Some(Vec::new()));
        };
        let limit = samples.next().unwrap_or(last).begin_ns;
        let mut stretches = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.is(Kind::Trails)) {
            if entry.end_ns >= limit {
                continue;
            }
            let payload = payload_at(file, entry.offset)?;
            let Some(Ok(more)) = payload.map(trails::unpack) else {
                return Ok(None);
            };
            stretches.extend(more);
        }
        Ok(Some(stretches))
    }

    /// The last facts before a place.
    pub(super) fn facts_before(&self, offset: u64) -> Option<&Entry> {
        self.entries
            .iter()
            .rfind(|entry| entry.offset < offset && entry.is(Kind::Facts))
    }
}

/// The payload of a block; `None` where it is damaged.
fn payload_at(file: &mut (impl Read + Seek), at: u64) -> std::io::Result<Option<Vec<u8>>> {
    let Some(head) = head_at(file, at)? else {
        return Ok(None);
    };
    let Some(header) = Header::parse(&head) else {
        return Ok(None);
    };
    let mut payload = Vec::new();
    let packed = header.packed as u64;
    file.by_ref().take(packed).read_to_end(&mut payload)?;
    if !header.is_sound(&head, &payload) {
        return Ok(None);
    }
    Ok(super::reader::unpacked(&header, &payload))
}

fn head_at(file: &mut (impl Read + Seek), at: u64) -> std::io::Result<Option<[u8; BLOCK_HEADER]>> {
    file.seek(SeekFrom::Start(at))?;
    let mut head = [0; BLOCK_HEADER];
    match file.read_exact(&mut head) {
        Ok(()) => Ok(Some(head)),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn next_magic(file: &mut (impl Read + Seek), from: u64) -> std::io::Result<Option<u64>> {
    let mut at = from;
    let mut window = Vec::with_capacity(WINDOW);
    loop {
        file.seek(SeekFrom::Start(at))?;
        window.clear();
        file.by_ref().take(WINDOW as u64).read_to_end(&mut window)?;
        if let Some(found) = super::reader::find(&window, 0) {
            return Ok(Some(at + found as u64));
        }
        if window.len() < WINDOW {
            return Ok(None);
        }
        at += (WINDOW - BLOCK_MAGIC.len()) as u64;
    }
}

/// What the index says, if the file ends with a sound one.
fn index(file: &mut (impl Read + Seek), len: u64) -> std::io::Result<Option<Vec<Entry>>> {
    let mut tail = WINDOW as u64;
    loop {
        let from = len.saturating_sub(tail).max(FILE_HEADER as u64);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.by_ref().take(tail).read_to_end(&mut bytes)?;
        let mut at = 0;
        while let Some(found) = super::reader::find(&bytes, at) {
            if let Some(entries) = entries(&bytes[found..], len) {
                return Ok(Some(entries));
            }
            at = found + 1;
        }
        // A longer index begins further ahead.
        if from <= FILE_HEADER as u64 || tail >= MOST_OF_INDEX || len == 0 {
            return Ok(None);
        }
        tail = (tail * 16).min(MOST_OF_INDEX);
    }
}

/// The entries of an index that takes all these bytes.
fn entries(block: &[u8], len: u64) -> Option<Vec<Entry>> {
    let head = block.first_chunk::<BLOCK_HEADER>()?;
    let header = Header::parse(head)?;
    let payload = block.get(BLOCK_HEADER..)?;
    let is_it = header.kind == Kind::Index
        && header.packed == payload.len()
        && header.unpacked <= MOST
        && header.is_sound(head, payload);
    if !is_it {
        return None;
    }
    let payload = super::reader::unpacked(&header, payload)?;
    let mut tables = TablesIn::parse(payload).ok()?;
    let mut entries = Vec::new();
    for _ in 0..tables.rows(INDEX) {
        let mut entry = Entry::default();
        tables
            .row(INDEX, |row| {
                row.rising(&mut entry.offset);
                row.number(&mut entry.kind);
                row.rising(&mut entry.begin_ns);
                row.rising(&mut entry.end_ns);
            })
            .ok()?;
        entries.push(entry);
    }
    let is_in_order = entries.is_sorted_by_key(|entry| entry.offset);
    let is_inside = entries.last().is_none_or(|entry| entry.offset < len);
    (is_in_order && is_inside).then_some(entries)
}
