use serde::{Deserialize, Serialize};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::model::{
    Comm, Event, ExitRecord, Fold, Losses, MachineFigures, Memory, MemorySizes, State, TaskId,
    empty,
};

/// Where a sample's figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sources {
    /// Kernel events and `/proc`.
    EbpfAndProc,
    /// `/proc` alone: short-lived tasks are not seen; CPU time comes in ticks of 10 ms.
    ProcOnly,
}

impl Sources {
    /// The name in JSON.
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
    /// Time since the previous sample, ns.
    pub interval_ns: u64,
}

/// Upper limit for the time between one sample and the start of the next
/// interval, ns. A longer time means that samples are missing.
pub(crate) const SLACK_NS: u64 = 1_000_000;

/// All that the sources found at one tick. The buffers are reused.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Time and interval of the sample.
    pub stamp: Stamp,
    /// Gap before the sample that the recording does not cover: start and end,
    /// ns since boot. The gap is part of the interval if the state of the tasks
    /// at the end of the gap is not known.
    pub gap_ns: Option<(u64, u64)>,
    /// Wall time of the boot according to the clock at this sample, ns since 1970;
    /// `None`: unchanged.
    pub boot_wall_ns: Option<i128>,
    /// Sources of the figures.
    pub sources: Sources,
    /// Tasks found by a census (a full scan of all tasks); empty in most samples.
    pub found: Vec<Found>,
    /// Whether `found` holds all tasks: then a task that is not in `found` has exited.
    pub complete: bool,
    /// Events, in the order in which they happened.
    pub events: Vec<Event>,
    /// Short-lived processes that are not among the events.
    pub folds: Vec<Fold>,
    /// Figures of the threads that ran.
    pub readings: Vec<Reading>,
    /// Memory of the processes that ran or that the sweep read.
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
    /// Adapts the sample to a gap before it. `before_ns` is the time of the
    /// previous sample, `known_ns` the last time at which the state of the tasks
    /// is known, both in ns since boot.
    ///
    /// If the state at the end of the gap is not known, the interval is extended
    /// back to `known_ns`. The machine's figures that count from sample to sample
    /// become unknown then.
    pub fn follow(&mut self, before_ns: u64, known_ns: u64) {
        let Stamp {
            boot_ns,
            interval_ns,
        } = self.stamp;
        let begin = boot_ns.saturating_sub(interval_ns);
        if begin.saturating_sub(before_ns) <= SLACK_NS {
            return;
        }
        self.gap_ns = Some((before_ns, begin));
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

    /// The users of all tasks in the sample; most of them come several times.
    pub fn users(&self) -> impl Iterator<Item = u32> {
        let of_event = |event: &Event| match event {
            Event::Fork(fork) => Some(fork.uid),
            Event::Exec(exec) => Some(exec.uid),
            Event::ProcessEnd(record) => Some(record.uid),
            _ => None,
        };
        let found = self.found.iter().filter_map(|found| found.uid);
        let ran = self.readings.iter().filter_map(|reading| reading.uid);
        let events = self.events.iter().filter_map(of_event);
        let folds = self.folds.iter().map(|fold| fold.uid);
        found.chain(ran).chain(events).chain(folds)
    }

    /// An empty sample.
    pub fn new(sources: Sources) -> Self {
        Self {
            stamp: Stamp::default(),
            gap_ns: None,
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

    /// Puts exits of processes before the sample's own events. These exits
    /// happened in a period that no other sample covers. A zombie that is not in
    /// `found` has been reaped since.
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

    /// Records of the processes that exited according to the sample's events.
    pub fn ended(&self) -> impl Iterator<Item = &Arc<ExitRecord>> {
        self.events.iter().filter_map(|event| match event {
            Event::ProcessEnd(record) => Some(record),
            _ => None,
        })
    }

    /// Merges the data of several ticks that no consumer took. For each thread,
    /// the last reading is kept, with the longest wait of all readings. At most
    /// `most` events are kept.
    ///
    /// Returns the number of dropped events. The next census finds the tasks of
    /// the dropped events.
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
        for mut memory in self.memories.drain(..) {
            if let Some(before) = last.get(&memory.process) {
                memory.follow(before);
            }
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

    /// Clears the lists; the room that they used stays. Call it once per sample: twice looks as if
    /// nothing was used.
    pub fn clear(&mut self) {
        fn clear<T>(list: &mut Vec<T>) {
            empty(list, list.len());
        }
        self.complete = false;
        clear(&mut self.found);
        clear(&mut self.events);
        clear(&mut self.folds);
        clear(&mut self.readings);
        clear(&mut self.memories);
    }
}

/// Bytes read from and written to storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Io {
    /// Read, bytes (`read_bytes` of `/proc/PID/io`).
    pub read: u64,
    /// Written, bytes (`write_bytes`).
    pub write: u64,
}

/// Sums over the exited threads of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// User time as sampled by the timer, ns.
    pub user_ns: u64,
    /// System time as sampled by the timer, ns.
    pub system_ns: u64,
    /// Storage IO.
    pub io: Io,
    /// Bytes whose write to storage these threads prevented.
    pub cancelled_write_bytes: u64,
    /// `io` includes the IO of children that the process has reaped: the kernel keeps one
    /// sum of both.
    pub io_has_children: bool,
    /// Minor faults.
    pub minor_faults: u64,
    /// Major faults.
    pub major_faults: u64,
}

/// A thread as a census shows it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The thread.
    pub id: TaskId,
    /// The process of the thread.
    pub process: TaskId,
    /// Process id of the parent.
    pub ppid: u32,
    /// Real user id; `None` if not read again because the thread is already known.
    pub uid: Option<u32>,
    /// Process id in the process's own pid namespace; `None` if not known.
    pub ns_pid: Option<u32>,
    /// Whether the thread is a kernel thread.
    pub kthread: bool,
    /// Name of the thread.
    pub comm: Comm,
    /// State of the thread.
    pub state: State,
    /// Whether the thread was on a CPU when it was read.
    pub on_cpu: bool,
    /// Whether the thread waits for IO.
    pub in_iowait: bool,
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// Run delay: time runnable without a CPU, ns; `None` if not known.
    pub run_delay_ns: Option<u64>,
    /// Time since the thread last had a CPU, ns; `None` if not known.
    pub off_cpu_ns: Option<u64>,
    /// Storage IO; `None` if reading it was refused.
    pub io: Option<Io>,
    /// Memory of the process; `None` if not known.
    pub memory: Option<MemorySizes>,
    /// `memory` is from the kernel's fast counters, which are not exact.
    pub is_rough: bool,
    /// Number of threads of the process.
    pub threads: u32,
    /// Sums over the exited threads of the process; valid for the leader.
    pub gone: Gone,
    /// CPU time, ns, and IO of the whole process, if read instead of the threads' figures.
    pub whole: Option<(u64, Option<Io>)>,
    /// Path of the cgroup; `None` if not known.
    pub cgroup: Option<Arc<str>>,
    /// Whether the source watches the process, see [`Fork::watched`](crate::model::Fork::watched).
    pub watched: bool,
}

/// Figures of a thread that ran, as the kernel last recorded them.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The thread.
    pub id: TaskId,
    /// Real user id; `None`: unchanged.
    pub uid: Option<u32>,
    /// State in which the thread left its CPU, or running.
    pub state: State,
    /// Whether the thread was on a CPU at the tick.
    pub on_cpu: bool,
    /// Whether the thread was preempted: it waits for a CPU.
    pub preempted: bool,
    /// Whether the thread left its CPU to wait for IO.
    pub in_iowait: bool,
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// Run delay: time runnable without a CPU, ns; `None` if not known.
    pub run_delay_ns: Option<u64>,
    /// Longest single wait for a CPU in the interval, ns; `None` if not known.
    pub wait_max_ns: Option<u64>,
    /// Storage IO; `None`: unchanged.
    pub io: Option<Io>,
}
