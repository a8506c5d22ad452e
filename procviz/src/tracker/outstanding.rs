//! What stands out from one snapshot to the next: what begins, and what ends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Notable, NotableKey};

/// What happens to a notable.
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
pub struct Outstanding(BTreeMap<NotableKey, Notable>);

impl Outstanding {
    /// Takes in the next snapshot's; says what begins, then what ends.
    pub fn update(&mut self, notables: &[Notable]) -> Vec<(Change, Notable)> {
        let mut now = BTreeMap::new();
        for notable in notables {
            let key = notable.key();
            // It ends as what it began as.
            let about = self
                .0
                .get(&key)
                .map_or(notable.about, |before| before.about);
            let notable = Notable {
                about,
                ..notable.clone()
            };
            now.insert(key, notable);
        }
        let begun = now.iter().filter(|(key, _)| !self.0.contains_key(key));
        let ended = self.0.iter().filter(|(key, _)| !now.contains_key(key));
        let changes = begun
            .map(|(_, notable)| (Change::Begins, notable.clone()))
            .chain(ended.map(|(_, notable)| (Change::Ends, notable.clone())))
            .collect();
        self.0 = now;
        changes
    }

    /// All that stands out now.
    pub fn all(&self) -> impl Iterator<Item = &Notable> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Comm, Rule, TaskId};

    fn blocked(tid: u32, cgroup: &str) -> Notable {
        Notable {
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
        let told = |changes: Vec<(Change, Notable)>| -> Vec<(Change, u32)> {
            let changes = changes.into_iter();
            changes
                .map(|(change, notable)| (change, notable.about.unwrap().tid))
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
