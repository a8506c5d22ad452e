//! Sums up the figures of processes that belong together: many small processes do together
//! what no single one does. They have the same name and user, or descend from one process, or
//! are in one cgroup.

pub(super) mod sums;
#[cfg(test)]
mod tests;
pub(super) mod wider;

use rustc_hash::FxHashMap;

use self::sums::{Sums, UNITS};
use super::{Histories, SECOND, Waiting, World, cpu, past::Past};
use crate::model::{Comm, Direction, Finding, Process, Rule, Together, bytes_text, rate_text};

const SPAN_NS: u64 = 3 * SECOND;
/// The rules whose figures are summed up, in the order of [`Member::values`].
const RULES: [Rule; 3] = [Rule::Cpu, Rule::Growth, Rule::Io];

/// A process, and its figures over the span.
struct Member<'a> {
    process: &'a Process,
    name: (Comm, Option<u32>),
    /// Cores, growth of private memory and storage IO, bytes per second.
    values: [f64; 3],
    /// The part of the storage IO that is reading, bytes per second.
    read: f64,
    /// See [`Waiting::wanted`].
    wanted: f64,
}

/// What a sum is compared with.
struct Limits<'a> {
    world: World<'a>,
    span_ns: u64,
    /// Storage IO of all processes, bytes per second.
    all_io: f64,
}

/// The processes that changed within `span_ns`, and the storage IO of all, bytes per second.
fn members<'a>(
    (histories, waiting): (&Histories, &Waiting),
    world: World<'a>,
    span_ns: u64,
) -> (Vec<Member<'a>>, f64) {
    let now = world.now_ns();
    // Whole parts: sums of fractions would depend on the order.
    let mut all_io = 0_i128;
    let member = |(id, history): (_, &crate::tracker::history::History)| {
        let [cpu, growth, io, read] = history.over(now, span_ns)?;
        all_io += (io * UNITS).round() as i128;
        let process = world.process(id).filter(|process| process.end.is_none());
        let process = process.filter(|process| !world.is_hidden(process))?;
        Some(Member {
            process,
            name: world.group(process),
            values: [cpu, growth, io],
            read,
            wanted: waiting.wanted(id, now),
        })
    };
    let histories = histories.iter().map(|(id, history)| (*id, history));
    let members = histories.filter_map(member).collect();
    (members, all_io as f64 / UNITS)
}

/// Adds a finding for each group that does much, instead of the findings about its members.
pub(super) fn judge(
    (histories, waiting, past): (&Histories, &Waiting, &Past),
    world: World<'_>,
    findings: &mut Vec<Finding>,
) {
    if world.snapshot.watched_ns() < SPAN_NS - SPAN_NS / 20 {
        return;
    }
    let span_ns = SPAN_NS.max(world.snapshot.stamp.interval_ns);
    let (members, all_io) = members((histories, waiting), world, span_ns);
    let limits = Limits {
        world,
        span_ns,
        all_io,
    };
    for at in 0..RULES.len() {
        let mut groups: FxHashMap<(Comm, Option<u32>), Sums> = FxHashMap::default();
        for member in &members {
            groups.entry(member.name).or_default().add(member, at);
        }
        for ((comm, uid), sums) in groups {
            let Some(finding) = limits.finding(&sums, at) else {
                continue;
            };
            let mut group = Finding {
                comm: Some(comm),
                uid,
                together: Some(Together::Command),
                ..finding
            };
            let since_ns = replace(findings, &group);
            group.since_ns = group.since_ns.min(since_ns);
            if group.rule == Rule::Cpu {
                let compared = past.compared((comm, uid), world.now_ns(), group.value);
                group.text.push_str(&compared);
            }
            findings.push(group);
        }
        wider::judge(&members, &limits, at, findings);
    }
}

impl Limits<'_> {
    /// Whether a sum reaches the threshold of its rule.
    fn is_much(&self, sums: &Sums, at: usize) -> bool {
        let (sum, thresholds) = (sums.sum(), self.world.thresholds());
        match RULES[at] {
            Rule::Cpu => cpu::is_much(sum, sums.wanted(), self.world.cpu_threshold()),
            Rule::Growth => sum >= thresholds.growth_rate,
            _ if sum >= self.all_io / 2.0 => sum >= thresholds.io_floor,
            _ => sum >= thresholds.io_rate,
        }
    }

    /// A finding about a group that does much, without a subject; `None` if it does not, or if
    /// one process does nearly all of it.
    fn finding(&self, sums: &Sums, at: usize) -> Option<Finding> {
        let sum = sums.sum();
        let cpus = self.world.snapshot.host.cpus;
        let rule = RULES[at];
        let largest = sums.of_many().filter(|_| self.is_much(sums, at))?;
        let text = match rule {
            Rule::Cpu => format!(
                "together use {sum:.2} of {cpus} cores{} (3 s)",
                cpu::wanted_text(sum, sums.wanted())
            ),
            Rule::Growth => format!(
                "together grow by {}, each by {} (3 s), now {} together",
                rate_text(sum),
                rate_text(sum / sums.count.max(1) as f64),
                bytes_text(sums.private)
            ),
            _ => {
                let do_what = Direction::of(sums.read(), sum).verb_of_many();
                format!("together {do_what} {} (3 s)", rate_text(sum))
            }
        };
        Some(Finding {
            about: Some(largest),
            dot: sums.oldest,
            count: sums.count,
            value: sum,
            since_ns: self.world.now_ns().saturating_sub(self.span_ns),
            unit: match rule {
                Rule::Cpu => "cores",
                _ => "bytes/s",
            },
            text,
            ..Finding::new(rule)
        })
    }
}

/// Removes the findings about members of a group: its own finding stands for them. Returns
/// since when the first of them holds, ns since boot.
fn replace(findings: &mut Vec<Finding>, group: &Finding) -> u64 {
    let is_member = |finding: &mut Finding| {
        let is_same = finding.rule == group.rule && finding.comm == group.comm;
        is_same && finding.uid == group.uid
    };
    let members = findings.extract_if(.., is_member);
    members
        .map(|finding| finding.since_ns)
        .min()
        .unwrap_or(group.since_ns)
}
