//! What a recording says of its machine and of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Host, Untrusted};

/// The facts; those that are not known are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The machine's name.
    pub host: String,
    /// Its kernel's release.
    pub kernel: String,
    /// What the kernel calls this boot.
    pub boot_id: String,
    /// The machine's time zone, as in `Europe/Berlin`.
    pub time_zone: String,
    /// CPUs online.
    pub cpus: u32,
    /// Bytes of a page.
    pub page_bytes: u64,
    /// Nanoseconds of a clock tick of `/proc`.
    pub tick_ns: u64,
    /// Wall time at boot, ns since 1970, when the recording began.
    pub boot_wall_ns: i64,
    /// The version of procviz that made it.
    pub procviz: String,
    /// `threads`, or `processes` where threads were left out.
    pub tasks: String,
    /// A command or a tree was followed: who is not watched is not to be shown.
    pub only_watched: bool,
    /// What begins and ceases to stand out is told in blocks of its own.
    pub has_marks: bool,
    /// What came to the trails of interesting tasks is told in blocks of its own.
    pub has_trails: bool,
    /// Who keeps the file in a folder and may remove it later: `rotation` or
    /// `ring`; empty for a file that stays.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub keeper: String,
    /// What has happened, where a recording was made because of that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Because>,
    /// Names of users by their ids, as far as they were seen.
    pub users: BTreeMap<u32, String>,
}

/// Why a recording was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Because {
    /// When that was known, ns since boot.
    pub time_ns: u64,
    /// What has happened.
    pub words: String,
}

/// Upper limit for CPUs: Linux allows 8,192.
const MOST_CPUS: u32 = 1 << 16;
/// Upper limit for a name, or words, in bytes.
const MOST_OF_TEXT: usize = 4096;

/// What [`Facts::tasks`] says where threads were left out.
pub const PROCESSES: &str = "processes";

impl Facts {
    /// Whether some machine may be so: a recording may say anything.
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
            && self.page_bytes <= 1 << 30
            && self.tick_ns <= 1_000_000_000
            && texts
                .into_iter()
                .chain(words)
                .chain(self.users.values())
                .all(|text| text.len() <= MOST_OF_TEXT)
    }

    /// Whether threads were recorded.
    pub fn has_threads(&self) -> bool {
        self.tasks != PROCESSES
    }

    /// The machine.
    pub fn machine(&self) -> Host {
        Host {
            name: self.host.clone(),
            cpus: self.cpus.max(1),
            page_bytes: self.page_bytes.max(1),
            tick_ns: self.tick_ns.max(1),
            boot_wall_ns: self.boot_wall_ns.into(),
            time_zone: self.time_zone.clone(),
            unconfined: false,
            occasion: self.because.first().map_or_else(String::new, |because| {
                Untrusted::new(because.words.as_bytes()).picture()
            }),
        }
    }
}
