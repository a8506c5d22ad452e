//! Keeps the living threads and processes by id, for the tick: the process of
//! each thread, start times, and the children of each process.

use rustc_hash::FxHashMap;

use crate::model::{Event, Exec, Found, MemorySizes, TaskId};

/// A living thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) id: TaskId,
    pub(super) process: TaskId,
    pub(super) kthread: bool,
}

/// How long exact sizes are used while the kernel's fast counters do not change, ns.
const MOST_AGE_NS: u64 = 30_000_000_000;

/// The memory of a process, when it was last read exactly.
#[derive(Clone, Copy, Debug)]
struct ExactSizes {
    /// Resident set and address space as the kernel's fast counters had them, bytes.
    fast: (u64, u64),
    /// When that was, ns since boot.
    read_ns: u64,
    sizes: MemorySizes,
}

/// A living process.
#[derive(Debug, Default)]
struct Family {
    start_ns: u64,
    children: Vec<u32>,
    /// The last tick at which its memory was read.
    read_tick: u64,
    sizes: Option<ExactSizes>,
}

/// All living threads and processes.
#[derive(Debug)]
pub(super) struct Roster {
    tick_ns: u64,
    largest_tid: u32,
    threads: FxHashMap<u32, Member>,
    processes: FxHashMap<u32, Family>,
}

impl Roster {
    pub(super) fn new(tick_ns: u64) -> Self {
        Self {
            tick_ns,
            largest_tid: 0,
            threads: FxHashMap::default(),
            processes: FxHashMap::default(),
        }
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
            return true;
        }
        self.processes.insert(
            id.tid,
            Family {
                start_ns: id.start_ns,
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
        if self
            .threads
            .get(&id.tid)
            .is_some_and(|member| member.id == id)
        {
            self.threads.remove(&id.tid);
        }
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
            self.threads.remove(&exec.old_tid);
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

    /// The exact sizes of the memory of a process, if the fast counters (resident set and
    /// address space, bytes) are those of the last reading, which is not old.
    pub(super) fn known_sizes(
        &self,
        process: TaskId,
        fast: (u64, u64),
        now_ns: u64,
    ) -> Option<MemorySizes> {
        let family = self.processes.get(&process.tid)?;
        let known = family.sizes?;
        let is_fresh = now_ns.saturating_sub(known.read_ns) < MOST_AGE_NS;
        let is_same = known.fast == fast && family.start_ns == process.start_ns;
        (is_same && is_fresh).then_some(known.sizes)
    }

    /// Keeps the exact sizes that were read when the fast counters were `fast`.
    pub(super) fn keep_sizes(
        &mut self,
        process: TaskId,
        (fast, read_ns): ((u64, u64), u64),
        sizes: MemorySizes,
    ) {
        if let Some(family) = self.processes.get_mut(&process.tid) {
            family.sizes = Some(ExactSizes {
                fast,
                read_ns,
                sizes,
            });
        }
    }

    /// Whether the memory of a process is still to be read in this tick; true only
    /// for the first call per process and tick.
    pub(super) fn first_in_tick(&mut self, process: TaskId, tick: u64) -> bool {
        match self.processes.get_mut(&process.tid) {
            Some(family) if family.read_tick != tick => {
                family.read_tick = tick;
                true
            }
            _ => false,
        }
    }
}
