//! A simulated machine for tests: samples that are made up step by step.

use std::sync::Arc;

use crate::{
    model::{
        Comm, Event, ExitRecord, Finding, Fork, Found, Gone, Host, Io, Memory, MemoryParts,
        MemorySizes, Reading, Rule, Sample, Sources, Stamp, State, Status, TaskId,
    },
    tracker::Tracker,
};

const SECOND: u64 = 1_000_000_000;
pub(super) const MIB: u64 = 1 << 20;
/// Start of the run, ns since boot: long after the start of the first processes.
pub(super) const OLD: u64 = 1_000 * SECOND;

pub(super) fn id(tid: u32) -> TaskId {
    TaskId {
        tid,
        start_ns: u64::from(tid),
    }
}

pub(super) fn young(tid: u32, start_ns: u64) -> TaskId {
    TaskId { tid, start_ns }
}

/// A simulated machine that a test advances step by step.
pub(super) struct Play {
    pub(super) tracker: Tracker,
    pub(super) sample: Sample,
    pub(super) now: u64,
}

impl Play {
    /// `names` are the names of processes 1, 2, ... of 100 MiB each, all asleep.
    pub(super) fn new(names: &[&str]) -> Self {
        let host = Host::new("test", 4);
        let mut play = Self {
            tracker: Tracker::new(host, Sources::EbpfAndProc),
            sample: Sample::new(Sources::EbpfAndProc),
            now: OLD,
        };
        play.sample.found = names
            .iter()
            .enumerate()
            .map(|(index, name)| found(index as u32 + 1, name))
            .collect();
        play.sample.complete = true;
        play.sample.machine.mem_total_bytes = Some(16 << 30);
        play.tick(0);
        play
    }

    pub(super) fn tick(&mut self, interval: u64) {
        self.now += interval;
        self.sample.stamp = Stamp {
            boot_ns: self.now,
            interval_ns: interval,
        };
        self.tracker.update(&self.sample);
        self.sample.clear();
    }

    pub(super) fn second(&mut self) {
        self.tick(SECOND);
    }

    pub(super) fn ran(&mut self, tid: u32, cpu_ns: u64, io: u64) -> &mut Reading {
        self.sample.readings.push(Reading {
            id: id(tid),
            uid: None,
            state: State::Sleeping,
            on_cpu: false,
            preempted: false,
            in_iowait: false,
            cpu_ns,
            run_delay_ns: Some(0),
            wait_max_ns: None,
            io: Some(Io { read: io, write: 0 }),
        });
        let last = self.sample.readings.len() - 1;
        &mut self.sample.readings[last]
    }

    pub(super) fn holds(&mut self, tid: u32, rss: u64) {
        self.sample.memories.push(Memory {
            process: id(tid),
            sizes: MemorySizes::new(rss, 1 << 30),
            threads: 1,
            written: None,
        });
    }

    pub(super) fn consists_of(&mut self, tid: u32, parts: MemoryParts) {
        self.holds(tid, parts.rss());
        let last = self.sample.memories.last_mut().unwrap();
        last.sizes.parts = Some(parts);
    }

    /// Process `parent` forks process `child` at this moment.
    pub(super) fn fork(&mut self, child: u32, parent: u32) -> TaskId {
        let child = young(child, self.now + 1);
        self.sample.events.push(Event::Fork(Fork {
            id: child,
            process: child,
            parent: id(parent),
            ppid: parent,
            origin: id(parent),
            uid: 0,
            ns_pid: child.tid,
            kthread: false,
            comm: Comm::new(b"child"),
            name: None,
            args: None,
            cgroup: None,
            watched: true,
        }));
        child
    }

    /// Process `process` creates a thread.
    pub(super) fn thread(&mut self, tid: u32, process: u32) {
        self.fork(tid, process);
        if let Some(Event::Fork(fork)) = self.sample.events.last_mut() {
            fork.process = id(process);
        }
    }

    pub(super) fn end(
        &mut self,
        process: TaskId,
        origin: u32,
        lived: u64,
        status: u32,
    ) -> &mut ExitRecord {
        let record = ExitRecord {
            process,
            thread: None,
            time_ns: process.start_ns + lived,
            ns_pid: None,
            ppid: origin,
            origin: id(origin),
            uid: 0,
            comm: Comm::new(b"child"),
            args: None,
            name: None,
            args_bytes: None,
            status: Status(status),
            oom: false,
            killed_by: None,
            terminated_by: None,
            cpu_ns: Some(0),
            user_ns: Some(0),
            system_ns: Some(0),
            max_rss_inherited: None,
            max_rss_bytes: Some(MIB),
            read_bytes: Some(0),
            write_bytes: Some(0),
            cancelled_write_bytes: None,
            minor_faults: None,
            major_faults: None,
            cgroup: None,
            zombie: false,
            watched: true,
            partial: false,
        };
        self.sample.events.push(Event::ProcessEnd(Arc::new(record)));
        match self.sample.events.last_mut() {
            Some(Event::ProcessEnd(record)) => Arc::make_mut(record),
            _ => unreachable!(),
        }
    }

    pub(super) fn findings_of(&self, rule: Rule) -> Vec<Finding> {
        let findings = self.tracker.snapshot().findings.iter();
        findings
            .filter(|finding| finding.rule == rule)
            .cloned()
            .collect()
    }

    /// The only finding of a rule: the process that it is about, and its text.
    #[track_caller]
    pub(super) fn one(&self, rule: Rule) -> (Option<u32>, String) {
        let found = self.findings_of(rule);
        assert_eq!(found.len(), 1, "{rule:?}: {found:#?}");
        (found[0].about.map(|about| about.tid), found[0].text.clone())
    }

    #[track_caller]
    pub(super) fn none(&self, rule: Rule) {
        assert!(
            self.findings_of(rule).is_empty(),
            "{:#?}",
            self.findings_of(rule)
        );
    }
}

pub(super) fn found(tid: u32, name: &str) -> Found {
    Found {
        id: id(tid),
        process: id(tid),
        ppid: 1,
        uid: Some(0),
        ns_pid: Some(tid),
        kthread: false,
        comm: Comm::new(name.as_bytes()),
        state: State::Sleeping,
        on_cpu: false,
        in_iowait: false,
        cpu_ns: 0,
        run_delay_ns: Some(0),
        off_cpu_ns: Some(0),
        io: Some(Io::default()),
        memory: Some(MemorySizes::new(100 * MIB, 1 << 30)),
        is_rough: false,
        threads: 1,
        gone: Gone::default(),
        whole: None,
        cgroup: None,
        watched: true,
    }
}
