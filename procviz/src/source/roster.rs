//! Keeps the living threads and processes by id, for the tick: the process of
//! each thread, start times, and the children of each process.

use rustc_hash::FxHashMap;

use crate::model::{Event, Exec, Found, MemorySizes, Spare as _, TaskId};

/// A living thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) id: TaskId,
    pub(super) process: TaskId,
    pub(super) kthread: bool,
}

/// How long exact sizes are used while the kernel's fast counters do not change, ns; longer if so
/// many are that old that they would be read in less time than this, one after the other.
const MOST_AGE_NS: u64 = 30_000_000_000;
const APART_NS: u64 = 2_000_000_000;

/// The kernel's fast counters of the memory of a process: they say whether it has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FastSizes {
    /// From eBPF programs, see [`memory_mark`](procviz_common::memory_mark).
    Mark(u32),
    /// From `stat`: resident set, pages, and address space, bytes.
    Stat { rss: u64, vsize: u64 },
    /// They are changing just now.
    Changing,
}

/// The marks of a process' memory in one tick, from each of its threads that ran.
#[derive(Clone, Copy, Debug, Default)]
enum Marks {
    #[default]
    None,
    Of(u32),
    /// The memory changed between the times at which two threads left their CPUs.
    Differ,
}

/// The memory of a process, when it was last read exactly.
#[derive(Clone, Copy, Debug)]
struct ExactSizes {
    fast: FastSizes,
    /// When that was, ns since boot.
    read_ns: u64,
    sizes: MemorySizes,
}

/// A living process.
#[derive(Debug, Default)]
struct Family {
    start_ns: u64,
    children: Vec<u32>,
    /// Number of threads.
    threads: u32,
    /// The last tick in which one of its threads ran, and the marks of its memory then.
    ran_tick: u64,
    marks: Marks,
    sizes: Option<ExactSizes>,
}

/// All living threads and processes.
#[derive(Debug)]
pub(super) struct Roster {
    tick_ns: u64,
    largest_tid: u32,
    threads: FxHashMap<u32, Member>,
    processes: FxHashMap<u32, Family>,
    /// When the sizes of a process were read again last although nothing had changed, ns since
    /// boot.
    renewed_ns: u64,
}

impl Roster {
    pub(super) fn new(tick_ns: u64) -> Self {
        Self {
            tick_ns,
            largest_tid: 0,
            threads: FxHashMap::default(),
            processes: FxHashMap::default(),
            renewed_ns: 0,
        }
    }

    /// Gives up the room of tasks that are gone.
    pub(super) fn give_up_spare(&mut self) {
        self.threads.give_up_spare();
        self.processes.give_up_spare();
    }

    /// The largest thread id seen since the start.
    pub(super) fn largest_tid(&self) -> u32 {
        self.largest_tid
    }

    /// Whether two ids belong to the same task. Start times from `/proc` are rounded
    /// down to clock ticks, and no thread id is used twice within a clock tick.
    pub(super) fn is_same(&self, one: TaskId, other: TaskId) -> bool {
        self.rounded(one) == self.rounded(other)
    }

    /// The id as `/proc` has it, with a start time in whole clock ticks.
    pub(super) fn rounded(&self, id: TaskId) -> TaskId {
        TaskId {
            start_ns: id.start_ns / self.tick_ns * self.tick_ns,
            ..id
        }
    }

    /// Replaces the ids in an event with the ids that the roster has for these
    /// tasks: the start times can differ in precision.
    pub(super) fn settle(&self, event: &mut Event) {
        let settled = |id: TaskId| match self.threads.get(&id.tid) {
            Some(member) if self.is_same(member.id, id) => member.id,
            // The leader can exit before the other threads of its process.
            _ => match self.process(id.tid) {
                Some(process) if self.is_same(process, id) => process,
                _ => id,
            },
        };
        match event {
            Event::Fork(fork) => {
                fork.parent = settled(fork.parent);
                fork.origin = settled(fork.origin);
                if fork.id != fork.process {
                    fork.process = settled(fork.process);
                }
            }
            Event::Exec(exec) => exec.process = settled(exec.process),
            Event::Rename(rename) => rename.id = settled(rename.id),
            Event::ThreadEnd(end) => {
                end.id = settled(end.id);
                end.process = settled(end.process);
            }
            Event::ProcessEnd(record) if settled(record.process) != record.process => {
                let process = settled(record.process);
                std::sync::Arc::make_mut(record).process = process;
            }
            _ => {}
        }
    }

    /// Replaces the whole roster with the tasks that a census found.
    pub(super) fn found(&mut self, found: &[Found]) {
        self.threads.clear();
        self.processes.clear();
        for thread in found {
            self.add(thread.id, thread.process, thread.kthread, thread.ppid);
        }
        // Now all leaders are known.
        for family in self.processes.values_mut() {
            family.threads = 0;
        }
        for thread in found {
            if let Some(family) = self.processes.get_mut(&thread.process.tid) {
                family.threads += 1;
            }
        }
    }

    /// Adds a thread, and its process if the thread is a leader. Returns false if
    /// the parent process is not known.
    pub(super) fn add(&mut self, id: TaskId, process: TaskId, kthread: bool, ppid: u32) -> bool {
        self.largest_tid = self.largest_tid.max(id.tid);
        self.threads.insert(
            id.tid,
            Member {
                id,
                process,
                kthread,
            },
        );
        if id != process {
            if let Some(family) = self.processes.get_mut(&process.tid) {
                family.threads += 1;
            }
            return true;
        }
        self.processes.insert(
            id.tid,
            Family {
                start_ns: id.start_ns,
                threads: 1,
                ..Family::default()
            },
        );
        self.adopt(id, ppid) || ppid == 0
    }

    /// Adds a child to the process `ppid`. Returns false if that process is not
    /// known.
    pub(super) fn adopt(&mut self, child: TaskId, ppid: u32) -> bool {
        let Some(mut parent) = self.processes.remove(&ppid) else {
            return false;
        };
        // Exited children stay in the list until the list would have to grow:
        // then they are removed.
        if parent.children.len() == parent.children.capacity() {
            parent
                .children
                .retain(|pid| self.processes.contains_key(pid));
        }
        parent.children.push(child.tid);
        self.processes.insert(ppid, parent);
        true
    }

    /// Removes a thread that exited.
    pub(super) fn thread_end(&mut self, id: TaskId) {
        let member = self.threads.get(&id.tid).filter(|member| member.id == id);
        if let Some(member) = member.copied() {
            self.threads.remove(&id.tid);
            self.leave(member.process);
        }
    }

    /// A thread of a process is gone.
    fn leave(&mut self, process: TaskId) {
        if let Some(family) = self.processes.get_mut(&process.tid) {
            family.threads = family.threads.saturating_sub(1);
        }
    }

    /// The number of living threads of a process, at least one.
    pub(super) fn threads_of(&self, process: TaskId) -> u32 {
        let family = self.processes.get(&process.tid);
        family.map_or(1, |family| family.threads.max(1))
    }

    /// Removes a process that exited. Adds its living children to `orphans`, as
    /// the kernel gave them another parent.
    pub(super) fn process_end(&mut self, process: TaskId, orphans: &mut Vec<TaskId>) {
        self.thread_end(process);
        if self
            .processes
            .get(&process.tid)
            .is_none_or(|family| family.start_ns != process.start_ns)
        {
            return;
        }
        let Some(family) = self.processes.remove(&process.tid) else {
            return;
        };
        orphans.extend(
            family
                .children
                .into_iter()
                .filter_map(|pid| self.process(pid)),
        );
    }

    /// Makes the thread that called exec the leader of its process.
    pub(super) fn exec(&mut self, exec: &Exec) {
        if exec.old_tid != exec.process.tid {
            if self.threads.remove(&exec.old_tid).is_some() {
                self.leave(exec.process);
            }
            let leader = Member {
                id: exec.process,
                process: exec.process,
                kthread: false,
            };
            self.threads.insert(exec.process.tid, leader);
        }
    }

    /// The living thread with this id.
    pub(super) fn thread(&self, tid: u32) -> Option<Member> {
        self.threads.get(&tid).copied()
    }

    /// The living process with this id.
    pub(super) fn process(&self, pid: u32) -> Option<TaskId> {
        self.processes.get(&pid).map(|family| TaskId {
            tid: pid,
            start_ns: family.start_ns,
        })
    }

    /// The number of living processes.
    pub(super) fn processes(&self) -> usize {
        self.processes.len()
    }

    /// The exact sizes of the memory of a process, if the fast counters are those of the last
    /// reading, which is not old.
    pub(super) fn known_sizes(
        &self,
        process: TaskId,
        fast: FastSizes,
        now_ns: u64,
    ) -> Option<MemorySizes> {
        let family = self.processes.get(&process.tid)?;
        let known = family.sizes?;
        let is_fresh = now_ns.saturating_sub(known.read_ns) < MOST_AGE_NS
            || now_ns.saturating_sub(self.renewed_ns) < APART_NS;
        let is_steady = known.fast == fast && fast != FastSizes::Changing;
        let is_same = is_steady && family.start_ns == process.start_ns;
        (is_same && is_fresh).then_some(known.sizes)
    }

    /// Keeps the exact sizes that were read when the fast counters were `fast`.
    pub(super) fn keep_sizes(
        &mut self,
        process: TaskId,
        (fast, read_ns): (FastSizes, u64),
        sizes: MemorySizes,
    ) {
        if let Some(family) = self.processes.get_mut(&process.tid) {
            let is_again = family.sizes.is_some_and(|known| known.fast == fast);
            if is_again && fast != FastSizes::Changing {
                self.renewed_ns = read_ns;
            }
            family.sizes = Some(ExactSizes {
                fast,
                read_ns,
                sizes,
            });
        }
    }

    /// Notes that a thread of a process ran in this tick, and the mark of the memory when it left
    /// its CPU; 0: not known. Returns true for the first call per process and tick: then its
    /// memory is to be read.
    pub(super) fn ran(&mut self, process: TaskId, tick: u64, mark: u32) -> bool {
        let Some(family) = self.processes.get_mut(&process.tid) else {
            return false;
        };
        let is_first = family.ran_tick != tick;
        if is_first {
            (family.ran_tick, family.marks) = (tick, Marks::default());
        }
        family.marks = match (family.marks, mark) {
            (marks, 0) => marks,
            (Marks::None, mark) => Marks::Of(mark),
            (Marks::Of(known), mark) if known == mark => Marks::Of(mark),
            _ => Marks::Differ,
        };
        is_first
    }

    /// What the threads of a process that ran in this tick say about its memory; `None`: nothing.
    pub(super) fn marks(&self, process: TaskId) -> Option<FastSizes> {
        match self.processes.get(&process.tid)?.marks {
            Marks::None => None,
            Marks::Of(mark) => Some(FastSizes::Mark(mark)),
            Marks::Differ => Some(FastSizes::Changing),
        }
    }
}
