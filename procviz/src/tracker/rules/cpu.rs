use super::{SECOND, Subject};
use crate::{
    model::{Finding, Process, Rule, TaskId, duration_text},
    tracker::history::{Point, rate},
};

const SPAN_NS: u64 = 3 * SECOND;

/// Whether the CPU use between two points is at or above the threshold.
pub(super) fn is_above(earlier: Point, later: Point, threshold: f64) -> bool {
    rate(earlier, later, |point| point.cpu_ns) / 1e9 >= threshold
}

/// A process that is younger than this before it began to use a core has no baseline, ns.
const LIFE_NS: u64 = 30 * SECOND;

/// What the process used before, if that is less than half: `; before that 0.02 on average`.
/// `used` is the CPU time since `since`, ns.
fn life(process: &Process, since: u64, used: u64, cores: f64) -> String {
    let before_ns = since.saturating_sub(process.id.start_ns);
    // The use since `since` is an estimate.
    if before_ns < LIFE_NS || used > process.cpu_ns {
        return String::new();
    }
    let mean = process.cpu_ns.saturating_sub(used) as f64 / before_ns as f64;
    if mean > cores / 2.0 {
        return String::new();
    }
    let before = duration_text(before_ns);
    format!("; in the {before} of its life before, {mean:.2}")
}

/// What all of its name used in the last minutes, if they are known; else what it used in its
/// own life.
fn before(subject: &Subject<'_>, since: u64, (cores, used): (f64, u64)) -> String {
    let now = subject.snapshot.stamp.boot_ns;
    let of_name = subject.past.compared(subject.name, now, cores);
    match of_name.is_empty() {
        true => life(subject.process, since, used, cores),
        false => of_name,
    }
}

/// Lower limit for the use of a process that would use more if CPUs were free, cores.
const LEAST: f64 = 0.1;
/// Use that is wanted beyond the real one is worth a word from this factor on.
const MORE: f64 = 1.25;

/// Whether `used` cores are much, or would be if all CPUs were not busy.
pub(super) fn is_much(used: f64, wanted: f64, threshold: f64) -> bool {
    used >= threshold || (wanted >= threshold && used >= LEAST)
}

/// What was wanted beyond the CPU time that was used: `, and would use 4.0 cores if they were free`.
pub(super) fn wanted_text(used: f64, wanted: f64) -> String {
    match wanted >= used * MORE {
        true => format!(", and would use {wanted:.1} cores if they were free"),
        false => String::new(),
    }
}

/// The thread that used more than half of the CPU time of the process in the interval; the
/// process if there is none.
fn busiest(subject: &Subject<'_>) -> TaskId {
    let Subject {
        process, snapshot, ..
    } = subject;
    let threads = process.members.iter();
    let threads = threads.filter_map(|slot| snapshot.threads.get(*slot));
    let mut now = threads.filter(|thread| thread.change.tick == snapshot.tick);
    let half = process.change.cpu_ns / 2;
    let busiest = now.find(|thread| thread.change.cpu_ns > half);
    busiest.map_or(process.id, |thread| thread.id)
}

/// A process that keeps a core busy, or would if CPUs were free.
pub(super) fn judge(subject: &Subject<'_>) -> Option<Finding> {
    let (first, last) = subject.history.span(SPAN_NS)?;
    let cores = rate(first, last, |point| point.cpu_ns) / 1e9;
    let threshold = subject.thresholds.cpu_cores;
    if !is_much(cores, subject.wanted, threshold) {
        return None;
    }
    let since = subject
        .history
        .since(|a, b| is_above(a, b, threshold))
        .min(first.time_ns);
    let since = subject.since(Rule::Cpu, since);
    let (first, last) = subject.history.whole(since, (first, last));
    let cores = rate(first, last, |point| point.cpu_ns) / 1e9;
    let mut text = format!(
        "uses {cores:.2} cores for {}",
        duration_text(last.time_ns.saturating_sub(since))
    );
    let used = (cores * last.time_ns.saturating_sub(since) as f64) as u64;
    text.push_str(&wanted_text(cores, subject.wanted));
    text.push_str(&before(subject, since, (cores, used)));
    let curve = subject
        .history
        .curve(|a, b| (rate(a, b, |point| point.cpu_ns) / 1e9) as f32);
    Some(Finding {
        dot: Some(busiest(subject)),
        ..subject.finding(Rule::Cpu, cores, "cores", since, text, curve)
    })
}
