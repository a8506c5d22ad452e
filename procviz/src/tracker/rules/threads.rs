use serde::{Deserialize, Serialize};

use std::collections::{BTreeMap, VecDeque};

use rustc_hash::FxHashMap;

use super::{SECOND, groups::sums::ALONE, world::World};
use crate::model::{
    Comm, Event, Finding, Rule, TaskId, Together, count_text, duration_text, total,
};

const SPAN_NS: u64 = 10 * SECOND;
/// Shortest time after which a steady stream of new threads is judged, ns.
const SHORTEST_NS: u64 = 3 * SECOND - SECOND / 10;

/// A process that created less than one part of so many of what the largest did is no member.
const LEAST: u64 = 20;

/// Creation is over after this time without a new thread, ns.
const QUIET_NS: u64 = 3 * SECOND;

/// Processes that create many threads.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Threads {
    made: FxHashMap<TaskId, VecDeque<(u64, u64)>>,
}

impl Threads {
    pub(super) fn take(&mut self, world: World<'_>) {
        let now = world.now_ns();
        for event in &world.sample.events {
            if let Event::Fork(fork) = event
                && fork.id != fork.process
                && !world.is_opening()
            {
                let made = self.made.entry(fork.process).or_default();
                match made.back_mut().filter(|(time, _)| *time == now) {
                    Some((_, count)) => *count += 1,
                    None => made.push_back((now, 1)),
                }
            }
        }
        self.made.retain(|_, made| {
            while made
                .front()
                .is_some_and(|(time, _)| now.saturating_sub(*time) > SPAN_NS)
            {
                made.pop_front();
            }
            !made.is_empty()
        });
    }

    pub(super) fn judge(&self, world: World<'_>, findings: &mut Vec<Finding>) {
        let mut groups: FxHashMap<(Comm, Option<u32>), Vec<Maker<'_>>> = FxHashMap::default();
        for (id, made) in &self.made {
            let process = world.process(*id);
            let Some(process) = process.filter(|process| !world.is_hidden(process)) else {
                continue;
            };
            let count = total(made.iter().map(|(_, count)| *count));
            let maker = Maker {
                id: *id,
                now: process.threads.into(),
                count,
                made,
            };
            groups.entry(world.group(process)).or_default().push(maker);
        }
        for (key, mut makers) in groups {
            makers.sort_by_key(|maker| (std::cmp::Reverse(maker.count), maker.id));
            let all = total(makers.iter().map(|maker| maker.count));
            let is_one = makers[0].count as f64 > all as f64 * ALONE;
            // Many programs create threads when they start.
            let is_group = !is_one && goes_on(&by_time(&makers));
            if is_group {
                let most = makers[0].count;
                makers.retain(|maker| maker.count.saturating_mul(LEAST) >= most);
            }
            let judged: Vec<&[Maker<'_>]> = match is_group {
                true => vec![&makers],
                false => makers.chunks(1).collect(),
            };
            findings.extend(judged.into_iter().filter_map(|of| finding(of, key, world)));
        }
    }
}

/// A process that created threads.
struct Maker<'a> {
    id: TaskId,
    /// Number of its threads now.
    now: u64,
    count: u64,
    made: &'a VecDeque<(u64, u64)>,
}

/// How many threads they created at what times.
fn by_time(makers: &[Maker<'_>]) -> Vec<(u64, u64)> {
    let mut by_time: BTreeMap<u64, u64> = BTreeMap::new();
    for (time, count) in makers.iter().flat_map(|maker| maker.made) {
        *by_time.entry(*time).or_default() += count;
    }
    by_time.into_iter().collect()
}

/// The finding about processes of one name and user, the largest first; `None` if they created
/// few threads.
fn finding(
    makers: &[Maker<'_>],
    (comm, uid): (Comm, Option<u32>),
    world: World<'_>,
) -> Option<Finding> {
    let made = by_time(makers);
    let count = total(made.iter().map(|(_, count)| *count));
    let ((first, _), (last, _)) = made.first().zip(made.last())?;
    if count < threshold(&made, world) {
        return None;
    }
    let largest = makers.first()?.id;
    let oldest = makers.iter().map(|maker| maker.id);
    let oldest = oldest.min_by_key(|id| id.by_start());
    let is_group = makers.len() > 1;
    // How long the creation took, not how long ago it was.
    let span = last.saturating_sub(*first) + world.snapshot.stamp.interval_ns;
    let ended_ns = world.ended(*last, QUIET_NS);
    let now = total(makers.iter().map(|maker| maker.now));
    let short = if now < count / 2 { "short-lived " } else { "" };
    let (created, have) = match is_group {
        true => ("together created", "have"),
        false => ("created", "has"),
    };
    Some(Finding {
        about: Some(largest),
        dot: oldest,
        comm: Some(comm),
        uid: uid.filter(|_| is_group),
        together: is_group.then_some(Together::Command),
        count: match is_group {
            true => makers.len() as u64,
            false => count,
        },
        value: count as f64,
        unit: "threads",
        since_ns: *first,
        ended_ns,
        text: format!(
            "{created} {} {short}threads within {}{}, now {have} {}",
            count_text(count),
            duration_text(span.min(SPAN_NS)),
            world.ago(", ", ended_ns),
            count_text(now)
        ),
        curve: made.iter().map(|(_, count)| *count as f32).collect(),
        ..Finding::new(Rule::Threads)
    })
}

/// The number of new threads that is worth a word. As long as procviz has watched for a
/// shorter time, as many in proportion, if they came one after the other.
fn threshold(made: &[(u64, u64)], world: World<'_>) -> u64 {
    let watched_ns = world.snapshot.watched_ns();
    let all = world.thresholds().threads_count.ceil() as u64;
    match (SHORTEST_NS..SPAN_NS).contains(&watched_ns) && is_steady(made) {
        true => all.saturating_mul(watched_ns) / SPAN_NS,
        false => all,
    }
}

/// Whether threads were created in at least three seconds, and a fair part in each: what is
/// created at once is a start. Samples can be more frequent than what creates threads.
fn goes_on(made: &[(u64, u64)]) -> bool {
    let mut seconds: BTreeMap<u64, u64> = BTreeMap::new();
    for (time, count) in made {
        *seconds.entry(time / SECOND).or_default() += count;
    }
    let all = total(seconds.values().copied());
    let least = all / (5 * seconds.len() as u64).max(1);
    seconds.values().filter(|count| **count > least).count() >= 3
}

/// Whether the threads came one after the other.
fn is_steady(made: &[(u64, u64)]) -> bool {
    made.len() >= 3 && made.iter().all(|(_, count)| *count * 5 >= made[0].1)
}
