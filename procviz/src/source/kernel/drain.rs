//! Empties the ring: decodes records, matches the records of each exit, and keeps the
//! results for the next tick or the reader of exits. The drain thread does nothing
//! else, so the ring never waits for `/proc` or a picture.

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
use tokio::sync::Notify;

use super::{
    deaths::{Ended, ProcessTable},
    decode::Record,
    raw::readable,
};
use crate::{
    model::{Comm, Event, ExitRecord, Fold, Rename, Spare as _, Status, TaskId, empty},
    source::{cgroups::Cgroups, machine::boot_now_ns},
};

/// Longest time between two drains of the ring by the drain thread. The thread can
/// sleep that long, as the sampler drains the ring at each tick, and the kernel wakes
/// the thread when an eighth of the ring is full. At 200 ms this cost a millisecond a second.
const PERIOD: Duration = Duration::from_secs(10);
/// Upper limit for the records that one drain reads: a drain must end even if processes
/// fork faster than the ring is read. The next drain reads the rest.
const MOST_RECORDS: usize = 60_000;
/// Upper limit for the short-lived processes that are listed one by one in a tick.
/// Further short-lived processes are folded.
const LISTED_SHORT_LIVES: usize = 2_000;
/// Upper limit for the folds in a tick. Beyond the limit, short-lived processes are
/// folded by origin only, and beyond twice the limit into the last fold.
const MOST_FOLDS: usize = 1_000;
/// Upper limit for the events that wait for a tick. Further events are lost and counted.
const MOST_EVENTS: usize = 300_000;
/// Upper limit for the exit records that wait for the reader of exits.
const MOST_EXITS: usize = 200_000;

/// What the drain keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Events for the next tick; short-lived processes beyond an upper limit are folded.
    Snapshots,
    /// Exit records only.
    Exits,
}

/// What the drain kept since the last take.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Event>,
    pub(crate) folds: Vec<Fold>,
    pub(crate) exits: Vec<Arc<ExitRecord>>,
    /// Number of threads that exited.
    pub(crate) deaths: u64,
}

/// Positions of the events of a young process (forked in this batch) in the batch.
#[derive(Clone, Copy, Debug)]
struct Young {
    at: [u32; 5],
    /// Number of used entries of `at`.
    count: u8,
}

impl Young {
    fn new(fork: u32) -> Self {
        Self {
            at: [fork, 0, 0, 0, 0],
            count: 1,
        }
    }

    /// Adds a position, up to five. If the process is folded, further events stay in
    /// the batch: they do no harm, as the tracker does not know their task.
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

/// The state that the drain thread shares with the sampler or the reader of exits.
pub(crate) struct Drain {
    ring: RingBuf<MapData>,
    /// The bytes of one record; the buffer is reused.
    record: Vec<u8>,
    mode: Mode,
    page_bytes: u64,
    processes: ProcessTable,
    cgroups: Cgroups,
    batch: Batch,
    /// Positions of the events of young processes in `batch.events`, by pid.
    young: FxHashMap<u32, Young>,
    /// Number of events of the batch that were replaced by [`Event::Nothing`].
    blanks: usize,
    /// Events thrown away since the start because no tick took them.
    dropped: u64,
    /// Short-lived processes since the last take.
    short_lives: usize,
    /// Whether all short-lived processes are listed one by one, without an upper limit.
    lists_all_short_lived: bool,
    /// Positions in `batch.folds`, by origin, name, wait status and `watched`.
    folds: FxHashMap<(TaskId, Comm, u32, bool), usize>,
    /// Records read since the start.
    seen: u64,
    /// Records of unknown kinds since the start.
    unknown: u64,
    /// Exit records thrown away since the start.
    overflow: u64,
}

impl Drain {
    pub(crate) fn new(ring: RingBuf<MapData>, mode: Mode, page_bytes: u64) -> Self {
        Self {
            ring,
            record: Vec::new(),
            mode,
            page_bytes,
            processes: ProcessTable::default(),
            cgroups: Cgroups::read(),
            batch: Batch::default(),
            young: FxHashMap::default(),
            blanks: 0,
            dropped: 0,
            short_lives: 0,
            lists_all_short_lived: false,
            folds: FxHashMap::default(),
            seen: 0,
            unknown: 0,
            overflow: 0,
        }
    }

    /// Folds no short-lived processes from now on: a recording holds every exit.
    pub(crate) fn list_all_short_lived(&mut self) {
        self.lists_all_short_lived = true;
    }

    /// Takes in the first census, taken at `taken_ns`, ns since boot.
    pub(crate) fn seed(&mut self, rows: &[Row], taken_ns: u64) {
        self.processes.seed(rows, taken_ns);
    }

    /// Replaces the state with a new census after a loss of events.
    pub(crate) fn resync(&mut self, rows: &[Row], taken_ns: u64) {
        self.processes.resync(rows, taken_ns);
    }

    pub(crate) fn processes(&mut self) -> &mut ProcessTable {
        &mut self.processes
    }

    pub(crate) fn cgroups(&self) -> &Cgroups {
        &self.cgroups
    }

    /// Records read from the ring since the start.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// Records of unknown kinds or wrong lengths since the start.
    pub(crate) fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Exit records thrown away since the start because the reader did not take them.
    pub(crate) fn overflow(&self) -> u64 {
        self.overflow
    }

    /// Events thrown away since the start because no tick took them.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Reads the records in the ring, then handles exits whose final figures are overdue. Returns
    /// whether there are more records.
    pub(crate) fn drain(&mut self) -> bool {
        let mut left = MOST_RECORDS;
        while left > 0 {
            let Some(item) = self.ring.next() else { break };
            left -= 1;
            let mut bytes = std::mem::take(&mut self.record);
            bytes.clear();
            bytes.extend_from_slice(&item);
            drop(item);
            self.seen += 1;
            match Record::decode(&bytes) {
                Some(record) => self.take_in(&record),
                None => self.unknown += 1,
            }
            self.record = bytes;
        }
        if left == 0 {
            // The final figures that are overdue can be in the rest.
            return true;
        }
        for ended in self
            .processes
            .overdue(boot_now_ns(), &self.cgroups, self.page_bytes)
        {
            self.process_end(ended);
        }
        false
    }

    /// Moves the batch to `other`, and reuses the buffers of `other` for the next one.
    pub(crate) fn take(&mut self, other: &mut Batch) {
        std::mem::swap(&mut self.batch, other);
        // The next batch will be about as large as this one.
        empty(&mut self.batch.events, other.events.len());
        empty(&mut self.batch.folds, other.folds.len());
        empty(&mut self.batch.exits, other.exits.len());
        self.batch.deaths = 0;
        self.young.give_up_spare();
        self.young.clear();
        self.blanks = 0;
        self.folds.clear();
        self.short_lives = 0;
        self.processes.next_batch();
    }

    fn take_in(&mut self, record: &Record<'_>) {
        match record {
            Record::Fork(fork) => {
                let fork = self.processes.fork(fork, &self.cgroups);
                let leader = (fork.id == fork.process).then_some(fork.id.tid);
                self.keep(leader, Event::Fork(fork));
            }
            Record::Exec(exec, args) => {
                let exec = self.processes.exec(exec, args, &self.cgroups);
                self.cgroups.learn_from(&exec, args);
                self.keep(Some(exec.process.tid), Event::Exec(exec));
            }
            Record::Exit(exit) => self.processes.exit(&exit.task),
            Record::Dead(dead) => {
                let outcome = self.processes.dead(dead, &self.cgroups, self.page_bytes);
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
                let comm = Comm::new(&rename.comm);
                let name = self.processes.rename(id, comm);
                self.keep(Some(rename.tid), Event::Rename(Rename { id, comm }));
                if let Some(name) = name {
                    self.keep(Some(rename.tid), Event::Name(id, name));
                }
            }
            Record::Cgroup(cgroup) if cgroup.hierarchy == 0 => {
                // A path that fills the whole field is truncated, so it is not kept.
                let len = cgroup.path_len as usize;
                if len + 1 < cgroup.path.len() {
                    self.cgroups.insert(cgroup.id, &cgroup.path[..len]);
                }
            }
            Record::Cgroup(_) => {}
            Record::Move(moved) if moved.hierarchy == 0 => {
                let process = TaskId {
                    tid: moved.tgid,
                    start_ns: moved.leader_start_ns,
                };
                self.processes.moved(process, moved.id);
                if let Some(path) = self.cgroups.path(moved.id) {
                    self.keep(Some(process.tid), Event::Cgroup(process, path));
                }
            }
            Record::Move(_) => {}
            Record::Signal(signal) => self.processes.signal(signal),
        }
    }

    /// Keeps an event for the next tick. Notes its position for the process `pid`, in
    /// case that process turns out to be short-lived.
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

    /// Removes the events that were replaced by [`Event::Nothing`].
    fn compact(&mut self) {
        if self.blanks * 2 < self.batch.events.len() {
            return;
        }
        self.blanks = 0;
        self.batch
            .events
            .retain(|event| !matches!(event, Event::Nothing));
        // The positions are not valid any more. So the few processes that are young
        // now are not folded, but listed one by one.
        self.young.clear();
    }

    /// Keeps the exit record of a process, or folds it.
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
            if self.short_lives > LISTED_SHORT_LIVES && !self.lists_all_short_lived {
                self.fold(&ended.record, young);
                return;
            }
        }
        self.keep(None, Event::ProcessEnd(Arc::new(ended.record)));
    }

    /// Adds a short-lived process to the fold of its kind, and removes its events.
    fn fold(&mut self, record: &ExitRecord, young: Young) {
        for at in young.events() {
            if let Some(event) = self.batch.events.get_mut(at as usize) {
                *event = Event::Nothing;
                self.blanks += 1;
            }
        }
        let mut key = (
            record.origin,
            record.short_name(),
            record.status.0,
            record.watched,
        );
        if self.batch.folds.len() >= MOST_FOLDS && !self.folds.contains_key(&key) {
            // Too many kinds: this fold keeps the origin, but not the names and the
            // wait statuses.
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
    stop: Arc<Stop>,
}

/// Ends the thread that empties the ring.
#[derive(Default)]
struct Stop {
    is_set: AtomicBool,
    notify: Notify,
}

impl DrainThread {
    /// Holds the drain without starting the thread. Events refer to tasks that are not
    /// known before the first census, so the ring keeps the events until then.
    pub(crate) fn idle(drain: Drain) -> Self {
        Self {
            drain: Arc::new(Mutex::new(drain)),
            stop: Arc::default(),
        }
    }

    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
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

    /// Locks the state. The drain thread waits while the guard exists.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Drain> {
        lock(&self.drain)
    }
}

impl Drop for DrainThread {
    fn drop(&mut self) {
        // Dropping does not wait for the thread, so it does not delay the exit of procviz.
        self.stop.is_set.store(true, Relaxed);
        self.stop.notify.notify_one();
    }
}

/// Drains the ring when the kernel signals data, and at least once per [`PERIOD`].
async fn empty_until_stopped(ring: OwnedFd, drain: &Mutex<Drain>, stop: &Stop) {
    let Ok(ring) = readable(ring) else { return };
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while !stop.is_set.load(Relaxed) {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.notify.notified() => {}
            guard = ring.readable() => if let Ok(mut guard) = guard { guard.clear_ready() },
        }
        // The lock is free for a moment in between: a tick can be waiting.
        while lock(drain).drain() && !stop.is_set.load(Relaxed) {}
    }
}

fn lock(drain: &Mutex<Drain>) -> MutexGuard<'_, Drain> {
    drain.lock().unwrap_or_else(PoisonError::into_inner)
}
