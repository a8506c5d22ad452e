//! Adds up what a command and its descendants used, from its start to its exit.

use std::collections::BTreeMap;

use crate::model::{
    Comm, Event, ExitRecord, Fold, Process, Sample, Snapshot, Sources, Status, total,
};

/// Upper limit for the names, and for the kinds of failures, that are counted apart. Further
/// ones are in the sums only.
const MOST: usize = 10_000;

/// What a command and its descendants used.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Process id of the command.
    pub pid: u32,
    /// Time of the start, ns since boot.
    pub began_ns: u64,
    /// Time of the exit, or of the last sample if the exit was not seen, ns since boot.
    pub ended_ns: u64,
    /// How the command ended; `None` if that was not seen.
    pub status: Option<Status>,
    /// Whether the end was seen: else the command went on after `ended_ns`.
    pub is_over: bool,
    /// Whether there were kernel events: else what lived between two samples is missing, and the
    /// figures are lower limits.
    pub has_events: bool,
    /// CPU time of all, ns.
    pub cpu_ns: u64,
    /// User part of it, ns; `None`: not known of all.
    pub user_ns: Option<u64>,
    /// System part of it, ns; `None`: not known of all.
    pub system_ns: Option<u64>,
    /// Bytes read from storage; `None`: not known of all.
    pub read_bytes: Option<u64>,
    /// Bytes written to storage; `None`: not known of all.
    pub write_bytes: Option<u64>,
    /// Largest sum of the resident sets of all living processes at a sample, bytes; `None`: no
    /// sample has it.
    pub tree_rss_bytes: Option<u64>,
    /// The process with the largest resident set: bytes, name and process id.
    pub largest: Option<(u64, Comm, u32)>,
    /// Number of processes that ended.
    pub ended: u64,
    /// Number of processes that live on.
    pub living: u64,
    /// Number of threads that processes created.
    pub threads: u64,
    /// Number of processes of which data is missing.
    pub partial: u64,
    /// Number of exits that were lost.
    pub lost: u64,
    /// Number of short-lived processes of which only number, CPU time and status are known.
    pub folded: u64,
    /// What the process of the command used before the command began, ns.
    before_ns: u64,
    /// Number of processes that ended with a status other than 0, by name and status.
    pub failures: BTreeMap<(Comm, Status), u64>,
    /// Use by name.
    pub commands: BTreeMap<Comm, Cost>,
}

/// What the processes of one name used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Number of processes.
    pub count: u64,
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// Largest resident set of one of them, bytes; `None` if not known.
    pub max_rss_bytes: Option<u64>,
}

fn add(sum: &mut Option<u64>, more: Option<u64>) {
    *sum = sum.zip(more).map(|(sum, more)| total([sum, more]));
}

impl Run {
    /// A run of the command with this process id, before it begins.
    pub fn new(pid: u32) -> Self {
        Self {
            pid,
            has_events: true,
            user_ns: Some(0),
            system_ns: Some(0),
            read_bytes: Some(0),
            write_bytes: Some(0),
            ..Self::default()
        }
    }

    /// The command begins at `began_ns`, ns since boot. The snapshot has what its process used
    /// before: procviz started it early.
    pub fn begin(&mut self, began_ns: u64, snapshot: &Snapshot) {
        (self.began_ns, self.ended_ns) = (began_ns, began_ns);
        let mut all = snapshot.processes.iter();
        let own = all.find(|process| process.id.tid == self.pid && process.watched);
        if let Some(own) = own {
            self.before_ns = own.cpu_ns;
        }
    }

    /// Takes a sample, and the snapshot after it.
    pub fn take(&mut self, sample: &Sample, snapshot: &Snapshot) {
        // Before the command begins, its process is still procviz.
        if self.began_ns == 0 {
            return;
        }
        self.has_events &= snapshot.sources != Sources::ProcOnly;
        self.lost = snapshot.losses.exit;
        if !self.is_over {
            self.ended_ns = snapshot.stamp.boot_ns.max(self.began_ns);
        }
        for event in &sample.events {
            match event {
                Event::Fork(fork) if fork.watched && fork.id != fork.process => self.threads += 1,
                Event::ProcessEnd(record) if record.watched && record.thread.is_none() => {
                    self.add_exit(record);
                }
                _ => {}
            }
        }
        for fold in sample.folds.iter().filter(|fold| fold.watched) {
            self.add_fold(fold);
        }
        let mut rss = None;
        for process in snapshot.processes.iter().filter(|process| process.watched) {
            match process.end {
                None => {
                    self.see_rss(process, snapshot);
                    let both = [rss, process.rss].into_iter().flatten();
                    rss = both.reduce(|a, b| total([a, b]));
                }
                Some(end) if !self.has_events && end.tick == snapshot.tick => {
                    self.ended += 1;
                    self.is_over |= process.id.tid == self.pid;
                    self.add_seen(process, snapshot);
                }
                Some(_) => {}
            }
        }
        self.tree_rss_bytes = self.tree_rss_bytes.max(rss);
    }

    /// Adds the processes that live on.
    pub fn finish(&mut self, snapshot: &Snapshot) {
        let all = snapshot.processes.iter();
        for process in all.filter(|process| process.watched && process.end.is_none()) {
            self.living += 1;
            self.add_seen(process, snapshot);
        }
    }

    fn add_exit(&mut self, record: &ExitRecord) {
        let mut before_ns = 0;
        if record.process.tid == self.pid && !self.is_over {
            (self.status, self.ended_ns) = (Some(record.status), record.time_ns);
            self.is_over = true;
            before_ns = self.before_ns;
        }
        let cpu_ns = record.cpu_ns.map(|cpu_ns| cpu_ns.saturating_sub(before_ns));
        // Which part of it was user time is not known: it is divided like the rest.
        let part = |ns: Option<u64>| {
            let share = ns? as f64 / record.cpu_ns?.max(1) as f64;
            Some(ns?.saturating_sub((before_ns as f64 * share) as u64))
        };
        self.ended += 1;
        self.partial += u64::from(record.partial);
        let name = record.short_name();
        // Before exec, a process has the memory of the one that started it.
        let inherited = record.max_rss_inherited == Some(true);
        let rss = record.max_rss_bytes.filter(|_| !inherited);
        self.add_cost(name, (1, cpu_ns, rss));
        if let Some(rss) = rss {
            self.largest = self.largest.max(Some((rss, name, record.process.tid)));
        }
        add(&mut self.user_ns, part(record.user_ns));
        add(&mut self.system_ns, part(record.system_ns));
        add(&mut self.read_bytes, record.read_bytes);
        add(&mut self.write_bytes, record.write_bytes);
        self.add_failures(name, record.status, 1);
    }

    fn add_fold(&mut self, fold: &Fold) {
        self.ended = total([self.ended, fold.count]);
        self.add_cost(fold.comm, (fold.count, Some(fold.cpu_ns), None));
        (self.user_ns, self.system_ns) = (None, None);
        (self.read_bytes, self.write_bytes) = (None, None);
        self.folded = total([self.folded, fold.count]);
        self.add_failures(fold.comm, fold.status, fold.count);
    }

    /// Adds a process as it was at a sample.
    fn add_seen(&mut self, process: &Process, snapshot: &Snapshot) {
        let name = snapshot.name_of(process);
        let before_ns = if process.id.tid == self.pid {
            self.before_ns
        } else {
            0
        };
        let cpu_ns = process.cpu_ns.saturating_sub(before_ns);
        self.add_cost(name, (1, Some(cpu_ns), None));
        self.see_rss(process, snapshot);
        (self.user_ns, self.system_ns) = (None, None);
        add(&mut self.read_bytes, process.io.map(|io| io.read));
        add(&mut self.write_bytes, process.io.map(|io| io.write));
    }

    /// Takes in the resident set of a process at a sample.
    fn see_rss(&mut self, process: &Process, snapshot: &Snapshot) {
        // That of a dead process is 0.
        let Some(rss) = process.rss.filter(|rss| *rss > 0) else {
            return;
        };
        let name = snapshot.name_of(process);
        self.largest = self.largest.max(Some((rss, name, process.id.tid)));
        if self.commands.len() < MOST || self.commands.contains_key(&name) {
            let cost = self.commands.entry(name).or_default();
            cost.max_rss_bytes = cost.max_rss_bytes.max(Some(rss));
        }
    }

    fn add_cost(&mut self, name: Comm, (count, cpu_ns, rss): (u64, Option<u64>, Option<u64>)) {
        // A record without CPU time is partial, and counted as such.
        let cpu_ns = total(cpu_ns);
        self.cpu_ns = total([self.cpu_ns, cpu_ns]);
        if self.commands.len() < MOST || self.commands.contains_key(&name) {
            let cost = self.commands.entry(name).or_default();
            cost.count = total([cost.count, count]);
            cost.cpu_ns = total([cost.cpu_ns, cpu_ns]);
            cost.max_rss_bytes = cost.max_rss_bytes.max(rss);
        }
    }

    fn add_failures(&mut self, name: Comm, status: Status, count: u64) {
        let key = (name, status);
        let is_failure = status != Status(0);
        if is_failure && (self.failures.len() < MOST || self.failures.contains_key(&key)) {
            let failures = self.failures.entry(key).or_default();
            *failures = total([*failures, count]);
        }
    }

    /// Memory that all processes had together at one time at least, bytes: samples can miss the
    /// largest sum.
    pub fn together_bytes(&self) -> Option<u64> {
        let largest = self.largest.map(|(rss, ..)| rss);
        self.tree_rss_bytes.max(largest)
    }

    /// From start to end, ns.
    pub fn wall_ns(&self) -> u64 {
        self.ended_ns.saturating_sub(self.began_ns)
    }

    /// CPU time per time, cores; `None` if no time has passed.
    pub fn cores(&self) -> Option<f64> {
        let wall_ns = self.wall_ns();
        (wall_ns > 0).then(|| self.cpu_ns as f64 / wall_ns as f64)
    }

    /// The commands with most CPU time, with the largest first.
    pub fn costliest(&self, most: usize) -> Vec<(Comm, Cost)> {
        // A name that a process had for a moment has memory, but no process ended with it.
        let mut all: Vec<(Comm, Cost)> = self
            .commands
            .iter()
            .map(|(name, cost)| (*name, *cost))
            .collect();
        all.retain(|(_, cost)| cost.count > 0);
        all.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.cpu_ns));
        all.truncate(most);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::play::{MIB, Play, found, id};

    const SECOND: u64 = 1_000_000_000;

    /// A command of pid 2, whose child ends, fails or lives on.
    #[test]
    fn a_run_is_summed_up() {
        let mut play = Play::new(&[]);
        play.sample.found = vec![found(1, "init"), found(2, "make")];
        play.sample.found[0].watched = false;
        play.sample.complete = true;
        play.tick(0);
        let mut run = Run::new(2);
        play.ran(2, 40, 0);
        play.second();
        run.begin(play.now, play.tracker.snapshot());
        let began_ns = play.now;
        let [first, second, third] = [10, 11, 12].map(|tid| play.fork(tid, 2));
        play.thread(13, 10);
        if let Some(Event::Fork(fork)) = play.sample.events.last_mut() {
            fork.process = first;
        }
        let snapshot = |play: &mut Play, run: &mut Run| {
            play.now += SECOND;
            play.sample.stamp.boot_ns = play.now;
            play.sample.stamp.interval_ns = SECOND;
            play.tracker.update(&play.sample);
            run.take(&play.sample, play.tracker.snapshot());
            play.sample.clear();
        };
        play.holds(2, 30 * MIB);
        snapshot(&mut play, &mut run);
        for (process, status, rss) in [(first, 0, 80 * MIB), (second, 0x100, 20 * MIB)] {
            let record = play.end(process, 2, SECOND, status);
            (record.cpu_ns, record.user_ns, record.system_ns) = (Some(90), Some(60), Some(30));
            (record.read_bytes, record.max_rss_bytes) = (Some(5), Some(rss));
        }
        let record = play.end(id(2), 1, began_ns + 2 * SECOND - 2, 0x200);
        (record.comm, record.cpu_ns) = (Comm::new(b"make"), Some(100));
        (record.user_ns, record.system_ns) = (Some(50), Some(50));
        snapshot(&mut play, &mut run);
        run.finish(play.tracker.snapshot());
        // The process of the command had used 40 ns before.
        assert_eq!((run.cpu_ns, run.wall_ns()), (60 + 180, 2 * SECOND));
        assert_eq!(run.status, Some(Status(0x200)));
        assert_eq!((run.ended, run.living, run.threads), (3, 1, 1));
        // Of the process that lives on, the parts are not known.
        assert_eq!((run.user_ns, run.read_bytes), (None, Some(10)));
        let (child, make) = (Comm::new(b"child"), Comm::new(b"make"));
        assert_eq!(run.largest, Some((80 * MIB, child, first.tid)));
        assert_eq!(run.together_bytes(), Some(80 * MIB));
        let failures: Vec<_> = run.failures.into_iter().collect();
        let expected = [((child, Status(0x100)), 1), ((make, Status(0x200)), 1)];
        assert_eq!(failures, expected);
        assert_eq!(run.commands[&child].count, 3, "{third:?} lives on");
    }
}
