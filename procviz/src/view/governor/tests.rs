//! Tests of `governor`.

use super::*;

/// Simulates a program whose samples have the given cost. Returns its highest CPU
/// use over ten seconds, in cores.
fn most_in_ten_seconds(
    percent: f64,
    asked: Duration,
    cost: impl Fn(f64, bool) -> f64,
) -> (f64, Governor) {
    let mut governor = Governor::new(percent);
    let (mut now, mut used) = (0.0, 7.0);
    let mut spent = vec![(now, used)];
    while now < 200.0 {
        governor.look(
            Duration::from_secs_f64(now),
            Duration::from_secs_f64(used),
            asked,
        );
        used += cost(now, governor.is_reduced());
        now += governor.interval(asked).as_secs_f64();
        spent.push((now, used));
    }
    let mut most = 0.0f64;
    for (index, (begin, before)) in spent.iter().enumerate() {
        let within = spent[index..]
            .iter()
            .take_while(|(time, _)| *time <= begin + 10.0);
        if let Some((_, after)) = within.last() {
            most = most.max((after - before) / 10.0);
        }
    }
    (most, governor)
}

#[test]
fn no_ten_seconds_cost_more_than_a_fifth_beyond() {
    let ms = Duration::from_millis;
    let (most, governor) = most_in_ten_seconds(25.0, ms(10), |_, _| 0.010);
    assert!((0.2..0.3).contains(&most), "{most}");
    assert!(governor.is_stretched() && !governor.is_reduced());
    // A storm of one minute: five times the cost.
    let storm = |now: f64, _| match now {
        50.0..110.0 => 0.1,
        _ => 0.02,
    };
    let (most, governor) = most_in_ten_seconds(25.0, ms(100), storm);
    assert!((0.2..0.3).contains(&most), "{most}");
    assert!(!governor.is_stretched(), "the storm is over");
    let (most, governor) = most_in_ten_seconds(5.0, ms(1_000), |_, _| 0.04);
    assert!((0.035..0.05).contains(&most), "{most}");
    assert!(!governor.is_stretched());
}

#[test]
fn processes_are_shown_if_the_longest_interval_is_too_short() {
    let second = Duration::from_secs(1);
    let heavy = |_, is_reduced| if is_reduced { 0.08 } else { 0.3 };
    let (_, governor) = most_in_ten_seconds(1.0, second, heavy);
    assert!(governor.is_reduced() && governor.is_stretched());
    let passing = |now: f64, is_reduced: bool| match now {
        0.0..60.0 if !is_reduced => 0.3,
        0.0..60.0 => 0.08,
        _ => 0.001,
    };
    let (_, governor) = most_in_ten_seconds(1.0, second, passing);
    assert!(!governor.is_reduced() && !governor.is_stretched());
}

#[test]
fn without_a_limit_nothing_changes() {
    let (_, governor) = most_in_ten_seconds(0.0, Duration::from_secs(1), |_, _| 5.0);
    assert!(!governor.is_stretched() && !governor.is_reduced());
}
