//! What began and ceased to stand out, and when: to find them only, as pictures
//! are judged anew.

use serde::{Deserialize, Serialize};

use super::block::MOST_NS;
use crate::{
    model::{Finding, TaskId},
    tracker::Change,
};

fn yes() -> bool {
    true
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// When, ns since boot.
    pub time_ns: u64,
    /// What happened then.
    pub change: Change,
    /// The rule's word.
    pub rule: String,
    /// Its place among all, from 1.
    pub rank: u32,
    /// The process that it is about.
    pub about: Option<TaskId>,
    /// Whether the name is that of `about`, and not of those that it lost.
    #[serde(default = "yes")]
    pub is_named: bool,
    /// The bytes of the name that stands first.
    pub comm: Option<Vec<u8>>,
    /// How many tasks are folded into it.
    pub count: u64,
    /// The figure that fired.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Since when, ns since boot.
    pub since_ns: u64,
    /// What a person reads.
    pub text: String,
}

impl Mark {
    /// About how many bytes of memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let texts = [&self.rule, &self.unit, &self.text];
        let comm = self.comm.as_ref().map_or(0, Vec::len);
        size_of::<Self>() + comm + texts.iter().map(|text| text.len()).sum::<usize>()
    }

    /// Whether some machine may have been so: a recording may say anything.
    pub(super) fn is_possible(&self) -> bool {
        let start_ns = self.about.map_or(0, |task| task.start_ns);
        self.time_ns <= MOST_NS
            && self.since_ns <= self.time_ns
            && start_ns <= MOST_NS
            && self.value.is_finite()
    }

    /// Of a finding that changes at a time.
    pub fn new(change: Change, finding: &Finding, time_ns: u64) -> Self {
        Self {
            time_ns,
            change,
            rule: finding.rule.word().to_owned(),
            rank: finding.rank,
            about: finding.about,
            is_named: finding.is_named(),
            comm: finding.comm.map(|comm| comm.bytes().to_vec()),
            count: finding.count,
            value: finding.value,
            unit: finding.unit.to_owned(),
            since_ns: finding.since_ns,
            text: finding.text.clone(),
        }
    }
}
