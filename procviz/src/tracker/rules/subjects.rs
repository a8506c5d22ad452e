//! Orders findings by their subjects: all facts about one process or group are together, and
//! the worst subject comes first.

use rustc_hash::FxHashMap;

use super::World;
use crate::model::{Comm, Finding, Rule, TaskId};

/// What a finding is about.
#[derive(PartialEq, Eq, Hash)]
enum Subject {
    Process(TaskId),
    Group(Option<Comm>, Option<u32>),
}

impl Subject {
    fn of(finding: &Finding) -> Self {
        match finding.about.filter(|_| finding.is_named()) {
            Some(about) => Self::Process(about),
            // Processes that died under one name are one subject, whoever started them.
            None if finding.rule == Rule::Deaths => Self::Group(finding.comm, None),
            None => Self::Group(finding.comm, finding.uid),
        }
    }
}

/// Sets the users of the findings that are about a process.
pub(super) fn set_users(world: World<'_>, findings: &mut [Finding]) {
    for finding in findings {
        let about = finding.about.filter(|_| finding.uid.is_none());
        if let Some(process) = about.and_then(|about| world.process(about)) {
            finding.uid = world.group(process).1;
        }
    }
}

fn weight(finding: &Finding) -> f64 {
    finding.weight.unwrap_or(finding.value)
}

/// Sorts the findings, and gives each subject a rank.
pub(super) fn rank(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        a.severity
            .cmp(&b.severity)
            .then(a.rule.cmp(&b.rule))
            .then(weight(b).total_cmp(&weight(a)))
            .then(a.about.cmp(&b.about))
            .then_with(|| a.text.cmp(&b.text))
    });
    let mut ranks: FxHashMap<Subject, u32> = FxHashMap::default();
    for finding in &mut findings {
        let next = ranks.len() as u32 + 1;
        finding.rank = *ranks.entry(Subject::of(finding)).or_insert(next);
    }
    // Within a subject, the order stays.
    findings.sort_by_key(|finding| finding.rank);
    findings
}
