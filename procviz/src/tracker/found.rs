//! Applies the tasks that a full scan found: the opening census, a census after
//! losses, or every sample where there are no events.

use crate::{
    model::{
        Change, End, Found, Io, Memory, MemoryParts, MemorySizes, Process, Sample, Sources, State,
        Thread, kib, total,
    },
    tracker::Tracker,
};

impl Tracker {
    pub(super) fn take_found(&mut self, sample: &Sample) {
        for found in &sample.found {
            match self.threads.get(&found.id).copied() {
                Some(slot) => self.refresh(slot, found),
                None => self.enter(found),
            }
        }
        for found in sample
            .found
            .iter()
            .filter(|found| found.id == found.process)
        {
            self.take_whole(found, sample.complete);
        }
        if sample.complete {
            self.mark_unfound_exited();
        }
    }

    /// Adds a thread that was not known.
    fn enter(&mut self, found: &Found) {
        let now = self.snapshot.stamp.boot_ns;
        let process = match self.processes.get(&found.process) {
            Some(slot) => *slot,
            None => self.enter_process(found),
        };
        // Without events, a thread that is new in a later sample used all its CPU
        // time since the previous sample.
        let is_new = self.snapshot.sources == Sources::ProcOnly && self.snapshot.tick > 1;
        let is_zombie = found.state == State::Zombie;
        let slot = self.snapshot.threads.insert(Thread {
            id: found.id,
            process,
            comm: found.comm,
            uid: found.uid,
            state: found.state,
            cpu_ns: if is_new { 0 } else { found.cpu_ns },
            run_delay_ns: found.run_delay_ns,
            io: found.io,
            on_cpu: found.on_cpu,
            in_iowait: found.in_iowait,
            last_on_cpu_ns: found.off_cpu_ns.map(|off| now.saturating_sub(off)),
            change: Change::default(),
            found_tick: self.snapshot.tick,
            end: is_zombie.then_some(End {
                tick: 0,
                status: None,
                zombie: true,
            }),
            hidden: false,
        });
        self.threads.insert(found.id, slot);
        if is_new {
            self.take_figures(slot, found.cpu_ns, found.run_delay_ns, found.io);
        }
        let sums_threads = self.sums_threads();
        let home = process;
        let Some(process) = self.snapshot.processes.get_mut(process) else {
            return;
        };
        process.members.push(slot);
        if found.id == found.process {
            process.leader = Some(slot);
            process.end = (is_zombie && found.threads <= 1).then_some(End {
                tick: 0,
                status: None,
                zombie: true,
            });
        }
        if sums_threads {
            process.cpu_ns = process.cpu_ns.saturating_add(found.cpu_ns);
            process.io = match (process.io, found.io) {
                (Some(sum), Some(io)) => super::plus(Some(sum), io.read, io.write),
                _ => None,
            };
        }
        self.filter_process(home);
    }

    fn enter_process(&mut self, found: &Found) -> usize {
        let slot = self.snapshot.processes.insert(Process {
            id: found.process,
            leader: None,
            members: Vec::new(),
            ppid: found.ppid,
            ns_pid: found.ns_pid,
            kthread: found.kthread,
            cpu_ns: found.gone.cpu_ns,
            io: Some(found.gone.io),
            run_delay_ns: None,
            rss: found.memory.map(|sizes| sizes.rss),
            vsize: found.memory.map(|sizes| sizes.vsize),
            parts: found.memory.and_then(|sizes| sizes.parts),
            is_rough: found.is_rough,
            threads: found.threads,
            cgroup: found.cgroup.clone(),
            name: None,
            args: None,
            watched: found.watched,
            ended_on_cpu_ns: None,
            change: Change::default(),
            rss_change: (0, Some(0)),
            private_change: (0, Some(0)),
            first_private: found
                .memory
                .map(|sizes| sizes.parts.map_or(sizes.rss, MemoryParts::private)),
            origin: found.process,
            end: None,
            exit: None,
        });
        self.processes.insert(found.process, slot);
        slot
    }

    /// A scan finds that a thread is called otherwise, or belongs to another user. It can
    /// run another program since an exec that was not seen: who asks `/proc` is told its name.
    fn call_anew(&mut self, slot: usize, found: &Found) {
        let Some(thread) = self.snapshot.threads.get_mut(slot) else {
            return;
        };
        let is_renamed = std::mem::replace(&mut thread.comm, found.comm) != found.comm;
        let home = thread.process;
        if is_renamed
            && found.id == found.process
            && !found.kthread
            && let Some(process) = self.snapshot.processes.get_mut(home)
        {
            process.name = None;
        }
        self.filter_process(home);
    }

    /// Takes the sizes of a process whose exact sizes are not known.
    fn take_rough_sizes(&mut self, found: &Found, sizes: MemorySizes) {
        let Some((_, process)) = self.process_mut(found.process) else {
            return;
        };
        process.threads = found.threads;
        if process.rss.is_some() || process.end.is_some() {
            return;
        }
        process.rss = Some(sizes.rss);
        process.vsize = Some(sizes.vsize);
        process.parts = sizes.parts;
        process.is_rough = true;
        process.first_private = process.private();
    }

    /// Updates a known thread.
    fn refresh(&mut self, slot: usize, found: &Found) {
        let tick = self.snapshot.tick;
        let now = self.snapshot.stamp.boot_ns;
        let Some(thread) = self.snapshot.threads.get_mut(slot) else {
            return;
        };
        thread.found_tick = tick;
        if thread.end.is_some_and(|end| end.tick != 0) {
            // An exit that was seen wins over a row that was read earlier.
            return;
        }
        let is_other = thread.comm != found.comm || thread.uid != found.uid.or(thread.uid);
        thread.uid = found.uid.or(thread.uid);
        let ran = found.cpu_ns > thread.cpu_ns || found.on_cpu;
        if found.state == State::Zombie && thread.end.is_none() {
            thread.end = Some(End {
                tick,
                status: None,
                zombie: true,
            });
        }
        thread.state = found.state;
        thread.on_cpu = found.on_cpu;
        thread.in_iowait = found.in_iowait;
        if let Some(off) = found.off_cpu_ns {
            thread.last_on_cpu_ns = Some(now.saturating_sub(off));
        }
        if ran {
            thread.change.at(tick).ran = true;
        }
        let changed = ran || found.io != thread.io;
        let process = thread.process;
        if changed {
            self.take_figures(slot, found.cpu_ns, found.run_delay_ns, found.io);
        }
        if is_other {
            self.call_anew(slot, found);
        }
        if let Some(process) = self.snapshot.processes.get_mut(process) {
            process.watched |= found.watched;
            if found.id == found.process {
                process.ppid = found.ppid;
            }
            process.change.ran |= ran && process.change.tick == tick;
        }
    }

    /// Applies the figures of the process that the leader's row holds.
    fn take_whole(&mut self, found: &Found, is_complete: bool) {
        let tick = self.snapshot.tick;
        let sums_threads = self.sums_threads();
        match found.memory {
            Some(sizes) if found.is_rough => self.take_rough_sizes(found, sizes),
            Some(sizes) => self.take_memory(&Memory {
                process: found.process,
                sizes,
                threads: found.threads,
                written: None,
            }),
            None => {}
        }
        let Some((slot, process)) = self.process_mut(found.process) else {
            return;
        };
        if found.cgroup.is_some() {
            process.cgroup.clone_from(&found.cgroup);
        }
        if sums_threads {
            if is_complete {
                self.raise_to_the_sum(slot, found);
            }
            return;
        }
        let Some((cpu_ns, io)) = found.whole else {
            return;
        };
        let is_first = process.change.tick == 0 && tick == 1;
        let cpu = if is_first {
            0
        } else {
            cpu_ns.saturating_sub(process.cpu_ns)
        };
        process.cpu_ns = process.cpu_ns.max(cpu_ns);
        let (read, moved) = match (io, process.io) {
            (Some(now), Some(before)) if !is_first => (
                now.read.saturating_sub(before.read),
                total([now.read, now.write]).saturating_sub(total([before.read, before.write])),
            ),
            _ => (0, 0),
        };
        process.io = io;
        if process.change.tick == tick || cpu > 0 || moved > 0 {
            self.touch(slot);
            if let Some(process) = self.snapshot.processes.get_mut(slot) {
                process.change.cpu_ns = cpu;
                process.change.io_bytes = moved;
                process.change.read_kib = kib(read);
            }
        }
    }

    /// After a loss: the kernel's own sums of exited threads include the threads
    /// whose exits were not seen.
    fn raise_to_the_sum(&mut self, slot: usize, found: &Found) {
        let tick = self.snapshot.tick;
        let Some(process) = self.snapshot.processes.get_mut(slot) else {
            return;
        };
        let mut cpu_ns = found.gone.cpu_ns;
        let mut io = Some(found.gone.io);
        let living = process.members.iter().filter_map(|member| {
            self.snapshot
                .threads
                .get(*member)
                .filter(|thread| thread.found_tick == tick)
        });
        for thread in living {
            cpu_ns = cpu_ns.saturating_add(thread.cpu_ns);
            io = match thread.io {
                Some(own) => super::plus(io, own.read, own.write),
                None => None,
            };
        }
        let missed = cpu_ns.saturating_sub(process.cpu_ns);
        if missed > 0 && tick > 1 {
            process.cpu_ns = process.cpu_ns.saturating_add(missed);
            process.io = match (process.io, io) {
                (Some(a), Some(b)) => Some(Io {
                    read: a.read.max(b.read),
                    write: a.write.max(b.write),
                }),
                (one, other) => one.or(other),
            };
            self.touch(slot);
            if let Some(process) = self.snapshot.processes.get_mut(slot) {
                process.change.cpu_ns = process.change.cpu_ns.saturating_add(missed);
            }
        }
    }

    /// Marks the threads that a complete scan did not find as exited, with unknown
    /// wait status.
    fn mark_unfound_exited(&mut self) {
        let tick = self.snapshot.tick;
        let gone: Vec<_> = self
            .snapshot
            .threads
            .iter()
            .filter(|thread| thread.found_tick != tick && thread.end.is_none_or(|end| end.zombie))
            .map(|thread| (thread.id, thread.process))
            .collect();
        for (id, process) in gone {
            self.end_thread(id, None, false);
            let is_last = self.snapshot.processes.get(process).is_some_and(|process| {
                process.members.iter().all(|slot| {
                    self.snapshot
                        .threads
                        .get(*slot)
                        .is_none_or(|thread| thread.end.is_some_and(|end| !end.zombie))
                })
            });
            if is_last
                && let Some(id) = self
                    .snapshot
                    .processes
                    .get(process)
                    .map(|process| process.id)
            {
                self.end_process(id, None, false);
            }
        }
    }
}
