//! Defines the data types of procviz: ids, figures, events, samples and
//! snapshots. They are plain data with their arithmetic. This module reads no
//! clock, no file and no environment, and uses no other module.

mod activity;
mod args;
mod cgroup;
mod direction;
mod event;
mod fact;
mod finding;
mod ids;
mod killer;
mod loss;
mod machine;
mod memory;
mod sample;
mod severity;
mod snapshot;
mod spare;
mod state;
mod status;
mod task;
mod units;
mod untrusted;

pub use activity::Activity;
pub use args::{Args, MOST_ARGS};
pub use cgroup::{CgroupOwner, ContainerNames, cgroup_name, owner_words};
pub(crate) use cgroup::{is_container_id, keep_names, keep_told_names, names_found, names_of};
pub(crate) use direction::Direction;
pub use event::{Event, Exec, ExitRecord, Fold, Fork, Rename, ThreadEnd, mount_only};
pub use fact::{Fact, Place, Value};
pub(crate) use finding::SubjectKey;
pub use finding::{Finding, FindingKey, Rule, Together, figure_text, unnamed};
pub use ids::{Comm, Scope, TaskId};
pub use killer::{KillKind, Killer, Sender};
pub use loss::Losses;
pub use machine::{Host, MachineFigures, Pressure};
pub use memory::{Memory, MemoryParts, MemorySizes};
pub(crate) use sample::SLACK_NS;
pub use sample::{Found, Gone, Io, Reading, Sample, Sources, Stamp};
pub use severity::Severity;
pub use snapshot::{Slots, Snapshot};
pub(crate) use spare::{Spare, empty};
pub use state::State;
pub use status::Status;
pub use task::{Change, End, Process, TaskView, Thread};
pub(crate) use units::kib;
pub use units::{
    bytes_text, count_text, duration_text, known_bytes_text, many_text, per_second_text, rate_text,
    total,
};
pub use untrusted::Untrusted;
pub(crate) use untrusted::is_harmful;
