//! Judges how bad findings are, and which of them are only consequences of others.

use super::{Waiting, World, deaths};
use crate::model::{Finding, Rule, Severity, count_text, duration_text};

/// Share of the CPUs that are busy when tasks wait because of others.
const SATURATED: f64 = 0.9;
/// Average number of waiting threads of other users and cgroups from which a busy CPU harms
/// others.
const OTHERS_WAIT: f64 = 0.3;
/// A process that waits for less than this share of the time is not counted.
const WAITS: f64 = 0.05;
/// Memory that is full sooner than this is worth a warning, seconds.
const SOON: f64 = 600.0;
/// Pid of init, which reaps orphans.
const INIT: u32 = 1;

/// Sets the severities, and removes the consequences of other findings.
pub(super) fn judge(waiting: &Waiting, world: World<'_>, findings: &mut Vec<Finding>) {
    for finding in findings.iter_mut() {
        finding.severity = match finding.rule {
            Rule::Deaths if finding.count < deaths::THRESHOLD as u64 => Severity::Unusual,
            Rule::Oom | Rule::Blocked | Rule::Deaths => Severity::Harms,
            Rule::Tree => Severity::WillHarm,
            _ => Severity::Unusual,
        };
        if matches!(finding.rule, Rule::Growth | Rule::Shmem) {
            memory(world, finding);
        }
    }
    cpu(waiting, world, findings);
    unreaped(findings);
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
    if seconds < SOON {
        finding.severity = Severity::WillHarm;
        let left = duration_text((seconds.ceil() * 1e9) as u64);
        finding
            .text
            .push_str(&format!("; memory is full in {left} at this rate"));
    }
}

/// A busy CPU is the cause, and the tasks that wait for it are its consequence.
fn cpu(waiting: &Waiting, world: World<'_>, findings: &mut Vec<Finding>) {
    let snapshot = world.snapshot;
    let all_ns = snapshot.stamp.interval_ns as f64 * f64::from(snapshot.host.cpus);
    let busy = snapshot.machine.cpu_busy_ns.map(|ns| ns as f64 / all_ns);
    if busy.is_none_or(|busy| busy < SATURATED) {
        return;
    }
    let uses_cpu = |finding: &&mut Finding| matches!(finding.rule, Rule::Cpu | Rule::Forks);
    let mut is_explained = false;
    for cause in findings.iter_mut().filter(uses_cpu) {
        let own = cause.about.and_then(|about| world.process(about));
        let own_cgroup = own.and_then(|process| process.cgroup.clone());
        let (mut count, mut others) = (0, 0.0);
        for (id, threads) in waiting.waiters(world.now_ns()) {
            let Some(process) = world.process(id).filter(|_| threads >= WAITS) else {
                continue;
            };
            let (comm, uid) = world.group(process);
            let is_own = Some(comm) == cause.comm && uid == cause.uid;
            if is_own || cause.about == Some(id) {
                continue;
            }
            count += 1;
            let is_other = uid != cause.uid || process.cgroup != own_cgroup;
            others += if is_other { threads } else { 0.0 };
        }
        is_explained = true;
        if others >= OTHERS_WAIT {
            cause.severity = Severity::Harms;
        }
        let processes = match count {
            0 => "no other process waits".to_owned(),
            1 => "1 other process waits".to_owned(),
            _ => format!("{} other processes wait", count_text(count)),
        };
        cause.text.push_str(&format!("; {processes} for a CPU"));
    }
    if is_explained {
        findings.retain(|finding| finding.rule != Rule::Waiting);
    }
}

/// The zombies that init has not reaped yet belong to the process that makes them.
fn unreaped(findings: &mut Vec<Finding>) {
    let is_maker = |finding: &Finding| matches!(finding.rule, Rule::Forks | Rule::Tree);
    let of_init = |finding: &Finding| {
        let is_init = finding.about.is_some_and(|about| about.tid == INIT);
        finding.rule == Rule::Zombies && is_init
    };
    let Some(zombies) = findings.iter().find(|finding| of_init(finding)) else {
        return;
    };
    let words = format!(
        "; init has not reaped {} of them yet",
        count_text(zombies.count)
    );
    let Some(maker) = findings.iter_mut().find(|finding| is_maker(finding)) else {
        return;
    };
    maker.text.push_str(&words);
    findings.retain(|finding| !of_init(finding));
}
