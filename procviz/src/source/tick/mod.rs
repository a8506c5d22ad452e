//! Takes one sample with kernel events: which tasks ran and what happened to
//! them, with `/proc` read only for the tasks that ran.

mod blocked;
mod census;
mod reading;
mod rows;
mod sizes;
mod sweep;
mod tmpfs;
mod v1_paths;
mod waits;
mod workers;
mod zombies;

use std::sync::Arc;

use procviz_common::{Kind, Row};
use rustc_hash::{FxHashMap, FxHashSet};

pub(super) use self::census::all_rows;
use self::{
    blocked::Blocked,
    census::{add_gone, remove_refuted_forks},
    rows::found,
    sweep::Sweep,
    tmpfs::Tmpfs,
    v1_paths::V1Paths,
    workers::Workers,
    zombies::Zombies,
};
use crate::{
    model::{Comm, Event, Found, Host, Losses, Sample, State, TaskId},
    source::{
        error::SamplerError,
        identity::{Answer, IdentityReader, Question},
        kernel::{
            Batch, Drain, DrainThread, Kernel, LoadError, LostRecords, Mode, Snaps, lost_figures,
        },
        machine::boot_now_ns,
        proc::{ProcDir, Walk},
        roster::{Member, Roster},
    },
};

/// A process that is younger than this at a census has its events in the ring, ns.
const JUST_NOW_NS: u64 = 100_000_000;

/// Takes samples of one machine with kernel events.
pub(super) struct KernelTick {
    host: Host,
    kernel: Kernel,
    drain: DrainThread,
    snaps: Snaps,
    proc: ProcDir,
    walk: Walk,
    roster: Roster,
    batch: Batch,
    /// Thread ids on a CPU at the last tick, and those that left a CPU before it.
    on_cpu: Vec<u32>,
    ran: Vec<u32>,
    /// A thread that ran of each process whose memory is to be read.
    due: Vec<Member>,
    /// Processes whose parents exited.
    orphans: Vec<TaskId>,
    zombies: Zombies,
    blocked: Option<Blocked>,
    sweep: Sweep,
    tmpfs: Tmpfs,
    v1_paths: V1Paths,
    /// Number of this tick, from 1 on.
    tick: u64,
    /// Time of the last tick, ns since boot.
    last_ns: u64,
    lost: LostRecords,
    lost_events: u64,
    is_census_due: bool,
    /// Thread id of procviz's sampling thread.
    own_tid: u32,
    /// Started with the first tick: after privileges are given up.
    identities: Option<IdentityReader>,
    /// Leaders that have changed their names since the last tick.
    renamed: FxHashMap<TaskId, Comm>,
    workers: Workers,
    wants_args: bool,
}

impl KernelTick {
    /// Starts the drain thread. The first sample is a census.
    ///
    /// # Errors
    ///
    /// When the drain thread cannot be started.
    pub(super) fn start(
        host: &Host,
        mut kernel: Kernel,
        proc: ProcDir,
        walk: Walk,
    ) -> Result<Self, SamplerError> {
        let twice = || LoadError::Load("the kernel's maps were taken before".to_owned());
        let ring = kernel.take_ring().ok_or_else(twice)?;
        let snaps = kernel.take_snapshot_maps().ok_or_else(twice)?;
        let mut drain = Drain::new(ring, Mode::Snapshots, host.page_bytes);
        let has_v1 = drain.cgroups().has_v1_memory();
        drain.take(&mut Batch::default());
        let drain = DrainThread::idle(drain);
        Ok(Self {
            host: host.clone(),
            kernel,
            drain,
            snaps,
            proc,
            walk,
            roster: Roster::new(host.tick_ns),
            batch: Batch::default(),
            on_cpu: Vec::new(),
            ran: Vec::new(),
            due: Vec::new(),
            orphans: Vec::new(),
            zombies: Zombies::default(),
            blocked: None,
            sweep: Sweep::new(),
            tmpfs: Tmpfs::default(),
            v1_paths: V1Paths::new(has_v1),
            tick: 0,
            last_ns: 0,
            lost: LostRecords::default(),
            lost_events: 0,
            is_census_due: false,
            own_tid: 0,
            identities: None,
            renamed: FxHashMap::default(),
            workers: Workers::default(),
            wants_args: false,
        })
    }

    /// Adds what happened since the last tick to `sample`.
    ///
    /// # Errors
    ///
    /// When a census or the drain thread fails.
    pub(super) fn sample(&mut self, sample: &mut Sample) -> Result<(), SamplerError> {
        self.tick += 1;
        // This thread is always on a CPU now: that says nothing about the machine.
        self.own_tid = rustix::thread::gettid()
            .as_raw_nonzero()
            .get()
            .unsigned_abs();
        // Before this tick asks anything: an answer to that is about the program that was executed
        // in this interval, and the answers so far can be about the one before.
        let answers: Vec<_> = match &self.identities {
            Some(identities) => identities.answers().collect(),
            None => Vec::new(),
        };
        if self.tick == 1 {
            self.identities = Some(IdentityReader::start(self.host.tick_ns));
            self.blocked = Some(Blocked::new(self.host.tick_ns));
            self.census(sample)?;
            self.drain.run().map_err(SamplerError::Thread)?;
        }
        self.snaps
            .take(self.roster.largest_tid(), &mut self.on_cpu, &mut self.ran);
        let losses = self.take_events(sample);
        sample.losses = Losses {
            late_ticks: sample.losses.late_ticks,
            skipped_ticks: sample.losses.skipped_ticks,
            ..losses
        };
        let is_worse = losses.events() > self.lost_events;
        if is_worse || self.is_census_due {
            self.lost_events = losses.events();
            // The events of this tick may hold forks of tasks whose exit events were
            // lost. The next census does not find these tasks.
            self.is_census_due = is_worse;
            self.census(sample)?;
        }
        self.follow_events(sample);
        self.take_identities(answers, sample);
        self.tmpfs
            .take(sample.machine.shmem_bytes, sample.stamp.boot_ns);
        self.read_ran(sample);
        self.read_orphans(sample);
        if let Some(blocked) = &mut self.blocked {
            blocked.check(&self.roster, &mut self.proc, sample);
        }
        self.zombies
            .check(&self.snaps, &mut self.proc, self.host.tick_ns, sample);
        // There is no interval before the first tick.
        let last_ns = match self.tick {
            1 => sample.stamp.boot_ns,
            _ => self.last_ns,
        };
        let interval_ns = sample.stamp.boot_ns.saturating_sub(last_ns);
        self.sweep.read_slice(
            &mut self.kernel,
            (&mut self.roster, &mut self.proc),
            interval_ns,
            sample,
        );
        self.v1_paths.read(&self.roster, interval_ns, sample);
        self.snaps.next_epoch();
        self.roster.give_up_spare();
        self.last_ns = sample.stamp.boot_ns;
        Ok(())
    }

    /// Reads every task: at the start, and after lost events.
    fn census(&mut self, sample: &mut Sample) -> Result<(), SamplerError> {
        let begun_ns = boot_now_ns();
        self.drain.lock().processes().begin_census(begun_ns);
        let rows = match all_rows(&mut self.kernel) {
            // A kernel that is short of memory refuses now and grants a little later.
            Err(_) if self.tick > 1 => {
                self.is_census_due = true;
                return Ok(());
            }
            rows => rows?,
        };
        match rows {
            Some(rows) => self.take_rows(&rows, sample),
            // `/proc` lists all tasks below, with start times that are too rough for the
            // table of processes.
            None => {
                sample.found.clear();
                let mut drain = self.drain.lock();
                match self.tick {
                    1 => drain.seed(&[], boot_now_ns()),
                    _ => drain.processes().doubt_all(boot_now_ns()),
                }
            }
        }
        self.add_hidden_tasks(begun_ns, sample)?;
        let mut drain = self.drain.lock();
        let processes = drain.processes();
        for task in &mut sample.found {
            task.watched =
                processes.is_watched(task.process.tid) || processes.is_watched(task.ppid);
        }
        drop(drain);
        sample.complete = true;
        self.sweep.begin_anew();
        remove_refuted_forks(sample);
        self.roster.found(&sample.found);
        for leader in sample.found.iter().filter(|task| task.id == task.process) {
            let question = Question::about(leader, self.wants_args);
            self.ask(leader.id, question);
        }
        self.zombies.clear();
        for task in &sample.found {
            if task.state == State::Zombie {
                self.zombies.add(task.id, sample.stamp.boot_ns);
            }
        }
        self.v1_paths.ask_for_all(&sample.found);
        Ok(())
    }

    /// Gives the rows of a census to the drain and to the sample.
    fn take_rows(&mut self, rows: &[Row], sample: &mut Sample) {
        let taken_ns = boot_now_ns();
        let mut drain = self.drain.lock();
        if self.tick == 1 {
            drain.seed(rows, taken_ns);
        } else {
            drain.resync(rows, taken_ns);
        }
        let found = rows
            .iter()
            .map(|row| found(row, &self.host, drain.cgroups()));
        sample.found.clear();
        sample.found.extend(found);
    }

    /// Watches only these processes and their descendants. Call it before the first tick.
    pub(super) fn watch_only(&self, roots: &[u32]) {
        self.drain.lock().processes().watch_only(roots);
    }

    /// Also reads the arguments of processes that were there before procviz.
    pub(super) fn want_args(&mut self) {
        self.wants_args = true;
    }

    /// Lists every short-lived process from now on, instead of counting them per kind.
    pub(super) fn list_all_short_lived(&mut self) {
        self.drain.lock().list_all_short_lived();
    }

    /// The next tick takes a census.
    pub(super) fn request_census(&mut self) {
        self.is_census_due = true;
    }

    /// Adds the tasks that the iterator did not show: a virtual machine can hide its
    /// agent from it, but not from `/proc`. Processes that began just now come with
    /// their own events.
    fn add_hidden_tasks(&mut self, begun_ns: u64, sample: &mut Sample) -> Result<(), SamplerError> {
        let known = sample.found.iter().map(|task| task.id.tid).collect();
        let from = sample.found.len();
        self.walk
            .walk_but(&known, &mut sample.found)
            .map_err(SamplerError::Proc)?;
        // Tasks that events have shown keep their exact start times. Those of this batch come
        // right after the census.
        let roster = &self.roster;
        let forks = self.batch.events.iter().filter_map(|event| match event {
            Event::Fork(fork) => Some(roster.rounded(fork.id)),
            _ => None,
        });
        let forked: FxHashSet<TaskId> = forks.collect();
        let is_old = |task: &Found| task.process.start_ns + JUST_NOW_NS < begun_ns;
        let settled = |mut task: Found| {
            if forked.contains(&roster.rounded(task.id)) {
                return None;
            }
            let known = roster.thread(task.id.tid);
            match known.filter(|known| roster.is_same(known.id, task.id)) {
                Some(known) => (task.id, task.process) = (known.id, known.process),
                None if !is_old(&task) => return None,
                None => {}
            }
            Some(task)
        };
        let mut hidden: Vec<Found> = sample.found.drain(from..).filter_map(settled).collect();
        // `stat` has clock ticks. The next figure is exact, and the difference must not be
        // taken for CPU time of the first interval.
        for task in &mut hidden {
            let ids = (task.process.tid, task.id.tid);
            if let Ok(times) = self.proc.thread_schedstat(ids.0, ids.1) {
                task.cpu_ns = times.cpu_ns;
                task.run_delay_ns = Some(times.run_delay_ns);
            }
        }
        add_gone(&mut hidden);
        sample.found.append(&mut hidden);
        Ok(())
    }

    /// Takes the events since the last tick; returns what was lost since the start.
    fn take_events(&mut self, sample: &mut Sample) -> Losses {
        let mut drain = self.drain.lock();
        let without_exit = drain.processes().without_exit();
        let lost = self
            .lost
            .count(&self.kernel, without_exit, sample.stamp.boot_ns);
        drain.processes().set_lost(lost_figures(&lost));
        drain.drain();
        drain.take(&mut self.batch);
        sample.events_seen = drain.seen();
        let other = lost[Kind::Rename as usize]
            + lost[Kind::Cgroup as usize]
            + lost[Kind::Move as usize]
            + lost[Kind::Signal as usize]
            + drain.unknown()
            + drain.dropped();
        drop(drain);
        let deaths = sample.machine.deaths.unwrap_or(0) + self.batch.deaths;
        sample.machine.deaths = Some(deaths);
        sample.folds.append(&mut self.batch.folds);
        Losses {
            fork: lost[Kind::Fork as usize],
            exec: lost[Kind::Exec as usize],
            exit: lost[Kind::Exit as usize],
            dead: lost[Kind::Dead as usize],
            other,
            ..Losses::default()
        }
    }

    /// Brings the roster up to date with the events, and hands the events on.
    fn follow_events(&mut self, sample: &mut Sample) {
        for mut event in self.batch.events.drain(..) {
            self.roster.settle(&mut event);
            match &event {
                Event::Fork(fork) => {
                    // An unknown parent began and exited between two ticks.
                    if !self
                        .roster
                        .add(fork.id, fork.process, fork.kthread, fork.ppid)
                    {
                        self.orphans.push(fork.id);
                    }
                    if fork.id == fork.process && !fork.kthread && fork.cgroup.is_none() {
                        self.v1_paths.ask(fork.id);
                    }
                    if fork.kthread
                        && let Some(identities) = &self.identities
                    {
                        identities.ask(fork.id, Question::KernelThread);
                    }
                }
                Event::Exec(exec) => self.roster.exec(exec),
                Event::Rename(rename) if self.roster.process(rename.id.tid) == Some(rename.id) => {
                    self.renamed.insert(rename.id, rename.comm);
                }
                Event::ThreadEnd(end) if !end.superseded => self.roster.thread_end(end.id),
                Event::ProcessEnd(record) => {
                    self.workers.ended(record.process);
                    self.roster.process_end(record.process, &mut self.orphans);
                    if record.zombie {
                        self.zombies.add(record.process, sample.stamp.boot_ns);
                    }
                }
                Event::Cgroup(process, _) => self.v1_paths.forget(*process),
                Event::Nothing => continue,
                _ => {}
            }
            sample.events.push(event);
        }
    }

    /// Asks who a process is.
    fn ask(&self, process: TaskId, question: Question) {
        if let Some(identities) = &self.identities {
            identities.ask(process, question);
        }
    }

    /// Asks about processes that renamed themselves, and hands on what was found out about
    /// others.
    fn take_identities(&mut self, answers: Vec<(TaskId, Answer)>, sample: &mut Sample) {
        for (process, comm) in self.renamed.drain() {
            if let Some(identities) = &self.identities {
                identities.ask(process, Question::Renamed(comm));
            }
        }
        // What runs another program since was asked about too early.
        let executed = |event: &Event| match event {
            Event::Exec(exec) => Some(exec.process),
            _ => None,
        };
        let executed: FxHashSet<TaskId> = sample.events.iter().filter_map(executed).collect();
        let mut drain = self.drain.lock();
        for (process, answer) in answers {
            if executed.contains(&process) {
                continue;
            }
            // The exit record of the process has it, too.
            let event = match answer {
                Answer::Args(args) => {
                    drain.processes().set_args(process, Arc::clone(&args));
                    Event::Args(process, args)
                }
                Answer::Name(name) => {
                    let member = self.roster.thread(process.tid);
                    if member.is_some_and(|member| member.kthread && member.id == process) {
                        self.workers.named(process, &name);
                    }
                    drain.processes().set_name(process, Arc::clone(&name));
                    Event::Name(process, name)
                }
            };
            sample.events.push(event);
        }
    }

    /// Asks `/proc` for the new parents of processes whose parents exited.
    fn read_orphans(&mut self, sample: &mut Sample) {
        let orphans = std::mem::take(&mut self.orphans);
        for child in &orphans {
            let Ok(stat) = self.proc.thread_stat(child.tid, child.tid) else {
                continue;
            };
            if stat.start == child.start_ns / self.host.tick_ns {
                self.roster.adopt(*child, stat.ppid);
                sample.events.push(Event::Parent(*child, stat.ppid));
            }
        }
        self.orphans = orphans;
        self.orphans.clear();
    }
}
