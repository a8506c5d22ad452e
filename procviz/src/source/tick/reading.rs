//! Reads the figures of threads that ran: from the records that the kernel side
//! writes when a thread leaves its CPU, and from `/proc` where there is none.

use super::KernelTick;
use crate::{
    model::{Io, Reading, Sample, State},
    source::{identity::Question, kernel::Slot, roster::Member},
};

impl KernelTick {
    /// Adds a reading for each thread that ran since the last tick.
    pub(super) fn read_ran(&mut self, sample: &mut Sample) {
        let ran = std::mem::take(&mut self.ran);
        for tid in &ran {
            let Some(member) = self.roster.thread(*tid) else {
                continue;
            };
            let (reading, mark) = match self.snaps.slot(member.id, self.host.tick_ns) {
                Slot::Reading(reading, mark) => (Some(reading), mark),
                // The slot belongs to another task or was being written: read `/proc`.
                Slot::Unknown => (self.read_thread(member), 0),
            };
            let Some(reading) = reading else { continue };
            sample.readings.push(reading);
            if !member.kthread && self.roster.ran(member.process, self.tick, mark) {
                self.due.push(member);
            }
        }
        let worker = self.workers.next(&sample.readings, sample.stamp.boot_ns);
        if let Some(worker) = worker {
            self.ask(worker, Question::KernelThread);
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
        // Now the marks of all threads that ran are known.
        let due = std::mem::take(&mut self.due);
        for member in &due {
            self.read_memory(*member, sample);
        }
        self.due = due;
        self.due.clear();
    }

    /// Reads a thread that is on a CPU now. It has not left the CPU, so only the
    /// scheduler's own sum has its CPU time, as of the last timer tick.
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
        if !member.kthread && self.roster.ran(member.process, self.tick, 0) {
            self.due.push(member);
        }
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
}
