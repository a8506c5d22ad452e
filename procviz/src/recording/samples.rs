//! Packs samples into tables in columns, and unpacks them.

use std::ops::ControlFlow;

use rustc_hash::FxHashMap;

use super::{
    columns::{Invalid, TableOut, TablesIn, Words, finish, size},
    event_rows::{self, EVENTS},
    rows::{self, Counts},
};
use crate::model::{
    Comm, Event, ExitRecord, Fold, Found, Gone, Memory, MemorySizes, Reading, Sample, Sources,
    State, Status, TaskId,
};

/// Numbers of the tables in a block.
const SAMPLES: u8 = 10;
const FOUND: u8 = 11;
const READINGS: u8 = 12;
const MEMORIES: u8 = 13;
const FOLDS: u8 = 14;
/// Kind of each event, in the order of the events.
const KINDS: u8 = 15;
/// Upper limit for the rows of one kind in a sample.
const MOST_ROWS: u64 = 400_000;
/// Cost of a sample for its reader besides its rows, in rows.
const ROWS_OF_SAMPLE: u64 = 8;
/// Upper limit for a sample in memory, bytes: 130,000 tasks found at once, or 300,000
/// events if a third of the events are exits of processes.
const MOST_BYTES: u64 = 64 << 20;

/// Collects samples for a block.
pub(super) struct SamplesOut {
    words: Words,
    tables: Vec<TableOut>,
    known: Known,
    /// Times of the first and the last sample, ns since boot; `None` without samples.
    span: Option<(u64, u64)>,
}

impl SamplesOut {
    pub(super) fn new() -> Self {
        let ids = [SAMPLES, FOUND, READINGS, MEMORIES, FOLDS, KINDS];
        let tables = ids.into_iter().chain(EVENTS).map(TableOut::new);
        Self {
            words: Words::new(),
            tables: tables.collect(),
            known: Known::default(),
            span: None,
        }
    }

    /// Adds a sample.
    pub(super) fn add(&mut self, sample: &Sample) {
        let now = sample.stamp.boot_ns;
        self.span = Some((self.span.map_or(now, |(first, _)| first), now));
        self.known.invalidate(sample);
        let memories: Vec<Memory> = sample
            .memories
            .iter()
            .filter(|memory| self.known.is_news(memory))
            .copied()
            .collect();
        let mut counts = Counts {
            found: sample.found.len() as u64,
            events: sample.events.len() as u64,
            folds: sample.folds.len() as u64,
            readings: sample.readings.len() as u64,
            memories: memories.len() as u64,
        };
        // The same description writes and reads a row, so it takes mutable values: each
        // row is copied before it is written.
        let mut head = head_of(sample);
        self.row(SAMPLES, |put| rows::sample(put, &mut head, &mut counts));
        for found in &sample.found {
            let mut found = found.clone();
            self.row(FOUND, |put| rows::found(put, &mut found));
        }
        for reading in &sample.readings {
            let mut reading = *reading;
            self.row(READINGS, |put| rows::reading(put, &mut reading));
        }
        for mut memory in memories {
            self.row(MEMORIES, |put| rows::memory(put, &mut memory));
        }
        for fold in &sample.folds {
            let mut fold = fold.clone();
            self.row(FOLDS, |put| rows::fold(put, &mut fold));
        }
        for event in &sample.events {
            let kind = event_rows::kind(event);
            let mut event = event.clone();
            self.row(KINDS, |put| {
                use super::columns::Columns as _;
                put.number(&mut u64::from(kind));
            });
            self.row(kind, |put| event_rows::event(put, &mut event));
        }
    }

    /// Waits for the names that are not known in the blocks of `other`.
    pub(super) fn wait_for_names(&mut self, other: Self) {
        self.words.wait_for(other.words);
    }

    /// Writes the memory of all processes again from now on: reading can begin here.
    pub(super) fn forget_memories(&mut self) {
        self.known.0.clear();
    }

    fn row(&mut self, id: u8, describe: impl FnOnce(&mut super::columns::Put<'_>)) {
        if let Some(table) = self.tables.iter_mut().find(|table| table.id() == id) {
            table.row(&mut self.words, describe);
        }
    }

    /// Approximate size of the collected samples, bytes.
    pub(super) fn size(&self) -> usize {
        size(&self.words, &self.tables)
    }

    /// Times of the first and the last sample, ns since boot; `None` without samples.
    pub(super) fn span(&self) -> Option<(u64, u64)> {
        self.span
    }

    /// Packs all collected samples into the payload of a block, and forgets them.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.span = None;
        finish(&mut self.words, &mut self.tables)
    }
}

/// Memory of each process as last written. Most rows repeat the previous row of their
/// process, and are not written.
#[derive(Default)]
struct Known(FxHashMap<TaskId, Memory>);

impl Known {
    /// Forgets the processes whose number of threads other rows can change.
    fn invalidate(&mut self, sample: &Sample) {
        if !sample.found.is_empty() {
            self.0.clear();
        }
        for event in &sample.events {
            let process = match event {
                Event::Fork(fork) => fork.process,
                Event::Exec(exec) => exec.process,
                Event::ThreadEnd(end) => end.process,
                Event::ProcessEnd(record) => record.process,
                Event::Reaped(id) => *id,
                _ => continue,
            };
            self.0.remove(&process);
        }
    }

    fn is_news(&mut self, memory: &Memory) -> bool {
        let before = self.0.get(&memory.process);
        let mut now = *memory;
        // Rules take in each of these rows.
        let is_always_news = now.written.is_some();
        if let Some(before) = before.filter(|before| before.sizes.rss == now.sizes.rss) {
            now.sizes.parts = now.sizes.parts.or(before.sizes.parts);
        }
        self.0.insert(memory.process, now) != Some(now) || is_always_news
    }
}

/// A copy of a sample without its lists.
fn head_of(sample: &Sample) -> Sample {
    Sample {
        stamp: sample.stamp,
        boot_wall_ns: sample.boot_wall_ns,
        complete: sample.complete,
        machine: sample.machine.clone(),
        losses: sample.losses,
        events_seen: sample.events_seen,
        own_cpu_ns: sample.own_cpu_ns,
        ..Sample::new(sample.sources)
    }
}

/// Reads the samples of a block, one after another.
pub(super) struct SamplesIn(TablesIn);

impl SamplesIn {
    /// Parses the payload of a block.
    ///
    /// # Errors
    ///
    /// When the payload is invalid.
    pub(super) fn new(payload: Vec<u8>) -> Result<Self, Invalid> {
        TablesIn::parse(payload).map(Self)
    }

    /// Cost of the samples that are not read yet, in rows: their rows, and
    /// `ROWS_OF_SAMPLE` for each sample.
    pub(super) fn rows(&self) -> u64 {
        self.0.all_rows() + self.0.rows(SAMPLES) * ROWS_OF_SAMPLE
    }

    /// The next sample; `None` after the last sample.
    ///
    /// # Errors
    ///
    /// When the sample is invalid.
    pub(super) fn next(&mut self) -> Result<Option<Sample>, Invalid> {
        let Some((mut sample, counts)) = self.head()? else {
            return Ok(None);
        };
        let all = [
            counts.found,
            counts.events,
            counts.folds,
            counts.readings,
            counts.memories,
        ];
        if all.iter().any(|count| *count > MOST_ROWS) {
            return Err(Invalid);
        }
        let bytes = counts.found * size_of::<Found>() as u64
            + counts.events * size_of::<Event>() as u64
            + counts.folds * size_of::<Fold>() as u64
            + counts.readings * size_of::<Reading>() as u64
            + counts.memories * size_of::<Memory>() as u64;
        if bytes > MOST_BYTES {
            return Err(Invalid);
        }
        let mut left = MOST_BYTES - bytes;
        for _ in 0..counts.found {
            let mut found = blank_found();
            self.0.row(FOUND, |get| rows::found(get, &mut found))?;
            sample.found.push(found);
        }
        for _ in 0..counts.readings {
            let mut reading = BLANK_READING;
            self.0
                .row(READINGS, |get| rows::reading(get, &mut reading))?;
            sample.readings.push(reading);
        }
        for _ in 0..counts.memories {
            let mut memory = BLANK_MEMORY;
            self.0.row(MEMORIES, |get| rows::memory(get, &mut memory))?;
            sample.memories.push(memory);
        }
        for _ in 0..counts.folds {
            let mut fold = blank_fold();
            self.0.row(FOLDS, |get| rows::fold(get, &mut fold))?;
            sample.folds.push(fold);
        }
        for _ in 0..counts.events {
            match self.event()? {
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(event) => {
                    if matches!(event, Event::ProcessEnd(_)) {
                        let record = size_of::<ExitRecord>() as u64;
                        left = left.checked_sub(record).ok_or(Invalid)?;
                    }
                    sample.events.push(event);
                }
            }
        }
        Ok(Some(sample))
    }

    /// The next sample without its lists, and the numbers of their rows; `None` after the last
    /// sample. To read heads only, call this again and again.
    ///
    /// # Errors
    ///
    /// When the sample is invalid.
    pub(super) fn head(&mut self) -> Result<Option<(Sample, Counts)>, Invalid> {
        if self.0.rows(SAMPLES) == 0 {
            return Ok(None);
        }
        let mut sample = Sample::new(Sources::EbpfAndProc);
        let mut counts = Counts::default();
        self.0
            .row(SAMPLES, |get| rows::sample(get, &mut sample, &mut counts))?;
        Ok(Some((sample, counts)))
    }

    /// The next event; `Continue` if its kind comes from a later version.
    fn event(&mut self) -> Result<ControlFlow<Event>, Invalid> {
        let mut kind = 0;
        self.0.row(KINDS, |get| {
            use super::columns::Columns as _;
            get.number(&mut kind);
        })?;
        let kind = u8::try_from(kind).map_err(|_| Invalid)?;
        let Some(mut event) = event_rows::blank(kind) else {
            return Ok(ControlFlow::Continue(()));
        };
        self.0.row(kind, |get| event_rows::event(get, &mut event))?;
        Ok(ControlFlow::Break(event))
    }
}

const NOBODY: TaskId = TaskId {
    tid: 0,
    start_ns: 0,
};

const BLANK_READING: Reading = Reading {
    id: NOBODY,
    uid: None,
    state: State::Sleeping,
    on_cpu: false,
    preempted: false,
    in_iowait: false,
    cpu_ns: 0,
    run_delay_ns: None,
    wait_max_ns: None,
    io: None,
};

const BLANK_MEMORY: Memory = Memory {
    process: NOBODY,
    sizes: MemorySizes {
        rss: 0,
        vsize: 0,
        parts: None,
    },
    threads: 0,
    written: None,
};

fn blank_found() -> Found {
    Found {
        id: NOBODY,
        process: NOBODY,
        ppid: 0,
        uid: None,
        ns_pid: None,
        kthread: false,
        comm: Comm::default(),
        state: State::Sleeping,
        on_cpu: false,
        in_iowait: false,
        cpu_ns: 0,
        run_delay_ns: None,
        off_cpu_ns: None,
        io: None,
        memory: None,
        is_rough: false,
        threads: 0,
        gone: Gone::default(),
        whole: None,
        cgroup: None,
        watched: true,
    }
}

fn blank_fold() -> Fold {
    Fold {
        origin: NOBODY,
        comm: Comm::default(),
        uid: 0,
        status: Status(0),
        count: 0,
        cpu_ns: 0,
        watched: true,
    }
}
