//! What stands out from one snapshot to the next: what begins, and what ends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Comm, Notable, Rule, TaskId};

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

/// What makes a notable the same one in the next snapshot.
type Key = (Rule, Option<TaskId>, Option<Comm>);

/// What stood out in the last snapshot.
#[derive(Clone, Debug, Default)]
pub struct Outstanding(BTreeMap<Key, Notable>);

impl Outstanding {
    /// Takes in the next snapshot's; says what begins, then what ends.
    pub fn update(&mut self, notables: &[Notable]) -> Vec<(Change, Notable)> {
        let mut now = BTreeMap::new();
        for notable in notables {
            let key = (notable.rule, notable.about, notable.comm);
            now.insert(key, notable.clone());
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
