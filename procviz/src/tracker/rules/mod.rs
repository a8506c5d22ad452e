//! Finds notables: facts worth a person's eye, by rules over the last seconds.
//! Each rule is a file with its threshold and its words.

mod cpu;
mod deaths;
mod forks;
mod growth;
mod io;
mod stall;

use rustc_hash::FxHashMap;

use super::{
    Filter,
    history::{History, Point},
};
use crate::model::{Comm, Notable, Process, Rule, Sample, Snapshot, TaskId};

const SECOND: u64 = 1_000_000_000;
/// A process that has been idle for so long is forgotten by the rules.
const IDLE_NS: u64 = 12 * SECOND;

/// How long each rule has to watch before it can judge, ns.
const NEEDS: [(Rule, u64); 5] = [
    (Rule::Cpu, 3 * SECOND),
    (Rule::Growth, 3 * SECOND),
    (Rule::Io, SECOND),
    (Rule::Forks, SECOND),
    // Three deaths of a service that is started anew each time take a while.
    (Rule::Deaths, 10 * SECOND),
];

/// What the rules remember.
#[derive(Default)]
pub(super) struct Rules {
    histories: FxHashMap<TaskId, History>,
    forks: forks::Forks,
    deaths: deaths::Deaths,
    stall: stall::Stall,
}

impl Rules {
    /// Judges the tick that `snapshot` has come to. Looks only at processes
    /// that changed or that changed lately.
    pub(super) fn judge(
        &mut self,
        snapshot: &mut Snapshot,
        sample: &Sample,
        changed: &[usize],
        skipped: u64,
        filter: &Filter,
    ) {
        self.remember(snapshot, changed);
        self.forks.take(snapshot, sample, filter);
        self.deaths.take(snapshot, sample, filter);
        let mut notables = Vec::new();
        self.stall.judge(snapshot, skipped, &mut notables);
        self.deaths.judge(snapshot, &mut notables);
        self.forks.judge(snapshot, &mut notables);
        let total_io: u64 = changed
            .iter()
            .filter_map(|slot| snapshot.processes.get(*slot))
            .map(|process| process.change.io_bytes)
            .sum();
        for process in changed
            .iter()
            .filter_map(|slot| snapshot.processes.get(*slot))
        {
            let Some(history) = self
                .histories
                .get(&process.id)
                .filter(|_| process.end.is_none() && !is_hidden(snapshot, process))
            else {
                continue;
            };
            let subject = Subject {
                process,
                comm: name_of(snapshot, process),
                history,
                snapshot,
            };
            notables.extend(cpu::judge(&subject));
            notables.extend(growth::judge(&subject));
            notables.extend(io::judge(&subject, total_io));
        }
        notables.sort_by(|a, b| {
            a.rule
                .cmp(&b.rule)
                .then(b.value.total_cmp(&a.value))
                .then(a.about.cmp(&b.about))
        });
        for (index, notable) in notables.iter_mut().enumerate() {
            notable.rank = index as u32 + 1;
        }
        snapshot.notables = notables;
        let watched = snapshot.watched_ns();
        snapshot.not_judged.clear();
        snapshot.not_judged.extend(
            NEEDS
                .iter()
                .filter(|(_, needs)| watched + needs / 20 < *needs)
                .map(|(rule, _)| rule.word()),
        );
    }

    fn remember(&mut self, snapshot: &Snapshot, changed: &[usize]) {
        let now = snapshot.stamp.boot_ns;
        for slot in changed {
            let Some(process) = snapshot.processes.get(*slot) else {
                continue;
            };
            let change = process.change;
            // A process that has just been made is measured by the next look at it.
            let Some(rss) = process.rss else { continue };
            let io_bytes = process.io.map_or(0, |io| io.read + io.write);
            let point = Point {
                time_ns: now,
                cpu_ns: process.cpu_ns,
                rss,
                io_bytes,
            };
            let history = self.histories.entry(process.id).or_insert_with(|| {
                let rss_before = point
                    .rss
                    .saturating_add_signed(-process.rss_change.1.unwrap_or(0));
                // A new process had nothing before it was born.
                let began = process
                    .id
                    .start_ns
                    .max(now.saturating_sub(snapshot.stamp.interval_ns));
                History::new(Point {
                    time_ns: began.min(now),
                    cpu_ns: point.cpu_ns - change.cpu_ns.min(point.cpu_ns),
                    rss: rss_before,
                    io_bytes: io_bytes - change.io_bytes.min(io_bytes),
                })
            });
            history.push(point);
        }
        if snapshot.tick.is_multiple_of(16) {
            self.histories
                .retain(|_, history| now - history.last_time_ns() < IDLE_NS);
        }
    }
}

/// A process under judgement.
struct Subject<'a> {
    process: &'a Process,
    comm: Comm,
    history: &'a History,
    snapshot: &'a Snapshot,
}

impl Subject<'_> {
    fn notable(
        &self,
        rule: Rule,
        value: f64,
        unit: &'static str,
        since_ns: u64,
        text: String,
        curve: Vec<f32>,
    ) -> Notable {
        Notable {
            rule,
            rank: 0,
            about: Some(self.process.id),
            dot: Some(self.process.id),
            comm: Some(self.comm),
            count: 1,
            value,
            unit,
            since_ns,
            text,
            curve,
        }
    }
}

/// Whether a filter hides a process: then nothing is said of it.
fn is_hidden(snapshot: &Snapshot, process: &Process) -> bool {
    let leader = process.leader.or_else(|| process.members.first().copied());
    snapshot.is_filtered
        && leader
            .and_then(|slot| snapshot.threads.get(slot))
            .is_some_and(|thread| thread.hidden)
}

fn name_of(snapshot: &Snapshot, process: &Process) -> Comm {
    process
        .leader
        .and_then(|leader| snapshot.threads.get(leader))
        .map_or(Comm::default(), |thread| thread.comm)
}

/// A process by its id, with its name: charts and rules that have only an id.
fn find(snapshot: &Snapshot, id: TaskId) -> Option<(&Process, Comm)> {
    let process = snapshot.processes.iter().find(|process| process.id == id)?;
    Some((process, name_of(snapshot, process)))
}
