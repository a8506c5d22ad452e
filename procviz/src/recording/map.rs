//! Finds the blocks of a file: from the index, or by going from block to block.

use std::io::{Read, Seek, SeekFrom};

use super::{
    Facts, INDEX,
    block::{BLOCK_HEADER, BLOCK_MAGIC, FILE_HEADER, Header, Kind, MOST_NS, find, unpacked},
    budget::{Budget, most_unpacked},
    columns::{Columns as _, TablesIn},
    marks::Mark,
    trails,
};
use crate::trails::{Past, TrailsBuilder};

/// Offset, kind and times of a block in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Offset of the first byte of the block in the file.
    pub offset: u64,
    pub(super) kind: u64,
    /// Time of the first sample, ns since boot.
    pub begin_ns: u64,
    /// Time of the last sample, ns since boot.
    pub end_ns: u64,
}

impl Entry {
    /// Whether the block holds samples.
    pub fn has_samples(&self) -> bool {
        self.is(Kind::Samples)
    }

    /// Whether the block is a keyframe: reading can begin there.
    pub fn is_keyframe(&self) -> bool {
        self.is(Kind::Keyframe)
    }

    pub(super) fn is(&self, kind: Kind) -> bool {
        self.kind == u64::from(kind.number())
    }
}

/// All blocks of a file, in order.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// The blocks that could be found.
    pub entries: Vec<Entry>,
}

/// Upper limit for the size of an index, bytes. A larger index is not found.
const MOST_OF_INDEX: u64 = 8 << 20;
/// Longest time between two blocks of samples that is never a gap, ns.
const FAR_NS: u64 = 3_000_000_000;
/// Approximate number of index entries that are compared with their blocks when the
/// index is read.
const LOOKED_AT: usize = 64;
/// Upper limit for the marks of a file in memory, bytes.
const MOST_OF_MARKS: usize = 64 << 20;
/// Number of bytes that are read at once to search for a block.
const WINDOW: usize = 1 << 16;

impl Map {
    /// Reads the index, or goes from block to block if there is no valid index.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn of(file: &mut (impl Read + Seek)) -> std::io::Result<Self> {
        let len = file.seek(SeekFrom::End(0))?;
        if let Some(entries) = index(file, len)?
            && are_true(file, &entries)?
        {
            return Ok(Self { entries });
        }
        let mut entries = Vec::new();
        let mut window = Window::new(file);
        let mut at = FILE_HEADER as u64;
        while let Some(found) = window.next_magic(at)? {
            at = found + 1;
            let Some(header) = window.header_at(found)? else {
                continue;
            };
            let end = found + (BLOCK_HEADER + header.packed) as u64;
            // The block is not finished, or its length is wrong.
            if end > len {
                continue;
            }
            entries.push(Entry {
                offset: found,
                kind: header.kind.number().into(),
                begin_ns: header.begin_ns,
                end_ns: header.end_ns,
            });
            at = end;
        }
        Ok(Self { entries })
    }

    /// Times of the first and the last sample, ns since boot; `None` without samples.
    pub fn span(&self) -> Option<(u64, u64)> {
        let mut samples = self.entries.iter().filter(|entry| entry.has_samples());
        let first = samples.next()?;
        let last = samples.next_back().unwrap_or(first);
        Some((first.begin_ns, last.end_ns))
    }

    /// Periods without samples, ns since boot: the periods of gap blocks, and periods
    /// between two blocks of samples that are much longer than usual.
    pub fn gaps(&self) -> Vec<(u64, u64)> {
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

    /// All marks, and the offsets of the blocks of marks that are damaged or exceed the
    /// limit for the marks of a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn marks(&self, file: &mut (impl Read + Seek)) -> std::io::Result<(Vec<Mark>, Vec<u64>)> {
        let (mut marks, mut damaged) = (Vec::new(), Vec::new());
        let mut room = MOST_OF_MARKS;
        let mut budget = Budget::new();
        for (entry, limit) in self.blocks(Kind::Marks) {
            let text = payload_at(file, entry, limit, &mut budget)?;
            let read = text.and_then(|text| serde_json::from_slice::<Vec<Mark>>(&text).ok());
            let bytes = |marks: &Vec<Mark>| marks.iter().map(Mark::bytes).sum::<usize>();
            let read = read.filter(|more| more.iter().all(Mark::is_possible));
            match read {
                Some(more) if bytes(&more) <= room => {
                    room -= bytes(&more);
                    more.iter().for_each(Mark::keep_names);
                    marks.extend(more);
                }
                _ => damaged.push(entry.offset),
            }
        }
        Ok((marks, damaged))
    }

    /// The trails up to a time before `until_ns`, ns since boot: up to the start of the
    /// block of samples before the one that holds `until_ns`. `None` if a block of trails
    /// is damaged or missing.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn past(
        &self,
        file: &mut (impl Read + Seek),
        until_ns: u64,
    ) -> std::io::Result<Option<Past>> {
        let mut samples = self
            .entries
            .iter()
            .rev()
            .filter(|entry| entry.has_samples());
        // `until_ns` can come from the wall clock, which is not exact: keep a distance
        // of one block of samples.
        let last = samples.find(|entry| entry.begin_ns <= until_ns);
        let limit_ns = samples.next().or(last).map_or(0, |entry| entry.begin_ns);
        let mut builder = TrailsBuilder::new();
        let mut budget = Budget::new();
        for (entry, limit) in self.blocks(Kind::Trails) {
            if entry.end_ns >= limit_ns {
                continue;
            }
            let payload = payload_at(file, entry, limit, &mut budget)?;
            let Some(Ok(more)) = payload.map(trails::unpack) else {
                return Ok(None);
            };
            if more.iter().any(|stretch| builder.take(stretch).is_err()) {
                return Ok(None);
            }
        }
        Ok(builder.finish().ok())
    }

    /// The blocks of a kind, each with the offset of the next block.
    pub(super) fn blocks(&self, kind: Kind) -> impl Iterator<Item = (&Entry, u64)> {
        let next = self.entries.iter().skip(1).map(|entry| entry.offset);
        let limits = next.chain(std::iter::once(u64::MAX));
        let entries = self.entries.iter().zip(limits);
        entries.filter(move |(entry, _)| entry.is(kind))
    }

    /// The last facts of the file; `None` if they cannot be read.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn last_facts(&self, file: &mut (impl Read + Seek)) -> std::io::Result<Option<Facts>> {
        let Some((entry, limit)) = self.blocks(Kind::Facts).last() else {
            return Ok(None);
        };
        let payload = payload_at(file, entry, limit, &mut Budget::new())?;
        let facts = payload.and_then(|payload| serde_json::from_slice::<Facts>(&payload).ok());
        Ok(facts.filter(Facts::are_possible))
    }

    /// The last block of facts before an offset.
    pub(super) fn facts_before(&self, offset: u64) -> Option<&Entry> {
        self.entries
            .iter()
            .rfind(|entry| entry.offset < offset && entry.is(Kind::Facts))
    }
}

/// Reads the payload of a block. `None`: the block is damaged, is not the block that the
/// entry names, reaches into the next block (which begins at `limit`), or exceeds the
/// budget.
pub(super) fn payload_at(
    file: &mut (impl Read + Seek),
    entry: &Entry,
    limit: u64,
    budget: &mut Budget,
) -> std::io::Result<Option<Vec<u8>>> {
    let Some(head) = head_at(file, entry.offset)? else {
        return Ok(None);
    };
    let named = |header: &Header| {
        entry.is(header.kind)
            && (header.begin_ns, header.end_ns) == (entry.begin_ns, entry.end_ns)
            && header.unpacked <= most_unpacked(header.kind)
            && entry.offset + (BLOCK_HEADER + header.packed) as u64 <= limit
    };
    let Some(header) = Header::parse(&head).filter(named) else {
        return Ok(None);
    };
    budget.used(header.packed as u64);
    if budget.unpack(&header).is_err() {
        return Ok(None);
    }
    let mut payload = Vec::new();
    let packed = header.packed as u64;
    file.by_ref().take(packed).read_to_end(&mut payload)?;
    if !header.is_sound(&head, &payload) {
        return Ok(None);
    }
    Ok(unpacked(&header, &payload))
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

/// A part of a file, searched from its front. No byte is read twice, even if many blocks
/// seem to begin there.
struct Window<'a, F> {
    file: &'a mut F,
    begin: u64,
    bytes: Vec<u8>,
}

impl<'a, F: Read + Seek> Window<'a, F> {
    fn new(file: &'a mut F) -> Self {
        Self {
            file,
            begin: 0,
            bytes: Vec::with_capacity(WINDOW),
        }
    }

    /// The bytes from an offset on: at least `wanted` bytes, or all up to the end of the
    /// file.
    fn from(&mut self, at: u64, wanted: usize) -> std::io::Result<&[u8]> {
        let end = self.begin + self.bytes.len() as u64;
        if at < self.begin || at + wanted as u64 > end {
            self.file.seek(SeekFrom::Start(at))?;
            self.bytes.clear();
            let window = self.file.by_ref().take(WINDOW as u64);
            { window }.read_to_end(&mut self.bytes)?;
            self.begin = at;
        }
        let from = (at - self.begin) as usize;
        Ok(self.bytes.get(from..).unwrap_or_default())
    }

    /// Offset of the next block magic at or after `from`: a block can begin there.
    fn next_magic(&mut self, from: u64) -> std::io::Result<Option<u64>> {
        let mut at = from;
        loop {
            let bytes = self.from(at, BLOCK_MAGIC.len())?;
            if let Some(found) = find(bytes, 0) {
                return Ok(Some(at + found as u64));
            }
            // The last bytes here can be the first bytes of a magic.
            let Some(step) = bytes.len().checked_sub(BLOCK_MAGIC.len() - 1) else {
                return Ok(None);
            };
            if step == 0 {
                return Ok(None);
            }
            at += step as u64;
        }
    }

    /// Parses the block header at an offset; `None` if no block begins there.
    fn header_at(&mut self, at: u64) -> std::io::Result<Option<Header>> {
        let bytes = self.from(at, BLOCK_HEADER)?;
        Ok(bytes.first_chunk::<BLOCK_HEADER>().and_then(Header::parse))
    }
}

/// Whether the blocks of an index exist. In a long index, only some entries are checked
/// here, always including the first and the last block of samples. The other entries are
/// checked when they are used.
fn are_true(file: &mut (impl Read + Seek), entries: &[Entry]) -> std::io::Result<bool> {
    let step = entries.len().div_ceil(LOOKED_AT).max(1);
    let mut samples = entries.iter().filter(|entry| entry.has_samples());
    let ends = [samples.next(), samples.next_back()];
    for entry in entries
        .iter()
        .step_by(step)
        .chain(ends.into_iter().flatten())
    {
        let header = head_at(file, entry.offset)?.and_then(|head| Header::parse(&head));
        let is_true = header.is_some_and(|header| {
            entry.is(header.kind)
                && (header.begin_ns, header.end_ns) == (entry.begin_ns, entry.end_ns)
        });
        if !is_true {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The entries of the index; `None` if the file does not end with a valid index.
fn index(file: &mut (impl Read + Seek), len: u64) -> std::io::Result<Option<Vec<Entry>>> {
    let mut tail = WINDOW as u64;
    let mut budget = Budget::new();
    loop {
        let from = len.saturating_sub(tail).max(FILE_HEADER as u64);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.by_ref().take(tail).read_to_end(&mut bytes)?;
        let mut at = 0;
        while let Some(found) = find(&bytes, at) {
            let from = from + found as u64;
            if let Some(entries) = entries(&bytes[found..], from, &mut budget) {
                return Ok(Some(entries));
            }
            at = found + 1;
        }
        // A longer index begins earlier in the file.
        if from <= FILE_HEADER as u64 || tail >= MOST_OF_INDEX || len == 0 {
            return Ok(None);
        }
        tail = (tail * 16).min(MOST_OF_INDEX);
    }
}

/// The entries of an index; `None` if `block` is not exactly one valid index. `place` is
/// the offset of `block` in the file.
fn entries(block: &[u8], place: u64, budget: &mut Budget) -> Option<Vec<Entry>> {
    let head = block.first_chunk::<BLOCK_HEADER>()?;
    let header = Header::parse(head)?;
    let payload = block.get(BLOCK_HEADER..)?;
    let is_it = header.kind == Kind::Index && header.packed == payload.len();
    if !is_it || budget.search(payload.len()).is_err() || !header.is_sound(head, payload) {
        return None;
    }
    let payload = unpacked(&header, payload)?;
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
    let is_possible = |entry: &Entry| entry.begin_ns <= entry.end_ns && entry.end_ns <= MOST_NS;
    let is_in_order = entries
        .windows(2)
        .all(|pair| pair[0].offset.saturating_add(BLOCK_HEADER as u64) <= pair[1].offset);
    let is_inside = entries.last().is_none_or(|entry| entry.offset < place);
    (is_in_order && is_inside && entries.iter().all(is_possible)).then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Block;

    /// Whether an index at the offset `place` with blocks at these offsets is believed.
    fn is_believed(offsets: &[u64], place: u64) -> bool {
        let entry = |offset: &u64| Entry {
            offset: *offset,
            ..Entry::default()
        };
        let written: Vec<Entry> = offsets.iter().map(entry).collect();
        let block = Block::index(&written).unwrap();
        let mut budget = Budget::new();
        budget.used(1 << 20);
        match entries(&block.bytes, place, &mut budget) {
            Some(read) => {
                assert_eq!(read, written);
                true
            }
            None => false,
        }
    }

    #[test]
    fn an_index_names_blocks_in_order_before_itself() {
        assert!(is_believed(&[64, 4_000, 9_000], 10_000));
        assert!(!is_believed(&[64, 65], 10_000), "blocks that overlap");
        assert!(!is_believed(&[4_000, 64], 10_000), "out of order");
        assert!(!is_believed(&[64, 10_000], 10_000), "behind the index");
        // Offsets of a hostile file, whose sums are beyond 64 bits.
        assert!(!is_believed(&[u64::MAX, u64::MAX], 10_000));
        assert!(!is_believed(&[u64::MAX - 1, u64::MAX], u64::MAX));
    }
}
