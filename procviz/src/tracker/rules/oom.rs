use serde::{Deserialize, Serialize};

use std::collections::VecDeque;

use super::{SECOND, world::World};
use crate::model::{Comm, Event, Finding, Rule, TaskId, Untrusted, bytes_text, duration_text};

const SPAN_NS: u64 = 600 * SECOND;
const MOST: usize = 100;
/// A kill is over after this time, ns.
const QUIET_NS: u64 = 60 * SECOND;

/// Processes that the kernel's OOM killer killed.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Oom {
    deaths: VecDeque<Death>,
}

#[derive(Serialize, Deserialize)]
struct Death {
    time_ns: u64,
    id: TaskId,
    comm: Comm,
    rss: Option<u64>,
    cgroup: Option<String>,
    grower: Option<(TaskId, Comm, u64)>,
}

impl Oom {
    pub(super) fn take(&mut self, world: World<'_>) {
        for event in &world.sample.events {
            if let Event::ProcessEnd(record) = event
                && record.oom
                && world.filter.shows_record(record)
            {
                self.deaths.push_back(Death {
                    time_ns: record.time_ns,
                    id: record.process,
                    comm: record.short_name(),
                    rss: record.max_rss_bytes,
                    cgroup: record
                        .cgroup
                        .as_deref()
                        .map(|path| Untrusted::new(path.as_bytes()).name()),
                    grower: fastest_grower(world, record.cgroup.as_deref(), record.process),
                });
            }
        }
        let now = world.now_ns();
        while self.deaths.len() > MOST
            || self
                .deaths
                .front()
                .is_some_and(|death| now.saturating_sub(death.time_ns) > SPAN_NS)
        {
            self.deaths.pop_front();
        }
    }

    pub(super) fn judge(&self, world: World<'_>, findings: &mut Vec<Finding>) {
        let Some(last) = self.deaths.back() else {
            return;
        };
        let count = self.deaths.len() as u64;
        let ago = duration_text(world.now_ns().saturating_sub(last.time_ns));
        let mut text = format!("killed by the OOM killer {ago} ago");
        if let Some(rss) = last.rss {
            text.push_str(&format!(", peak RSS {}", bytes_text(rss)));
        }
        if count > 1 {
            text.push_str(&format!(", last of {count} kills"));
        }
        if let Some(cgroup) = &last.cgroup {
            text.push_str(&format!(", cgroup {cgroup}"));
        }
        if let Some((id, comm, grown)) = &last.grower {
            let name = comm.text().name();
            let grown = bytes_text(*grown);
            let place = last.cgroup.as_ref().map_or("", |_| " (same cgroup)");
            text.push_str(&format!("; {name} {}{place} grew by {grown}", id.tid));
        }
        findings.push(Finding {
            about: Some(last.id),
            dot: Some(last.id),
            comm: Some(last.comm),
            count,
            value: count as f64,
            unit: "deaths",
            since_ns: self.deaths.front().map_or(0, |death| death.time_ns),
            ended_ns: world.ended(last.time_ns, QUIET_NS),
            text,
            ..Finding::new(Rule::Oom)
        });
    }
}

/// The process in the same cgroup that grew most since the run began, and by how
/// many bytes.
fn fastest_grower(
    world: World<'_>,
    cgroup: Option<&str>,
    dead: TaskId,
) -> Option<(TaskId, Comm, u64)> {
    world
        .snapshot
        .processes
        .iter()
        .filter(|process| {
            process.id != dead && process.end.is_none() && process.cgroup.as_deref() == cgroup
        })
        .filter_map(|process| {
            let grown = process.private()?.saturating_sub(process.first_private?);
            (grown > 0).then(|| (process.id, world.snapshot.name_of(process), grown))
        })
        .max_by_key(|(id, _, grown)| (*grown, *id))
}
