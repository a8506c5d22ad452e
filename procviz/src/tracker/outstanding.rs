//! What stands out from one snapshot to the next: what begins, and what ends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Finding, FindingKey};

/// What happens to a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It was not there before.
    Begins,
    /// It is there, as it was before.
    Holds,
    /// It is there no more.
    Ends,
}

impl Change {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Begins => "begins",
            Self::Holds => "holds",
            Self::Ends => "ends",
        }
    }
}

/// What stood out in the last snapshot.
#[derive(Clone, Debug, Default)]
pub struct Outstanding(BTreeMap<FindingKey, Finding>);

impl Outstanding {
    /// Takes in the next snapshot's; says what begins, then what ends.
    pub fn update(&mut self, findings: &[Finding]) -> Vec<(Change, Finding)> {
        let mut now = BTreeMap::new();
        for finding in findings {
            let key = finding.key();
            // It ends as what it began as.
            let about = self
                .0
                .get(&key)
                .map_or(finding.about, |before| before.about);
            let finding = Finding {
                about,
                ..finding.clone()
            };
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

    /// All that stands out now.
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
            rule: Rule::Blocked,
            rank: 1,
            about: Some(TaskId { tid, start_ns: 1 }),
            dot: None,
            comm: Some(Comm::new(b"postgres")),
            count: 2,
            cgroup: Some(cgroup.into()),
            value: 1.0,
            unit: "s",
            since_ns: 0,
            text: String::new(),
            curve: Vec::new(),
        }
    }

    #[test]
    fn of_many_another_one_may_be_the_worst() {
        let mut outstanding = Outstanding::default();
        let told = |changes: Vec<(Change, Finding)>| -> Vec<(Change, u32)> {
            let changes = changes.into_iter();
            changes
                .map(|(change, finding)| (change, finding.about.unwrap().tid))
                .collect()
        };
        let both = [blocked(7, "/a"), blocked(8, "/b")];
        let begun = told(outstanding.update(&both));
        assert_eq!(begun, [(Change::Begins, 7), (Change::Begins, 8)]);
        assert_eq!(
            told(outstanding.update(&[blocked(9, "/a")])),
            [(Change::Ends, 8)]
        );
        assert_eq!(told(outstanding.update(&[])), [(Change::Ends, 7)]);
    }
}
