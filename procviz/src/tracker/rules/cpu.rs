use super::{SECOND, Subject};
use crate::{
    model::{Finding, Rule, duration_text},
    tracker::history::{Point, rate},
};

const SPAN_NS: u64 = 3 * SECOND;
/// Cores.
const THRESHOLD: f64 = 0.9;

/// Whether the CPU use between two points is at or above the threshold.
pub(super) fn is_above(earlier: Point, later: Point) -> bool {
    rate(earlier, later, |point| point.cpu_ns) / 1e9 >= THRESHOLD
}

/// A process that keeps a core busy.
pub(super) fn judge(subject: &Subject<'_>) -> Option<Finding> {
    let (first, last) = subject.history.span(SPAN_NS)?;
    let cores = rate(first, last, |point| point.cpu_ns) / 1e9;
    if cores < THRESHOLD {
        return None;
    }
    let since = subject.history.since(is_above).min(first.time_ns);
    let since = subject.since(Rule::Cpu, since);
    let text = format!(
        "uses {cores:.2} cores for {}",
        duration_text(last.time_ns.saturating_sub(since))
    );
    let curve = subject
        .history
        .curve(|a, b| (rate(a, b, |point| point.cpu_ns) / 1e9) as f32);
    Some(subject.finding(Rule::Cpu, cores, "cores", since, text, curve))
}
