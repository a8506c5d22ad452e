//! Makes a sample with all tasks, as a census would find them. A recording begins
//! with such a sample if it is a part of another recording, or continues one.

use std::sync::Arc;

use super::Tracker;
use crate::model::{Event, Found, Gone, Io, Process, Sample, Sources, Thread};

impl Tracker {
    /// A sample with the time of the last sample that holds all living tasks and
    /// zombies, and the known arguments.
    pub fn census(&self) -> Sample {
        let snapshot = &self.snapshot;
        let mut sample = Sample::new(snapshot.sources);
        sample.stamp = snapshot.stamp;
        sample.boot_wall_ns = Some(snapshot.host.boot_wall_ns);
        sample.complete = true;
        sample.machine = snapshot.machine.clone();
        sample.losses = snapshot.losses;
        sample.events_seen = snapshot.events_seen;
        let living = snapshot
            .threads
            .iter()
            .filter(|thread| thread.end.is_none_or(|end| end.zombie));
        for thread in living {
            if let Some(process) = snapshot.processes.get(thread.process) {
                sample.found.push(self.found(thread, process));
            }
        }
        for process in snapshot.processes.iter() {
            if let Some(args) = &process.args {
                sample
                    .events
                    .push(Event::Args(process.id, Arc::clone(args)));
            }
            if let Some(name) = &process.name {
                let name = Event::Name(process.id, Arc::clone(name));
                sample.events.push(name);
            }
        }
        sample
    }

    fn found(&self, thread: &Thread, process: &Process) -> Found {
        let snapshot = &self.snapshot;
        let is_leader = thread.id == process.id;
        let off_cpu_ns = match thread.on_cpu {
            true => Some(0),
            false => thread
                .last_on_cpu_ns
                .map(|last| snapshot.stamp.boot_ns.saturating_sub(last)),
        };
        Found {
            id: thread.id,
            process: process.id,
            ppid: process.ppid,
            uid: thread.uid,
            ns_pid: process.ns_pid,
            kthread: process.kthread,
            comm: thread.comm,
            state: thread.state,
            on_cpu: thread.on_cpu,
            in_iowait: thread.in_iowait,
            cpu_ns: thread.cpu_ns,
            run_delay_ns: thread.run_delay_ns,
            off_cpu_ns,
            io: thread.io,
            memory: process.sizes().filter(|_| is_leader),
            is_rough: process.is_rough,
            threads: process.threads,
            gone: if is_leader {
                self.gone(process)
            } else {
                Gone::default()
            },
            whole: (is_leader && snapshot.sources == Sources::ProcOnly)
                .then_some((process.cpu_ns, process.io)),
            cgroup: process.cgroup.clone(),
            watched: process.watched,
        }
    }

    /// CPU time and IO of a process without its living threads.
    fn gone(&self, process: &Process) -> Gone {
        let members = process.members.iter();
        let living = members.filter_map(|slot| self.snapshot.threads.get(*slot));
        let (mut cpu_ns, mut io) = (process.cpu_ns, process.io.unwrap_or_default());
        for thread in living.filter(|thread| thread.end.is_none_or(|end| end.zombie)) {
            let own = thread.io.unwrap_or_default();
            cpu_ns = cpu_ns.saturating_sub(thread.cpu_ns);
            io = Io {
                read: io.read.saturating_sub(own.read),
                write: io.write.saturating_sub(own.write),
            };
        }
        Gone {
            cpu_ns,
            io,
            ..Gone::default()
        }
    }
}
