//! Tests that the snapshot of a period equals the sum of its samples.

use super::Period;
use crate::{
    model::{Scope, Snapshot, TaskView},
    tracker::play::{MIB, Play},
};

const SECOND: u64 = 1_000_000_000;

fn observed(play: &Play, periods: &mut [&mut Period]) {
    for period in periods {
        period.observe(play.tracker.snapshot());
    }
}

fn process(snapshot: &Snapshot, tid: u32) -> Option<TaskView<'_>> {
    let mut tasks = snapshot.tasks(Scope::Processes);
    tasks.find(|task| task.id().tid == tid)
}

#[test]
fn a_period_is_the_sum_of_its_samples() {
    let mut play = Play::new(&["init", "burner"]);
    let (mut whole, mut last) = (Period::whole(), Period::last(None));
    observed(&play, &mut [&mut whole, &mut last]);
    for second in 1..=5 {
        // The burner uses 0.1, 0.2, ... cores, and grows by 1 MiB in each second.
        let used: u64 = (1..=second).sum();
        play.ran(2, used * SECOND / 10, second * 1_000);
        play.holds(2, (100 + second) * MIB);
        play.sample.machine.forks = Some(second);
        play.second();
        observed(&play, &mut [&mut whole, &mut last]);
    }
    let latest = play.tracker.snapshot();
    let expected = [(whole, 5, 15, 5, 5_000), (last, 3, 12, 3, 3_000)];
    for (period, seconds, tenths, mib, io) in expected {
        let snapshot = period.snapshot(latest.clone());
        assert_eq!(snapshot.stamp.interval_ns, seconds * SECOND);
        let burner = process(&snapshot, 2).unwrap();
        assert_eq!(burner.change().cpu_ns, tenths * SECOND / 10);
        assert_eq!(burner.change().io_bytes, io);
        assert_eq!(burner.rss_delta(), Some(mib * MIB as i64));
        let forks: u64 = (6 - seconds..=5).sum();
        assert_eq!(snapshot.machine.forks, Some(forks));
        let peaks = snapshot.peaks.as_ref().unwrap();
        assert_eq!(peaks.get(&burner.id()), Some(&0.5));
        assert_eq!(process(&snapshot, 1).unwrap().change().cpu_ns, 0);
    }
}

#[test]
fn gaps_in_the_period_are_said() {
    let mut play = Play::new(&["init"]);
    let mut period = Period::whole();
    for second in 0..6 {
        let now = play.now + SECOND;
        if second < 2 {
            play.sample.gap_ns = Some((now - SECOND / 2, now - SECOND / 4));
        }
        play.second();
        play.sample.gap_ns = None;
        period.observe(play.tracker.snapshot());
    }
    let latest = play.tracker.snapshot();
    assert_eq!(latest.missing_ns(), 0);
    assert_eq!(period.snapshot(latest.clone()).missing_ns(), SECOND / 2);
}

#[test]
fn time_between_two_intervals_is_missing() {
    let mut play = Play::new(&["init"]);
    let mut period = Period::whole();
    let began_ns = play.now;
    for second in 0..6 {
        play.second();
        period.observe(play.tracker.snapshot());
        if second == 2 {
            // As after a file that is missing from a folder.
            play.now += 10 * SECOND;
        }
    }
    let snapshot = period.snapshot(play.tracker.snapshot().clone());
    assert_eq!(snapshot.period_began_ns, Some(began_ns));
    assert_eq!(snapshot.stamp.boot_ns, began_ns + 16 * SECOND);
    assert_eq!(snapshot.stamp.interval_ns, 6 * SECOND);
    assert_eq!(snapshot.missing_ns(), 10 * SECOND);
}

#[test]
fn what_ended_in_the_period_is_in_it() {
    let mut play = Play::new(&["init", "shell"]);
    let mut period = Period::last(None);
    let mut children = Vec::new();
    for _ in 0..6 {
        let child = play.fork(100 + children.len() as u32, 2);
        children.push(child);
        play.end(child, 2, SECOND / 2, 0).cpu_ns = Some(SECOND / 4);
        play.second();
        observed(&play, &mut [&mut period]);
    }
    let snapshot = period.snapshot(play.tracker.snapshot().clone());
    let shown: Vec<bool> = children
        .iter()
        .map(|child| process(&snapshot, child.tid).is_some_and(|task| task.exited()))
        .collect();
    assert_eq!(shown, [false, false, false, true, true, true]);
    let threads = snapshot.tasks(Scope::Threads);
    assert_eq!(threads.filter(TaskView::exited).count(), 3);
    // A task that ended before is neither a dot nor counted.
    assert_eq!(snapshot.processes.len(), 5);
}

#[test]
fn a_zombie_of_before_is_no_exit_of_the_period() {
    let mut play = Play::new(&["init", "shell"]);
    let child = play.fork(100, 2);
    play.end(child, 2, SECOND / 2, 0).zombie = true;
    play.second();
    let mut period = Period::last(None);
    for _ in 0..4 {
        play.second();
        observed(&play, &mut [&mut period]);
    }
    let snapshot = period.snapshot(play.tracker.snapshot().clone());
    let zombie = process(&snapshot, 100).unwrap();
    assert!(!zombie.exited() && zombie.state() == crate::model::State::Zombie);
}
