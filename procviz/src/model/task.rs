use std::sync::Arc;

use crate::model::{Activity, Comm, ExitRecord, Io, Scope, State, Status, TaskId};

/// What changed in one interval. It is good for that tick only: an older one
/// says that nothing changed since, so that nobody has to reset the sleepers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The tick that closed the interval.
    pub tick: u64,
    /// Had a CPU in it.
    pub ran: bool,
    /// CPU time used, ns.
    pub cpu_ns: u64,
    /// Time runnable without a CPU, ns; `None` when not known.
    pub wait_ns: Option<u64>,
    /// Longest single wait, ns; `None` when not known.
    pub wait_max_ns: Option<u64>,
    /// Bytes read and written.
    pub io_bytes: u64,
}

impl Change {
    /// The change at `tick`, to be added to: a new one if the last is older.
    pub fn at(&mut self, tick: u64) -> &mut Self {
        if self.tick != tick {
            *self = Self {
                tick,
                ..Self::default()
            };
        }
        self
    }
}

/// One thread of the snapshot.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    /// Who.
    pub id: TaskId,
    /// Slot of its process.
    pub process: usize,
    /// Name.
    pub comm: Comm,
    /// Real user id; `None` when it could not be read.
    pub uid: Option<u32>,
    /// State.
    pub state: State,
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// Time runnable without a CPU, ns.
    pub run_delay_ns: Option<u64>,
    /// Storage IO; `None` when not known.
    pub io: Option<Io>,
    /// On a CPU at the tick.
    pub on_cpu: bool,
    /// Left to wait for IO and has not run since.
    pub in_iowait: bool,
    /// When it last had a CPU, ns since boot.
    pub last_on_cpu_ns: Option<u64>,
    /// The last change.
    pub change: Change,
    /// The tick at which a look at everybody saw it.
    pub found_tick: u64,
    /// How it ended and at which tick.
    pub end: Option<End>,
    /// A filter does not show it.
    pub hidden: bool,
}

/// The end of a thread or process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The tick that found it; 0: before the run began.
    pub tick: u64,
    /// How; `None` when that was not seen.
    pub status: Option<Status>,
    /// Nobody has reaped it yet.
    pub zombie: bool,
}

/// One process of the snapshot.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// Who: the leader's id.
    pub id: TaskId,
    /// Slot of the leader; `None` while it has not been seen.
    pub leader: Option<usize>,
    /// Slots of its threads, the leader's among them.
    pub members: Vec<usize>,
    /// Process id of the parent.
    pub ppid: u32,
    /// Process id in its own namespace.
    pub ns_pid: Option<u32>,
    /// A kernel thread.
    pub kthread: bool,
    /// CPU time of all its threads, dead ones included, ns.
    pub cpu_ns: u64,
    /// Storage IO of all its threads, dead ones included.
    pub io: Option<Io>,
    /// Time its threads waited for a CPU since it is known, ns.
    pub run_delay_ns: Option<u64>,
    /// Resident set, bytes.
    pub rss: Option<u64>,
    /// Address space, bytes.
    pub vsize: Option<u64>,
    /// Threads.
    pub threads: u32,
    /// Path of its cgroup, where known.
    pub cgroup: Option<Arc<str>>,
    /// Its arguments, each ended by a zero, where known.
    pub args: Option<Arc<[u8]>>,
    /// A descendant of whom the source was told to watch.
    pub watched: bool,
    /// When any of its threads that have ended last had a CPU, ns since boot.
    pub ended_on_cpu_ns: Option<u64>,
    /// The last change.
    pub change: Change,
    /// Change of the resident set and the tick of it, bytes; `None`: it was
    /// not known before.
    pub rss_change: (u64, Option<i64>),
    /// Resident set when it was first known, bytes.
    pub first_rss: Option<u64>,
    /// Whom to blame for a storm of these; itself if it is old enough.
    pub origin: TaskId,
    /// Its end.
    pub end: Option<End>,
    /// The whole record of its end.
    pub exit: Option<Arc<ExitRecord>>,
}

/// A task of either scope, as charts and exporters see it.
#[derive(Clone, Copy, Debug)]
pub struct TaskView<'a> {
    /// The place of the thread or process among the snapshot's: its own for
    /// as long as the task is shown.
    pub slot: usize,
    pub(crate) scope: Scope,
    pub(crate) tick: u64,
    pub(crate) now_ns: u64,
    pub(crate) interval_ns: u64,
    pub(crate) has_events: bool,
    /// The thread, or the leader of the process.
    pub thread: &'a Thread,
    /// The process.
    pub process: &'a Process,
    pub(crate) running: bool,
    pub(crate) in_iowait: bool,
    pub(crate) last_on_cpu_ns: Option<u64>,
    pub(crate) on_cpu: bool,
}

impl TaskView<'_> {
    /// Who.
    pub fn id(&self) -> TaskId {
        self.thread.id
    }

    /// Whether this task is a process or the leader of one.
    pub fn is_leader(&self) -> bool {
        self.thread.id == self.process.id
    }

    /// CPU time, ns.
    pub fn cpu_ns(&self) -> u64 {
        match self.scope {
            Scope::Threads => self.thread.cpu_ns,
            Scope::Processes => self.process.cpu_ns,
        }
    }

    /// Storage IO; `None` when not known.
    pub fn io(&self) -> Option<Io> {
        match self.scope {
            Scope::Threads => self.thread.io,
            Scope::Processes => self.process.io,
        }
    }

    /// What changed in the interval.
    pub fn change(&self) -> Change {
        let change = match self.scope {
            Scope::Threads => self.thread.change,
            Scope::Processes => self.process.change,
        };
        let none = self.has_events.then_some(0);
        if change.tick == self.tick {
            change
        } else {
            Change {
                wait_ns: none,
                wait_max_ns: none,
                ..Change::default()
            }
        }
    }

    /// Change of the resident set in the interval, bytes; `None` while it is
    /// not known, or was not before.
    pub fn rss_delta(&self) -> Option<i64> {
        self.process.rss?;
        let (tick, delta) = self.process.rss_change;
        if tick == self.tick { delta } else { Some(0) }
    }

    /// Whether it had a CPU in the interval; from `/proc` alone a little time
    /// on one is not seen, and `None` says so.
    pub fn ran(&self) -> Option<bool> {
        let ran = self.change().ran;
        (ran || self.has_events).then_some(ran)
    }

    /// CPU time used in the interval as a share of one core.
    pub fn cpu_share(&self) -> f64 {
        if self.interval_ns == 0 {
            0.0
        } else {
            self.change().cpu_ns as f64 / self.interval_ns as f64
        }
    }

    /// The end, if this task has one.
    pub fn end(&self) -> Option<End> {
        match self.scope {
            Scope::Threads => self.thread.end,
            Scope::Processes => self.process.end,
        }
    }

    /// Whether it died in this interval or the last one.
    pub fn exited(&self) -> bool {
        self.end()
            .is_some_and(|end| end.tick != 0 && end.tick + 1 >= self.tick)
    }

    /// What it did in the interval.
    pub fn activity(&self) -> Activity {
        if self.exited() {
            return Activity::Exited;
        }
        if self.end().is_some() {
            return Activity::Idle;
        }
        let change = self.change();
        let busy = change.cpu_ns > 0 && change.cpu_ns >= self.interval_ns.div_ceil(100);
        Activity::new(busy || self.running, change.io_bytes > 0 || self.in_iowait)
    }

    /// The state; a dead task that waits to be reaped is a zombie.
    pub fn state(&self) -> State {
        match self.end() {
            Some(end) if end.zombie => State::Zombie,
            Some(_) => State::Dead,
            None => self.thread.state,
        }
    }

    /// For how long it has had no CPU, ns; 0 on one, `None` when not known.
    pub fn off_cpu_ns(&self) -> Option<u64> {
        if self.on_cpu {
            return Some(0);
        }
        self.last_on_cpu_ns
            .map(|last| self.now_ns.saturating_sub(last))
    }

    /// Since when it has had no CPU, ns since boot; `None` on one, or when not known.
    pub fn idle_since(&self) -> Option<u64> {
        let last = self.last_on_cpu_ns.filter(|_| !self.on_cpu);
        last.filter(|last| *last < self.now_ns)
    }
}
