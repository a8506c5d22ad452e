use super::{SECOND, Subject};
use crate::{
    model::{Direction, Finding, Rule, duration_text, rate_text},
    tracker::history::{io_rates, moved},
};

const SPAN_NS: u64 = SECOND;
/// Share of all IO in the interval from which a lower threshold applies.
const PART: f64 = 0.5;

/// Much storage IO by one process.
pub(super) fn judge(subject: &Subject<'_>) -> Option<Finding> {
    let (first, last) = subject.history.span(SPAN_NS)?;
    let [speed, _] = io_rates(first, last);
    let part = subject.process.change.io_bytes as f64 / subject.total_io.max(1) as f64;
    let is_most = speed >= subject.thresholds.io_floor && part >= PART;
    if speed < subject.thresholds.io_rate && !is_most {
        return None;
    }
    let since = subject
        .history
        .since(|a, b| moved(a, b) != [0, 0])
        .min(first.time_ns);
    let since = subject.since(Rule::Io, since);
    let span = duration_text(last.time_ns.saturating_sub(since));
    let (first, last) = subject.history.whole(since, (first, last));
    let [speed, read] = io_rates(first, last);
    let does = Direction::of(read, speed).verb();
    let share = if is_most {
        format!(", {:.0} % of all IO", part * 100.0)
    } else {
        String::new()
    };
    let text = format!("{does} {} for {span}{share}", rate_text(speed));
    let curve = subject.history.curve(|a, b| io_rates(a, b)[0] as f32);
    Some(subject.finding(Rule::Io, speed, "bytes/s", since, text, curve))
}
