use super::{SECOND, Subject};
use crate::{
    model::{Finding, Rule, bytes_text, duration_text, rate_text},
    tracker::history::rate,
};

const SPAN_NS: u64 = 3 * SECOND;
/// Growth since the run began, as a share of the machine's memory.
const PART: f64 = 0.2;

/// A process whose memory grows: neither pages of files nor shared memory count.
pub(super) fn judge(subject: &Subject<'_>) -> Option<Finding> {
    let now = subject.process.private()?;
    let grown = now.saturating_sub(subject.process.first_private?);
    let total = subject.snapshot.machine.mem_total_bytes.unwrap_or(u64::MAX);
    let curve = || subject.history.curve(|_, later| later.private as f32);
    if let Some((first, last)) = subject.history.span(SPAN_NS) {
        let speed = rate(first, last, |point| point.private);
        if speed >= subject.thresholds.growth_rate {
            let since = subject
                .history
                .since(|a, b| b.private > a.private)
                .min(first.time_ns);
            let since = subject.since(Rule::Growth, since);
            let span = duration_text(last.time_ns.saturating_sub(since));
            let (first, last) = subject.history.whole(since, (first, last));
            let speed = rate(first, last, |point| point.private);
            let text = format!(
                "memory grows by {} for {span}, now {}",
                rate_text(speed),
                now_text(subject, now)
            );
            return Some(subject.finding(Rule::Growth, speed, "bytes/s", since, text, curve()));
        }
    }
    if grown as f64 >= total as f64 * PART {
        let since = subject.snapshot.began_ns;
        let watched = duration_text(subject.snapshot.watched_ns());
        let text = format!(
            "memory grew by {} in {watched}, now {}",
            bytes_text(grown),
            now_text(subject, now)
        );
        return Some(subject.finding(Rule::Growth, grown as f64, "bytes", since, text, curve()));
    }
    None
}

/// The size now, and how much of it is not in the resident set.
fn now_text(subject: &Subject<'_>, now: u64) -> String {
    let Some(parts) = subject.process.parts else {
        return bytes_text(now);
    };
    let mut aside = String::new();
    if parts.swap > now / 100 {
        aside = format!(", {} of it in swap", bytes_text(parts.swap));
    }
    format!("{}{aside}", bytes_text(now))
}
