//! Applies kernel events to the snapshot: forks, execs, renames and exits.

use std::sync::Arc;

use crate::{
    model::{
        Change, End, Event, Exec, ExitRecord, Fork, Io, MemoryParts, Process, State, Status,
        TaskId, Thread, ThreadEnd,
    },
    tracker::Tracker,
};

impl Tracker {
    pub(super) fn take_event(&mut self, event: &Event) {
        match event {
            Event::Fork(fork) => self.fork(fork),
            Event::Exec(exec) => self.exec(exec),
            Event::Rename(rename) => {
                if let Some(thread) = self.thread_mut(rename.id) {
                    thread.comm = rename.comm;
                    let process = thread.process;
                    self.filter_process(process);
                }
            }
            Event::ThreadEnd(end) => self.thread_end(end),
            Event::ProcessEnd(record) => self.process_end(record),
            Event::Reaped(id) => self.reaped(*id),
            Event::Parent(id, ppid) => {
                if let Some((_, process)) = self.process_mut(*id) {
                    process.ppid = *ppid;
                }
            }
            Event::Cgroup(id, path) => {
                if let Some((slot, process)) = self.process_mut(*id) {
                    process.cgroup = Some(Arc::clone(path));
                    self.filter_process(slot);
                }
            }
            Event::State(id, state) => {
                if let Some(thread) = self.thread_mut(*id) {
                    thread.state = *state;
                }
            }
            Event::Name(id, name) => {
                if let Some((slot, process)) = self.process_mut(*id) {
                    process.name = Some(Arc::clone(name)).filter(|name| !name.is_empty());
                    self.filter_process(slot);
                }
            }
            Event::Args(id, args) => {
                if let Some((slot, process)) = self.process_mut(*id) {
                    process.args = Some(Arc::clone(args));
                    self.filter_process(slot);
                }
            }
            // Only the rule about blocked threads needs it.
            Event::Waits(..) | Event::OpenOn(..) | Event::Nothing => {}
        }
    }

    fn thread_mut(&mut self, id: TaskId) -> Option<&mut Thread> {
        self.snapshot.threads.get_mut(*self.threads.get(&id)?)
    }

    fn fork(&mut self, fork: &Fork) {
        if self.threads.contains_key(&fork.id) {
            // The census found the task before its event arrived. Only the event knows
            // the origin.
            if fork.id == fork.process
                && let Some((_, process)) = self.process_mut(fork.id)
            {
                process.origin = fork.origin;
            }
            return;
        }
        let slot = match self.processes.get(&fork.process) {
            Some(slot) => *slot,
            None => {
                let slot = self.snapshot.processes.insert(born(fork));
                self.processes.insert(fork.process, slot);
                slot
            }
        };
        let thread = self.snapshot.threads.insert(Thread {
            id: fork.id,
            process: slot,
            comm: fork.comm,
            uid: Some(fork.uid),
            // The task has not run yet: it waits for its first time on a CPU.
            state: State::Running,
            cpu_ns: 0,
            run_delay_ns: Some(0),
            io: Some(Io::default()),
            on_cpu: false,
            in_iowait: false,
            last_on_cpu_ns: None,
            change: Change::default(),
            found_tick: self.snapshot.tick,
            end: None,
            hidden: false,
        });
        self.threads.insert(fork.id, thread);
        self.touch(slot);
        let Some(process) = self.snapshot.processes.get_mut(slot) else {
            return;
        };
        process.members.push(thread);
        if fork.id == fork.process {
            process.leader = Some(thread);
        } else {
            process.threads = process.threads.saturating_add(1);
        }
        self.filter_process(slot);
    }

    fn exec(&mut self, exec: &Exec) {
        let Some((slot, process)) = self.process_mut(exec.process) else {
            return;
        };
        if exec.cgroup.is_some() {
            process.cgroup.clone_from(&exec.cgroup);
        }
        if exec.old_tid != exec.process.tid {
            self.change_leader(slot, exec);
        }
        if let Some(thread) = self.thread_mut(exec.process) {
            thread.comm = exec.comm;
            thread.uid = Some(exec.uid);
        }
        if let Some((_, process)) = self.process_mut(exec.process) {
            process.args.clone_from(&exec.args);
            process.name = None;
        }
        self.filter_process(slot);
    }

    /// The thread that called exec takes over the leader's task id.
    fn change_leader(&mut self, slot: usize, exec: &Exec) {
        let Some(process) = self.snapshot.processes.get(slot) else {
            return;
        };
        let threads = &self.snapshot.threads;
        let caller = process.members.iter().copied().find(|member| {
            threads
                .get(*member)
                .is_some_and(|thread| thread.id.tid == exec.old_tid && thread.end.is_none())
        });
        let (Some(caller), leader) = (caller, process.leader) else {
            return;
        };
        if let Some(leader) = leader.filter(|leader| *leader != caller) {
            if let Some(old) = self
                .snapshot
                .threads
                .get(leader)
                .filter(|old| old.end.is_none())
            {
                // The old leader's final figures arrive later.
                self.superseded_leaders
                    .insert(exec.process, (old.cpu_ns, old.io));
            }
            self.drop_slot(leader, slot);
        }
        let Some(thread) = self.snapshot.threads.get_mut(caller) else {
            return;
        };
        self.threads.remove(&thread.id);
        thread.id = exec.process;
        self.threads.insert(exec.process, caller);
        if let Some(process) = self.snapshot.processes.get_mut(slot) {
            process.leader = Some(caller);
        }
    }

    fn thread_end(&mut self, end: &ThreadEnd) {
        if end.superseded
            && let Some((cpu_ns, io)) = self.superseded_leaders.remove(&end.process)
        {
            self.add_superseded_leader(end, cpu_ns, io);
            return;
        }
        let Some(slot) = self.threads.get(&end.id).copied() else {
            return;
        };
        let is_over = self
            .snapshot
            .threads
            .get(slot)
            .is_none_or(|thread| thread.end.is_some());
        // If a census came first, the thread's final figures are already in the sums
        // of exited threads.
        if let Some(cpu_ns) = end.cpu_ns.filter(|_| !is_over) {
            let io = end.io.map(|(read, write)| Io { read, write });
            self.take_figures(slot, cpu_ns, end.run_delay_ns, io);
            let (tick, now) = (self.snapshot.tick, self.snapshot.stamp.boot_ns);
            if let Some(thread) = self.snapshot.threads.get_mut(slot) {
                thread.change.at(tick).ran = true;
                // It had a CPU until its end.
                thread.last_on_cpu_ns = Some(end.time_ns.min(now));
            }
            if let Some((_, process)) = self.process_mut(end.process) {
                process.change.at(tick).ran = true;
                // To the tick, as of a process whose threads are not known one by one.
                process.ended_on_cpu_ns = process.ended_on_cpu_ns.max(Some(now));
                if end.id != end.process {
                    process.threads = process.threads.saturating_sub(1).max(1);
                }
            }
        }
        self.end_thread(end.id, Some(end.status), end.zombie);
    }

    /// Adds the CPU time and IO that an old leader used after it was last read.
    fn add_superseded_leader(&mut self, end: &ThreadEnd, cpu_ns: u64, io: Option<Io>) {
        let Some((slot, process)) = self.process_mut(end.process) else {
            return;
        };
        let missed = end.cpu_ns.unwrap_or(cpu_ns).saturating_sub(cpu_ns);
        process.cpu_ns = process.cpu_ns.saturating_add(missed);
        if let (Some((read, write)), Some(before)) = (end.io, io) {
            process.io = super::plus(
                process.io,
                read.saturating_sub(before.read),
                write.saturating_sub(before.write),
            );
        }
        self.touch(slot);
    }

    pub(super) fn end_thread(&mut self, id: TaskId, status: Option<Status>, zombie: bool) {
        let tick = self.snapshot.tick;
        let Some(thread) = self.thread_mut(id) else {
            return;
        };
        if let Some(end) = &mut thread.end
            && end.tick != 0
            && !end.zombie
        {
            end.status = end.status.or(status);
            return;
        }
        let before = thread
            .end
            .filter(|end| end.zombie)
            .map_or(tick, |end| end.tick.max(1));
        thread.end = Some(End {
            tick: before,
            status,
            zombie,
        });
        thread.state = if zombie { State::Zombie } else { State::Dead };
        thread.on_cpu = false;
        thread.in_iowait = false;
        let (process, last) = (thread.process, thread.last_on_cpu_ns);
        if let Some(process) = self.snapshot.processes.get_mut(process) {
            process.ended_on_cpu_ns = process.ended_on_cpu_ns.max(last);
        }
        if !zombie {
            self.leaving.push_back((tick, id));
        }
    }

    fn process_end(&mut self, record: &Arc<ExitRecord>) {
        if !self.processes.contains_key(&record.process) {
            self.fork(&unseen_fork(record));
        }
        if let Some((slot, process)) = self.process_mut(record.process) {
            process.exit = Some(Arc::clone(record));
            process.cpu_ns = process.cpu_ns.max(record.cpu_ns.unwrap_or(0));
            self.touch(slot);
        }
        self.end_process(record.process, Some(record.status), record.zombie);
    }

    pub(super) fn end_process(&mut self, id: TaskId, status: Option<Status>, zombie: bool) {
        let tick = self.snapshot.tick;
        if let Some(slot) = self.processes.get(&id) {
            // An exit is a change, also where no figures come with it.
            self.touch(*slot);
        }
        let Some((_, process)) = self.process_mut(id) else {
            return;
        };
        if let Some(end) = &mut process.end {
            end.status = end.status.or(status);
        }
        if process.end.is_none_or(|end| end.zombie && !zombie) {
            let before = process.end.map_or(tick, |end| end.tick);
            let status = status.or(process.end.and_then(|end| end.status));
            process.end = Some(End {
                tick: before,
                status,
                zombie,
            });
        }
        process.rss = Some(0);
        process.parts = Some(MemoryParts::default());
        let members = process.members.clone();
        for slot in members {
            let Some(thread) = self.snapshot.threads.get(slot) else {
                continue;
            };
            let id_of = thread.id;
            if thread.end.is_none()
                || (id_of == id && thread.end.is_some_and(|end| end.zombie != zombie))
            {
                self.end_thread(id_of, status, zombie && id_of == id);
            }
        }
        if !zombie {
            self.leaving.push_back((tick, id));
        }
    }

    fn reaped(&mut self, id: TaskId) {
        let tick = self.snapshot.tick;
        let mut ended = tick;
        let is_first = |process: &Process| process.end.is_none();
        let slot = self.processes.get(&id).copied();
        let slot = slot.filter(|slot| self.snapshot.processes.get(*slot).is_some_and(is_first));
        if let Some(slot) = slot {
            self.touch(slot);
        }
        if let Some((_, process)) = self.process_mut(id) {
            // If the exit was lost, this event is the only sign of the exit.
            let end = process.end.get_or_insert(End {
                tick,
                status: None,
                zombie: false,
            });
            end.zombie = false;
            ended = end.tick;
        }
        if let Some(thread) = self.thread_mut(id)
            && let Some(end) = &mut thread.end
        {
            end.zombie = false;
            thread.state = State::Dead;
        }
        // The task was shown as dead when it died. If that was long ago, remove it
        // at once.
        if ended + super::SHOWN_DEAD <= tick {
            self.forget_thread(id);
            self.forget_process(id);
        } else {
            self.leaving.push_back((tick, id));
        }
    }
}

fn born(fork: &Fork) -> Process {
    Process {
        id: fork.process,
        leader: None,
        members: Vec::with_capacity(1),
        ppid: fork.ppid,
        ns_pid: Some(fork.ns_pid),
        kthread: fork.kthread,
        cpu_ns: 0,
        io: Some(Io::default()),
        run_delay_ns: Some(0),
        rss: fork.kthread.then_some(0),
        vsize: fork.kthread.then_some(0),
        parts: fork.kthread.then(MemoryParts::default),
        is_rough: false,
        threads: 1,
        cgroup: fork.cgroup.clone(),
        name: fork.name.clone(),
        args: fork.args.clone(),
        watched: fork.watched,
        ended_on_cpu_ns: None,
        change: Change::default(),
        rss_change: (0, Some(0)),
        private_change: (0, Some(0)),
        first_private: None,
        origin: fork.origin,
        end: None,
        exit: None,
    }
}

/// Makes up the fork of a process whose fork was lost: only the exit is known.
fn unseen_fork(record: &ExitRecord) -> Fork {
    Fork {
        id: record.process,
        process: record.process,
        parent: TaskId {
            tid: record.ppid,
            start_ns: 0,
        },
        ppid: record.ppid,
        origin: record.origin,
        uid: record.uid,
        ns_pid: record.ns_pid.unwrap_or(record.process.tid),
        kthread: false,
        comm: record.comm,
        name: record.name.clone(),
        args: record.args.clone(),
        cgroup: record.cgroup.clone(),
        watched: record.watched,
    }
}
