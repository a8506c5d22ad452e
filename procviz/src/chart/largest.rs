//! Finds the processes that use most: they are named in every picture, also when nothing
//! stands out.

use rustc_hash::FxHashMap;

use crate::model::{
    Comm, Process, Snapshot, TaskId, bytes_text, count_text, per_second_text, rate_text,
};

/// Number of entries of each kind.
const SHOWN: usize = 3;
/// From this number on, processes with the same name and user are one entry.
const MANY: u64 = 5;

/// What entries are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Cpu,
    Memory,
    Growth,
    Io,
    Starts,
}

/// The processes and groups that have most of one measure, largest first.
#[derive(Clone, Debug)]
pub(crate) struct Largest {
    pub(crate) measure: Measure,
    pub(crate) entries: Vec<Entry>,
}

/// A process, or a group of processes with the same name and user.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) measure: Measure,
    /// The figure with its unit.
    pub(crate) figure: String,
    /// Number of processes.
    pub(crate) count: u64,
    /// `name pid`, or `30 × name`.
    pub(crate) who: String,
    pub(crate) uid: Option<u32>,
    /// The process, or the largest of the group.
    pub(crate) about: TaskId,
}

impl Measure {
    pub(crate) const ALL: [Self; 5] = [
        Self::Cpu,
        Self::Memory,
        Self::Growth,
        Self::Io,
        Self::Starts,
    ];

    /// The heading of the entries.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Memory => "memory",
            Self::Growth => "growth",
            Self::Io => "IO",
            Self::Starts => "starts",
        }
    }

    /// The value of a process in the interval. `None`: it has none worth a word.
    fn of(self, process: &Process, snapshot: &Snapshot, starts: &Starts) -> Option<f64> {
        let change = process.change;
        let is_now = change.tick == snapshot.tick;
        let value = match self {
            Self::Cpu if is_now => change.cpu_ns as f64,
            Self::Io if is_now => change.io_bytes as f64,
            Self::Growth => {
                let (tick, delta) = process.private_change;
                let delta = delta.filter(|delta| tick == snapshot.tick && *delta > 0);
                delta? as f64
            }
            Self::Memory => held(process)? as f64,
            Self::Starts => starts.of(process.id)?,
            Self::Cpu | Self::Io => return None,
        };
        (value >= self.least()).then_some(value)
    }

    /// Smaller values are not listed.
    fn least(self) -> f64 {
        match self {
            Self::Memory | Self::Growth => 64.0 * 1024.0,
            Self::Cpu | Self::Io | Self::Starts => 1.0,
        }
    }

    fn figure(self, value: f64, seconds: f64) -> String {
        match self {
            Self::Cpu => {
                let cores = value / 1e9 / seconds;
                let digits = if cores < 0.095 { 3 } else { 2 };
                format!("{cores:.digits$} cores")
            }
            Self::Memory => bytes_text(value as u64),
            Self::Growth => format!("+{}", rate_text(value / seconds)),
            Self::Io => rate_text(value / seconds),
            Self::Starts => per_second_text(value as u64, seconds),
        }
    }
}

/// Memory that the machine lacks because of a process, bytes.
fn held(process: &Process) -> Option<u64> {
    let parts = process
        .parts
        .map(|parts| parts.private().saturating_add(parts.shmem));
    parts.or(process.rss)
}

/// Number of processes and threads that each process started in the interval. A process that
/// lived for a moment counts for the older one that caused it.
struct Starts(FxHashMap<TaskId, u64>);

impl Starts {
    fn new(snapshot: &Snapshot) -> Self {
        let mut starts: FxHashMap<TaskId, u64> = FxHashMap::default();
        let stamp = snapshot.stamp;
        let begin = stamp.boot_ns.saturating_sub(stamp.interval_ns);
        let is_new = |id: TaskId| snapshot.tick > 1 && id.start_ns > begin;
        let mut add = |id: TaskId, count: u64| *starts.entry(id).or_default() += count;
        for process in snapshot.processes.iter() {
            if is_new(process.id) && process.origin != process.id {
                add(process.origin, 1);
            }
        }
        for thread in snapshot.threads.iter() {
            let process = snapshot.processes.get(thread.process);
            if let Some(process) = process.filter(|process| process.id != thread.id)
                && is_new(thread.id)
            {
                add(process.id, 1);
            }
        }
        for fold in &snapshot.folds {
            add(fold.origin, fold.count);
        }
        Self(starts)
    }

    fn of(&self, id: TaskId) -> Option<f64> {
        self.0.get(&id).map(|count| *count as f64)
    }
}

/// Processes with the same name and user.
#[derive(Default)]
struct Group<'a> {
    sum: f64,
    members: Vec<(f64, &'a Process)>,
}

impl<'a> Group<'a> {
    /// Removes and returns the members that have far less than the largest: a parent that only
    /// waits is not one of its workers.
    fn leave_the_small(&mut self) -> Vec<(f64, &'a Process)> {
        let most = self.members.iter().map(|(value, _)| *value);
        let least = most.fold(0.0, f64::max) / 20.0;
        let is_small = |(value, _): &mut (f64, &Process)| *value < least;
        let small: Vec<_> = self.members.extract_if(.., is_small).collect();
        self.sum -= small.iter().map(|(value, _)| *value).sum::<f64>();
        small
    }

    fn is_many(&self) -> bool {
        let most = self.members.iter().map(|(value, _)| *value);
        self.members.len() as u64 >= MANY && most.fold(0.0, f64::max) < self.sum / 2.0
    }

    /// The largest member; of equal ones the oldest.
    fn largest(&self) -> Option<&'a Process> {
        let most = self.members.iter().max_by(|(a, x), (b, y)| {
            let oldest = y.id.cmp(&x.id);
            a.total_cmp(b).then(oldest)
        });
        most.map(|(_, process)| *process)
    }
}

/// The largest of each measure.
pub(crate) fn largest(snapshot: &Snapshot) -> Vec<Largest> {
    let starts = Starts::new(snapshot);
    let of = |measure| Largest {
        measure,
        entries: entries(measure, snapshot, &starts),
    };
    Measure::ALL.into_iter().map(of).collect()
}

fn entries(measure: Measure, snapshot: &Snapshot, starts: &Starts) -> Vec<Entry> {
    let seconds = snapshot.stamp.interval_ns as f64 / 1e9;
    if seconds <= 0.0 && measure != Measure::Memory {
        return Vec::new();
    }
    let mut groups: FxHashMap<(Comm, Option<u32>), Group<'_>> = FxHashMap::default();
    for process in snapshot.processes.iter() {
        let is_over = process.end.is_some() && measure == Measure::Memory;
        let thread = snapshot.main_thread(process);
        let Some(thread) = thread.filter(|thread| !thread.hidden && !is_over) else {
            continue;
        };
        if let Some(value) = measure.of(process, snapshot, starts) {
            let key = (snapshot.name_of(process), thread.uid);
            let group = groups.entry(key).or_default();
            group.sum += value;
            group.members.push((value, process));
        }
    }
    let mut found: Vec<(f64, u64, &Process, (Comm, Option<u32>))> = Vec::new();
    for (key, mut group) in groups {
        let small = match measure {
            Measure::Memory => group.leave_the_small(),
            _ => Vec::new(),
        };
        found.extend(
            small
                .into_iter()
                .map(|(value, process)| (value, 1, process, key)),
        );
        if let Some(largest) = group.largest().filter(|_| group.is_many()) {
            let sum = if measure == Measure::Memory {
                shared_once(&group)
            } else {
                group.sum
            };
            found.push((sum, group.members.len() as u64, largest, key));
            continue;
        }
        let members = group.members.into_iter();
        found.extend(members.map(|(value, process)| (value, 1, process, key)));
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.id.cmp(&b.2.id)));
    let found = found.into_iter().take(SHOWN);
    found
        .map(|(value, count, process, (comm, uid))| {
            let name = comm.text().picture();
            let peak = peak(measure, snapshot, process.id, value / 1e9 / seconds);
            let peak = peak.filter(|_| count == 1).unwrap_or_default();
            Entry {
                measure,
                count,
                figure: format!("{}{peak}", measure.figure(value, seconds)),
                who: match count {
                    1 => format!("{name} {}", process.id.tid),
                    many => format!("{} × {name}", count_text(many)),
                },
                uid,
                about: process.id,
            }
        })
        .collect()
}

/// The memory of a group, in which shared memory counts once.
fn shared_once(group: &Group<'_>) -> f64 {
    let parts = || {
        group
            .members
            .iter()
            .filter_map(|(_, process)| process.parts)
    };
    let shared: f64 = parts().map(|parts| parts.shmem as f64).sum();
    let most = parts().map(|parts| parts.shmem as f64).fold(0.0, f64::max);
    group.sum - shared + most
}

/// The most that a process used in one interval of a period, where that is more than twice
/// the mean.
fn peak(measure: Measure, snapshot: &Snapshot, id: TaskId, cores: f64) -> Option<String> {
    let peak = *snapshot.peaks.as_ref()?.get(&id)?;
    let is_worth_it = measure == Measure::Cpu && peak > cores * 2.0;
    is_worth_it.then(|| format!(", at most {peak:.2}"))
}
