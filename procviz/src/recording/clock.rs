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
mod tests;
