//! Converts between the clock of a recorded machine and the time since its boot. The clock
//! can be set while the recording goes on.

use super::facts::{ClockStep, Facts, MOST_STEPS};

/// Smallest change that is noted, ns. A clock that is corrected slowly is noted now and then.
const LEAST_NS: u64 = 250_000_000;
impl Facts {
    /// Notes the clock at a sample. Returns whether it has changed.
    pub fn note_clock(&mut self, time_ns: u64, boot_wall_ns: i128) -> bool {
        let known = self
            .clock
            .last()
            .map_or(self.boot_wall_ns, |step| step.boot_wall_ns);
        let Ok(boot_wall_ns) = i64::try_from(boot_wall_ns) else {
            return false;
        };
        if known.abs_diff(boot_wall_ns) < LEAST_NS || self.clock.len() >= MOST_STEPS {
            return false;
        }
        self.clock.push(ClockStep {
            time_ns,
            boot_wall_ns,
        });
        true
    }

    /// The clock at a time since boot, ns since 1970.
    pub fn wall_ns(&self, boot_ns: u64) -> i128 {
        let step = self.clock.iter().rfind(|step| step.time_ns <= boot_ns);
        let boot_wall_ns = step.map_or(self.boot_wall_ns, |step| step.boot_wall_ns);
        i128::from(boot_wall_ns) + i128::from(boot_ns)
    }

    /// The time since boot, ns, at which the clock showed `wall_ns` in a recording that ends
    /// `last_ns` after the boot; the last one, if the clock was set back and showed it twice.
    /// What the clock skipped counts as the moment before. The time can be outside of the
    /// recording.
    pub fn boot_ns(&self, wall_ns: i128, last_ns: u64) -> i128 {
        let base = (i128::MIN, self.boot_wall_ns);
        let steps = self.clock.iter();
        let steps = steps.map(|step| (i128::from(step.time_ns), step.boot_wall_ns));
        let parts: Vec<_> = std::iter::once(base).chain(steps).collect();
        // Users type moments with a precision of 1 s.
        let mut end = i128::from(last_ns) + 1_000_000_000;
        let mut nearest = None;
        for (index, (begin, boot_wall_ns)) in parts.iter().enumerate().rev() {
            let boot_ns = wall_ns - i128::from(*boot_wall_ns);
            if (*begin..=end).contains(&boot_ns) {
                return boot_ns;
            }
            if boot_ns > end {
                let is_last = index + 1 == parts.len();
                nearest = nearest.or(Some(if is_last { boot_ns } else { end }));
            }
            end = begin.saturating_sub(1);
        }
        nearest.unwrap_or(wall_ns - i128::from(self.boot_wall_ns))
    }

    /// What the clock showed in a period, ns since boot: the first and the last moment of each
    /// part in which it was not set.
    pub fn wall_periods(&self, (first, last): (u64, u64)) -> Vec<(i128, i128)> {
        let within = |step: &&ClockStep| first < step.time_ns && step.time_ns <= last;
        let steps = self.clock.iter().filter(within).map(|step| step.time_ns);
        let begins: Vec<u64> = std::iter::once(first).chain(steps).collect();
        let ends = begins.iter().skip(1).map(|begin| begin - 1);
        let ends = ends.chain(std::iter::once(last));
        begins
            .iter()
            .zip(ends)
            .map(|(begin, end)| (self.wall_ns(*begin), self.wall_ns(end)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
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
}
