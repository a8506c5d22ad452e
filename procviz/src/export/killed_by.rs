//! Writes who killed a process as JSON.

use std::sync::Arc;

use serde::Serialize;

use super::users::Names;
use crate::model::{ExitRecord, Killer};

/// Who or what sent a signal to a process that ended.
#[derive(Serialize)]
pub(super) struct KilledBy {
    kind: &'static str,
    pid: Option<u32>,
    comm: Option<String>,
    uid: Option<u32>,
    user: Option<Arc<str>>,
    before_ns: u64,
}

impl KilledBy {
    pub(super) fn of(
        killer: Option<&Killer>,
        record: &ExitRecord,
        names: Names<'_>,
    ) -> Option<Self> {
        let killer = killer?;
        let sender = killer.sender;
        Some(Self {
            kind: killer.kind.word(),
            pid: sender.map(|sender| sender.process.tid),
            comm: sender.map(|sender| sender.comm.text().json()),
            uid: sender.map(|sender| sender.uid),
            user: sender.map(|sender| names(sender.uid)),
            before_ns: record.time_ns.saturating_sub(killer.time_ns),
        })
    }
}
