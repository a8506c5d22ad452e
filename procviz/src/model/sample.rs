use serde::{Deserialize, Serialize};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::model::{Comm, Event, ExitRecord, Fold, Losses, MachineFigures, State, TaskId};

/// Where a sample's figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sources {
    /// Kernel events and `/proc`.
    EbpfAndProc,
    /// `/proc` alone: short-lived tasks are not seen, CPU comes in ticks of 10 ms.
    ProcOnly,
}

impl Sources {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::EbpfAndProc => "ebpf+proc",
            Self::ProcOnly => "proc",
        }
    }
}

/// When a sample was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Time since boot, suspend included, ns.
    pub boot_ns: u64,
    /// Time since the sample before, ns.
    pub interval_ns: u64,
}

/// Samples follow one another within this, ns.
pub(crate) const SLACK_NS: u64 = 1_000_000;

/// All that the sources found at one tick. Its buffers are reused.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When.
    pub stamp: Stamp,
    /// The time before it of which a recording has kept nothing, ns since boot.
    /// It is a part of the interval where nobody knows how that time ended.
    pub hole_ns: Option<(u64, u64)>,
    /// Wall time at boot by the clock as it stood at the sample, ns since 1970;
    /// `None`: as before.
    pub boot_wall_ns: Option<i128>,
    /// Whence.
    pub sources: Sources,
    /// Every task found by looking at all of them; empty in most samples.
    pub found: Vec<Found>,
    /// `found` holds every task there is: whoever is not in it is gone.
    pub complete: bool,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Short lives that are not among the events.
    pub folds: Vec<Fold>,
    /// Threads that ran.
    pub readings: Vec<Reading>,
    /// Memory of processes that ran, or that the sweep came to.
    pub memories: Vec<Memory>,
    /// Figures of the machine.
    pub machine: MachineFigures,
    /// Losses since the run began.
    pub losses: Losses,
    /// Events seen since the run began.
    pub events_seen: u64,
    /// CPU time that procviz itself used in the interval, ns.
    pub own_cpu_ns: u64,
}

impl Sample {
    /// Follows one of `before_ns` for somebody who knows how things stood at
    /// `known_ns`, ns since boot. Nothing is known of the time before its own
    /// interval, which becomes a part of it after `known_ns`. Figures of the
    /// machine that are counted from sample to sample are not known then.
    pub fn follow(&mut self, before_ns: u64, known_ns: u64) {
        let Stamp {
            boot_ns,
            interval_ns,
        } = self.stamp;
        let begin = boot_ns.saturating_sub(interval_ns);
        if begin.saturating_sub(before_ns) <= SLACK_NS {
            return;
        }
        self.hole_ns = Some((before_ns, begin));
        if begin.saturating_sub(known_ns) <= SLACK_NS {
            return;
        }
        self.stamp.interval_ns = boot_ns - known_ns;
        self.own_cpu_ns = 0;
        self.machine = MachineFigures {
            cpu_busy_ns: None,
            steal_ns: None,
            iowait_ns: None,
            psi_cpu_some_us: None,
            psi_memory: None,
            psi_io: None,
            forks: None,
            deaths: None,
            ..self.machine.clone()
        };
    }

    /// An empty sample.
    pub fn new(sources: Sources) -> Self {
        Self {
            stamp: Stamp::default(),
            hole_ns: None,
            boot_wall_ns: None,
            sources,
            found: Vec::new(),
            complete: false,
            events: Vec::new(),
            folds: Vec::new(),
            readings: Vec::new(),
            memories: Vec::new(),
            machine: MachineFigures::default(),
            losses: Losses::default(),
            events_seen: 0,
            own_cpu_ns: 0,
        }
    }

    /// Puts ends of processes before its own events, as they come from a time of
    /// which no other sample tells. Whom it does not find has been reaped since.
    pub fn precede(&mut self, ended: impl IntoIterator<Item = Arc<ExitRecord>>) {
        let mut events: Vec<Event> = ended.into_iter().map(Event::ProcessEnd).collect();
        if events.is_empty() {
            return;
        }
        let leaders = self.found.iter().filter(|found| found.id == found.process);
        let leaders: BTreeSet<TaskId> = leaders.map(|found| found.id).collect();
        for event in &mut events {
            if let Event::ProcessEnd(record) = event
                && record.zombie
                && !leaders.contains(&record.process)
            {
                Arc::make_mut(record).zombie = false;
            }
        }
        events.append(&mut self.events);
        self.events = events;
    }

    /// The processes that it says ended.
    pub fn ended(&self) -> impl Iterator<Item = &Arc<ExitRecord>> {
        self.events.iter().filter_map(|event| match event {
            Event::ProcessEnd(record) => Some(record),
            _ => None,
        })
    }

    /// Makes one tick of several that nobody took: of each task the last
    /// reading stays, with the longest wait of all, and at most `most` events.
    /// Returns how many were thrown away; whoever is told of by none of them
    /// is found by the next look at everybody.
    pub fn merge(&mut self, most: usize) -> u64 {
        let mut last = BTreeMap::new();
        for reading in self.readings.drain(..) {
            let entry = last.entry(reading.id).or_insert(reading);
            let wait = entry.wait_max_ns.max(reading.wait_max_ns);
            *entry = Reading {
                wait_max_ns: wait,
                uid: reading.uid.or(entry.uid),
                io: reading.io.or(entry.io),
                ..reading
            };
        }
        self.readings.extend(last.into_values());
        let mut last = BTreeMap::new();
        for memory in self.memories.drain(..) {
            last.insert(memory.process, memory);
        }
        self.memories.extend(last.into_values());
        let mut folds: BTreeMap<_, Fold> = BTreeMap::new();
        for fold in self.folds.drain(..) {
            let key = (fold.origin, fold.comm, fold.status.0);
            match folds.get_mut(&key) {
                Some(sum) => {
                    sum.count = sum.count.saturating_add(fold.count);
                    sum.cpu_ns = sum.cpu_ns.saturating_add(fold.cpu_ns);
                }
                None => _ = folds.insert(key, fold),
            }
        }
        self.folds.extend(folds.into_values().take(most));
        let dropped = self.events.len().saturating_sub(most);
        self.events.truncate(most);
        dropped as u64
    }

    /// Empties the lists and keeps their room.
    pub fn clear(&mut self) {
        self.found.clear();
        self.complete = false;
        self.events.clear();
        self.folds.clear();
        self.readings.clear();
        self.memories.clear();
    }
}

/// Bytes to and from storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Io {
    /// Read, bytes (`read_bytes` of `/proc/PID/io`).
    pub read: u64,
    /// Written, bytes (`write_bytes`).
    pub write: u64,
}

/// Figures of a process's threads that are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// User time as the timer sampled it, ns.
    pub user_ns: u64,
    /// System time as the timer sampled it, ns.
    pub system_ns: u64,
    /// Storage IO.
    pub io: Io,
    /// Minor faults.
    pub minor_faults: u64,
    /// Major faults.
    pub major_faults: u64,
}

/// A thread as a look at all of them shows it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The thread.
    pub id: TaskId,
    /// Its process.
    pub process: TaskId,
    /// Process id of the parent.
    pub ppid: u32,
    /// Real user id; `None` when it was not read again since the thread is known.
    pub uid: Option<u32>,
    /// Process id in its own namespace.
    pub ns_pid: Option<u32>,
    /// A kernel thread.
    pub kthread: bool,
    /// Its name.
    pub comm: Comm,
    /// Its state.
    pub state: State,
    /// On a CPU at that moment.
    pub on_cpu: bool,
    /// Waits for IO.
    pub in_iowait: bool,
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// Time runnable without a CPU, ns.
    pub run_delay_ns: Option<u64>,
    /// How long it has had no CPU, ns.
    pub off_cpu_ns: Option<u64>,
    /// Storage IO; `None` when refused.
    pub io: Option<Io>,
    /// Resident set and address space of the process, bytes.
    pub memory: Option<(u64, u64)>,
    /// Threads of the process.
    pub threads: u32,
    /// Of the process's threads that are gone; with the leader.
    pub gone: Gone,
    /// The process as a whole: CPU ns and IO, where that was read instead of the threads.
    pub whole: Option<(u64, Option<Io>)>,
    /// Path of its cgroup.
    pub cgroup: Option<Arc<str>>,
    /// A descendant of whom the source was told to watch.
    pub watched: bool,
}

/// A thread that ran, as the kernel's last look at it shows.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The thread.
    pub id: TaskId,
    /// Real user id; `None`: as before.
    pub uid: Option<u32>,
    /// Its state: how it left its CPU, or running.
    pub state: State,
    /// On a CPU at the tick.
    pub on_cpu: bool,
    /// Left by preemption: it waits for a CPU.
    pub preempted: bool,
    /// Left to wait for IO.
    pub in_iowait: bool,
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// Time runnable without a CPU, ns.
    pub run_delay_ns: Option<u64>,
    /// Longest single wait in the interval, ns.
    pub wait_max_ns: Option<u64>,
    /// Storage IO; `None`: as before.
    pub io: Option<Io>,
}

/// Memory and size of a process.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// The process.
    pub process: TaskId,
    /// Resident set, bytes.
    pub rss: u64,
    /// Address space, bytes.
    pub vsize: u64,
    /// Threads.
    pub threads: u32,
}
