//! Follows each process from its fork to its exit, and builds its exit record from
//! the records that the kernel sends for each thread: EXIT holds the identity and the
//! wait status, DEAD the final figures. DEAD has the identity, too, in case the kernel
//! skipped the program that sends EXIT.
//!
//! The figures of a process are sums: of its threads that had exited before procviz
//! first saw the process, and of every DEAD since. The totals that the kernel has at
//! EXIT lack the last time slice of threads that are still exiting.

mod census;
mod figures;
mod from_dead;
mod killers;
mod naming;
mod records;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use procviz_common::{DeadRecord, EXIT_GROUP_DEAD, ExecRecord, FORK_KTHREAD, ForkRecord, TaskExit};
use rustc_hash::FxHashMap;

pub(crate) use self::figures::gone_of;
use self::{
    census::{Census, Look},
    figures::add,
    killers::Signals,
    records::thread_record,
};
use crate::{
    model::{Args, Comm, Exec, ExitRecord, Fork, Gone, Spare as _, Status, TaskId, ThreadEnd},
    source::cgroups::Cgroups,
};

/// Age, ns. A process that forks before this age belongs to its parent's fork storm:
/// its children get the same origin as the process. An older process is itself the
/// origin of its children.
const NEWCOMER_NS: u64 = 2_000_000_000;
/// Longest wait for the final figures of the threads of an exited process, ns.
pub(super) const PATIENCE_NS: u64 = 1_000_000_000;
/// How long a report of an exit without all DEADs is remembered, ns, and how many.
const REPORTED_NS: u64 = 60 * PATIENCE_NS;
const MOST_REPORTED: usize = 1_000;
/// `EXIT_ZOMBIE` of the kernel: the parent must still reap the process.
const EXIT_ZOMBIE: u32 = 32;

/// A process whose exit record is not complete yet.
#[derive(Debug)]
struct TrackedProcess {
    process: TaskId,
    ppid: u32,
    /// The ancestor that started the fork storm, see [`NEWCOMER_NS`].
    origin: TaskId,
    ns_pid: Option<u32>,
    uid: u32,
    comm: Comm,
    /// Name of the program, if the leader has changed its name.
    name: Option<Arc<[u8]>>,
    kthread: bool,
    args: Option<Arc<[u8]>>,
    /// Number of bytes of all arguments, if an exec was seen.
    args_bytes: Option<u64>,
    cgroup_id: u64,
    /// Largest resident set before the last exec, pages; `None`: the process began before
    /// procviz, or its fork was lost.
    inherited_rss_pages: Option<u64>,
    /// Sums of the figures of exited threads.
    gone: Gone,
    /// Number of threads whose DEAD has not come.
    threads: u32,
    /// The EXIT of the last thread of the process (group death).
    last_exit: Option<TaskExit>,
    leader_is_zombie: bool,
    /// Some events of the process were not seen.
    partial: bool,
    /// Number of lost records when the process was first seen. A different number at
    /// its exit makes the exit record partial.
    lost_before: u64,
    watched: bool,
    /// The process has had more than one thread.
    had_threads: bool,
    /// The batch (tick) in which the process was forked; 0: known from a census.
    batch: u64,
}

impl TrackedProcess {
    fn has_ended(&self) -> bool {
        self.last_exit.is_some()
    }
}

/// A thread whose EXIT has come, but not its DEAD.
#[derive(Debug)]
struct Leaving {
    id: TaskId,
    process: TaskId,
    time_ns: u64,
    status: Status,
    comm: Comm,
    /// Another thread of the process called exec, and has this task id now.
    superseded: bool,
    /// The census already counted the figures of this thread in [`TrackedProcess::gone`].
    counted: bool,
}

/// All processes without a complete exit record, and the exiting threads.
#[derive(Default)]
pub(crate) struct ProcessTable {
    /// By pid.
    processes: FxHashMap<u32, TrackedProcess>,
    /// By the address of the task in the kernel, which EXIT and DEAD have in common.
    leaving: FxHashMap<u64, Leaving>,
    /// Exited processes that wait for final figures, in order of time, ns since boot.
    waiting: VecDeque<(u64, TaskId)>,
    /// Exited processes that still waited when another process got their pid.
    displaced: Vec<TrackedProcess>,
    census: Option<Census>,
    look: Option<Look>,
    /// Number of lost records since the start.
    lost: u64,
    /// Number of DEAD records without an EXIT, since the start.
    without_exit: u64,
    /// Processes that were reported before all their DEADs had come, with the time of the
    /// report, ns since boot: a DEAD that comes later is not another exit.
    reported: VecDeque<(u64, TaskId)>,
    /// Time of the first census, ns since boot.
    seeded_ns: u64,
    /// Number of the current batch (tick).
    batch: u64,
    /// Processes that are watched with their descendants; `None`: all processes.
    roots: Option<Vec<u32>>,
    /// Exit records of threads are wanted, too.
    wants_threads: bool,
    /// Signals that can end processes.
    signals: Signals,
}

/// The results of one DEAD record.
#[derive(Default)]
pub(crate) struct Outcome {
    /// The thread that exited; `None` if its EXIT was not seen.
    pub(crate) thread: Option<ThreadEnd>,
    /// The process, if this was its last DEAD.
    pub(crate) process: Option<Ended>,
    /// The exit record of the thread, if these are wanted and the process is watched.
    pub(crate) thread_record: Option<ExitRecord>,
}

/// An exited process.
pub(crate) struct Ended {
    pub(crate) record: ExitRecord,
    /// The process was also forked after the last tick, and never had a second thread.
    pub(crate) short: bool,
}

impl ProcessTable {
    /// Watches only the processes `roots` and their descendants.
    pub(crate) fn watch_only(&mut self, roots: &[u32]) {
        self.roots = Some(roots.to_vec());
        for tracked in self.processes.values_mut() {
            tracked.watched = roots.contains(&tracked.process.tid);
        }
        self.propagate_watched();
    }

    /// Whether the process `pid` is watched. Its children are watched, too, then.
    pub(crate) fn is_watched(&self, pid: u32) -> bool {
        self.is_root(pid)
            || self
                .processes
                .get(&pid)
                .is_some_and(|tracked| tracked.watched)
    }

    fn is_root(&self, pid: u32) -> bool {
        self.roots.as_ref().is_none_or(|roots| roots.contains(&pid))
    }

    /// Asks for an exit record of each thread, too.
    pub(crate) fn want_threads(&mut self) {
        self.wants_threads = true;
    }

    /// Watches all processes with a watched parent, too: their forks were before the
    /// census, or have been lost.
    fn propagate_watched(&mut self) {
        if self.roots.is_none() {
            return;
        }
        loop {
            let is_watched = |pid: u32| self.is_watched(pid);
            let new: Vec<u32> = self
                .processes
                .iter()
                .filter(|(_, tracked)| !tracked.watched && is_watched(tracked.ppid))
                .map(|(pid, _)| *pid)
                .collect();
            if new.is_empty() {
                return;
            }
            for pid in new {
                if let Some(tracked) = self.processes.get_mut(&pid) {
                    tracked.watched = true;
                }
            }
        }
    }

    /// Sets the arguments, read from `/proc`, of a process without known arguments.
    pub(crate) fn set_args(&mut self, process: TaskId, args: Arc<[u8]>) {
        if let Some(tracked) = self.processes.get_mut(&process.tid)
            && tracked.args.is_none()
            && tracked.process == process
        {
            tracked.args_bytes = (!Args::is_cut(&args)).then_some(args.len() as u64);
            tracked.args = Some(args);
        }
    }

    /// Begins a new tick.
    pub(crate) fn next_batch(&mut self) {
        self.batch += 1;
        self.processes.give_up_spare();
        self.leaving.give_up_spare();
        self.waiting.give_up_spare();
        let processes = &self.processes;
        if self.signals.len() > 1_000 + processes.len() {
            // Their exits were lost.
            self.signals.forget_but(|process| {
                let tracked = processes.get(&process.tid);
                tracked.is_some_and(|tracked| tracked.process == process)
            });
        }
    }

    /// Sets the number of records lost since the start.
    pub(crate) fn set_lost(&mut self, lost: u64) {
        self.lost = lost;
    }

    /// Takes in a FORK record: a task was created.
    pub(crate) fn fork(&mut self, record: &ForkRecord, cgroups: &Cgroups) -> Fork {
        let parent = TaskId {
            tid: record.parent_tgid,
            start_ns: record.parent_start_ns,
        };
        let process = TaskId {
            tid: record.tgid,
            start_ns: record.leader_start_ns,
        };
        let mut fork = Fork {
            id: TaskId {
                tid: record.tid,
                start_ns: record.start_ns,
            },
            process,
            parent,
            ppid: record.ppid,
            origin: process,
            uid: record.uid,
            ns_pid: record.ns_pid,
            kthread: record.flags & FORK_KTHREAD != 0,
            comm: Comm::new(&record.comm),
            name: None,
            args: None,
            cgroup: None,
            watched: true,
        };
        if record.tid != record.tgid {
            fork.watched = self.thread_fork(&fork);
            return fork;
        }
        fork.cgroup = cgroups.path(record.cgroup_id);
        let known = self
            .processes
            .get(&parent.tid)
            .filter(|tracked| tracked.process == parent);
        let is_newcomer = record.time_ns.saturating_sub(parent.start_ns) < NEWCOMER_NS;
        fork.origin = known
            .filter(|_| is_newcomer)
            .map_or(parent, |tracked| tracked.origin);
        let watched = self.is_root(record.tid) || self.is_watched(parent.tid);
        fork.watched = watched;
        fork.args = known.and_then(|tracked| tracked.args.clone());
        fork.name = known.and_then(|tracked| tracked.name_of_child(&fork));
        let tracked = TrackedProcess {
            process,
            ppid: record.ppid,
            origin: fork.origin,
            ns_pid: Some(record.ns_pid),
            uid: record.uid,
            comm: fork.comm,
            name: fork.name.clone(),
            kthread: fork.kthread,
            args: fork.args.clone(),
            args_bytes: known.and_then(|tracked| tracked.args_bytes),
            cgroup_id: record.cgroup_id,
            inherited_rss_pages: Some(0),
            gone: Gone::default(),
            threads: 1,
            last_exit: None,
            leader_is_zombie: false,
            partial: false,
            lost_before: self.lost,
            watched,
            had_threads: false,
            batch: self.batch,
        };
        match self
            .processes
            .get_mut(&record.tgid)
            .filter(|tracked| tracked.process == process)
        {
            // The census saw the process before this event, and counted its threads.
            Some(seeded) => {
                *seeded = TrackedProcess {
                    gone: seeded.gone,
                    threads: seeded.threads,
                    ..tracked
                }
            }
            None => {
                let before = self.processes.insert(record.tgid, tracked);
                self.displaced
                    .extend(before.filter(TrackedProcess::has_ended));
            }
        }
        fork
    }

    /// Counts a new thread of a process; returns whether the process is watched.
    fn thread_fork(&mut self, fork: &Fork) -> bool {
        let in_census = self
            .census
            .as_ref()
            .is_some_and(|census| census.threads.contains(&fork.id));
        match self.processes.get_mut(&fork.process.tid) {
            Some(tracked) => {
                tracked.threads += u32::from(!in_census);
                tracked.had_threads = true;
                tracked.watched
            }
            None => false,
        }
    }

    /// Takes in an EXEC record: a process runs another program, with `args`.
    pub(crate) fn exec(&mut self, record: &ExecRecord, args: &[u8], cgroups: &Cgroups) -> Exec {
        let process = TaskId {
            tid: record.tgid,
            start_ns: record.start_ns,
        };
        // A zero byte follows each argument, even an empty one. So without bytes the
        // arguments were not readable.
        let args = Args::kept(args, record.args_bytes as usize);
        let args: Option<Arc<[u8]>> = (!args.is_empty()).then(|| args.into());
        if let Some(tracked) = self.processes.get_mut(&record.tgid) {
            tracked.args.clone_from(&args);
            tracked.args_bytes = Some(record.args_bytes);
            tracked.comm = Comm::new(&record.comm);
            tracked.name = None;
            tracked.uid = record.uid;
            tracked.cgroup_id = record.cgroup_id;
            tracked.inherited_rss_pages = Some(record.max_rss_pages);
        }
        if record.old_tid != record.tgid {
            // The DEAD of the old leader can still come. Its task id now belongs to the
            // thread that called exec.
            for leaving in self.leaving.values_mut() {
                leaving.superseded |= leaving.id == process;
            }
            if let Some(look) = &mut self.look {
                look.ended_threads.remove(&process);
            }
        }
        Exec {
            process,
            old_tid: record.old_tid,
            uid: record.uid,
            comm: Comm::new(&record.comm),
            args,
            cgroup: cgroups.path(record.cgroup_id),
        }
    }

    /// Notes that a process was moved to another cgroup.
    pub(crate) fn moved(&mut self, process: TaskId, cgroup_id: u64) {
        if let Some(tracked) = self.processes.get_mut(&process.tid)
            && tracked.process == process
        {
            tracked.cgroup_id = cgroup_id;
        }
    }

    /// Takes in an EXIT record: a thread is exiting.
    pub(crate) fn exit(&mut self, record: &TaskExit) {
        let id = TaskId {
            tid: record.tid,
            start_ns: record.start_ns,
        };
        let process = TaskId {
            tid: record.tgid,
            start_ns: record.leader_start_ns,
        };
        let counted = self.census.as_ref().is_some_and(|census| {
            let is_missing = !census.threads.contains(&id) && record.tid != record.tgid;
            record.time_ns < census.taken_ns && (is_missing || census.dead.contains(&id))
        });
        let (lost, batch) = (self.lost, self.batch);
        // For a process whose fork was not seen: its parent at the exit decides.
        let watched = self.is_root(record.tgid) || self.is_watched(record.ppid);
        let tracked = self
            .processes
            .entry(record.tgid)
            .or_insert_with(|| unseen(record, process, lost, batch, watched));
        if tracked.process != process {
            let new = unseen(record, process, lost, batch, watched);
            let before = std::mem::replace(tracked, new);
            self.displaced
                .extend(Some(before).filter(TrackedProcess::has_ended));
        }
        if counted {
            tracked.threads += 1;
        }
        tracked.uid = record.uid;
        if record.tid == record.tgid {
            tracked.rename(Comm::new(&record.comm));
        }
        tracked.cgroup_id = record.cgroup_id;
        if record.flags & EXIT_GROUP_DEAD != 0 {
            if tracked.last_exit.is_none() {
                self.waiting.push_back((record.time_ns, process));
            }
            tracked.last_exit = Some(*record);
        }
        let leaving = Leaving {
            id,
            process,
            time_ns: record.time_ns,
            status: Status(record.exit_code),
            comm: Comm::new(&record.comm),
            superseded: false,
            counted,
        };
        self.leaving.insert(record.address, leaving);
    }

    /// Takes in a DEAD record: a thread has left its CPU for the last time.
    pub(crate) fn dead(
        &mut self,
        record: &DeadRecord,
        cgroups: &Cgroups,
        page_bytes: u64,
    ) -> Outcome {
        let leaving = self.leaving.remove(&record.task.address);
        // The kernel gives the address of a freed task to another one. The start of a task
        // does not change.
        let leaving = leaving.filter(|leaving| {
            leaving.process.tid == record.task.tgid && leaving.id.start_ns == record.task.start_ns
        });
        let Some(leaving) = leaving.or_else(|| self.exit_from_dead(record)) else {
            return Outcome::default();
        };
        if let Some(look) = self.look.as_mut().filter(|_| !leaving.superseded) {
            look.ended_threads.insert(leaving.id);
        }
        let is_leader = leaving.id == leaving.process && !leaving.superseded;
        let zombie = is_leader && record.exit_state == EXIT_ZOMBIE;
        let thread = ThreadEnd {
            id: leaving.id,
            process: leaving.process,
            time_ns: leaving.time_ns,
            status: leaving.status,
            cpu_ns: Some(record.cpu_ns),
            run_delay_ns: Some(record.run_delay_ns),
            io: Some((record.read_bytes, record.write_bytes)),
            zombie,
            superseded: leaving.superseded,
            comm: leaving.comm,
        };
        let tgid = leaving.process.tid;
        let Some(tracked) = self
            .processes
            .get_mut(&tgid)
            .filter(|tracked| tracked.process == leaving.process)
        else {
            return Outcome {
                thread: Some(thread),
                ..Outcome::default()
            };
        };
        if !leaving.counted {
            add(&mut tracked.gone, record);
        }
        tracked.leader_is_zombie |= zombie;
        tracked.threads = tracked.threads.saturating_sub(1);
        let thread_record = (self.wants_threads && tracked.watched)
            .then(|| thread_record(&thread, tracked, cgroups));
        let is_over = tracked.threads == 0 && tracked.last_exit.is_some();
        let tracked = is_over.then(|| self.processes.remove(&tgid)).flatten();
        let process = tracked.map(|tracked| self.ended(tracked, cgroups, page_bytes));
        Outcome {
            thread: Some(thread),
            process,
            thread_record,
        }
    }

    /// Returns, as partial, the exited processes whose last DEAD has not come within a
    /// second, and those whose pid another process has got.
    pub(crate) fn overdue(
        &mut self,
        now_ns: u64,
        cgroups: &Cgroups,
        page_bytes: u64,
    ) -> Vec<Ended> {
        let mut ended = Vec::new();
        for mut tracked in std::mem::take(&mut self.displaced) {
            tracked.partial = true;
            self.reported.push_back((now_ns, tracked.process));
            ended.push(self.ended(tracked, cgroups, page_bytes));
        }
        while self.reported.front().is_some_and(|(reported_ns, _)| {
            now_ns.saturating_sub(*reported_ns) > REPORTED_NS || self.reported.len() > MOST_REPORTED
        }) {
            self.reported.pop_front();
        }
        while let Some((time_ns, process)) = self.waiting.front().copied() {
            let is_done = self
                .processes
                .get(&process.tid)
                .is_none_or(|tracked| tracked.process != process || !tracked.has_ended());
            if !is_done && now_ns.saturating_sub(time_ns) < PATIENCE_NS {
                break;
            }
            self.waiting.pop_front();
            if !is_done && let Some(mut tracked) = self.processes.remove(&process.tid) {
                tracked.partial = true;
                self.reported.push_back((now_ns, tracked.process));
                ended.push(self.ended(tracked, cgroups, page_bytes));
            }
        }
        if self
            .census
            .as_ref()
            .is_some_and(|census| now_ns.saturating_sub(census.taken_ns) > PATIENCE_NS)
        {
            self.census = None;
        }
        ended
    }
}

/// A process whose fork was not seen, from the EXIT of one of its threads.
fn unseen(
    record: &TaskExit,
    process: TaskId,
    lost: u64,
    batch: u64,
    watched: bool,
) -> TrackedProcess {
    TrackedProcess {
        process,
        ppid: record.ppid,
        origin: process,
        ns_pid: Some(record.ns_pid),
        uid: record.uid,
        comm: Comm::new(&record.comm),
        name: None,
        kthread: false,
        args: None,
        args_bytes: None,
        cgroup_id: record.cgroup_id,
        inherited_rss_pages: None,
        gone: Gone::default(),
        threads: 1,
        last_exit: None,
        leader_is_zombie: false,
        partial: true,
        lost_before: lost,
        watched,
        had_threads: true,
        batch,
    }
}
