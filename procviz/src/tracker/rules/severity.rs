//! Judges how bad findings are, and which of them are only consequences of others.

use super::{Waiting, World, family::Family, groups::wider};
use crate::model::{Finding, FindingKey, Rule, Severity, TaskId, count_text, duration_text};

/// Average number of waiting threads of other users and cgroups from which a busy CPU harms
/// others.
const OTHERS_WAIT: f64 = 0.3;
/// A process that waits for less than this share of the time is not counted.
const WAITS: f64 = 0.05;
/// Memory that is full sooner than this is worth a warning, seconds.
const SOON: f64 = 600.0;
/// Growth must have lasted for this share of the time that is left.
const LASTED: f64 = 0.05;
/// Share of the busy CPU time that those who are named as the cause use together.
const MOST_OF_IT: f64 = 0.5;

/// The severities that findings of a rule can have; the usual one comes first.
pub fn severities(rule: Rule) -> &'static [Severity] {
    match rule {
        Rule::Oom => &[Severity::Harms, Severity::Unusual],
        Rule::Tree => &[Severity::WillHarm],
        Rule::Growth | Rule::Shmem => &[Severity::Unusual, Severity::WillHarm],
        Rule::Cpu => &[Severity::Unusual, Severity::Harms],
        _ => &[Severity::Unusual],
    }
}

/// Those who use CPU fill all CPUs together.
pub(super) struct Busy {
    /// The finding about the one who uses most.
    pub(super) cause: FindingKey,
    /// The findings about those who wait for a CPU.
    pub(super) waiting: Vec<Finding>,
}

/// Sets the severities, and removes the consequences of other findings.
pub(super) fn judge(
    waiting: &Waiting,
    world: World<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Busy> {
    for finding in findings.iter_mut() {
        finding.severity = severities(finding.rule)[0];
        if finding.ended_ns.is_some() {
            finding.severity = Severity::Unusual;
        }
        if matches!(finding.rule, Rule::Growth | Rule::Shmem) {
            memory(world, finding);
        }
    }
    cpu(waiting, world, findings)
}

/// Says when memory is full if it grows on like this.
fn memory(world: World<'_>, finding: &mut Finding) {
    let Some(available) = world.snapshot.machine.mem_available_bytes else {
        return;
    };
    if finding.unit != "bytes/s" || finding.value < 1.0 {
        return;
    }
    let seconds = available as f64 / finding.value;
    let lasted = world.now_ns().saturating_sub(finding.since_ns) as f64 / 1e9;
    // What has just begun, such as the start of a program, can end as soon.
    if seconds < SOON && lasted >= seconds * LASTED {
        finding.severity = Severity::WillHarm;
        let left = duration_text((seconds.ceil() * 1e9) as u64);
        finding
            .text
            .push_str(&format!("; memory is full in {left} at this rate"));
    }
}

/// A busy CPU is the cause, and the tasks that wait for it are its consequence.
fn cpu(waiting: &Waiting, world: World<'_>, findings: &mut Vec<Finding>) -> Option<Busy> {
    let uses_cpu = |finding: &Finding| finding.rule == Rule::Cpu;
    let users = findings.iter().filter(|finding| uses_cpu(finding));
    let used: f64 = users.map(|finding| finding.value).sum();
    if world
        .snapshot
        .saturated()
        .is_none_or(|busy| used < busy * MOST_OF_IT)
    {
        return None;
    }
    let waiters: Vec<(TaskId, f64)> = waiting
        .waiters(world.now_ns())
        .filter(|(_, threads)| *threads >= WAITS)
        .collect();
    let users = findings.iter_mut().filter(|finding| uses_cpu(finding));
    let most = users.max_by(|a, b| {
        let by_value = a.value.total_cmp(&b.value);
        by_value.then_with(|| b.about.cmp(&a.about))
    });
    let cause = most?;
    carry(cause, waiters, world);
    let cause = cause.key();
    let waits = |finding: &mut Finding| finding.rule == Rule::Waiting;
    Some(Busy {
        cause,
        waiting: findings.extract_if(.., waits).collect(),
    })
}

/// Counts those who wait in the finding about their cause.
fn carry(cause: &mut Finding, waiters: Vec<(TaskId, f64)>, world: World<'_>) {
    let own = cause.about.and_then(|about| world.process(about));
    let own_cgroup = own.and_then(|process| process.cgroup.clone());
    let family = Family::new(world.snapshot);
    // Whole millionths: sums of fractions would depend on the order.
    let (mut count, mut others) = (0, 0_u64);
    for (id, threads) in waiters {
        let process = world.process(id);
        let Some(process) = process.filter(|process| !world.is_hidden(process)) else {
            continue;
        };
        if wider::has(cause, process, world, &family) || cause.about == Some(id) {
            continue;
        }
        count += 1;
        let uid = world.group(process).1;
        let is_other = uid != cause.uid || process.cgroup != own_cgroup;
        others = others.saturating_add(if is_other { (threads * 1e6) as u64 } else { 0 });
    }
    if others as f64 / 1e6 >= OTHERS_WAIT {
        cause.severity = Severity::Harms;
    }
    if count > 0 {
        let processes = match count {
            1 => "1 other process waits".to_owned(),
            _ => format!("{} other processes wait", count_text(count)),
        };
        cause.text.push_str(&format!("; {processes} for a CPU"));
    }
}
