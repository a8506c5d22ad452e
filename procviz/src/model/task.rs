use std::sync::Arc;

use crate::model::{
    Activity, Comm, ExitRecord, Io, MemoryParts, MemorySizes, Scope, State, Status, TaskId,
    Untrusted,
};

/// What changed in one interval. The values are valid only at their tick. An
/// older tick means that nothing changed since, so sleeping tasks need no reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The tick that closed the interval.
    pub tick: u64,
    /// Whether the task had a CPU in the interval.
    pub ran: bool,
    /// CPU time used, ns.
    pub cpu_ns: u64,
    /// Run delay: time runnable without a CPU, ns; `None` if not known.
    pub wait_ns: Option<u64>,
    /// Longest single wait for a CPU, ns; `None` if not known.
    pub wait_max_ns: Option<u64>,
    /// Bytes read from and written to storage.
    pub io_bytes: u64,
    /// The part of them that was read, KiB: there are many of these, so it is small.
    pub read_kib: u32,
}

impl Change {
    /// The change at `tick`, to add to. An older change is replaced by an empty one.
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
    /// Id of the thread.
    pub id: TaskId,
    /// Slot of the thread's process.
    pub process: usize,
    /// Name of the thread.
    pub comm: Comm,
    /// Real user id; `None` if it could not be read.
    pub uid: Option<u32>,
    /// State in the scheduler.
    pub state: State,
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// Run delay: time runnable without a CPU, ns; `None` if not known.
    pub run_delay_ns: Option<u64>,
    /// Storage IO; `None` if not known.
    pub io: Option<Io>,
    /// Whether the thread was on a CPU at the tick.
    pub on_cpu: bool,
    /// Whether the thread left its CPU to wait for IO and has not run since.
    pub in_iowait: bool,
    /// Time at which the thread last had a CPU, ns since boot; `None` if not known.
    pub last_on_cpu_ns: Option<u64>,
    /// The last change.
    pub change: Change,
    /// The tick of the last census that found the thread, or of its fork.
    pub found_tick: u64,
    /// Exit of the thread; `None` while it is alive.
    pub end: Option<End>,
    /// Whether a filter hides the thread.
    pub hidden: bool,
}

/// Exit of a thread or process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The tick that found the exit; 0: the task exited before the run began.
    pub tick: u64,
    /// Wait status; `None` if it was not seen.
    pub status: Option<Status>,
    /// Whether the task is a zombie: not reaped yet.
    pub zombie: bool,
}

/// One process of the snapshot.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// Id of the process: the id of its leader.
    pub id: TaskId,
    /// Slot of the leader; `None` while the leader has not been seen.
    pub leader: Option<usize>,
    /// Slots of the threads of the process, including the leader.
    pub members: Vec<usize>,
    /// Process id of the parent.
    pub ppid: u32,
    /// Process id in the process's own pid namespace; `None` if not known.
    pub ns_pid: Option<u32>,
    /// Whether the process is a kernel thread.
    pub kthread: bool,
    /// CPU time of all threads of the process, including exited threads, ns.
    pub cpu_ns: u64,
    /// Storage IO of all threads of the process, including exited threads.
    pub io: Option<Io>,
    /// Run delay of the process's threads since procviz knows the process, ns.
    pub run_delay_ns: Option<u64>,
    /// Resident set, bytes; `None` if not known.
    pub rss: Option<u64>,
    /// Address space, bytes; `None` if not known.
    pub vsize: Option<u64>,
    /// What the memory consists of; `None` if not known.
    pub parts: Option<MemoryParts>,
    /// The sizes are from a census with kernel events: such a census reads the kernel's fast
    /// counters, which are not exact.
    pub is_rough: bool,
    /// Number of threads.
    pub threads: u32,
    /// Path of the cgroup; `None` if not known.
    pub cgroup: Option<Arc<str>>,
    /// The name, if `comm` of the leader is not it: the name of the program of a process whose
    /// leader has changed its name, or the whole name of a kernel thread.
    pub name: Option<Arc<[u8]>>,
    /// The arguments, each terminated by a zero byte; `None` if not known.
    pub args: Option<Arc<[u8]>>,
    /// Whether the source watches the process, see [`Fork::watched`](crate::model::Fork::watched).
    pub watched: bool,
    /// Latest time at which an exited thread of the process had a CPU, ns since boot.
    pub ended_on_cpu_ns: Option<u64>,
    /// The last change.
    pub change: Change,
    /// Tick of the last change of the resident set, and the change, bytes;
    /// `None`: the size before is not known.
    pub rss_change: (u64, Option<i64>),
    /// The same for [`Process::private`].
    pub private_change: (u64, Option<i64>),
    /// [`Process::private`] when procviz first read it, bytes.
    pub first_private: Option<u64>,
    /// The process that causes a storm of such processes, see
    /// [`Fork::origin`](crate::model::Fork::origin); the process itself if its fork was
    /// not seen.
    pub origin: TaskId,
    /// Exit of the process; `None` while it is alive.
    pub end: Option<End>,
    /// Exit record of the process, if there is one.
    pub exit: Option<Arc<ExitRecord>>,
}

fn how(end: Option<End>, record: Option<&ExitRecord>) -> String {
    match (record, end) {
        (Some(record), _) => record.how(),
        (None, Some(end)) => end
            .status
            .map_or_else(|| "exit status unknown".to_owned(), |status| status.words()),
        (None, None) => String::new(),
    }
}

impl Process {
    /// Text for the user about the end of the process and its cause; empty while it is alive.
    pub fn how(&self) -> String {
        how(self.end, self.exit.as_deref())
    }

    /// The sizes of the memory; `None` if not known.
    pub fn sizes(&self) -> Option<MemorySizes> {
        Some(MemorySizes {
            rss: self.rss?,
            vsize: self.vsize?,
            parts: self.parts,
        })
    }

    /// Memory that the machine lacks because of the process, bytes: pages of files do not count.
    pub fn held(&self) -> Option<u64> {
        let parts = self
            .parts
            .map(|parts| parts.private().saturating_add(parts.shmem));
        parts.or(self.rss)
    }

    /// The memory that rules about growth judge, bytes: see [`MemoryParts::private`]. It is
    /// the resident set if the parts are not known.
    pub fn private(&self) -> Option<u64> {
        self.parts.map(MemoryParts::private).or(self.rss)
    }
}

/// Storage IO per second that is little, bytes.
const LITTLE_IO: f64 = 65_536.0;

/// A task of either scope, as charts and exporters see it.
#[derive(Clone, Copy, Debug)]
pub struct TaskView<'a> {
    /// Slot of the thread or process in the snapshot. It does not change while
    /// the task is shown.
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
    /// State in the scheduler, of a process that of a living thread.
    pub(crate) state: State,
    pub(crate) running: bool,
    pub(crate) in_iowait: bool,
    pub(crate) last_on_cpu_ns: Option<u64>,
    pub(crate) on_cpu: bool,
}

impl TaskView<'_> {
    /// Id of the task.
    pub fn id(&self) -> TaskId {
        self.thread.id
    }

    /// Whether the task is a process or the leader of a process.
    pub fn is_leader(&self) -> bool {
        self.thread.id == self.process.id
    }

    /// The name to show: of the process if the task is a process or a leader, else of the
    /// thread.
    pub fn name(&self) -> Untrusted<'_> {
        Untrusted::new(self.name_bytes())
    }

    /// The bytes of the name.
    pub fn name_bytes(&self) -> &[u8] {
        let name = self.process.name.as_deref().filter(|_| self.is_leader());
        name.unwrap_or(self.thread.comm.bytes())
    }

    /// The first 15 bytes of the name.
    pub fn short_name(&self) -> Comm {
        Comm::new(self.name_bytes())
    }

    /// What the leader calls itself, if that is not the name of the program.
    pub fn other_name(&self) -> Option<Comm> {
        let is_other = self.is_leader() && !self.process.kthread;
        (is_other && self.short_name() != self.thread.comm).then_some(self.thread.comm)
    }

    /// CPU time, ns.
    pub fn cpu_ns(&self) -> u64 {
        match self.scope {
            Scope::Threads => self.thread.cpu_ns,
            Scope::Processes => self.process.cpu_ns,
        }
    }

    /// Storage IO; `None` if not known.
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

    /// Change of the resident set in the interval, bytes; `None` if the size now
    /// or the size before is not known.
    pub fn rss_delta(&self) -> Option<i64> {
        self.process.rss?;
        let (tick, delta) = self.process.rss_change;
        if tick == self.tick { delta } else { Some(0) }
    }

    /// Whether the task had a CPU in the interval. `None`: not known, because
    /// `/proc` alone does not show short times on a CPU.
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

    /// Whether the task did less than 64 KiB/s of storage IO in the interval, and does not wait
    /// for IO.
    pub(crate) fn does_little_io(&self) -> bool {
        let seconds = self.interval_ns as f64 / 1e9;
        let is_little = (self.change().io_bytes as f64) < LITTLE_IO * seconds;
        is_little && !self.in_iowait
    }

    /// Exit of the task; `None` while it is alive.
    pub fn end(&self) -> Option<End> {
        match self.scope {
            Scope::Threads => self.thread.end,
            Scope::Processes => self.process.end,
        }
    }

    /// Text for the user about the end of the task and its cause; empty while it is alive.
    pub fn how(&self) -> String {
        let exit = self.process.exit.as_deref();
        let is_whole = self.scope == Scope::Processes || self.thread.id == self.process.id;
        how(self.end(), exit.filter(|_| is_whole))
    }

    /// Whether the task exited in this interval or the previous one.
    pub fn exited(&self) -> bool {
        self.end()
            .is_some_and(|end| end.tick != 0 && end.tick + 1 >= self.tick)
    }

    /// Activity of the task in the interval.
    pub fn activity(&self) -> Activity {
        if self.exited() {
            return Activity::Exited;
        }
        if self.end().is_some() {
            return Activity::Idle;
        }
        self.work()
    }

    /// What the task did in the interval, also if it has exited since.
    pub fn work(&self) -> Activity {
        let change = self.change();
        let busy = change.cpu_ns > 0 && change.cpu_ns >= self.interval_ns.div_ceil(100);
        Activity::new(busy || self.running, change.io_bytes > 0 || self.in_iowait)
    }

    /// Resident set, bytes; of a process that has exited, the largest that it had. `None` if
    /// not known.
    pub fn largest_rss(&self) -> Option<u64> {
        match &self.process.exit {
            Some(record) => {
                let is_own = record.max_rss_inherited != Some(true);
                record.max_rss_bytes.filter(|_| is_own)
            }
            None => self.process.rss,
        }
    }

    /// Whether the task was killed by a signal that nobody sends on purpose to end a process.
    pub fn crashed(&self) -> bool {
        let status = self.end().and_then(|end| end.status);
        status.is_some_and(Status::is_crash)
    }

    /// State of the task; a dead task that is not reaped yet is a zombie.
    pub fn state(&self) -> State {
        match self.end() {
            Some(end) if end.zombie => State::Zombie,
            Some(_) => State::Dead,
            None => self.state,
        }
    }

    /// Time since the task last had a CPU, ns; 0 on a CPU, `None` if not known.
    pub fn off_cpu_ns(&self) -> Option<u64> {
        if self.on_cpu {
            return Some(0);
        }
        self.last_on_cpu_ns
            .map(|last| self.now_ns.saturating_sub(last))
    }

    /// Time at which the task last had a CPU, ns since boot; `None` if the task is on
    /// a CPU, or if not known.
    pub fn idle_since(&self) -> Option<u64> {
        let last = self.last_on_cpu_ns.filter(|_| !self.on_cpu);
        last.filter(|last| *last < self.now_ns)
    }
}
