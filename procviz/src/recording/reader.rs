//! Reads a recording from the front, even if it is damaged: a damaged block is left out
//! and reported, and reading continues at the next block.

use std::{
    io::{Read, Seek, SeekFrom},
    sync::Arc,
};

use super::{
    block::{
        BLOCK_HEADER, BLOCK_MAGIC, FILE_HEADER, Header, Kind, MAGIC, MOST, MOST_NS, VERSION, find,
        unpacked,
    },
    budget::{Budget, Exceeded, most_unpacked},
    deaths,
    facts::Facts,
    gap::Gap,
    keyframes,
    map::Map,
    possible::{end_is_possible, is_possible},
    samples::SamplesIn,
    trails,
};
use crate::{
    model::{ExitRecord, Sample},
    tracker::Keyframe,
};

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Reading from the file failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The file is empty.
    #[error("the file is empty")]
    Empty,
    /// The file is not a recording.
    #[error("not a procviz recording")]
    Foreign,
    /// The format version is newer than this procviz.
    #[error(
        "the format version is {0}, but this procviz reads versions up to {VERSION}: use a newer procviz"
    )]
    Version(u16),
}

/// A damaged part of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Offset of the first byte that is left out.
    pub offset: u64,
    /// Number of bytes that are left out, up to the next block or the end of the file; 0 if
    /// only samples of a block, or the whole rest of the file, are left out.
    pub bytes: u64,
    /// What is wrong with this part, in words for the user.
    pub what: &'static str,
}

/// What a reader found besides samples: damage, gaps, and the size of the file.
#[derive(Clone, Debug, Default)]
pub struct Integrity {
    /// Parts that could not be read.
    pub damages: Vec<Damage>,
    /// Periods that the recorder could not write.
    pub gaps: Vec<Gap>,
    /// Number of blocks that were read, including blocks of unknown kinds.
    pub blocks: u64,
    /// Number of bytes that were read.
    pub bytes: u64,
    /// Whether the index exists: the recording was closed.
    pub is_closed: bool,
    /// Number of bytes of an unfinished last block; 0 if there is none.
    pub unfinished: u64,
}

/// Reads one recording.
pub struct Reader {
    input: Box<dyn Read + Send>,
    /// Bytes of the input; `used` of them are already used. `at` is the offset in the
    /// file of the first byte that is not used yet.
    buffer: Vec<u8>,
    used: usize,
    at: u64,
    is_at_end: bool,
    facts: Facts,
    integrity: Integrity,
    samples: Option<SamplesIn>,
    /// Offset of the block of `samples`, and the time of the last sample that was read,
    /// ns since boot.
    samples_at: u64,
    before_ns: u64,
    /// What reading the rest can still cost; `None`: the rest is not read.
    budget: Option<Budget>,
    unpacked: u64,
    /// Exit records of the gap before the next sample.
    ended: Vec<Arc<ExitRecord>>,
    /// Number of damages and gaps so far, including those that are not listed.
    losses: usize,
    /// The keyframe before the next sample, and the number of damages and gaps before it.
    keyframe: Option<(Keyframe, usize)>,
    /// Bytes that were left out since the last valid block, and the reason.
    skipped: Option<Damage>,
}

/// Upper limit for the damages and gaps that are listed one by one.
const MOST_DAMAGES: usize = 1_000;
/// Upper limit for the exit records of the gaps before one sample.
pub(crate) const MOST_ENDED: usize = 100_000;

impl Reader {
    /// Reads up to the first facts.
    ///
    /// # Errors
    ///
    /// When the input is not a recording, or cannot be read.
    pub fn new(input: impl Read + Send + 'static) -> Result<Self, ReadError> {
        let mut reader = Self {
            input: Box::new(input),
            buffer: Vec::new(),
            used: 0,
            at: 0,
            is_at_end: false,
            facts: Facts::default(),
            integrity: Integrity::default(),
            samples: None,
            samples_at: 0,
            before_ns: 0,
            budget: Some(Budget::new()),
            unpacked: 0,
            ended: Vec::new(),
            losses: 0,
            keyframe: None,
            skipped: None,
        };
        reader.fill(FILE_HEADER)?;
        let head = reader.rest();
        if head.is_empty() {
            return Err(ReadError::Empty);
        }
        if head.len() < FILE_HEADER || &head[..8] != MAGIC {
            return Err(ReadError::Foreign);
        }
        let version = u16::from_le_bytes([head[8], head[9]]);
        if version == 0 {
            return Err(ReadError::Foreign);
        }
        if version > VERSION {
            return Err(ReadError::Version(version));
        }
        reader.take(FILE_HEADER);
        // The facts come before the first samples.
        while reader.samples.is_none() && reader.block()? && reader.facts == Facts::default() {}
        Ok(reader)
    }

    /// The facts of the recording; later blocks can add user names.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Continues at the block at `offset`, which `map` names, with the last facts before
    /// this block. `file` is the same file as before.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn jump(
        &mut self,
        mut file: impl Read + Seek + Send + 'static,
        map: &Map,
        offset: u64,
    ) -> Result<(), ReadError> {
        self.end_of_damage();
        self.samples = None;
        self.ended.clear();
        self.keyframe = None;
        let facts = map.facts_before(offset).map(|entry| entry.offset);
        self.begin_at(Box::new(std::io::empty()), 0);
        if let Some(facts) = facts {
            file.seek(SeekFrom::Start(facts))?;
            let mut head = [0; BLOCK_HEADER];
            file.read_exact(&mut head)?;
            let len = Header::parse(&head).map_or(0, |header| header.packed);
            let mut block = head.to_vec();
            file.by_ref().take(len as u64).read_to_end(&mut block)?;
            self.begin_at(Box::new(std::io::Cursor::new(block)), facts);
            self.block()?;
        }
        file.seek(SeekFrom::Start(offset))?;
        self.begin_at(Box::new(file), offset);
        Ok(())
    }

    fn begin_at(&mut self, input: Box<dyn Read + Send>, at: u64) {
        self.input = input;
        self.buffer.clear();
        self.used = 0;
        self.at = at;
        self.is_at_end = false;
        self.before_ns = 0;
        self.budget = Some(Budget::new());
    }

    /// Takes the keyframe between the last two samples that were read, or before the first
    /// sample; `None` if there is none. It is for
    /// [`Tracker::restore`](crate::tracker::Tracker::restore). The number counts the damages
    /// and gaps before the keyframe: its state makes up for them.
    pub fn take_keyframe(&mut self) -> Option<(Keyframe, usize)> {
        self.keyframe.take()
    }

    /// Number of unpacked bytes of payloads so far.
    pub fn unpacked(&self) -> u64 {
        self.unpacked
    }

    /// What was found so far. It is complete only after the last sample.
    pub fn integrity(&self) -> &Integrity {
        &self.integrity
    }

    /// The next sample; `None` after the last sample.
    ///
    /// # Errors
    ///
    /// When the input cannot be read. Damage is not an error.
    pub fn read(&mut self) -> Result<Option<Sample>, ReadError> {
        loop {
            if let Some(samples) = &mut self.samples {
                match samples.next() {
                    Ok(Some(sample)) if !is_possible(&sample, self.before_ns) => {
                        self.add_damage(Damage {
                            offset: self.samples_at,
                            bytes: 0,
                            what: "a sample has impossible figures",
                        });
                    }
                    Ok(Some(mut sample)) => {
                        self.before_ns = sample.stamp.boot_ns;
                        sample.precede(self.ended.drain(..));
                        return Ok(Some(sample));
                    }
                    Ok(None) => self.samples = None,
                    Err(_) => {
                        self.samples = None;
                        self.add_damage(Damage {
                            offset: self.samples_at,
                            bytes: 0,
                            what: "the content of a block of samples is invalid",
                        });
                    }
                }
                continue;
            }
            if !self.block()? {
                return Ok(None);
            }
        }
    }

    /// Takes the exit records of a gap after the last sample.
    pub fn take_ended(&mut self) -> Vec<Arc<ExitRecord>> {
        std::mem::take(&mut self.ended)
    }

    fn lacks(&mut self, gap: Gap) {
        self.losses += 1;
        match self.integrity.gaps.last_mut() {
            Some(last) if self.losses > MOST_DAMAGES => {
                last.samples += gap.samples;
                last.deaths += gap.deaths;
            }
            _ => self.integrity.gaps.push(gap),
        }
    }

    fn add_damage(&mut self, damage: Damage) {
        self.losses += 1;
        if self.integrity.damages.len() < MOST_DAMAGES {
            self.integrity.damages.push(damage);
        }
    }

    /// Reads the rest of the file for [`Reader::integrity`]: checks the checksums of all
    /// blocks, and unpacks only gap blocks.
    ///
    /// # Errors
    ///
    /// When the input cannot be read.
    pub fn scan_checksums(&mut self) -> Result<(), ReadError> {
        self.samples = None;
        while let Some(header) = self.sound()? {
            if header.kind == Kind::Gap && header.unpacked <= most_unpacked(Kind::Gap) {
                let budget = self.budget.as_mut().ok_or(Exceeded);
                if budget.and_then(|budget| budget.unpack(&header)).is_err() {
                    self.give_up();
                    return Ok(());
                }
                let payload = &self.rest()[BLOCK_HEADER..BLOCK_HEADER + header.packed];
                if let Some(payload) = unpacked(&header, payload) {
                    self.lacks(Gap::of(&header, &payload));
                }
            }
            self.pass(&header);
        }
        Ok(())
    }

    /// Reads the next valid block. Returns false at the end of the file.
    fn block(&mut self) -> Result<bool, ReadError> {
        let Some(header) = self.sound()? else {
            return Ok(false);
        };
        let offset = self.at;
        if matches!(header.kind, Kind::Index | Kind::Marks | Kind::Other(_)) {
            self.pass(&header);
            self.integrity.is_closed |= header.kind == Kind::Index;
            return Ok(true);
        }
        let payload = &self.rest()[BLOCK_HEADER..BLOCK_HEADER + header.packed];
        let payload = match header.unpacked <= most_unpacked(header.kind) {
            true => unpacked(&header, payload),
            false => None,
        };
        self.unpacked += header.unpacked as u64;
        // Pass the block first: its own bytes raise the budget that it needs.
        self.pass(&header);
        let budget = self.budget.as_mut().ok_or(Exceeded);
        if budget.and_then(|budget| budget.unpack(&header)).is_err() {
            self.give_up();
            return Ok(false);
        }
        let entered = match payload {
            Some(payload) => self.enter(&header, payload, offset),
            None => Ok(false),
        };
        match entered {
            Ok(true) => {}
            Ok(false) => self.add_damage(Damage {
                offset,
                bytes: (BLOCK_HEADER + header.packed) as u64,
                what: "the content of a block is invalid",
            }),
            Err(Exceeded) => self.give_up(),
        }
        Ok(true)
    }

    /// Leaves out the rest of the file: it was made to keep its reader busy.
    fn give_up(&mut self) {
        if self.budget.take().is_some() {
            self.add_damage(Damage {
                offset: self.at,
                bytes: 0,
                what: "the content exceeds the limits for a file of this size; the rest of the file is left out",
            });
        }
        self.samples = None;
    }

    /// Moves past a valid block.
    fn pass(&mut self, header: &Header) {
        self.end_of_damage();
        self.take(BLOCK_HEADER + header.packed);
        self.integrity.blocks += 1;
    }

    /// Moves to the next block with the right checksum. The buffer then holds the whole
    /// block.
    fn sound(&mut self) -> Result<Option<Header>, ReadError> {
        loop {
            if self.budget.is_none() {
                return Ok(None);
            }
            self.fill(BLOCK_HEADER)?;
            let Some(head) = self.rest().first_chunk::<BLOCK_HEADER>().copied() else {
                let left = self.rest().len() as u64;
                if self.skipped.is_none() {
                    // The recorder was stopped within this block, or still writes it.
                    self.integrity.unfinished = left;
                } else {
                    self.skip(left as usize, "");
                }
                self.end_of_damage();
                return Ok(None);
            };
            let Some(header) = Header::parse(&head) else {
                self.skip_to_next("no block begins at this byte")?;
                continue;
            };
            let whole = BLOCK_HEADER + header.packed;
            self.fill(whole)?;
            let Some(payload) = self.rest().get(BLOCK_HEADER..whole) else {
                // Either the file ends within the block, or the length is wrong.
                if self.skipped.is_none() && !self.has_block_after(1) {
                    self.integrity.unfinished = self.rest().len() as u64;
                    return Ok(None);
                }
                self.skip_to_next("a block is longer than the rest of the file")?;
                continue;
            };
            if header.is_sound(&head, payload) {
                return Ok(Some(header));
            }
            let budget = self.budget.as_mut().ok_or(Exceeded);
            if budget.and_then(|budget| budget.search(whole)).is_err() {
                self.end_of_damage();
                self.give_up();
                return Ok(None);
            }
            self.skip_to_next("the checksum of a block is wrong")?;
        }
    }

    /// Reads a payload. Returns whether the payload is valid.
    fn enter(&mut self, header: &Header, payload: Vec<u8>, offset: u64) -> Result<bool, Exceeded> {
        Ok(match header.kind {
            Kind::Facts => match serde_json::from_slice::<Facts>(&payload) {
                Ok(facts) if facts.are_possible() => {
                    self.facts = facts;
                    true
                }
                _ => false,
            },
            Kind::Samples => match SamplesIn::new(payload) {
                Ok(samples) => {
                    self.spend_rows(samples.rows())?;
                    self.samples = Some(samples);
                    self.samples_at = offset;
                    true
                }
                Err(_) => false,
            },
            Kind::Gap => {
                self.lacks(Gap::of(header, &payload));
                true
            }
            Kind::Keyframe => match keyframes::unpack(payload) {
                Ok(keyframe) => {
                    self.keyframe = keyframe.map(|keyframe| (keyframe, self.losses));
                    true
                }
                Err(_) => false,
            },
            Kind::Deaths => match SamplesIn::new(payload) {
                Ok(mut samples) => {
                    self.spend_rows(samples.rows())?;
                    self.take_ends(deaths::ends(&mut samples))
                }
                Err(_) => false,
            },
            Kind::Trails => trails::unpack(payload).is_ok(),
            Kind::Index | Kind::Marks | Kind::Other(_) => true,
        })
    }

    fn spend_rows(&mut self, rows: u64) -> Result<(), Exceeded> {
        self.budget.as_mut().ok_or(Exceeded)?.rows(rows)
    }

    /// Keeps the exit records of a gap. Returns whether they are possible, and within the
    /// limit.
    fn take_ends(&mut self, ended: Option<Vec<Arc<ExitRecord>>>) -> bool {
        let Some(ended) = ended else { return false };
        let are_possible = ended.iter().all(|record| end_is_possible(record, MOST_NS));
        let is_room = self.ended.len() + ended.len() <= MOST_ENDED;
        if are_possible && is_room {
            self.ended.extend(ended);
        }
        are_possible && is_room
    }

    /// Leaves out bytes up to the next block magic, where a block can begin.
    fn skip_to_next(&mut self, what: &'static str) -> Result<(), ReadError> {
        let mut from = 1;
        loop {
            if let Some(at) = find(self.rest(), from) {
                self.skip(at, what);
                return Ok(());
            }
            // The last bytes here can be the first bytes of a magic.
            let scanned = self
                .rest()
                .len()
                .saturating_sub(BLOCK_MAGIC.len() - 1)
                .max(1);
            self.skip(scanned.min(self.rest().len()), what);
            from = 0;
            self.fill(1 << 16)?;
            if self.rest().len() < BLOCK_MAGIC.len() {
                return Ok(());
            }
        }
    }

    fn has_block_after(&self, from: usize) -> bool {
        find(self.rest(), from).is_some()
    }

    fn skip(&mut self, bytes: usize, what: &'static str) {
        let offset = self.at;
        let damage = self.skipped.get_or_insert(Damage {
            offset,
            bytes: 0,
            what,
        });
        damage.bytes += bytes as u64;
        self.take(bytes);
    }

    fn end_of_damage(&mut self) {
        if let Some(damage) = self.skipped.take() {
            self.add_damage(damage);
        }
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.used..]
    }

    fn take(&mut self, bytes: usize) {
        self.used += bytes;
        self.at += bytes as u64;
        if let Some(budget) = &mut self.budget {
            budget.used(bytes as u64);
        }
        self.integrity.bytes = self.at;
    }

    /// Reads until the buffer holds `wanted` unused bytes, or the input ends.
    fn fill(&mut self, wanted: usize) -> Result<(), ReadError> {
        debug_assert!(wanted <= BLOCK_HEADER + MOST, "more than any block has");
        if self.rest().len() >= wanted || self.is_at_end {
            return Ok(());
        }
        self.buffer.drain(..self.used);
        self.used = 0;
        let missing = wanted.max(1 << 16) - self.buffer.len();
        let before = self.buffer.len();
        let mut input = self.input.by_ref().take(missing as u64);
        input.read_to_end(&mut self.buffer)?;
        self.is_at_end = self.buffer.len() < before + missing;
        Ok(())
    }
}
