//! Writes the notes about the view itself: paused, stretched interval, late samples,
//! filter.

use std::time::Duration;

use super::Live;
use crate::{
    chart::Sorting,
    export::time,
    model::{Untrusted, duration_text},
    source::boot_now_ns,
};

impl Live {
    /// Notes about the view; empty when all is as usual.
    pub(super) fn notes(&mut self) -> Vec<String> {
        let checked = self
            .saved
            .as_ref()
            .map_or(Ok(()), |(_, writer)| writer.check());
        if let Err(error) = checked {
            self.view.message = Some(format!("not saved: {error:#}"));
        }
        let mut parts = Vec::new();
        match &self.replay {
            Some(replay) => {
                let speed = replay.speed;
                let snapshot = self.session.snapshot();
                let clock = time::local_clock(&snapshot.host, snapshot.stamp.boot_ns);
                let how = if self.view.is_paused {
                    "PAUSED, space plays".to_owned()
                } else {
                    format!("plays {speed}x")
                };
                let since = |wall_ns: i128| {
                    let ns = wall_ns.saturating_sub(replay.span.0).max(0);
                    duration_text(u64::try_from(ns).unwrap_or(u64::MAX))
                };
                let now = snapshot.host.boot_wall_ns + i128::from(snapshot.stamp.boot_ns);
                let (at, all) = (since(now), since(replay.span.1));
                parts.push(format!("recorded {clock}, {at} of {all}, {how}"));
            }
            None if self.view.is_paused => {
                parts.push("PAUSED, . for one more sample".to_owned());
            }
            None => {}
        }
        let asked = self.view.interval;
        if self.governor.is_stretched() {
            let now = duration_text(self.governor.interval(asked).as_nanos() as u64);
            let detail = if self.view.is_reduced {
                " and processes shown for threads"
            } else {
                ""
            };
            parts.push(format!("interval stretched to {now}{detail} by --max-cpu"));
        }
        if self.is_late() {
            let age = duration_text(self.age().as_nanos() as u64);
            parts.push(format!("the last sample is {age} old"));
        }
        if self.view.sorting != Sorting::default() {
            parts.push(format!("sorted by {}", self.view.sorting.word()));
        }
        #[cfg(feature = "window")]
        if self.view.glass.is_on() {
            let factor = self.view.glass.factor;
            parts.push(format!("enlarged {factor:.1}x, Esc shows all"));
        }
        if !self.view.filter.is_empty() {
            let line = Untrusted::new(self.view.filter.text().as_bytes()).picture();
            parts.push(format!("filter: {line}"));
        }
        parts
    }

    /// The age of the snapshot.
    pub(super) fn age(&self) -> Duration {
        let taken = self.session.snapshot().stamp.boot_ns;
        Duration::from_nanos(boot_now_ns().saturating_sub(taken))
    }

    /// Whether a sample is overdue. Then the picture says how old the last one is. A
    /// paused view is never late.
    pub(super) fn is_late(&self) -> bool {
        let patience = self.governor.interval(self.view.interval) * 2 + Duration::from_secs(1);
        self.replay.is_none() && !self.view.is_paused && self.has_begun() && self.age() > patience
    }
}
