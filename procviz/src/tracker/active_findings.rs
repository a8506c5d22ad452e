//! Compares the findings of one snapshot with the next: which findings begin, and
//! which end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Finding, FindingKey};

/// Change of a finding from one snapshot to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The finding is new.
    Begins,
    /// The finding was there before and still is.
    Holds,
    /// The finding is gone.
    Ends,
}

impl Change {
    /// The name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Begins => "begins",
            Self::Holds => "holds",
            Self::Ends => "ends",
        }
    }
}

/// The findings of the last snapshot, by key.
#[derive(Clone, Debug, Default)]
pub struct ActiveFindings(BTreeMap<FindingKey, Finding>);

impl ActiveFindings {
    /// Takes the findings of the next snapshot. Returns the findings that begin, then
    /// the findings that end.
    pub fn update(&mut self, findings: &[Finding]) -> Vec<(Change, Finding)> {
        let mut now = BTreeMap::new();
        for finding in findings {
            let key = finding.key();
            // A finding ends with the same process and the same name as it began.
            let mut finding = finding.clone();
            if let Some(before) = self.0.get(&key) {
                (finding.about, finding.comm) = (before.about, before.comm);
            }
            now.insert(key, finding);
        }
        let begun = now.iter().filter(|(key, _)| !self.0.contains_key(key));
        let ended = self.0.iter().filter(|(key, _)| !now.contains_key(key));
        let changes = begun
            .map(|(_, finding)| (Change::Begins, finding.clone()))
            .chain(ended.map(|(_, finding)| (Change::Ends, finding.clone())))
            .collect();
        self.0 = now;
        changes
    }

    /// All current findings.
    pub fn all(&self) -> impl Iterator<Item = &Finding> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Comm, Rule, TaskId};

    fn blocked(tid: u32, cgroup: &str) -> Finding {
        Finding {
            rank: 1,
            about: Some(TaskId { tid, start_ns: 1 }),
            comm: Some(Comm::new(b"postgres")),
            count: 2,
            cgroup: Some(cgroup.into()),
            value: 1.0,
            unit: "s",
            since_ns: 0,
            text: String::new(),
            ..Finding::new(Rule::Blocked)
        }
    }

    #[test]
    fn a_process_that_changes_its_name_has_one_finding() {
        let called = |name: &[u8]| Finding {
            rule: Rule::Cpu,
            comm: Some(Comm::new(name)),
            ..blocked(7, "/a")
        };
        let mut active_findings = ActiveFindings::default();
        assert_eq!(active_findings.update(&[called(b"node")]).len(), 1);
        assert!(active_findings.update(&[called(b"MainThread")]).is_empty());
        let ended = active_findings.update(&[]);
        assert_eq!(ended[0].0, Change::Ends);
        // Readers of a recording match begin and end by name, too.
        assert_eq!(ended[0].1.comm, Some(Comm::new(b"node")));
    }

    #[test]
    fn of_many_another_one_may_be_the_worst() {
        let mut active_findings = ActiveFindings::default();
        let changes_of = |changes: Vec<(Change, Finding)>| -> Vec<(Change, u32)> {
            let changes = changes.into_iter();
            changes
                .map(|(change, finding)| (change, finding.about.unwrap().tid))
                .collect()
        };
        let both = [blocked(7, "/a"), blocked(8, "/b")];
        let begun = changes_of(active_findings.update(&both));
        assert_eq!(begun, [(Change::Begins, 7), (Change::Begins, 8)]);
        assert_eq!(
            changes_of(active_findings.update(&[blocked(9, "/a")])),
            [(Change::Ends, 8)]
        );
        assert_eq!(changes_of(active_findings.update(&[])), [(Change::Ends, 7)]);
    }
}
