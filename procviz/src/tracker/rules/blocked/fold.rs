//! Blocked threads that are one finding.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{open_on::OpenOn, place::meaning};
use crate::model::{Comm, TaskId, Untrusted, count_text, duration_text, many_text};

/// Upper limit for the commands that a text names.
const MOST_COMMANDS: usize = 3;
/// Longest name of a function of the kernel that is shown, bytes.
const MOST_PLACE: usize = 64;

/// A text of an event.
type Text = Arc<[u8]>;

/// Blocked threads of one command and cgroup, or of several that wait at one place.
pub(super) struct Fold<'a> {
    /// Number of threads of each command.
    comms: BTreeMap<Comm, u64>,
    /// Path of the cgroup; `None` if there are several, or if it is not known.
    pub(super) cgroup: Option<&'a str>,
    pub(super) count: u64,
    processes: BTreeSet<TaskId>,
    pub(super) longest_ns: u64,
    /// The thread that has been blocked longest, and its process.
    pub(super) first: TaskId,
    pub(super) process: TaskId,
    /// Number of threads that wait at each place.
    places: BTreeMap<Arc<[u8]>, u64>,
    open_on: OpenOn,
}

impl<'a> Fold<'a> {
    /// Threads of one command and cgroup, of which none is counted yet. `first` is one of them.
    pub(super) fn new((_, cgroup): (Comm, Option<&'a str>), first: TaskId) -> Self {
        Self {
            comms: BTreeMap::new(),
            cgroup,
            count: 0,
            processes: BTreeSet::new(),
            longest_ns: 0,
            first,
            process: first,
            places: BTreeMap::new(),
            open_on: OpenOn::default(),
        }
    }

    /// Adds a thread of a process that has been blocked for this time, at this place.
    pub(super) fn add_thread(
        &mut self,
        comm: Comm,
        (thread, process): (TaskId, TaskId),
        blocked_ns: u64,
        (place, open_on): (Option<&Text>, Option<&Text>),
    ) {
        self.count += 1;
        *self.comms.entry(comm).or_default() += 1;
        if let Some(place) = place {
            *self.places.entry(Arc::clone(place)).or_default() += 1;
        }
        if let Some(on) = open_on {
            self.open_on.add_thread(on);
        }
        self.processes.insert(process);
        self.meet(blocked_ns, thread, process);
    }

    /// Keeps the thread that has been blocked longest.
    fn meet(&mut self, blocked_ns: u64, thread: TaskId, process: TaskId) {
        let is_longer =
            blocked_ns > self.longest_ns || (blocked_ns == self.longest_ns && thread < self.first);
        if is_longer {
            (self.longest_ns, self.first, self.process) = (blocked_ns, thread, process);
        }
    }

    /// The command with most threads; of several with as many the first by name.
    pub(super) fn comm(&self) -> Option<Comm> {
        let most = self.comms.iter().rev().max_by_key(|(_, count)| **count);
        most.map(|(comm, _)| *comm)
    }

    /// Number of commands beside [`comm`](Self::comm).
    pub(super) fn other_comms(&self) -> u64 {
        (self.comms.len() as u64).saturating_sub(1)
    }

    /// Where most of the threads wait.
    fn main_place(&self) -> Option<&Arc<[u8]>> {
        // Of equal counts the first in the order of the texts.
        let most = self.places.iter().rev().max_by_key(|(_, count)| **count);
        most.map(|(place, _)| place)
    }

    /// Adds the threads of another fold.
    fn add(&mut self, other: Self) {
        for (comm, count) in other.comms {
            *self.comms.entry(comm).or_default() += count;
        }
        for (place, count) in other.places {
            *self.places.entry(place).or_default() += count;
        }
        self.open_on.add(other.open_on);
        self.cgroup = self.cgroup.filter(|own| other.cgroup == Some(*own));
        self.count += other.count;
        self.processes.extend(other.processes);
        self.meet(other.longest_ns, other.first, other.process);
    }

    /// The commands, if there are several: ` (20 × tar, 3 × rsync)`.
    fn commands(&self) -> String {
        if self.comms.len() == 1 {
            return String::new();
        }
        let mut comms: Vec<_> = self.comms.iter().collect();
        comms.sort_by_key(|(comm, count)| (std::cmp::Reverse(**count), **comm));
        let shown = comms.iter().take(MOST_COMMANDS);
        let mut words: Vec<_> = shown
            .map(|(comm, count)| many_text(**count, &comm.text().name()))
            .collect();
        match comms.len().saturating_sub(MOST_COMMANDS) {
            0 => {}
            1 => words.push("1 other command".to_owned()),
            more => words.push(format!("{more} other commands")),
        }
        format!(" ({})", words.join(", "))
    }

    /// The text of the finding. `count` threads are blocked; if each process has one of
    /// them, the text says processes.
    pub(super) fn text(&self) -> String {
        let longest = duration_text(self.longest_ns);
        let place = format!("{}{}", self.place(), self.open_on.text(self.count));
        if self.count == 1 {
            return format!("blocked (D) for {longest}{place}");
        }
        let count = count_text(self.count);
        let tasks = match self.processes.len() as u64 {
            1 => format!("{count} threads"),
            processes if processes == self.count => format!("{count} processes"),
            processes => format!("{count} threads of {} processes", count_text(processes)),
        };
        let commands = self.commands();
        format!("{tasks}{commands} blocked (D), the longest for {longest}{place}")
    }

    /// Where most of the threads wait: `, in nfs_wait (waits for an NFS server)`.
    fn place(&self) -> String {
        let most = self.main_place();
        let Some((place, count)) = most.and_then(|place| self.places.get_key_value(place)) else {
            return String::new();
        };
        // A recording can hold any text.
        let place = place.get(..MOST_PLACE).unwrap_or(place);
        let shown = Untrusted::new(place).picture();
        let place = match meaning(place) {
            Some(meaning) => format!("{shown} ({meaning})"),
            None => shown,
        };
        match *count == self.count {
            true => format!(", in {place}"),
            false => format!(", {} of them in {place}", count_text(*count)),
        }
    }
}

/// Puts together what waits at one place, if it is of several commands: they wait for the same
/// thing.
pub(super) fn together<'a>(folds: impl Iterator<Item = Fold<'a>>) -> Vec<Fold<'a>> {
    let mut places: BTreeMap<Arc<[u8]>, Vec<Fold<'_>>> = BTreeMap::new();
    let mut all = Vec::new();
    for fold in folds {
        match fold.main_place().cloned() {
            Some(place) => places.entry(place).or_default().push(fold),
            None => all.push(fold),
        }
    }
    for folds in places.into_values() {
        let comms: BTreeSet<Option<Comm>> = folds.iter().map(Fold::comm).collect();
        if comms.len() == 1 {
            all.extend(folds);
            continue;
        }
        let sum = folds.into_iter().reduce(|mut sum, fold| {
            sum.add(fold);
            sum
        });
        all.extend(sum);
    }
    all
}
