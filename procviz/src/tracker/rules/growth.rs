use super::{SECOND, Subject};
use crate::{
    model::{Finding, Rule, bytes_text, duration_text, rate_text},
    tracker::history::rate,
};

const SPAN_NS: u64 = 3 * SECOND;
/// Bytes per second.
const THRESHOLD: f64 = 10.0 * 1024.0 * 1024.0;
/// Growth since the run began, as a share of the machine's memory.
const PART: f64 = 0.2;

/// A resident set that grows.
pub(super) fn judge(subject: &Subject<'_>) -> Option<Finding> {
    let now = subject.process.rss?;
    let grown = now.saturating_sub(subject.process.first_rss?);
    let total = subject.snapshot.machine.mem_total_bytes.unwrap_or(u64::MAX);
    let curve = || subject.history.curve(|_, later| later.rss as f32);
    if let Some((first, last)) = subject.history.span(SPAN_NS) {
        let speed = rate(first, last, |point| point.rss);
        if speed >= THRESHOLD {
            let since = subject
                .history
                .since(|a, b| b.rss > a.rss)
                .min(first.time_ns);
            let since = subject.since(Rule::Growth, since);
            let span = duration_text(last.time_ns.saturating_sub(since));
            let text = format!(
                "RSS grows by {} for {span}, now {}",
                rate_text(speed),
                bytes_text(now)
            );
            return Some(subject.finding(Rule::Growth, speed, "bytes/s", since, text, curve()));
        }
    }
    if grown as f64 >= total as f64 * PART {
        let since = subject.snapshot.began_ns;
        let watched = duration_text(subject.snapshot.watched_ns());
        let text = format!(
            "RSS grew by {} in {watched}, now {}",
            bytes_text(grown),
            bytes_text(now)
        );
        return Some(subject.finding(Rule::Growth, grown as f64, "bytes", since, text, curve()));
    }
    None
}
