//! Defines marks: which findings began or ended, and when. Marks only help to find these
//! times: for pictures, the rules run again over the samples.

use serde::{Deserialize, Serialize};

use super::block::MOST_NS;
use crate::{
    model::{
        CgroupOwner, ContainerNames, Finding, TaskId, Together, Untrusted, keep_names, unnamed,
    },
    tracker::{Change, Changed},
};

fn yes() -> bool {
    true
}

/// A change of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Time of the change, ns since boot.
    pub time_ns: u64,
    /// Whether the finding begins, holds or ends.
    pub change: Change,
    /// Name of the rule.
    pub rule: String,
    /// Rank among all findings, from 1.
    pub rank: u32,
    /// The process that the finding is about; `None` if there is none.
    pub about: Option<TaskId>,
    /// Whether `comm` is the name of `about`, and not of the processes that died.
    #[serde(default = "yes")]
    pub is_named: bool,
    /// Bytes of the name shown before the text; `None` if there is none.
    pub comm: Option<Vec<u8>>,
    /// Number of tasks or events that the finding combines.
    pub count: u64,
    /// The figure that made the rule fire.
    pub value: f64,
    /// Unit of `value`.
    pub unit: String,
    /// Start of the reported condition, ns since boot.
    pub since_ns: u64,
    /// The text for the user, without the name.
    pub text: String,
    /// How bad the finding is, see [`Severity`](crate::model::Severity); `None` if not known.
    #[serde(default)]
    pub severity: Option<String>,
    /// Real user id of the subject; `None` if not known.
    #[serde(default)]
    pub uid: Option<u32>,
    /// The finding is about `count` processes together.
    #[serde(default)]
    pub is_group: bool,
    /// What they have in common; `None`, as in older recordings: name and user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<Together>,
    /// Path of the cgroup, if they are those of a cgroup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    /// Path of the cgroup of the process, or of the last one that died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The names of the container and the pod that own that cgroup, as far as they were known.
    #[serde(default, skip_serializing_if = "ContainerNames::are_unknown")]
    pub names: ContainerNames,
    /// Of a finding about deaths: how the processes ended, as wait(2) reports it; `None` if
    /// that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u32>,
    /// Of a finding that ends: how long it lasted, ns; `None` if that is not known.
    #[serde(default)]
    pub lasted_ns: Option<u64>,
}

/// Identifies the finding of a mark: marks with the same key report the same finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MarkKey {
    rule: String,
    about: Option<TaskId>,
    comm: Option<Vec<u8>>,
    together: Option<Together>,
    cgroup: Option<String>,
    uid: Option<u32>,
    status: Option<u32>,
}

impl Mark {
    /// The key of its finding.
    pub fn key(&self) -> MarkKey {
        let together = self.together();
        let is_tree = together == Some(Together::Tree);
        let has_user = together.is_some() || self.status.is_some();
        MarkKey {
            rule: self.rule.clone(),
            about: self.about.filter(|_| together.is_none() || is_tree),
            comm: self.comm.clone(),
            together,
            cgroup: self.cgroup.clone(),
            uid: self.uid.filter(|_| has_user && self.cgroup.is_none()),
            status: self.status,
        }
    }

    /// What the processes have in common, if the finding is about several together.
    pub fn together(&self) -> Option<Together> {
        let known = self.together.or(Some(Together::Command));
        known.filter(|_| self.is_group)
    }

    /// The name of one process, or the words for several.
    pub fn who(&self) -> String {
        let name = self.comm.as_deref();
        let name = name.map(|name| Untrusted::new(name).name());
        let name = name.unwrap_or_else(|| unnamed(&self.rule).to_owned());
        let Some(together) = self.together() else {
            return name;
        };
        let pid = self.about.map(|about| about.tid);
        together.who(self.count, &name, (pid, self.cgroup.as_deref()))
    }

    /// `writer 4711: writes 80 MiB/s`.
    pub fn words(&self) -> String {
        let is_of_one = self.is_named && self.together().is_none();
        let pid = self.about.filter(|_| is_of_one);
        let pid = pid.map_or_else(String::new, |about| format!(" {}", about.tid));
        let text = Untrusted::new(self.text.as_bytes()).picture();
        format!("{}{pid}: {text}", self.who())
    }

    /// Approximate size in memory, bytes.
    pub(super) fn bytes(&self) -> usize {
        let texts = [&self.rule, &self.unit, &self.text].into_iter();
        let texts = texts
            .chain(&self.severity)
            .chain(&self.cgroup)
            .chain(&self.place);
        let names = &self.names;
        let texts = texts.chain(&names.container).chain(&names.pod);
        let texts = texts.chain(&names.namespace);
        let comm = self.comm.as_ref().map_or(0, Vec::len);
        size_of::<Self>() + comm + texts.map(String::len).sum::<usize>()
    }

    /// Whether the mark is possible on a real machine: a recording can hold any values.
    pub(super) fn is_possible(&self) -> bool {
        let start_ns = self.about.map_or(0, |task| task.start_ns);
        self.time_ns <= MOST_NS
            && self.since_ns <= self.time_ns
            && start_ns <= MOST_NS
            && self.value.is_finite()
    }

    /// The cgroup of all processes of the finding, or of the last one that died.
    pub fn whole_place(&self) -> Option<&str> {
        self.cgroup.as_deref().or(self.place.as_deref())
    }

    /// Keeps the names of the container that it is about.
    pub(super) fn keep_names(&self) {
        let owner = self.whole_place().map(CgroupOwner::of);
        if let Some(id) = owner.as_ref().and_then(|owner| owner.ids().next()) {
            keep_names(id, self.names.clone());
        }
    }

    /// Makes the mark of a finding that begins or ends.
    pub fn of(changed: &Changed) -> Self {
        Self {
            lasted_ns: changed.lasted_ns,
            ..Self::new(changed.change, &changed.finding, changed.time_ns)
        }
    }

    /// Makes the mark of a finding that changes at `time_ns`, ns since boot.
    pub fn new(change: Change, finding: &Finding, time_ns: u64) -> Self {
        let cgroup = finding
            .cgroup
            .as_deref()
            .filter(|_| finding.together == Some(Together::Cgroup));
        Self {
            time_ns,
            change,
            rule: finding.rule.word().to_owned(),
            rank: finding.rank,
            about: finding.about,
            is_named: finding.is_named(),
            comm: finding.comm.map(|comm| comm.bytes().to_vec()),
            count: finding.count,
            value: finding.value,
            unit: finding.unit.to_owned(),
            // After a reboot, the times before it do not count.
            since_ns: finding.since_ns.min(time_ns),
            text: finding.text.clone(),
            severity: Some(finding.severity.word().to_owned()),
            uid: finding.uid,
            is_group: finding.is_group(),
            together: finding.together,
            names: finding
                .whole_place()
                .map_or_else(ContainerNames::default, |path| {
                    CgroupOwner::of(path).names()
                }),
            place: finding.place.as_deref().map(str::to_owned),
            cgroup: cgroup.map(str::to_owned),
            status: finding.status,
            lasted_ns: None,
        }
    }
}
