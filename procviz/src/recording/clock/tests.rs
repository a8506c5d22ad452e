//! Tests of `clock`.

use super::*;

const SECOND: i64 = 1_000_000_000;

fn at(seconds: i64) -> i128 {
    i128::from(seconds * SECOND)
}

fn boot(seconds: i64) -> u64 {
    (seconds * SECOND).cast_unsigned()
}

#[test]
fn a_clock_that_is_set() {
    let mut facts = Facts {
        boot_wall_ns: 1_000 * SECOND,
        ..Facts::default()
    };
    assert!(
        !facts.note_clock(boot(10), at(1_000) + 1_000_000),
        "1 ms is no step"
    );
    assert!(facts.note_clock(boot(20), at(4_600)), "an hour forward");
    assert!(
        facts.note_clock(boot(30), at(900)),
        "and back beyond where it was"
    );
    assert_eq!(facts.wall_ns(boot(19)), at(1_019));
    assert_eq!(facts.wall_ns(boot(20)), at(4_620));
    assert_eq!(facts.wall_ns(boot(31)), at(931));
    // Found by the clock of their moment.
    assert_eq!(facts.boot_ns(at(4_625), boot(200)), at(25));
    assert_eq!(facts.boot_ns(at(935), boot(200)), at(35));
    // Shown twice: at 15 s since boot, and at 115 s.
    assert_eq!(facts.boot_ns(at(1_015), boot(200)), at(115));
    assert_eq!(facts.boot_ns(at(1_015), boot(40)), at(15));
    assert_eq!(facts.boot_ns(at(9_999), boot(40)), at(9_099));
    let periods = facts.wall_periods((boot(10), boot(40)));
    let whole: Vec<_> = periods
        .iter()
        .map(|(first, last)| (*first, last + 1))
        .collect();
    assert_eq!(whole[..2], [(at(1_010), at(1_020)), (at(4_620), at(4_630))]);
    assert_eq!(periods[2], (at(930), at(940)));
}

#[test]
fn what_was_skipped_is_the_moment_before() {
    let mut facts = Facts::default();
    assert!(facts.note_clock(boot(20), at(3_600)));
    assert_eq!(facts.boot_ns(at(100), boot(40)), at(20) - 1);
    assert_eq!(facts.boot_ns(at(10), boot(40)), at(10));
    assert_eq!(facts.boot_ns(at(-5), boot(40)), at(-5));
}
