//! One tick with kernel events: who ran, what happened, and from `/proc` only
//! what those who ran make necessary.

use std::{collections::VecDeque, sync::Arc};

use rustc_hash::{FxHashMap, FxHashSet};

use procviz_common::{Kind, ROW_HAS_MM, ROW_IN_IOWAIT, ROW_KTHREAD, ROW_ON_CPU, Row};

use crate::{
    model::{Comm, Event, Found, Host, Io, Losses, Memory, Reading, Sample, State, TaskId},
    source::{
        SamplerError,
        args::ArgsReader,
        cgroups::{Cgroups, v1_memory_path},
        kernel::{
            Batch, Drain, DrainThread, Kernel, LoadError, Mode, Slot, Snaps, TaskIterator, gone_of,
        },
        machine::boot_now_ns,
        proc::{ProcDir, Walk},
        roster::{Member, Roster},
    },
};

/// How old the memory of a process that does not run may be.
const SWEEP_NS: u64 = 9_500_000_000;
/// A process younger than this at a census has its events in the ring.
const JUST_NOW_NS: u64 = 100_000_000;
/// Rows that one read of the iterator gives.
const ROWS_A_READ: u64 = 141;
/// How soon and how seldom a zombie is asked for, ns.
const ZOMBIE_NS: (u64, u64) = (100_000_000, 10_000_000_000);
/// How long a wait is before it is looked at again, and how many are in a tick.
const BLOCKED_NS: u64 = 4_000_000_000;
const BLOCKED_AGAIN_NS: u64 = 1_000_000_000;
const BLOCKED_A_TICK: usize = 100;
const MOST_BLOCKED: usize = 10_000;
/// Paths of v1 cgroups read in a tick.
const V1_PATHS_A_TICK: usize = 100;

/// A dead process that waits to be reaped.
struct Zombie {
    id: TaskId,
    since_ns: u64,
    /// When to ask for it again.
    next_ns: u64,
}

impl Zombie {
    fn new(id: TaskId, now_ns: u64) -> Self {
        Self {
            id,
            since_ns: now_ns,
            next_ns: now_ns + ZOMBIE_NS.0,
        }
    }
}

/// All that a tick needs.
pub(super) struct KernelTick {
    host: Host,
    kernel: Kernel,
    drain: DrainThread,
    snaps: Snaps,
    proc: ProcDir,
    walk: Walk,
    roster: Roster,
    batch: Batch,
    on_cpu: Vec<u32>,
    ran: Vec<u32>,
    orphans: Vec<TaskId>,
    zombies: Vec<Zombie>,
    sweep: Option<TaskIterator>,
    sweep_began_ns: u64,
    v1_paths: VecDeque<TaskId>,
    has_v1: bool,
    tick: u64,
    last_ns: u64,
    lost_events: u64,
    is_census_due: bool,
    own_tid: u32,
    /// Threads that left to wait uninterruptibly, and when to look at them.
    blocked: FxHashMap<u32, (Member, u64)>,
    args: Option<ArgsReader>,
}

impl KernelTick {
    /// Starts the drain. The census is the first sample.
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
        let snaps = kernel.take_snaps().ok_or_else(twice)?;
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
            orphans: Vec::new(),
            zombies: Vec::new(),
            sweep: None,
            sweep_began_ns: 0,
            v1_paths: VecDeque::new(),
            has_v1,
            tick: 0,
            last_ns: 0,
            lost_events: 0,
            is_census_due: false,
            own_tid: 0,
            blocked: FxHashMap::default(),
            args: None,
        })
    }

    /// Adds what happened since the last tick to `sample`.
    pub(super) fn sample(&mut self, sample: &mut Sample) -> Result<(), SamplerError> {
        self.tick += 1;
        // Its own CPU at its own tick says nothing of the machine.
        self.own_tid = rustix::thread::gettid()
            .as_raw_nonzero()
            .get()
            .unsigned_abs();
        if self.tick == 1 {
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
            // This tick's events may tell of forks whose ends were lost: the
            // next census finds them gone.
            self.is_census_due = is_worse;
            self.census(sample)?;
        }
        self.follow_events(sample);
        if let Some(args) = &self.args {
            let mut drain = self.drain.lock();
            for (process, args) in args.answers() {
                // For the record of its end, too.
                drain.lives().set_args(process, Arc::clone(&args));
                sample.events.push(Event::Args(process, args));
            }
        }
        self.read_those_that_ran(sample);
        self.read_orphans(sample);
        self.check_blocked(sample);
        self.check_zombies(sample);
        self.sweep(sample);
        self.read_v1_paths(sample);
        self.snaps.next_epoch();
        self.last_ns = sample.stamp.boot_ns;
        Ok(())
    }

    /// Looks at every task: at the start, and after a loss.
    fn census(&mut self, sample: &mut Sample) -> Result<(), SamplerError> {
        let begun_ns = boot_now_ns();
        self.drain.lock().lives().begin_look(begun_ns);
        let rows = match self.rows() {
            // A kernel short of memory refuses now and grants a little later.
            Err(_) if self.tick > 1 => {
                self.is_census_due = true;
                return Ok(());
            }
            rows => rows?,
        };
        let taken_ns = boot_now_ns();
        let mut drain = self.drain.lock();
        if self.tick == 1 {
            drain.seed(&rows, taken_ns);
        } else {
            drain.resync(&rows, taken_ns);
        }
        sample.found.clear();
        sample.found.extend(
            rows.iter()
                .map(|row| found(row, &self.host, drain.cgroups())),
        );
        drop(drain);
        self.add_the_hidden(begun_ns, sample)?;
        let mut drain = self.drain.lock();
        let lives = drain.lives();
        for task in &mut sample.found {
            task.watched = lives.is_watched(task.process.tid) || lives.is_watched(task.ppid);
        }
        drop(drain);
        sample.complete = true;
        blank_ghosts(sample);
        self.roster.found(&sample.found);
        if let Some(args) = &self.args {
            let leaders = sample
                .found
                .iter()
                .filter(|task| task.id == task.process && !task.kthread);
            leaders.for_each(|task| args.ask(task.id));
        }
        self.zombies.clear();
        self.zombies.extend(
            sample
                .found
                .iter()
                .filter(|task| task.state == State::Zombie)
                .map(|task| Zombie::new(task.id, sample.stamp.boot_ns)),
        );
        if self.has_v1 {
            self.v1_paths.extend(
                sample
                    .found
                    .iter()
                    .filter(|task| task.id == task.process && !task.kthread)
                    .filter(|task| task.cgroup.is_none())
                    .map(|task| task.id),
            );
        }
        Ok(())
    }

    /// Only these processes and their descendants are watched; to be said
    /// before the first tick.
    pub(super) fn watch_only(&self, roots: &[u32]) {
        self.drain.lock().lives().watch_only(roots);
    }

    /// Asks for the arguments of those that are there already.
    pub(super) fn want_args(&mut self) {
        if self.args.is_none() {
            self.args = Some(ArgsReader::start(self.host.tick_ns));
        }
    }

    /// Folds no short lives from now on.
    pub(super) fn list_every_life(&mut self) {
        self.drain.lock().list_every_life();
    }

    /// The next tick takes a census.
    pub(super) fn look_at_all_again(&mut self) {
        self.is_census_due = true;
    }

    fn rows(&mut self) -> Result<Vec<Row>, SamplerError> {
        self.kernel.census()?.all().map_err(SamplerError::Proc)
    }

    /// The iterator does not show every process on every machine (a guest may
    /// hide its own agent); `/proc` does. Those that began just now are told of
    /// by their events.
    fn add_the_hidden(&mut self, begun_ns: u64, sample: &mut Sample) -> Result<(), SamplerError> {
        let known = sample.found.iter().map(|task| task.id.tid).collect();
        let from = sample.found.len();
        self.walk
            .walk_but(&known, &mut sample.found)
            .map_err(SamplerError::Proc)?;
        let is_old = |task: &Found| task.process.start_ns + JUST_NOW_NS < begun_ns;
        let hidden: Vec<Found> = sample.found.drain(from..).filter(is_old).collect();
        sample
            .found
            .extend(hidden.iter().map(|task| with_gone(task, &hidden)));
        Ok(())
    }

    fn take_events(&mut self, sample: &mut Sample) -> Losses {
        let mut drain = self.drain.lock();
        let lost = self.kernel.lost();
        drain.lives().set_lost(lost.iter().sum());
        drain.drain();
        drain.take(&mut self.batch);
        sample.events_seen = drain.seen();
        let other = lost[Kind::Rename as usize]
            + lost[Kind::Cgroup as usize]
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

    /// Keeps the roster true to the events and hands these on.
    fn follow_events(&mut self, sample: &mut Sample) {
        for mut event in self.batch.events.drain(..) {
            self.roster.settle(&mut event);
            match &event {
                Event::Fork(fork) => {
                    // An unknown parent lived and died between two ticks.
                    if !self
                        .roster
                        .add(fork.id, fork.process, fork.kthread, fork.ppid)
                    {
                        self.orphans.push(fork.id);
                    }
                    if self.has_v1
                        && fork.id == fork.process
                        && !fork.kthread
                        && fork.cgroup.is_none()
                    {
                        self.v1_paths.push_back(fork.id);
                    }
                }
                Event::Exec(exec) => self.roster.exec(exec),
                Event::ThreadEnd(end) if !end.superseded => self.roster.thread_end(end.id),
                Event::ProcessEnd(record) => {
                    self.roster.process_end(record.process, &mut self.orphans);
                    if record.zombie {
                        self.zombies
                            .push(Zombie::new(record.process, sample.stamp.boot_ns));
                    }
                }
                Event::Nothing => continue,
                _ => {}
            }
            sample.events.push(event);
        }
    }

    fn read_those_that_ran(&mut self, sample: &mut Sample) {
        let ran = std::mem::take(&mut self.ran);
        for tid in &ran {
            let Some(member) = self.roster.thread(*tid) else {
                continue;
            };
            let reading = match self.snaps.slot(*tid) {
                Slot::Reading(reading) if self.roster.is_same(reading.id, member.id) => {
                    Some(Reading {
                        id: member.id,
                        ..reading
                    })
                }
                // Another task's slot, or torn: `/proc` knows.
                _ => self.read_thread(member),
            };
            let Some(reading) = reading else { continue };
            sample.readings.push(reading);
            self.read_memory(member, sample);
        }
        self.ran = ran;
        let on_cpu = std::mem::take(&mut self.on_cpu);
        for tid in &on_cpu {
            if *tid != self.own_tid
                && let Some(member) = self.roster.thread(*tid)
            {
                self.read_running(member, sample);
            }
        }
        self.on_cpu = on_cpu;
    }

    /// A thread that is on a CPU now has not left it: only the scheduler's
    /// own sum, as old as the last timer tick, tells what it used.
    fn read_running(&mut self, member: Member, sample: &mut Sample) {
        let Ok(times) = self
            .proc
            .thread_schedstat(member.process.tid, member.id.tid)
        else {
            return;
        };
        sample.readings.push(Reading {
            id: member.id,
            uid: None,
            state: State::Running,
            on_cpu: true,
            preempted: false,
            in_iowait: false,
            cpu_ns: times.cpu_ns,
            run_delay_ns: Some(times.run_delay_ns),
            wait_max_ns: None,
            io: None,
        });
        self.read_memory(member, sample);
    }

    fn read_thread(&mut self, member: Member) -> Option<Reading> {
        let (tgid, tid) = (member.process.tid, member.id.tid);
        let stat = self.proc.thread_stat(tgid, tid).ok()?;
        if stat.start != member.id.start_ns / self.host.tick_ns {
            return None;
        }
        let times = self.proc.thread_schedstat(tgid, tid).ok()?;
        let io = self.proc.thread_io(tgid, tid).ok();
        Some(Reading {
            id: member.id,
            uid: None,
            state: stat.state,
            on_cpu: false,
            preempted: false,
            in_iowait: false,
            cpu_ns: times.cpu_ns,
            run_delay_ns: Some(times.run_delay_ns),
            wait_max_ns: None,
            io: io.map(|io| Io {
                read: io.read_bytes,
                write: io.write_bytes,
            }),
        })
    }

    /// Memory belongs to the process: one `stat` for all its threads, through
    /// one that ran, as a dead leader has none.
    fn read_memory(&mut self, member: Member, sample: &mut Sample) {
        if member.kthread || !self.roster.first_in_tick(member.process, self.tick) {
            return;
        }
        let Ok(stat) = self.proc.thread_stat(member.process.tid, member.id.tid) else {
            return;
        };
        if stat.start != member.id.start_ns / self.host.tick_ns {
            return;
        }
        sample.memories.push(Memory {
            process: member.process,
            rss: stat.rss * self.host.page_bytes,
            vsize: stat.vsize,
            threads: stat.threads,
        });
    }

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

    /// A task that was woken and has not run yet still shows how it left: one
    /// that is to be accused of being blocked for long is looked at.
    fn check_blocked(&mut self, sample: &mut Sample) {
        let now = sample.stamp.boot_ns;
        let read = sample.readings.iter();
        let read = read.map(|reading| (reading.id.tid, reading.state));
        let found = sample.found.iter().filter(|task| !task.kthread);
        let found = found.map(|task| (task.id.tid, task.state));
        for (tid, state) in found.chain(read) {
            if state != State::Blocked || self.blocked.len() >= MOST_BLOCKED {
                self.blocked.remove(&tid);
            } else if let Some(member) = self.roster.thread(tid) {
                self.blocked.insert(tid, (member, now + BLOCKED_NS));
            }
        }
        let (roster, proc) = (&self.roster, &mut self.proc);
        let mut left = BLOCKED_A_TICK;
        self.blocked.retain(|tid, (member, look_ns)| {
            if roster
                .thread(*tid)
                .is_none_or(|known| known.id != member.id)
            {
                return false;
            }
            if now < *look_ns || left == 0 {
                return true;
            }
            left -= 1;
            *look_ns = now + BLOCKED_AGAIN_NS;
            let stat = proc.thread_stat(member.process.tid, *tid);
            match stat {
                Ok(stat) if stat.state == State::Blocked => true,
                Ok(stat) => {
                    sample.events.push(Event::State(member.id, stat.state));
                    false
                }
                Err(_) => false,
            }
        });
    }

    /// A bit says that somebody was freed under this id, and one read whether it
    /// was this one. The bit alone does not do: of some ten thousand tasks the
    /// kernel frees a few without saying so. Those are asked for now and then,
    /// more and more seldom.
    fn check_zombies(&mut self, sample: &mut Sample) {
        let (snaps, proc, tick_ns) = (&self.snaps, &mut self.proc, self.host.tick_ns);
        let now = sample.stamp.boot_ns;
        self.zombies.retain_mut(|zombie| {
            if !snaps.is_freed(zombie.id.tid) && now < zombie.next_ns {
                return true;
            }
            let stat = proc.process_stat(zombie.id.tid);
            let is_there = stat.is_ok_and(|stat| stat.start == zombie.id.start_ns / tick_ns);
            if !is_there {
                sample.events.push(Event::Reaped(zombie.id));
            }
            zombie.next_ns = now
                + now
                    .saturating_sub(zombie.since_ns)
                    .clamp(ZOMBIE_NS.0, ZOMBIE_NS.1);
            is_there
        });
    }

    /// Goes through all processes in slices, so that what changes without
    /// running (the kernel reclaims memory) is seen in time.
    fn sweep(&mut self, sample: &mut Sample) {
        let now = sample.stamp.boot_ns;
        if self.sweep.is_none() {
            if self.sweep_began_ns != 0 && now - self.sweep_began_ns < SWEEP_NS {
                return;
            }
            if self.tick == 1 {
                self.sweep_began_ns = now;
                return;
            }
            self.sweep_began_ns = now;
            // Refused for want of memory, it is granted another time; what it
            // would show is then as old as the time before.
            self.sweep = self.kernel.sweep().ok();
        }
        let interval = now.saturating_sub(self.last_ns);
        let rows = self.roster.processes() as u64 * interval / SWEEP_NS;
        let page = self.host.page_bytes;
        for _ in 0..=rows / ROWS_A_READ {
            let Some(sweep) = &mut self.sweep else { break };
            let memories = &mut sample.memories;
            let more = sweep.next_slice(|row| {
                if row.flags & ROW_HAS_MM != 0 {
                    memories.push(memory(&row, page));
                }
            });
            if !more.unwrap_or(false) {
                self.sweep = None;
            }
        }
    }

    fn read_v1_paths(&mut self, sample: &mut Sample) {
        let mut read = 0;
        while read < V1_PATHS_A_TICK
            && let Some(process) = self.v1_paths.pop_front()
        {
            // The dead cost nothing and must not hold up the living.
            if self.roster.process(process.tid) != Some(process) {
                continue;
            }
            read += 1;
            if let Some(path) = v1_memory_path(process.tid) {
                sample.events.push(Event::Cgroup(process, path));
            }
        }
    }
}

/// What a whole process has beyond its living threads is of those gone.
fn with_gone(task: &Found, all: &[Found]) -> Found {
    let mut task = task.clone();
    let Some((mut cpu_ns, io)) = task.whole.take() else {
        return task;
    };
    let mut io = io.unwrap_or_default();
    for thread in all.iter().filter(|thread| thread.process == task.process) {
        cpu_ns = cpu_ns.saturating_sub(thread.cpu_ns);
        let own = thread.io.unwrap_or_default();
        io = Io {
            read: io.read.saturating_sub(own.read),
            write: io.write.saturating_sub(own.write),
        };
    }
    task.gone.cpu_ns = cpu_ns;
    task.gone.io = io;
    task
}

fn memory(row: &Row, page_bytes: u64) -> Memory {
    Memory {
        process: TaskId {
            tid: row.tgid,
            start_ns: row.leader_start_ns,
        },
        rss: row.rss_pages * page_bytes,
        vsize: row.vsize_pages * page_bytes,
        threads: row.threads,
    }
}

/// Takes back forks of tasks that a census no longer found and whose ends were
/// lost: the sample holds an earlier tick's events when nobody took it.
fn blank_ghosts(sample: &mut Sample) {
    if sample.events.is_empty() {
        return;
    }
    let mut known: FxHashSet<TaskId> = sample.found.iter().map(|task| task.id).collect();
    known.extend(sample.events.iter().filter_map(|event| match event {
        Event::ThreadEnd(end) => Some(end.id),
        Event::ProcessEnd(record) => Some(record.process),
        _ => None,
    }));
    for event in &mut sample.events {
        if matches!(event, Event::Fork(fork) if !known.contains(&fork.id)) {
            *event = Event::Nothing;
        }
    }
}

/// Resident set and address space. A dead leader has none of its own, but its
/// process has while other threads live; one of these will tell.
fn memory_of(row: &Row, page_bytes: u64) -> Option<(u64, u64)> {
    let is_told = row.flags & (ROW_HAS_MM | ROW_KTHREAD) != 0 || row.threads <= 1;
    is_told.then_some((row.rss_pages * page_bytes, row.vsize_pages * page_bytes))
}

fn found(row: &Row, host: &Host, cgroups: &Cgroups) -> Found {
    let on_cpu = row.flags & ROW_ON_CPU != 0;
    let state = if row.exit_state != 0 {
        row.exit_state
    } else {
        row.state
    };
    Found {
        id: TaskId {
            tid: row.tid,
            start_ns: row.start_ns,
        },
        process: TaskId {
            tid: row.tgid,
            start_ns: row.leader_start_ns,
        },
        ppid: row.ppid,
        uid: Some(row.uid),
        ns_pid: Some(row.ns_pid),
        kthread: row.flags & ROW_KTHREAD != 0,
        comm: Comm(row.comm),
        state: State::from_bits(state),
        on_cpu,
        in_iowait: row.flags & ROW_IN_IOWAIT != 0 && !on_cpu,
        cpu_ns: row.cpu_ns,
        run_delay_ns: Some(row.run_delay_ns),
        // The scheduler's clock runs with the monotonic one; 0: it never had a CPU.
        off_cpu_ns: match row.last_arrival_ns {
            _ if on_cpu => Some(0),
            0 => None,
            arrival => Some(row.now_ns.saturating_sub(arrival)),
        },
        io: Some(Io {
            read: row.read_bytes,
            write: row.write_bytes,
        }),
        memory: memory_of(row, host.page_bytes),
        threads: row.threads,
        gone: gone_of(row),
        whole: None,
        cgroup: cgroups.path(row.cgroup_id),
        watched: true,
    }
}
