//! Sums up the figures of processes with the same name and user: many small processes do
//! together what no single one does.

use rustc_hash::FxHashMap;

use super::{Histories, SECOND, Waiting, World, cpu};
use crate::model::{Comm, Finding, Process, Rule, TaskId, bytes_text, rate_text};

const SPAN_NS: u64 = 3 * SECOND;
/// A group of which one process does more than this part is that process.
pub(super) const ALONE: f64 = 0.8;
/// Parts of a core, and of a byte per second, in which sums are kept.
const UNITS: f64 = 1e6;
/// A process with less is not counted as a member: cores, and bytes per second.
const LEAST: [f64; 3] = [0.005, 64.0 * 1024.0, 64.0 * 1024.0];

/// The figures of a group: cores, growth of private memory and storage IO, bytes per second.
#[derive(Default)]
struct Group {
    uses: [Use; 3],
    /// See [`Waiting::wanted`], in parts of [`UNITS`].
    wanted: i128,
}

/// One figure of a group.
#[derive(Default)]
struct Use {
    /// In parts of [`UNITS`]: sums of fractions would depend on the order of the members.
    sum: i128,
    count: u64,
    /// Private memory of the members, bytes.
    private: u64,
    largest: Option<(f64, TaskId)>,
    /// The oldest member: its dot has the number.
    oldest: Option<TaskId>,
}

impl Use {
    fn add(&mut self, value: f64, least: f64, process: &Process) {
        // Members that shrink make up for those that grow.
        self.sum += (value * UNITS).round() as i128;
        let Some(private) = process.private().filter(|_| value >= least) else {
            return;
        };
        self.count += 1;
        let is_older =
            |known: TaskId| (process.id.start_ns, process.id.tid) < (known.start_ns, known.tid);
        if self.oldest.is_none_or(is_older) {
            self.oldest = Some(process.id);
        }
        self.private = self.private.saturating_add(private);
        let is_larger =
            |(most, id): (f64, TaskId)| value > most || (value == most && process.id < id);
        if self.largest.is_none_or(is_larger) {
            self.largest = Some((value, process.id));
        }
    }

    /// A finding about the group, without unit and text.
    fn finding(&self, rule: Rule, largest: TaskId, (comm, uid): (Comm, Option<u32>)) -> Finding {
        Finding {
            about: Some(largest),
            dot: self.oldest,
            comm: Some(comm),
            uid,
            is_group: true,
            count: self.count,
            value: self.sum(),
            ..Finding::new(rule)
        }
    }

    fn sum(&self) -> f64 {
        self.sum as f64 / UNITS
    }

    /// The process that uses most, if it is not nearly alone.
    fn of_many(&self) -> Option<TaskId> {
        let (most, id) = self.largest?;
        (self.count > 1 && most <= self.sum() * ALONE).then_some(id)
    }
}

/// The groups by name and user, with their figures over the last `span_ns`, and the IO of all
/// processes, in parts of [`UNITS`].
fn gather(
    (histories, waiting): (&Histories, &Waiting),
    world: World<'_>,
    span_ns: u64,
) -> (FxHashMap<(Comm, Option<u32>), Group>, i128) {
    let now = world.now_ns();
    let mut groups: FxHashMap<(Comm, Option<u32>), Group> = FxHashMap::default();
    let mut all_io = 0;
    for (id, history) in histories {
        let Some([cpu, grew, io]) = history.over(now, span_ns) else {
            continue;
        };
        all_io += (io * UNITS).round() as i128;
        let process = world.process(*id).filter(|process| process.end.is_none());
        let Some(process) = process.filter(|process| !world.is_hidden(process)) else {
            continue;
        };
        let group = groups.entry(world.group(process)).or_default();
        group.wanted += (waiting.wanted(*id, now) * UNITS).round() as i128;
        let values = [cpu, grew, io].into_iter().zip(LEAST);
        for (used, (value, least)) in group.uses.iter_mut().zip(values) {
            used.add(value, least, process);
        }
    }
    (groups, all_io)
}

/// Adds a finding for each group that does much, instead of the findings about its members.
pub(super) fn judge(recent: (&Histories, &Waiting), world: World<'_>, findings: &mut Vec<Finding>) {
    if world.snapshot.watched_ns() < SPAN_NS - SPAN_NS / 20 {
        return;
    }
    let span_ns = SPAN_NS.max(world.snapshot.stamp.interval_ns);
    let (groups, all_io) = gather(recent, world, span_ns);
    let from_ns = world.now_ns().saturating_sub(span_ns);
    let thresholds = world.thresholds();
    for (key, Group { uses, wanted }) in groups {
        let [cpu, grew, io] = uses;
        let cpus = world.snapshot.host.cpus;
        let mut add = |rule, unit, used: &Use, is_much, text| {
            let largest = used.of_many().filter(|_| is_much);
            if let Some(largest) = largest {
                let group = Finding {
                    since_ns: from_ns,
                    unit,
                    text,
                    ..used.finding(rule, largest, key)
                };
                replace(findings, group);
            }
        };
        let (used, wanted) = (cpu.sum(), wanted as f64 / UNITS);
        let text = format!(
            "together use {used:.2} of {cpus} cores{} (3 s)",
            cpu::wanted_text(used, wanted)
        );
        let is_much = cpu::is_much(used, wanted, world.cpu_threshold());
        add(Rule::Cpu, "cores", &cpu, is_much, text);
        let text = format!(
            "together grow by {}, each by {} (3 s), now {} together",
            rate_text(grew.sum()),
            rate_text(grew.sum() / grew.count.max(1) as f64),
            bytes_text(grew.private)
        );
        let is_much = grew.sum() >= thresholds.growth_rate;
        add(Rule::Growth, "bytes/s", &grew, is_much, text);
        let text = format!("together read and write {} (3 s)", rate_text(io.sum()));
        let is_half = io.sum() >= all_io as f64 / UNITS / 2.0;
        let threshold = match is_half {
            true => thresholds.io_floor,
            false => thresholds.io_rate,
        };
        add(Rule::Io, "bytes/s", &io, io.sum() >= threshold, text);
    }
}

/// Adds the finding about a group. It stands for the findings about its members.
fn replace(findings: &mut Vec<Finding>, mut group: Finding) {
    findings.retain(|finding| {
        let is_same = finding.rule == group.rule && finding.comm == group.comm;
        let is_member = is_same && finding.uid == group.uid;
        if is_member {
            group.since_ns = group.since_ns.min(finding.since_ns);
        }
        !is_member
    });
    findings.push(group);
}
