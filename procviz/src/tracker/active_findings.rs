//! Compares the findings of one snapshot with the next: which findings begin, and
//! which end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Finding, FindingKey, Rule, Snapshot, Stamp};

/// Change of a finding from one snapshot to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The finding is new.
    Begins,
    /// The finding was there before and still is.
    Holds,
    /// The finding is gone.
    Ends,
}

impl Change {
    /// The name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Begins => "begins",
            Self::Holds => "holds",
            Self::Ends => "ends",
        }
    }
}

/// A finding that holds, or that was missing in the last snapshots only.
#[derive(Clone, Debug)]
struct Episode {
    /// The finding with its latest figures, and with the process and name with which it began.
    finding: Finding,
    /// Begin of the first interval that has it, and time of the last snapshot that has it, ns
    /// since boot.
    first_ns: u64,
    last_ns: u64,
    /// Start of what the finding reports, which can be long before it is found, ns since boot.
    since_ns: u64,
    /// For how long snapshots have not had it, ns.
    missing_ns: u64,
    has_begun: bool,
    /// The largest value.
    peak: f64,
}

/// A finding that begins or ends.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Whether it begins or ends.
    pub change: Change,
    /// The finding. Of one that ends, `value` is the largest value that it had.
    pub finding: Finding,
    /// When it began, or when it was seen for the last time, ns since boot.
    pub time_ns: u64,
    /// Of a finding that ends: the time from the start of what it reports until it was seen
    /// for the last time, ns; `None` if that is not known.
    pub lasted_ns: Option<u64>,
}

/// The findings that hold, by key. A finding ends when it has not been there for five
/// seconds: what comes and goes is one episode. One about IO, which is judged by single
/// seconds, begins after three seconds.
#[derive(Clone, Debug, Default)]
pub struct ActiveFindings {
    episodes: BTreeMap<FindingKey, Episode>,
    /// Time of the last snapshot, ns since boot; `None` before the first.
    now_ns: Option<u64>,
}

/// How long IO must last, ns. Shorter pauses than `PAUSE_NS` do not count.
const LASTS_NS: u64 = 2_900_000_000;
const PAUSE_NS: u64 = 900_000_000;
/// After this time without it, a finding has ended, ns. Ticks are never exactly on time.
const ENDS_NS: u64 = 4_900_000_000;

impl ActiveFindings {
    /// Takes the next snapshot. Returns the findings that begin, then the findings that end.
    pub fn update(&mut self, snapshot: &Snapshot) -> Vec<Changed> {
        let stamp = snapshot.stamp;
        // What holds when procviz comes has held before.
        let is_first = self.now_ns.is_none();
        let before_ns = self.now_ns.replace(stamp.boot_ns);
        let mut ended = Vec::new();
        if before_ns.is_some_and(|before_ns| stamp.boot_ns < before_ns) {
            // Another boot: all that held has ended before it.
            let begin_ns = stamp.boot_ns.saturating_sub(stamp.interval_ns);
            ended.extend(self.end_all(|_| true));
            for changed in &mut ended {
                (changed.time_ns, changed.lasted_ns) = (begin_ns, None);
            }
        }
        for episode in self.episodes.values_mut() {
            episode.missing_ns = episode.missing_ns.saturating_add(stamp.interval_ns.max(1));
        }
        let mut begun = Vec::new();
        for finding in &snapshot.findings {
            let key = finding.key();
            let episode = self.episodes.entry(key.clone());
            let episode = episode.or_insert_with(|| Episode::new(finding, stamp));
            // Of two findings with one key, the first is the larger one.
            if episode.missing_ns == 0 {
                continue;
            }
            episode.see(finding, stamp);
            let lasted_ns = episode.last_ns.saturating_sub(episode.first_ns);
            let is_sure = is_first || finding.rule != Rule::Io || lasted_ns >= LASTS_NS;
            if is_sure && !std::mem::replace(&mut episode.has_begun, true) {
                begun.push((key, finding.clone()));
            }
        }
        begun.sort_by(|(a, _), (b, _)| a.cmp(b));
        let begun = begun.into_iter().map(|(_, finding)| Changed {
            change: Change::Begins,
            finding,
            time_ns: stamp.boot_ns,
            lasted_ns: None,
        });
        let is_over = |episode: &Episode| {
            let limit_ns = if episode.has_begun { ENDS_NS } else { PAUSE_NS };
            episode.missing_ns >= limit_ns
        };
        let over = self.end_all(is_over);
        begun.chain(ended).chain(over).collect()
    }

    /// The findings that have ended by the end of a run.
    pub fn finish(&mut self) -> Vec<Changed> {
        self.end_all(|episode| episode.missing_ns > 0)
    }

    /// All findings that hold, with the time at which each was last seen, ns since boot.
    pub fn all(&self) -> impl Iterator<Item = (&Finding, u64)> {
        let begun = self.episodes.values().filter(|episode| episode.has_begun);
        begun.map(|episode| (&episode.finding, episode.last_ns))
    }

    /// Removes episodes. Returns the ends of those that had begun.
    fn end_all(&mut self, is_over: impl Fn(&Episode) -> bool) -> Vec<Changed> {
        let over = self
            .episodes
            .extract_if(.., |_, episode| is_over(episode))
            .filter(|(_, episode)| episode.has_begun);
        let ends = over.map(|(_, episode)| Changed {
            change: Change::Ends,
            time_ns: episode.last_ns,
            lasted_ns: Some(episode.last_ns.saturating_sub(episode.since_ns)),
            finding: Finding {
                value: episode.peak,
                ..episode.finding
            },
        });
        ends.collect()
    }
}

impl Episode {
    /// An episode that the snapshot of `stamp` begins; it has yet to be seen.
    fn new(finding: &Finding, stamp: Stamp) -> Self {
        Self {
            finding: finding.clone(),
            first_ns: stamp.boot_ns.saturating_sub(stamp.interval_ns),
            last_ns: stamp.boot_ns,
            since_ns: finding.since_ns,
            missing_ns: 1,
            has_begun: false,
            peak: finding.value,
        }
    }

    /// The snapshot of `stamp` has the finding.
    fn see(&mut self, finding: &Finding, stamp: Stamp) {
        (self.missing_ns, self.last_ns) = (0, stamp.boot_ns);
        self.since_ns = self.since_ns.min(finding.since_ns);
        // A rule can have figures of two units: these cannot be compared.
        self.peak = match finding.unit == self.finding.unit {
            true => self.peak.max(finding.value),
            false => finding.value,
        };
        // A finding ends with the same process and the same name as it began.
        let (about, comm) = (self.finding.about, self.finding.comm);
        self.finding = Finding {
            about,
            comm,
            ..finding.clone()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Comm, Rule, TaskId};

    fn blocked(tid: u32, cgroup: &str) -> Finding {
        Finding {
            rank: 1,
            about: Some(TaskId { tid, start_ns: 1 }),
            comm: Some(Comm::new(b"postgres")),
            count: 2,
            cgroup: Some(cgroup.into()),
            value: 1.0,
            unit: "s",
            since_ns: 0,
            text: String::new(),
            ..Finding::new(Rule::Blocked)
        }
    }

    /// A machine that the snapshots of a test show, second by second.
    struct Seconds {
        snapshot: Snapshot,
        active: ActiveFindings,
    }

    impl Seconds {
        fn new() -> Self {
            let mut seconds = Self {
                snapshot: crate::tracker::play::Play::new(&[]).tracker.take_snapshot(),
                active: ActiveFindings::default(),
            };
            seconds.snapshot.stamp.interval_ns = 1_000_000_000;
            // What holds at first begins at once.
            assert!(seconds.next(&[]).is_empty());
            seconds
        }

        fn next(&mut self, findings: &[Finding]) -> Vec<Changed> {
            self.snapshot.stamp.boot_ns += self.snapshot.stamp.interval_ns;
            self.snapshot.findings = findings.to_vec();
            let stamp = self.snapshot.stamp;
            let findings = self.snapshot.findings.iter_mut();
            for finding in findings.filter(|finding| finding.since_ns == 0) {
                finding.since_ns = stamp.boot_ns - stamp.interval_ns;
            }
            self.active.update(&self.snapshot)
        }

        /// As `next`, with the pids of the findings that change.
        fn pids(&mut self, findings: &[Finding]) -> Vec<(Change, u32)> {
            let changes = self.next(findings).into_iter();
            changes
                .map(|changed| (changed.change, changed.finding.about.unwrap().tid))
                .collect()
        }

        fn quiet(&mut self, seconds: usize) {
            (0..seconds).for_each(|_| assert!(self.next(&[]).is_empty()));
        }
    }

    #[test]
    fn a_process_that_changes_its_name_has_one_finding() {
        let called = |name: &[u8]| Finding {
            rule: Rule::Cpu,
            comm: Some(Comm::new(name)),
            ..blocked(7, "/a")
        };
        let mut seconds = Seconds::new();
        assert_eq!(seconds.next(&[called(b"node")]).len(), 1);
        assert!(seconds.next(&[called(b"MainThread")]).is_empty());
        seconds.quiet(4);
        let ended = seconds.next(&[]);
        assert_eq!(ended[0].change, Change::Ends);
        // Readers of a recording match begin and end by name, too.
        assert_eq!(ended[0].finding.comm, Some(Comm::new(b"node")));
    }

    #[test]
    fn of_many_another_one_may_be_the_worst() {
        use Change::{Begins, Ends};
        let mut seconds = Seconds::new();
        let both = [blocked(7, "/a"), blocked(8, "/b")];
        assert_eq!(seconds.pids(&both), [(Begins, 7), (Begins, 8)]);
        let other = [blocked(9, "/a")];
        (0..4).for_each(|_| assert_eq!(seconds.pids(&other), []));
        assert_eq!(seconds.pids(&other), [(Ends, 8)]);
        seconds.quiet(4);
        assert_eq!(seconds.pids(&[]), [(Ends, 7)]);
    }

    #[test]
    fn what_comes_and_goes_is_one_episode() {
        let io = |value: f64| Finding {
            rule: Rule::Io,
            value,
            ..blocked(7, "/a")
        };
        let mut seconds = Seconds::new();
        // One second of IO is no finding, three are.
        assert!(seconds.next(&[io(1.0)]).is_empty());
        seconds.quiet(1);
        assert!(seconds.next(&[io(1.0)]).is_empty());
        assert!(seconds.next(&[io(9.0)]).is_empty());
        let begun = seconds.next(&[io(2.0)]);
        assert_eq!((begun.len(), begun[0].change), (1, Change::Begins));
        let begun_ns = begun[0].time_ns;
        // Pauses of up to four seconds belong to it.
        for _ in 0..5 {
            seconds.quiet(4);
            assert!(seconds.next(&[io(3.0)]).is_empty());
            assert_eq!(seconds.active.all().count(), 1);
        }
        seconds.quiet(4);
        let ended = seconds.next(&[]).remove(0);
        assert_eq!((ended.change, ended.finding.value), (Change::Ends, 9.0));
        // It ended when it was seen for the last time, and lasted from its first interval on.
        assert_eq!(ended.time_ns - begun_ns, 25_000_000_000);
        assert_eq!(ended.lasted_ns, Some(28_000_000_000));
        assert_eq!(seconds.active.all().count(), 0);

        // With long intervals, a single snapshot is enough.
        let mut minutes = Seconds::new();
        minutes.snapshot.stamp.interval_ns = 60_000_000_000;
        assert_eq!(minutes.next(&[io(1.0)]).len(), 1);
        let ended = minutes.next(&[]).remove(0);
        assert_eq!(ended.lasted_ns, Some(60_000_000_000));

        // With short ones, the time counts, and not the number of snapshots.
        let mut tenths = Seconds::new();
        tenths.snapshot.stamp.interval_ns = 100_000_000;
        for tenth in 0..60 {
            let findings = [io(1.0)];
            let found: &[Finding] = if tenth % 3 == 0 { &findings } else { &[] };
            let begins = tenths.next(found).len();
            assert_eq!(begins, usize::from(tenth == 30), "{tenth}");
        }
        tenths.quiet(46);
        assert_eq!(tenths.active.finish().len(), 1);

        // What holds when procviz comes begins at once.
        let mut first = Seconds::new();
        first.active = ActiveFindings::default();
        assert_eq!(first.next(&[io(1.0)]).len(), 1);
    }

    #[test]
    fn a_key_has_one_episode() {
        let mut seconds = Seconds::new();
        let both = [blocked(7, "/a"), blocked(8, "/a")];
        assert_eq!(seconds.pids(&both), [(Change::Begins, 7)]);
        for _ in 0..3 {
            assert_eq!(seconds.pids(&both), []);
        }
        // At the end of a run, what is still there has not ended.
        assert!(seconds.active.finish().is_empty());
        seconds.quiet(1);
        let ended = seconds.active.finish();
        assert_eq!((ended.len(), ended[0].lasted_ns), (1, Some(4_000_000_000)));
    }

    /// The text says how long it goes on, and the end says no other length.
    #[test]
    fn it_lasts_from_the_start_of_what_it_reports() {
        let mut seconds = Seconds::new();
        let since_ns = seconds.snapshot.stamp.boot_ns - 2_000_000_000;
        let finding = Finding {
            since_ns,
            ..blocked(7, "/a")
        };
        seconds.next(std::slice::from_ref(&finding));
        seconds.next(&[finding]);
        seconds.quiet(4);
        let ended = seconds.next(&[]).remove(0);
        assert_eq!(ended.lasted_ns, Some(4_000_000_000));
    }

    #[test]
    fn units_are_not_mixed() {
        let waits = |value: f64, unit: &'static str| Finding {
            value,
            unit,
            ..blocked(7, "/a")
        };
        let mut seconds = Seconds::new();
        seconds.next(&[waits(3.2, "threads")]);
        seconds.next(&[waits(0.1, "s")]);
        seconds.quiet(4);
        let ended = seconds.next(&[]).remove(0).finding;
        assert_eq!((ended.value, ended.unit), (0.1, "s"));
    }

    #[test]
    fn another_boot_ends_all() {
        let mut seconds = Seconds::new();
        seconds.next(&[blocked(7, "/a")]);
        seconds.snapshot.stamp.boot_ns = 9_000_000_000;
        let changes = seconds.next(&[blocked(7, "/a")]);
        let words: Vec<_> = changes.iter().map(|one| one.change).collect();
        assert_eq!(words, [Change::Begins, Change::Ends]);
        assert_eq!(changes[1].lasted_ns, None);
        // Before the first interval of the new boot.
        assert_eq!(changes[1].time_ns, 9_000_000_000);
    }
}
