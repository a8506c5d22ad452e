//! What a user can set about the rules: their thresholds, and which findings are left out.

use glob::Pattern;

use crate::model::{Finding, Rule};

/// A threshold of a rule.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// The rule.
    pub rule: Rule,
    /// The name on the command line.
    pub key: &'static str,
    /// The value if the user sets none.
    pub default: f64,
    /// The unit of the value.
    pub unit: &'static str,
    /// What reaches the threshold.
    pub about: &'static str,
}

/// Defines [`Thresholds`] from a table: each row is a doc comment, a field, the rule, the name
/// on the command line, the default value and the unit.
macro_rules! thresholds {
    ($(#[doc = $about:literal] $field:ident = $rule:ident $key:literal $default:literal $unit:literal,)*) => {
        /// The thresholds of all rules.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub(super) struct Thresholds {
            $(#[doc = $about] pub(super) $field: f64,)*
        }

        impl Default for Thresholds {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl Threshold {
            /// All thresholds, in the order of the rules.
            pub const ALL: &[Self] = &[$(Self {
                rule: Rule::$rule,
                key: $key,
                default: $default,
                unit: $unit,
                about: $about.trim_ascii(),
            },)*];
        }

        impl Thresholds {
            fn get_mut(&mut self, rule: Rule, key: &str) -> Option<&mut f64> {
                match (rule, key) {
                    $((Rule::$rule, $key) => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

thresholds! {
    /// samples missed in a row
    stall_samples = Stall "samples" 2.0 "samples",
    /// deaths of one kind within 10 minutes
    deaths_count = Deaths "count" 3.0 "deaths",
    /// time in state D; three fifths of it for five or more threads of one command
    blocked_seconds = Blocked "seconds" 5.0 "s",
    /// living descendants, of which half started within 10 s
    tree_count = Tree "count" 100.0 "processes",
    /// processes started per second
    forks_rate = Forks "rate" 50.0 "processes/s",
    /// CPU used by exited processes that lived for less than 3 s
    forks_cores = Forks "cores" 0.2 "cores",
    /// processes that start the next one and exit, within 3 s
    chain_links = Chain "links" 5.0 "processes",
    /// CPU used over 3 s; while all CPUs are busy, also what is wanted, or of a group a quarter
    cpu_cores = Cpu "cores" 0.9 "cores",
    /// average number of threads that wait for a CPU
    waiting_threads = Waiting "threads" 0.5 "threads",
    /// growth, over 3 s
    growth_rate = Growth "rate" 10485760.0 "bytes/s",
    /// growth, over 3 s
    shmem_rate = Shmem "rate" 10485760.0 "bytes/s",
    /// part of the machine's memory
    memory_percent = Memory "percent" 25.0 "%",
    /// the same, for a process that started while procviz watched
    memory_new = Memory "new-percent" 5.0 "%",
    /// IO, over 1 s
    io_rate = Io "rate" 52428800.0 "bytes/s",
    /// the same, if it is half of all IO
    io_floor = Io "half-rate" 10485760.0 "bytes/s",
    /// threads created within 10 s
    threads_count = Threads "count" 100.0 "threads",
    /// processes started within 2 s, half of them within half a second
    burst_count = Burst "count" 20.0 "processes",
    /// dead children that are not reaped
    zombies_count = Zombies "count" 20.0 "processes",
}

/// What the user has set about the rules.
#[derive(Clone, Debug, Default)]
pub struct RuleSettings {
    pub(super) thresholds: Thresholds,
    /// Rules whose findings are left out, with a pattern for the name of the subject; `None`:
    /// all findings of the rule.
    ignored: Vec<(Rule, Option<Pattern>)>,
    /// Findings about blocked tasks name mounts, and no files on them.
    pub(super) hides_files: bool,
}

impl RuleSettings {
    /// Whether findings about blocked tasks name mounts, and no files on them.
    #[must_use]
    pub fn hide_files(mut self, hides_files: bool) -> Self {
        self.hides_files = hides_files;
        self
    }

    /// Sets a threshold. Returns whether the rule has it.
    pub fn set(&mut self, rule: Rule, key: &str, value: f64) -> bool {
        let threshold = self.thresholds.get_mut(rule, key);
        threshold.map(|threshold| *threshold = value).is_some()
    }

    /// Leaves out the findings of a rule; with a pattern, only those about subjects with such
    /// names.
    pub fn ignore(&mut self, rule: Rule, name: Option<Pattern>) {
        self.ignored.push((rule, name));
    }

    /// Whether all findings of a rule are left out.
    pub(super) fn ignores_all(&self, rule: Rule) -> bool {
        let mut ignored = self.ignored.iter();
        ignored.any(|(ignored, name)| *ignored == rule && name.is_none())
    }

    pub(super) fn ignores(&self, finding: &Finding) -> bool {
        let name = finding.comm.map(|comm| comm.text().name());
        let is_meant = |pattern: &Pattern| {
            let name = name.as_deref();
            name.is_some_and(|name| pattern.matches(name))
        };
        let mut of_rule = self
            .ignored
            .iter()
            .filter(|(rule, _)| *rule == finding.rule);
        of_rule.any(|(_, pattern)| pattern.as_ref().is_none_or(is_meant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_threshold_can_be_set() {
        let mut before = None;
        for threshold in Threshold::ALL {
            let mut settings = RuleSettings::default();
            assert!(settings.set(threshold.rule, threshold.key, threshold.default));
            assert_eq!(settings.thresholds, Thresholds::default(), "{threshold:?}");
            assert!(settings.set(threshold.rule, threshold.key, 7.25));
            assert_ne!(settings.thresholds, Thresholds::default(), "{threshold:?}");
            assert!(before <= Some(threshold.rule), "in the order of the rules");
            before = Some(threshold.rule);
        }
        assert!(!RuleSettings::default().set(Rule::Cpu, "rate", 1.0));
    }
}
