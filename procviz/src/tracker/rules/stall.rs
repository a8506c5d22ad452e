use serde::{Deserialize, Serialize};

use std::collections::VecDeque;

use super::{SECOND, World};
use crate::model::{Finding, Rule, duration_text};

/// How long a stall is shown, ns.
const SHOWN_NS: u64 = 10 * SECOND;

/// Periods in which procviz itself got no CPU: end, ns since boot, and length, ns.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Stall {
    stalls: VecDeque<(u64, u64)>,
}

impl Stall {
    pub(super) fn take(&mut self, world: World<'_>) {
        let stamp = world.snapshot.stamp;
        if world.skipped as f64 >= world.thresholds().stall_samples && !world.is_opening() {
            self.stalls.push_back((stamp.boot_ns, stamp.interval_ns));
        }
    }

    pub(super) fn judge(&mut self, world: World<'_>, findings: &mut Vec<Finding>) {
        let now = world.now_ns();
        while self
            .stalls
            .front()
            .is_some_and(|(time, _)| now.saturating_sub(*time) > SHOWN_NS)
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
            count,
            value: longest as f64 / 1e9,
            unit: "s",
            since_ns: self.stalls.front().map_or(now, |(time, _)| *time),
            text: format!(
                "procviz itself could not sample for {}{times}",
                duration_text(longest)
            ),
            ..Finding::new(Rule::Stall)
        });
    }
}
