use serde::{Deserialize, Serialize};

use std::collections::VecDeque;

use super::SECOND;
use crate::model::{Finding, Rule, Snapshot, duration_text};

/// How long a stall is shown, ns.
const SHOWN_NS: u64 = 10 * SECOND;
/// Number of ticks missed in a row.
const THRESHOLD: u64 = 2;

/// Periods in which procviz itself got no CPU: end, ns since boot, and length, ns.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Stall {
    stalls: VecDeque<(u64, u64)>,
}

impl Stall {
    pub(super) fn judge(&mut self, snapshot: &Snapshot, skipped: u64, findings: &mut Vec<Finding>) {
        let now = snapshot.stamp.boot_ns;
        if skipped >= THRESHOLD && snapshot.tick > 1 {
            self.stalls.push_back((now, snapshot.stamp.interval_ns));
        }
        while self
            .stalls
            .front()
            .is_some_and(|(time, _)| now - time > SHOWN_NS)
        {
            self.stalls.pop_front();
        }
        let Some(longest) = self.stalls.iter().map(|(_, length)| *length).max() else {
            return;
        };
        let count = self.stalls.len() as u64;
        let times = if count == 1 {
            String::new()
        } else {
            format!(" (the longest of {count} times)")
        };
        findings.push(Finding {
            rule: Rule::Stall,
            rank: 0,
            cgroup: None,
            about: None,
            dot: None,
            comm: None,
            count,
            value: longest as f64 / 1e9,
            unit: "s",
            since_ns: self.stalls.front().map_or(now, |(time, _)| *time),
            text: format!(
                "procviz itself could not sample for {}{times}",
                duration_text(longest)
            ),
            curve: Vec::new(),
        });
    }
}
