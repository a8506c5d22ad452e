use serde::{Deserialize, Serialize};

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{SECOND, world::World};
use crate::model::{Comm, Event, ExitRecord, Finding, Rule, Status, TaskId, duration_text, total};

const SPAN_NS: u64 = 600 * SECOND;
/// From this number of deaths on, it is a loop.
pub(super) const THRESHOLD: usize = 3;
/// Upper limit for the stored kinds of deaths.
const MOST_KINDS: usize = 4_000;
/// Shortest lifetime of a service, ns: a command that fails sooner is a `grep` in a
/// loop.
const SERVICE_NS: u64 = SECOND / 5;
/// Signals of faults, of which a single death is worth a word: ILL, ABRT, BUS, FPE and SEGV.
const FAULTS: [u32; 5] = [4, 6, 7, 8, 11];
/// How long a single death is shown, ns.
const SHOWN_NS: u64 = 10 * SECOND;

/// Commands that crash or fail again and again.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Deaths {
    kinds: FxHashMap<(TaskId, Comm, u32), VecDeque<Death>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Death {
    time_ns: u64,
    id: TaskId,
    ppid: u32,
    uid: u32,
    count: u64,
}

impl Deaths {
    pub(super) fn take(&mut self, world: World<'_>) {
        let (snapshot, sample, filter) = (world.snapshot, world.sample, world.filter);
        for event in &sample.events {
            if let Event::ProcessEnd(record) = event
                && filter.shows_record(record)
            {
                let parent = world.name(record.origin);
                self.death(record, parent.is_some_and(is_manager));
            }
        }
        for fold in snapshot.folds.iter().filter(|fold| fold.status.is_crash()) {
            let death = Death {
                time_ns: snapshot.stamp.boot_ns,
                id: fold.origin,
                ppid: fold.origin.tid,
                uid: fold.uid,
                count: fold.count,
            };
            self.kinds
                .entry((fold.origin, fold.comm, fold.status.0 & 0x7f))
                .or_default()
                .push_back(death);
        }
        let now = snapshot.stamp.boot_ns;
        self.kinds.retain(|_, deaths| {
            while deaths.len() > 10_000
                || deaths
                    .front()
                    .is_some_and(|death| now.saturating_sub(death.time_ns) > SPAN_NS)
            {
                deaths.pop_front();
            }
            !deaths.is_empty()
        });
        if self.kinds.len() > MOST_KINDS {
            // Processes die under ever new names: only repeated deaths matter.
            self.kinds.retain(|_, deaths| deaths.len() > 1);
        }
    }

    fn death(&mut self, record: &ExitRecord, is_managed: bool) {
        let status = record.status;
        let death = Death {
            time_ns: record.time_ns,
            id: record.process,
            ppid: record.ppid,
            uid: record.uid,
            count: 1,
        };
        if status.is_crash() {
            let key = (record.origin, record.short_name(), status.0 & 0x7f);
            self.kinds.entry(key).or_default().push_back(death);
        } else if status.code().is_some_and(|code| code != 0) {
            let deaths = self
                .kinds
                .entry((record.origin, record.short_name(), status.0))
                .or_default();
            let lived = record.time_ns.saturating_sub(record.process.start_ns);
            let follows = deaths.back().is_none_or(|last| {
                last.time_ns <= record.process.start_ns && last.ppid == record.ppid
            });
            let is_service = lived >= SERVICE_NS || is_managed;
            if !is_service || !(follows || is_managed) {
                deaths.clear();
            }
            if is_service {
                deaths.push_back(death);
            }
        }
    }

    pub(super) fn judge(&self, world: World<'_>, findings: &mut Vec<Finding>) {
        for ((origin, comm, status), deaths) in &self.kinds {
            let count = total(deaths.iter().map(|death| death.count));
            let (Some(first), Some(last)) = (deaths.front(), deaths.back()) else {
                continue;
            };
            let is_loop = count >= THRESHOLD as u64;
            let is_fault = Status(*status)
                .signal()
                .is_some_and(|signal| FAULTS.contains(&signal));
            let is_recent = world.now_ns().saturating_sub(last.time_ns) < SHOWN_NS;
            if !(is_loop || is_fault && is_recent) {
                continue;
            }
            let how = Status(*status).words();
            let span = duration_text(last.time_ns.saturating_sub(first.time_ns));
            let times = match count {
                1 => format!("died ({how})"),
                count => format!("died {count} times ({how}) in {span}"),
            };
            let by = match world.name(*origin) {
                Some(comm) => {
                    let verb = if is_manager(comm) {
                        "restarted"
                    } else {
                        "started"
                    };
                    format!(", {verb} by {} {}", comm.text().name(), origin.tid)
                }
                None => String::new(),
            };
            let is_shown = world.process(last.id).is_some();
            findings.push(Finding {
                about: Some(*origin),
                uid: Some(last.uid),
                dot: Some(if is_shown { last.id } else { *origin }),
                comm: Some(*comm),
                count,
                value: count as f64,
                unit: "deaths",
                since_ns: first.time_ns,
                text: format!("{times}{by}"),
                curve: curve(deaths, world.now_ns()),
                ..Finding::new(Rule::Deaths)
            });
        }
    }
}

/// Whether a process is a service manager or container shim, which restarts
/// processes.
fn is_manager(comm: Comm) -> bool {
    const NAMES: [&[u8]; 9] = [
        b"systemd",
        b"init",
        b"supervisord",
        b"runsv",
        b"s6-supervise",
        b"conmon",
        b"tini",
        b"dockerd",
        b"monit",
    ];
    NAMES.contains(&comm.bytes()) || comm.bytes().starts_with(b"containerd-shim")
}

/// Number of deaths in each twentieth of the time since the first death.
fn curve(deaths: &VecDeque<Death>, now_ns: u64) -> Vec<f32> {
    let from = deaths.front().map_or(0, |death| death.time_ns);
    let span = now_ns.saturating_sub(from).max(1);
    let mut curve = vec![0.0; 20];
    for death in deaths {
        let part = (death.time_ns.saturating_sub(from) as u128 * 20 / u128::from(span)) as usize;
        curve[part.min(19)] += death.count as f32;
    }
    curve
}
