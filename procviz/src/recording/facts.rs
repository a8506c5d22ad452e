//! Defines the facts of a recording: about its machine and about itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Host, Untrusted};

/// The facts of a recording; a fact that is not known is empty or 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Name of the machine.
    pub host: String,
    /// Release of the kernel.
    pub kernel: String,
    /// The kernel's id of the boot (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
    /// Time zone of the machine, such as `Europe/Berlin`.
    pub time_zone: String,
    /// Number of CPUs online.
    pub cpus: u32,
    /// Size of a memory page, bytes.
    pub page_bytes: u64,
    /// Length of a clock tick in `/proc`, ns.
    pub tick_ns: u64,
    /// Wall time at boot, ns since 1970, according to the clock when the recording began.
    pub boot_wall_ns: i64,
    /// How the clock was set after that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clock: Vec<ClockStep>,
    /// Version of the procviz that made the recording.
    pub procviz: String,
    /// Process id of that procviz; `None` if not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// `threads`, or `processes` if threads were left out.
    pub tasks: String,
    /// Whether a command or a process tree was followed: then only watched tasks are
    /// shown.
    pub only_watched: bool,
    /// Whether blocks of marks hold the findings that begin and end.
    pub has_marks: bool,
    /// Whether blocks of trails hold the trails of interesting tasks.
    pub has_trails: bool,
    /// Kind of the recorder that made the file in a folder and can remove it later:
    /// `rotation` or `ring`; empty for a file that procviz never removes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub keeper: String,
    /// The triggers that fired, if the recording was made because of a trigger.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<FiredTrigger>,
    /// User names by user id, for the users that were seen.
    pub users: BTreeMap<u32, String>,
}

/// A change of the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClockStep {
    /// When it was noticed, ns since boot.
    pub time_ns: u64,
    /// Wall time at boot according to the clock from then on, ns since 1970.
    pub boot_wall_ns: i64,
}

/// A trigger that fired: the reason for a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FiredTrigger {
    /// Time at which the trigger fired, ns since boot.
    pub time_ns: u64,
    /// What happened, in words for the user.
    pub words: String,
}

/// Upper limit for the number of CPUs. Linux allows 8,192.
const MOST_CPUS: u32 = 1 << 16;
/// Upper limit for a text, bytes.
const MOST_OF_TEXT: usize = 4096;

/// Upper limit for the noted changes.
pub(super) const MOST_STEPS: usize = 1_000;

/// Value of [`Facts::tasks`] if threads were left out.
pub const PROCESSES: &str = "processes";

impl Facts {
    /// Whether the facts are possible on a real machine: a recording can hold any values.
    pub(super) fn are_possible(&self) -> bool {
        let texts = [
            &self.host,
            &self.kernel,
            &self.boot_id,
            &self.time_zone,
            &self.procviz,
            &self.tasks,
            &self.keeper,
        ];
        let words = self.because.iter().map(|because| &because.words);
        self.cpus <= MOST_CPUS
            && self.clock.len() <= MOST_STEPS
            && self.clock.is_sorted_by_key(|step| step.time_ns)
            && self.page_bytes <= 1 << 30
            && self.tick_ns <= 1_000_000_000
            && texts
                .into_iter()
                .chain(words)
                .chain(self.users.values())
                .all(|text| text.len() <= MOST_OF_TEXT)
    }

    /// Whether the recording holds threads.
    pub fn has_threads(&self) -> bool {
        self.tasks != PROCESSES
    }

    /// The machine of the recording.
    pub fn machine(&self) -> Host {
        Host {
            name: self.host.clone(),
            cpus: self.cpus.max(1),
            page_bytes: self.page_bytes.max(1),
            tick_ns: self.tick_ns.max(1),
            boot_wall_ns: self.boot_wall_ns.into(),
            time_zone: self.time_zone.clone(),
            unconfined: false,
            own_pid: self.pid,
            occasion: self.because.first().map_or_else(String::new, |because| {
                Untrusted::new(because.words.as_bytes()).picture()
            }),
        }
    }
}
