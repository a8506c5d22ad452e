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
    /// Whether the last snapshot has it.
    is_there: bool,
    /// The last snapshots that have the finding, or that do not have it.
    run: Run,
    /// When it was reported, ns since boot; `None`: not yet.
    begun_ns: Option<u64>,
    /// When it was last seen, ns since boot.
    last_ns: u64,
    peak: f64,
}

/// Snapshots one after the other: their number and time, ns.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    snapshots: u32,
    time_ns: u64,
}

impl Run {
    fn add(&mut self, interval_ns: u64) {
        self.snapshots += 1;
        self.time_ns = self.time_ns.saturating_add(interval_ns);
    }

    fn reaches(self, (snapshots, time_ns): (u32, u64)) -> bool {
        self.snapshots >= snapshots || self.time_ns >= time_ns
    }
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
    /// Of a finding that ends: how long it lasted, ns.
    pub lasted_ns: Option<u64>,
}

/// The findings that hold, by key. A finding ends when five snapshots, or those of five
/// seconds, do not have it: what comes and goes is one episode. One that is judged by a
/// single second begins with the third snapshot, or after three seconds.
#[derive(Clone, Debug, Default)]
pub struct ActiveFindings {
    episodes: BTreeMap<FindingKey, Episode>,
    has_begun: bool,
}

/// Number of snapshots, and time, ns, after which a finding begins, and ends.
const BEGINS: (u32, u64) = (3, 3_000_000_000);
const ENDS: (u32, u64) = (5, 5_000_000_000);

impl ActiveFindings {
    /// Takes the next snapshot. Returns the findings that begin, then the findings that end.
    pub fn update(&mut self, snapshot: &Snapshot) -> Vec<Changed> {
        let stamp = snapshot.stamp;
        // What holds when procviz comes has held before.
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let mut changes = Vec::new();
        let mut there = BTreeMap::new();
        for finding in &snapshot.findings {
            let key = finding.key();
            let before = self.episodes.remove(&key);
            let mut episode = before.unwrap_or_else(|| Episode::new(finding));
            episode.see(finding, stamp);
            let is_sure = is_first || finding.rule != Rule::Io || episode.run.reaches(BEGINS);
            if episode.begun_ns.is_none() && is_sure {
                episode.begun_ns = Some(stamp.boot_ns);
                changes.push((key.clone(), finding.clone()));
            }
            there.insert(key, episode);
        }
        changes.sort_by(|(a, _), (b, _)| a.cmp(b));
        let begun = changes.into_iter().map(|(_, finding)| Changed {
            change: Change::Begins,
            finding,
            time_ns: stamp.boot_ns,
            lasted_ns: None,
        });
        let mut changes: Vec<Changed> = begun.collect();
        for (key, mut episode) in std::mem::take(&mut self.episodes) {
            // What has not begun is forgotten at once.
            let Some(begun_ns) = episode.begun_ns else {
                continue;
            };
            episode.miss(stamp.interval_ns);
            if !episode.run.reaches(ENDS) {
                there.insert(key, episode);
                continue;
            }
            changes.push(Changed {
                change: Change::Ends,
                time_ns: episode.last_ns,
                lasted_ns: Some(episode.last_ns.saturating_sub(begun_ns)),
                finding: Finding {
                    value: episode.peak,
                    ..episode.finding
                },
            });
        }
        self.episodes = there;
        changes
    }

    /// All findings that hold.
    pub fn all(&self) -> impl Iterator<Item = &Finding> {
        let episodes = self.episodes.values();
        let begun = episodes.filter(|episode| episode.begun_ns.is_some());
        begun.map(|episode| &episode.finding)
    }
}

impl Episode {
    fn new(finding: &Finding) -> Self {
        Self {
            finding: finding.clone(),
            is_there: true,
            run: Run::default(),
            begun_ns: None,
            last_ns: 0,
            peak: finding.value,
        }
    }

    /// The snapshot of `stamp` has the finding.
    fn see(&mut self, finding: &Finding, stamp: Stamp) {
        if !std::mem::replace(&mut self.is_there, true) {
            self.run = Run::default();
        }
        self.run.add(stamp.interval_ns);
        self.last_ns = stamp.boot_ns;
        self.peak = self.peak.max(finding.value);
        // A finding ends with the same process and the same name as it began.
        let (about, comm) = (self.finding.about, self.finding.comm);
        self.finding = Finding {
            about,
            comm,
            ..finding.clone()
        };
    }

    /// The next snapshot does not have the finding.
    fn miss(&mut self, interval_ns: u64) {
        if std::mem::replace(&mut self.is_there, false) {
            self.run = Run::default();
        }
        self.run.add(interval_ns);
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
        // It ended when it was seen for the last time.
        assert_eq!(ended.lasted_ns, Some(25_000_000_000));
        assert_eq!(ended.time_ns - begun_ns, 25_000_000_000);
        assert_eq!(seconds.active.all().count(), 0);

        // With long intervals, a single snapshot is enough.
        let mut minutes = Seconds::new();
        minutes.snapshot.stamp.interval_ns = 60_000_000_000;
        assert_eq!(minutes.next(&[io(1.0)]).len(), 1);
        assert_eq!(minutes.next(&[]).len(), 1);

        // What holds when procviz comes begins at once.
        let mut first = Seconds::new();
        first.active = ActiveFindings::default();
        assert_eq!(first.next(&[io(1.0)]).len(), 1);
    }
}
