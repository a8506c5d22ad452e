//! Reduces a sample to processes: each process in the result has one thread, its
//! leader, with the figures of all threads of the process.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Tracker;
use crate::model::{
    Event, Exec, ExitRecord, Found, Gone, Memory, Process, Reading, Sample, Sources, State, TaskId,
    Thread, ThreadEnd,
};

impl Tracker {
    /// `sample` as if each process had one thread. The tracker must have merged
    /// `sample` last.
    pub fn reduce_to_processes(&self, sample: &Sample) -> Sample {
        let mut alone = Sample {
            stamp: sample.stamp,
            gap_ns: sample.gap_ns,
            boot_wall_ns: sample.boot_wall_ns,
            complete: sample.complete,
            machine: sample.machine.clone(),
            losses: sample.losses,
            events_seen: sample.events_seen,
            own_cpu_ns: sample.own_cpu_ns,
            folds: sample.folds.clone(),
            memories: sample.memories.clone(),
            ..Sample::new(sample.sources)
        };
        let leaders = sample
            .found
            .iter()
            .filter(|found| found.id == found.process);
        for found in leaders {
            let process = self.process(found.id);
            alone
                .found
                .extend(process.map(|process| self.whole(found, process)));
        }
        // Processes whose threads were created, exited, or had their state read.
        let mut counted = FxHashSet::default();
        let mut looked_at = FxHashSet::default();
        for event in &sample.events {
            match event {
                Event::Fork(fork) if fork.id != fork.process => _ = counted.insert(fork.process),
                Event::Rename(rename) if !self.processes.contains_key(&rename.id) => {}
                Event::ThreadEnd(end) => _ = counted.insert(end.process),
                Event::State(id, _) => looked_at.extend(self.process_of(*id)),
                Event::Exec(exec) => alone.events.push(Event::Exec(Exec {
                    old_tid: exec.process.tid,
                    ..exec.clone()
                })),
                Event::ProcessEnd(record) => {
                    let process = self.process(record.process);
                    alone
                        .events
                        .extend(process.map(|process| last_figures(process, record)));
                    alone.events.push(event.clone());
                }
                Event::Nothing => {}
                event => alone.events.push(event.clone()),
            }
        }
        for id in looked_at {
            let state = self.process(id).and_then(|process| self.state(process));
            alone
                .events
                .extend(state.map(|state| Event::State(id, state)));
        }
        self.add_readings(sample, &counted, &mut alone);
        alone
    }

    /// Adds a reading for each process that ran, and the memory of processes whose
    /// number of threads changed.
    fn add_readings(&self, sample: &Sample, counted: &FxHashSet<TaskId>, alone: &mut Sample) {
        let mut preempted: FxHashMap<TaskId, bool> = FxHashMap::default();
        for reading in &sample.readings {
            if let Some(id) = self.process_of(reading.id) {
                *preempted.entry(id).or_default() |= reading.preempted;
            }
        }
        let with_memory: FxHashSet<TaskId> = sample
            .memories
            .iter()
            .map(|memory| memory.process)
            .collect();
        for slot in &self.snapshot.changed {
            let Some(process) = self.snapshot.processes.get(*slot) else {
                continue;
            };
            if process.end.is_some() {
                continue;
            }
            if process.change.tick == self.snapshot.tick && process.change.ran {
                let preempted = preempted.get(&process.id).copied().unwrap_or_default();
                alone.readings.push(self.reading(process, preempted));
            }
            if let Some(sizes) = process.sizes()
                && !process.is_rough
                && counted.contains(&process.id)
                && !with_memory.contains(&process.id)
            {
                alone.memories.push(Memory {
                    process: process.id,
                    sizes,
                    threads: process.threads,
                    written: None,
                });
            }
        }
    }

    fn process(&self, id: TaskId) -> Option<&Process> {
        self.snapshot.processes.get(*self.processes.get(&id)?)
    }

    fn process_of(&self, thread: TaskId) -> Option<TaskId> {
        let thread = self.snapshot.threads.get(*self.threads.get(&thread)?)?;
        Some(self.snapshot.processes.get(thread.process)?.id)
    }

    fn living<'a>(&'a self, process: &'a Process) -> impl Iterator<Item = &'a Thread> {
        let members = process.members.iter();
        let threads = members.filter_map(|slot| self.snapshot.threads.get(*slot));
        threads.filter(|thread| thread.end.is_none())
    }

    /// State of a process: the state of its most active thread. `None` if no thread
    /// is alive.
    fn state(&self, process: &Process) -> Option<State> {
        let states = || self.living(process).map(|thread| thread.state);
        let is_any = |wanted: State| states().any(|state| state == wanted);
        for state in [State::Running, State::Blocked] {
            if is_any(state) {
                return Some(state);
            }
        }
        let leader = self.snapshot.leader(process);
        let leader = leader.filter(|leader| leader.end.is_none());
        leader
            .map(|leader| leader.state)
            .or_else(|| states().next())
    }

    fn whole(&self, found: &Found, process: &Process) -> Found {
        // The reading of the same sample adds the change since the process was found.
        let change = Some(process.change).filter(|change| change.tick == self.snapshot.tick);
        let change = change.unwrap_or_default();
        let waited = change.wait_ns.unwrap_or_default();
        Found {
            // If the process exited after it was found, an event reports the exit.
            state: self.state(process).unwrap_or(found.state),
            on_cpu: self.living(process).any(|thread| thread.on_cpu),
            in_iowait: self.living(process).any(|thread| thread.in_iowait),
            cpu_ns: process.cpu_ns.saturating_sub(change.cpu_ns),
            // Counted from the time at which it was first known for any thread.
            run_delay_ns: Some(
                process
                    .run_delay_ns
                    .unwrap_or_default()
                    .saturating_sub(waited),
            ),
            off_cpu_ns: self
                .living(process)
                .filter_map(|thread| thread.last_on_cpu_ns)
                .max()
                .max(process.ended_on_cpu_ns)
                .map(|last| self.snapshot.stamp.boot_ns.saturating_sub(last))
                .or(found.off_cpu_ns),
            io: process.io,
            gone: Gone::default(),
            whole: (self.snapshot.sources == Sources::ProcOnly)
                .then_some((process.cpu_ns, process.io)),
            ..found.clone()
        }
    }

    fn reading(&self, process: &Process, preempted: bool) -> Reading {
        let leader = self.snapshot.leader(process);
        let on_cpu = self.living(process).any(|thread| thread.on_cpu);
        Reading {
            id: process.id,
            uid: leader.and_then(|leader| leader.uid),
            state: self.state(process).unwrap_or(State::Sleeping),
            on_cpu,
            preempted: preempted && !on_cpu,
            in_iowait: self.living(process).any(|thread| thread.in_iowait),
            cpu_ns: process.cpu_ns,
            run_delay_ns: process.run_delay_ns,
            wait_max_ns: process.change.wait_max_ns,
            io: process.io,
        }
    }
}

/// Final figures of a process, as the exit of its only thread.
fn last_figures(process: &Process, record: &ExitRecord) -> Event {
    Event::ThreadEnd(ThreadEnd {
        id: process.id,
        process: process.id,
        time_ns: record.time_ns,
        status: record.status,
        cpu_ns: Some(process.cpu_ns),
        run_delay_ns: process.run_delay_ns,
        io: process.io.map(|io| (io.read, io.write)),
        zombie: record.zombie,
        superseded: false,
        comm: record.comm,
    })
}
