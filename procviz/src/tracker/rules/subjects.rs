//! Orders findings by their subjects: all facts about one process or group are together, and
//! the worst subject comes first.

use rustc_hash::FxHashMap;

use super::World;
use crate::model::{Finding, Rule, SubjectKey};

/// Upper limit for the subjects that share one entry.
const TOGETHER: usize = 4;

/// Sets the users and the cgroups of the findings that are about a process.
pub(super) fn set_owners(world: World<'_>, findings: &mut [Finding]) {
    for finding in findings {
        let one = finding.about.filter(|_| finding.is_named());
        if let Some(process) = one.and_then(|about| world.process(about)) {
            finding.place.clone_from(&process.cgroup);
        }
        let about = finding.about.filter(|_| finding.uid.is_none());
        if let Some(process) = about.and_then(|about| world.process(about)) {
            finding.uid = world.group(process).1;
        }
    }
}

fn weight(finding: &Finding) -> f64 {
    finding.weight.unwrap_or(finding.value)
}

/// Sorts the findings, and gives each subject a rank. Those who fill the CPUs together are
/// one entry if `share_cpus`: each of them is a part of the cause.
pub(super) fn rank(mut findings: Vec<Finding>, share_cpus: bool) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        a.ended_ns
            .is_some()
            .cmp(&b.ended_ns.is_some())
            .then(a.severity.cmp(&b.severity))
            .then(a.rule.cmp(&b.rule))
            .then(weight(b).total_cmp(&weight(a)))
            .then(a.about.cmp(&b.about))
            .then_with(|| a.text.cmp(&b.text))
    });
    let users: Vec<SubjectKey> = findings
        .iter()
        .filter(|finding| share_cpus && finding.rule == Rule::Cpu)
        .map(Finding::subject)
        .take(TOGETHER)
        .collect();
    // The place of each subject, and the rank of its entry.
    let mut places: FxHashMap<SubjectKey, (u32, usize)> = FxHashMap::default();
    let (mut ranks, mut shared) = (0, None);
    for finding in &findings {
        let subject = finding.subject();
        if places.contains_key(&subject) {
            continue;
        }
        let is_shared = users.contains(&subject);
        let rank = match shared.filter(|_| is_shared) {
            Some(rank) => rank,
            None => {
                ranks += 1;
                ranks
            }
        };
        shared = if is_shared { Some(rank) } else { shared };
        places.insert(subject, (rank, places.len()));
    }
    for finding in &mut findings {
        finding.rank = places[&finding.subject()].0;
    }
    // Within a subject, the order stays.
    findings.sort_by_key(|finding| places[&finding.subject()]);
    findings
}
