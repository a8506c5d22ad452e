//! Empties the ring: decodes, matches deaths, and keeps what the next tick or
//! the reader of exits will take. Nothing else runs on its thread, so that
//! the ring never waits for `/proc` or a picture.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use aya::maps::{MapData, RingBuf};
use procviz_common::Row;
use rustc_hash::FxHashMap;

use super::{
    deaths::{Ended, Lives},
    decode::Record,
    raw::readable,
};
use crate::{
    model::{Comm, Event, ExitRecord, Fold, Rename, Status, TaskId},
    source::{cgroups::Cgroups, machine::boot_now_ns},
};

/// How often the ring is emptied at least. Whoever samples empties it, too, and
/// an eighth of it filled wakes this thread, so that it may sleep for long.
const PERIOD: Duration = Duration::from_millis(200);
/// Records in one go; whoever forks faster than this is read in the next go.
const MOST_RECORDS: usize = 60_000;
/// Short lives listed one by one in a tick; those beyond are folded.
const LISTED_SHORT_LIVES: usize = 2_000;
/// Kinds of folds in a tick; those beyond share one.
const MOST_FOLDS: usize = 1_000;
/// Events kept for a tick that does not come; beyond these they are lost and counted.
const MOST_EVENTS: usize = 300_000;
/// Exit records kept for a reader that does not come.
const MOST_EXITS: usize = 200_000;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Events for the next tick, short lives folded beyond a limit.
    Snapshots,
    /// Exit records, and nothing else.
    Exits,
}

/// What was kept since the last take.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Event>,
    pub(crate) folds: Vec<Fold>,
    pub(crate) exits: Vec<Arc<ExitRecord>>,
    pub(crate) deaths: u64,
}

/// Where in a batch the events of a process stand that was born in it.
#[derive(Clone, Copy, Debug)]
struct Young {
    at: [u32; 5],
    count: u8,
}

impl Young {
    fn new(fork: u32) -> Self {
        Self {
            at: [fork, 0, 0, 0, 0],
            count: 1,
        }
    }

    /// A life with more events than these keeps the rest of them: they are
    /// about a task that nobody knows and do no harm.
    fn add(&mut self, at: u32) {
        if let Some(place) = self.at.get_mut(usize::from(self.count)) {
            *place = at;
            self.count += 1;
        }
    }

    fn events(&self) -> impl Iterator<Item = u32> {
        self.at.into_iter().take(usize::from(self.count))
    }
}

/// The state behind the drain thread.
pub(crate) struct Drain {
    ring: RingBuf<MapData>,
    mode: Mode,
    page_bytes: u64,
    lives: Lives,
    cgroups: Cgroups,
    batch: Batch,
    /// Where in `batch.events` a young process's fork stands.
    young: FxHashMap<u32, Young>,
    /// Events of the batch that were taken back.
    blanks: usize,
    /// Events thrown away since the start, as no tick came.
    dropped: u64,
    short_lives: usize,
    /// Whether short lives are listed one by one, however many.
    lists_every_life: bool,
    folds: FxHashMap<(TaskId, Comm, u32, bool), usize>,
    seen: u64,
    unknown: u64,
    overflow: u64,
}

impl Drain {
    pub(crate) fn new(ring: RingBuf<MapData>, mode: Mode, page_bytes: u64) -> Self {
        Self {
            ring,
            mode,
            page_bytes,
            lives: Lives::default(),
            cgroups: Cgroups::read(),
            batch: Batch::default(),
            young: FxHashMap::default(),
            blanks: 0,
            dropped: 0,
            short_lives: 0,
            lists_every_life: false,
            folds: FxHashMap::default(),
            seen: 0,
            unknown: 0,
            overflow: 0,
        }
    }

    /// Folds nothing from now on: a recording has every death.
    pub(crate) fn list_every_life(&mut self) {
        self.lists_every_life = true;
    }

    /// Takes in the census.
    pub(crate) fn seed(&mut self, rows: &[Row], taken_ns: u64) {
        self.lives.seed(rows, taken_ns);
    }

    /// Starts anew from what is there, after a loss.
    pub(crate) fn resync(&mut self, rows: &[Row], taken_ns: u64) {
        self.lives.resync(rows, taken_ns);
    }

    pub(crate) fn lives(&mut self) -> &mut Lives {
        &mut self.lives
    }

    pub(crate) fn cgroups(&self) -> &Cgroups {
        &self.cgroups
    }

    /// Records seen since the start.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// Records of unknown kinds since the start.
    pub(crate) fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Exit records thrown away since the start, as their reader did not come.
    pub(crate) fn overflow(&self) -> u64 {
        self.overflow
    }

    /// Events thrown away since the start, as no tick came to take them.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Reads what is in the ring.
    pub(crate) fn drain(&mut self) {
        for _ in 0..MOST_RECORDS {
            let Some(item) = self.ring.next() else { break };
            let record = Record::decode(&item);
            drop(item);
            self.seen += 1;
            match record {
                Some(record) => self.take_in(&record),
                None => self.unknown += 1,
            }
        }
        for ended in self
            .lives
            .overdue(boot_now_ns(), &self.cgroups, self.page_bytes)
        {
            self.process_end(ended);
        }
    }

    /// Hands over what was kept; `other` gets its room back.
    pub(crate) fn take(&mut self, other: &mut Batch) {
        std::mem::swap(&mut self.batch, other);
        self.batch.events.clear();
        self.batch.folds.clear();
        self.batch.exits.clear();
        self.batch.deaths = 0;
        self.young.clear();
        self.blanks = 0;
        self.folds.clear();
        self.short_lives = 0;
        self.lives.next_batch();
    }

    fn take_in(&mut self, record: &Record) {
        match record {
            Record::Fork(fork) => {
                let fork = self.lives.fork(fork, &self.cgroups);
                let leader = (fork.id == fork.process).then_some(fork.id.tid);
                self.keep(leader, Event::Fork(fork));
            }
            Record::Exec(exec) => {
                let exec = self.lives.exec(exec, &self.cgroups);
                self.keep(Some(exec.process.tid), Event::Exec(exec));
            }
            Record::Exit(exit) => self.lives.exit(exit),
            Record::Dead(dead) => {
                let outcome = self.lives.dead(dead, &self.cgroups, self.page_bytes);
                self.batch.deaths += u64::from(outcome.thread.is_some());
                if let Some(thread) = outcome.thread {
                    self.keep(Some(thread.process.tid), Event::ThreadEnd(thread));
                }
                if let Some(record) = outcome.thread_record {
                    self.push_exit(record);
                }
                if let Some(ended) = outcome.process {
                    self.process_end(ended);
                }
            }
            Record::Rename(rename) => {
                let id = TaskId {
                    tid: rename.tid,
                    start_ns: rename.start_ns,
                };
                let comm = Comm(rename.comm);
                self.keep(Some(rename.tid), Event::Rename(Rename { id, comm }));
            }
            Record::Cgroup(cgroup) if cgroup.hierarchy == 0 => {
                // A path without an end was cut, and half a path is none.
                let len = cgroup.path_len as usize;
                if len + 1 < cgroup.path.len() {
                    self.cgroups.insert(cgroup.id, &cgroup.path[..len]);
                }
            }
            Record::Cgroup(_) => {}
        }
    }

    /// Keeps an event for the next tick, and notes that it is one of process
    /// `pid`, should that turn out to be a short life.
    fn keep(&mut self, pid: Option<u32>, event: Event) {
        if self.mode != Mode::Snapshots {
            return;
        }
        if self.batch.events.len() >= MOST_EVENTS {
            self.compact();
        }
        if self.batch.events.len() >= MOST_EVENTS {
            self.dropped += 1;
            return;
        }
        let at = self.batch.events.len() as u32;
        match (&event, pid) {
            (Event::Fork(_), Some(pid)) => _ = self.young.insert(pid, Young::new(at)),
            (_, Some(pid)) => {
                if let Some(young) = self.young.get_mut(&pid) {
                    young.add(at);
                }
            }
            _ => {}
        }
        self.batch.events.push(event);
    }

    /// Closes up the events that were taken back.
    fn compact(&mut self) {
        if self.blanks * 2 < self.batch.events.len() {
            return;
        }
        self.blanks = 0;
        self.batch
            .events
            .retain(|event| !matches!(event, Event::Nothing));
        // Their places are no longer known; the few that are young now are
        // told of one by one.
        self.young.clear();
    }

    fn process_end(&mut self, ended: Ended) {
        if self.mode != Mode::Snapshots {
            if ended.record.watched {
                self.push_exit(ended.record);
            }
            return;
        }
        let young = self.young.get(&ended.record.process.tid).copied();
        if let (true, Some(young)) = (ended.short, young) {
            self.short_lives += 1;
            if self.short_lives > LISTED_SHORT_LIVES && !self.lists_every_life {
                self.fold(&ended.record, young);
                return;
            }
        }
        self.keep(None, Event::ProcessEnd(Arc::new(ended.record)));
    }

    /// Adds a short life to those of its kind, and takes its events back.
    fn fold(&mut self, record: &ExitRecord, young: Young) {
        for at in young.events() {
            if let Some(event) = self.batch.events.get_mut(at as usize) {
                *event = Event::Nothing;
                self.blanks += 1;
            }
        }
        let mut key = (record.origin, record.comm, record.status.0, record.watched);
        if self.batch.folds.len() >= MOST_FOLDS && !self.folds.contains_key(&key) {
            // Too many kinds: their parent is known, what they were called and
            // how they ended is not.
            key = (record.origin, Comm::new(b"(others)"), 0, record.watched);
        }
        let at = match self.folds.get(&key) {
            Some(at) => *at,
            None if self.batch.folds.len() >= 2 * MOST_FOLDS => self.batch.folds.len() - 1,
            None => {
                self.folds.insert(key, self.batch.folds.len());
                self.batch.folds.push(Fold {
                    origin: key.0,
                    comm: key.1,
                    uid: record.uid,
                    status: Status(key.2),
                    watched: key.3,
                    count: 0,
                    cpu_ns: 0,
                });
                self.batch.folds.len() - 1
            }
        };
        let fold = &mut self.batch.folds[at];
        fold.count += 1;
        fold.cpu_ns += record.cpu_ns.unwrap_or(0);
    }

    fn push_exit(&mut self, record: ExitRecord) {
        if self.batch.exits.len() < MOST_EXITS {
            self.batch.exits.push(Arc::new(record));
        } else {
            self.overflow += 1;
        }
    }
}

/// The thread that empties the ring.
pub(crate) struct DrainThread {
    drain: Arc<Mutex<Drain>>,
    stop: Arc<AtomicBool>,
}

impl DrainThread {
    /// Holds the drain without running it: before the census is in, nobody
    /// knows what the events are about. The ring keeps them.
    pub(crate) fn idle(drain: Drain) -> Self {
        Self {
            drain: Arc::new(Mutex::new(drain)),
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When no thread can be had.
    pub(crate) fn run(&mut self) -> std::io::Result<()> {
        let ring = self.lock().ring.as_fd().try_clone_to_owned()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (shared, stopped) = (Arc::clone(&self.drain), Arc::clone(&self.stop));
        let body = move || runtime.block_on(empty_until_stopped(ring, &shared, &stopped));
        std::thread::Builder::new()
            .name("procviz-drain".to_owned())
            .spawn(body)?;
        Ok(())
    }

    /// The state, for as long as the guard lives; the ring waits meanwhile.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Drain> {
        lock(&self.drain)
    }
}

impl Drop for DrainThread {
    fn drop(&mut self) {
        // It ends at its next turn; whoever ends the program does not wait for that.
        self.stop.store(true, Relaxed);
    }
}

async fn empty_until_stopped(ring: OwnedFd, drain: &Mutex<Drain>, stop: &AtomicBool) {
    let Ok(ring) = readable(ring) else { return };
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while !stop.load(Relaxed) {
        tokio::select! {
            _ = tick.tick() => {}
            guard = ring.readable() => if let Ok(mut guard) = guard { guard.clear_ready() },
        }
        lock(drain).drain();
    }
}

fn lock(drain: &Mutex<Drain>) -> MutexGuard<'_, Drain> {
    drain.lock().unwrap_or_else(PoisonError::into_inner)
}
