use serde::{Deserialize, Serialize};

use std::collections::{BTreeMap, VecDeque};

use rustc_hash::FxHashMap;

use super::{SECOND, groups::sums::ALONE, world::World};
use crate::model::{
    Comm, Event, ExitRecord, Finding, Rule, TaskId, Together, duration_text, total,
};

const SPAN_NS: u64 = 3 * SECOND;
/// The period in which the starts of a burst are counted, ns.
const BURST_NS: u64 = 2 * SECOND;
/// At least half of the starts of a burst are within two bins: evenly spread starts
/// are not a burst.
const BIN_NS: u64 = SECOND / 4;
const INSTANT_BINS: u64 = 2;
/// A core of exited processes counts as much as this number of forks per second.
const FORKS_PER_CORE: f64 = 100.0;
/// A process that does less than one part of so many of what the largest does is no member.
const LEAST: f64 = 20.0;
/// The share of the starts that are links of a chain.
const MOSTLY: f64 = 0.8;

/// Forks and short-lived processes, by the ancestor that causes them.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Forks {
    origins: FxHashMap<TaskId, Origin>,
    /// The last intervals: end, ns since boot, and length, ns.
    window: VecDeque<(u64, u64)>,
}

#[derive(Default, Serialize, Deserialize)]
struct Origin {
    ticks: VecDeque<Tick>,
    /// Number of started processes in each `BIN_NS` of the time since boot.
    bins: BTreeMap<u64, u64>,
    name: Comm,
    /// The processes that were started last, each with its parent.
    started: VecDeque<(TaskId, TaskId)>,
    /// The name of a chain, from its first link on.
    chain: Option<Comm>,
}

/// Upper limit for the processes in `Origin::started`.
const MOST_STARTED: usize = 16;

/// Forks and CPU time that an ancestor caused in one tick.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Tick {
    time_ns: u64,
    interval_ns: u64,
    forks: u64,
    /// Exits of processes that have started another one, which is still alive.
    links: u64,
    /// Exits of processes that were started a moment ago.
    exits: u64,
    dead_cpu_ns: u64,
}

impl Forks {
    pub(super) fn take(&mut self, world: World<'_>) {
        let (snapshot, sample, filter) = (world.snapshot, world.sample, world.filter);
        let stamp = snapshot.stamp;
        if snapshot.tick == 1 {
            return;
        }
        self.window.push_back((stamp.boot_ns, stamp.interval_ns));
        while self
            .window
            .front()
            .is_some_and(|(end, _)| stamp.boot_ns.saturating_sub(*end) >= SPAN_NS)
        {
            self.window.pop_front();
        }
        for event in &sample.events {
            match event {
                Event::Fork(fork)
                    if fork.id == fork.process && !fork.kthread && filter.shows_fork(fork) =>
                {
                    let started = &mut self.origins.entry(fork.origin).or_default().started;
                    started.truncate(MOST_STARTED - 1);
                    started.push_front((fork.parent, fork.process));
                    let tick = self.tick(fork.origin, stamp.boot_ns, stamp.interval_ns);
                    tick.forks = tick.forks.saturating_add(1);
                    self.bin(fork.origin, fork.id.start_ns, 1);
                    self.name(fork.origin, fork.comm);
                }
                Event::ProcessEnd(record)
                    if stamp.boot_ns.saturating_sub(record.process.start_ns) < SPAN_NS
                        && filter.shows_record(record) =>
                {
                    let is_link = self.is_link(record);
                    let tick = self.tick(record.origin, stamp.boot_ns, stamp.interval_ns);
                    tick.links += u64::from(is_link);
                    let used = record.cpu_ns.unwrap_or(0);
                    tick.exits += 1;
                    tick.dead_cpu_ns = tick.dead_cpu_ns.saturating_add(used);
                    self.name(record.origin, record.short_name());
                }
                _ => {}
            }
        }
        for fold in &snapshot.folds {
            let tick = self.tick(fold.origin, stamp.boot_ns, stamp.interval_ns);
            tick.forks = tick.forks.saturating_add(fold.count);
            tick.dead_cpu_ns = tick.dead_cpu_ns.saturating_add(fold.cpu_ns);
            self.bin(fold.origin, stamp.boot_ns, fold.count);
            self.name(fold.origin, fold.comm);
        }
        self.origins.retain(|_, origin| {
            while origin
                .ticks
                .front()
                .is_some_and(|tick| stamp.boot_ns.saturating_sub(tick.time_ns) >= SPAN_NS)
            {
                origin.ticks.pop_front();
            }
            origin.bins.retain(|bin, _| {
                stamp.boot_ns.saturating_sub(bin.saturating_mul(BIN_NS))
                    < SPAN_NS.max(stamp.interval_ns)
            });
            origin.chain = match origin.is_chain(world.thresholds().chain_links) {
                true => origin.chain.or(Some(origin.name)),
                false => None,
            };
            !origin.ticks.is_empty()
        });
    }

    fn tick(&mut self, origin: TaskId, time_ns: u64, interval_ns: u64) -> &mut Tick {
        let ticks = &mut self.origins.entry(origin).or_default().ticks;
        if ticks.back().is_none_or(|tick| tick.time_ns != time_ns) {
            ticks.push_back(Tick {
                time_ns,
                interval_ns,
                ..Tick::default()
            });
        }
        let last = ticks.len() - 1;
        &mut ticks[last]
    }

    /// Whether a process that exits has started another one that is still alive, and was
    /// itself started a moment ago.
    fn is_link(&mut self, record: &ExitRecord) -> bool {
        let Some(origin) = self.origins.get_mut(&record.origin) else {
            return false;
        };
        let was_started = origin
            .started
            .iter()
            .any(|(_, child)| *child == record.process);
        origin.started.retain(|(_, child)| *child != record.process);
        let mut started = origin.started.iter();
        was_started && started.any(|(parent, _)| *parent == record.process)
    }

    fn bin(&mut self, origin: TaskId, time_ns: u64, count: u64) {
        let bins = &mut self.origins.entry(origin).or_default().bins;
        let bin = bins.entry(time_ns / BIN_NS).or_default();
        *bin = bin.saturating_add(count);
    }

    fn name(&mut self, origin: TaskId, comm: Comm) {
        if let Some(origin) = self.origins.get_mut(&origin) {
            origin.name = comm;
        }
    }

    pub(super) fn judge(&self, world: World<'_>, findings: &mut Vec<Finding>) {
        let watched = total(self.window.iter().map(|(_, length)| *length));
        if watched < SECOND - SECOND / 20 {
            return;
        }
        let seconds = watched as f64 / 1e9;
        let thresholds = world.thresholds();
        let is_ignored = world.settings.ignores_all(Rule::Chain);
        let mut groups: BTreeMap<(Comm, Option<u32>), Vec<Starter<'_>>> = BTreeMap::new();
        for (id, origin) in &self.origins {
            let count = total(origin.ticks.iter().map(|tick| tick.forks));
            let used = total(origin.ticks.iter().map(|tick| tick.dead_cpu_ns));
            let starter = Starter {
                id: *id,
                origin,
                count,
                forks: count as f64 / seconds,
                cores: used as f64 / watched as f64,
            };
            if !is_ignored && origin.is_chain(thresholds.chain_links) {
                let figures = (watched, starter.forks, starter.cores);
                findings.push(origin.chain(*id, figures, world));
                continue;
            }
            match world.process(*id) {
                Some(process) => groups
                    .entry(world.group(process))
                    .or_default()
                    .push(starter),
                // It has exited: its own name is not known any more.
                None => findings.extend(self.of_one(&starter, watched, world)),
            }
        }
        for (group, mut starters) in groups {
            starters.sort_by(|a, b| b.weight().total_cmp(&a.weight()).then(a.id.cmp(&b.id)));
            let many = of_many(&starters, group, watched, world);
            for starter in starters {
                let is_member = many.is_some() && starter.is_much(world);
                if !is_member {
                    findings.extend(self.of_one(&starter, watched, world));
                }
            }
            findings.extend(many);
        }
    }

    /// The finding about a single process that started others.
    fn of_one(&self, starter: &Starter<'_>, watched: u64, world: World<'_>) -> Option<Finding> {
        match starter.is_much(world) {
            true => Some(starter.finding(watched, world)),
            false => self.burst(starter.id, starter.origin, world),
        }
    }

    /// Many starts at one instant by a process that starts few at other times.
    fn burst(&self, id: TaskId, origin: &Origin, world: World<'_>) -> Option<Finding> {
        let span = BURST_NS.max(world.snapshot.stamp.interval_ns);
        let oldest = world.now_ns().saturating_sub(span) / BIN_NS;
        let starts = |from: u64, bins: u64| -> u64 {
            total(
                origin
                    .bins
                    .range(from..from.saturating_add(bins))
                    .map(|(_, n)| *n),
            )
        };
        let bins = origin.bins.range(oldest..).map(|(bin, _)| *bin);
        let (count, instant) = bins
            .map(|bin| (starts(bin, BURST_NS / BIN_NS), starts(bin, INSTANT_BINS)))
            .max_by_key(|(_, instant)| *instant)?;
        if instant < count.div_ceil(2) {
            return None;
        }
        if (count as f64) < world.thresholds().burst_count {
            return None;
        }
        let name = world.name(id).unwrap_or(origin.name);
        let last = origin.name.text().name();
        Some(Finding {
            about: Some(id),
            dot: Some(id),
            comm: Some(name),
            count,
            value: count as f64,
            unit: "starts",
            since_ns: origin.since_ns(),
            text: format!("started {count} processes, such as {last}, within 2 s"),
            curve: curve(&origin.ticks),
            ..Finding::new(Rule::Burst)
        })
    }
}

/// A process that started others, with what it caused over the window.
struct Starter<'a> {
    id: TaskId,
    origin: &'a Origin,
    /// Started processes, also per second.
    count: u64,
    forks: f64,
    /// CPU that exited processes used, cores.
    cores: f64,
}

impl Starter<'_> {
    fn weight(&self) -> f64 {
        self.forks + self.cores * FORKS_PER_CORE
    }

    fn is_much(&self, world: World<'_>) -> bool {
        let thresholds = world.thresholds();
        self.forks >= thresholds.forks_rate || self.cores >= thresholds.forks_cores
    }

    fn finding(&self, watched_ns: u64, world: World<'_>) -> Finding {
        let last = self.origin.name.text().name();
        let span = duration_text(watched_ns);
        Finding {
            about: Some(self.id),
            dot: Some(self.id),
            comm: Some(world.name(self.id).unwrap_or(self.origin.name)),
            count: self.count,
            value: self.forks,
            weight: Some(self.weight()),
            unit: "forks/s",
            since_ns: self.origin.since_ns(),
            text: text("starts", (self.forks, self.cores), &last, &span),
            curve: curve(&self.origin.ticks),
            ..Finding::new(Rule::Forks)
        }
    }
}

/// The finding about processes of one name and user that start much together, the largest
/// first; `None` if they do not, or if one of them does nearly all of it.
fn of_many(
    starters: &[Starter<'_>],
    (comm, uid): (Comm, Option<u32>),
    watched_ns: u64,
    world: World<'_>,
) -> Option<Finding> {
    let first = starters.first()?;
    if world.settings.ignores_all(Rule::Forks) {
        return None;
    }
    let is_member = |starter: &&Starter<'_>| starter.weight() * LEAST >= first.weight();
    let starters: Vec<&Starter<'_>> = starters.iter().filter(is_member).collect();
    let sum = Starter {
        count: total(starters.iter().map(|starter| starter.count)),
        forks: starters.iter().map(|starter| starter.forks).sum(),
        cores: starters.iter().map(|starter| starter.cores).sum(),
        ..*first
    };
    if first.weight() > sum.weight() * ALONE || !sum.is_much(world) {
        return None;
    }
    let last = first.origin.name.text().name();
    let span = duration_text(watched_ns);
    let begins = starters.iter().map(|starter| starter.origin.since_ns());
    let mut by_time: BTreeMap<u64, Tick> = BTreeMap::new();
    for tick in starters.iter().flat_map(|starter| &starter.origin.ticks) {
        let sum = by_time
            .entry(tick.time_ns)
            .or_insert(Tick { forks: 0, ..*tick });
        sum.forks = sum.forks.saturating_add(tick.forks);
    }
    Some(Finding {
        comm: Some(comm),
        uid,
        together: Some(Together::Command),
        count: starters.len() as u64,
        since_ns: begins.min()?,
        text: text("together start", (sum.forks, sum.cores), &last, &span),
        curve: curve(&by_time.into_values().collect()),
        ..sum.finding(watched_ns, world)
    })
}

impl Origin {
    /// Begin of the first tick that counts, ns since boot.
    fn since_ns(&self) -> u64 {
        let first = self.ticks.front();
        first.map_or(0, |tick| tick.time_ns.saturating_sub(tick.interval_ns))
    }

    /// Whether each process has started the next one and exited.
    fn is_chain(&self, least: f64) -> bool {
        let forks = total(self.ticks.iter().map(|tick| tick.forks));
        let links = total(self.ticks.iter().map(|tick| tick.links));
        let exits = total(self.ticks.iter().map(|tick| tick.exits));
        let most = forks as f64 * MOSTLY;
        links as f64 >= least && links as f64 >= most && exits as f64 >= most
    }

    /// The finding about a chain, at its living end.
    fn chain(
        &self,
        id: TaskId,
        (watched, forks, cores): (u64, f64, f64),
        world: World<'_>,
    ) -> Finding {
        let is_present = |id: &TaskId| world.process(*id).is_some();
        let last = self.started.front().map(|(_, child)| *child);
        let end = last.filter(is_present);
        let name = self.chain.unwrap_or(self.name);
        let used = match cores < 0.005 {
            true => String::new(),
            false => format!("; exited processes used {cores:.2} cores"),
        };
        Finding {
            about: end,
            dot: end.or(Some(id).filter(is_present)),
            comm: Some(name),
            count: total(self.ticks.iter().map(|tick| tick.forks)),
            value: forks,
            weight: Some(forks + cores * FORKS_PER_CORE),
            unit: "forks/s",
            since_ns: self.since_ns(),
            text: format!(
                "is the end of a chain: each process starts the next and exits, \
                {forks:.1} processes/s over {}{used}",
                duration_text(watched)
            ),
            curve: curve(&self.ticks),
            ..Finding::new(Rule::Chain)
        }
    }
}

/// The text of a finding. A figure that rounds to 0 is left out, and so is a low rate beside the
/// CPU time that was used.
fn text(verb: &str, (forks, cores): (f64, f64), last: &str, span: &str) -> String {
    if forks < 0.05 || (forks < 2.0 && cores >= 0.1) {
        return format!("exited processes, such as {last}, used {cores:.2} cores over {span}");
    }
    let digits = usize::from(forks < 9.95);
    let used = if cores < 0.005 {
        String::new()
    } else {
        format!("; exited processes used {cores:.2} cores")
    };
    format!("{verb} {forks:.digits$} processes/s, such as {last}, over {span}{used}")
}

fn curve(ticks: &VecDeque<Tick>) -> Vec<f32> {
    ticks
        .iter()
        .map(|tick| (tick.forks as f64 * 1e9 / tick.interval_ns.max(1) as f64) as f32)
        .collect()
}
