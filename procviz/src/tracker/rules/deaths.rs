use serde::{Deserialize, Serialize};

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{SECOND, world::World};
use crate::model::{
    Comm, Event, ExitRecord, Finding, KillKind, Killer, Rule, Status, TaskId, count_text,
    duration_text, many_text, owner_words, total,
};

const SPAN_NS: u64 = 600 * SECOND;
/// Upper limit for the stored kinds of deaths.
const MOST_KINDS: usize = 4_000;
/// Shortest lifetime of a service, ns: a command that fails sooner is a `grep` in a
/// loop.
const SERVICE_NS: u64 = SECOND / 5;
/// Signals of faults, of which a single death is worth a word: ILL, ABRT, BUS, FPE and SEGV.
const FAULTS: [u32; 5] = [4, 6, 7, 8, 11];
/// A loop without a death for this time, and for three times its usual pause, is over, ns.
const QUIET_NS: u64 = 10 * SECOND;
/// Upper limit for the cgroups of each kind that are compared.
const MOST_PLACES: usize = 8;
/// How long a single death is shown, ns.
const SHOWN_NS: u64 = 10 * SECOND;

/// Commands that crash or fail again and again.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Deaths {
    kinds: FxHashMap<Kind, VecDeque<Death>>,
    /// The cgroups of the last deaths of each kind, each once, the last at the end.
    places: FxHashMap<Kind, VecDeque<Arc<str>>>,
}

/// Deaths that are counted together: of processes with one origin and one name, in one way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Kind {
    origin: TaskId,
    /// `None`: the name of the origin, which can become known later than the first deaths.
    comm: Option<Comm>,
    status: u32,
}

impl Kind {
    fn of(origin: TaskId, comm: Comm, status: u32, world: World<'_>) -> Self {
        Self {
            origin,
            comm: Some(comm).filter(|comm| world.name(origin) != Some(*comm)),
            status,
        }
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Death {
    time_ns: u64,
    id: TaskId,
    ppid: u32,
    uid: u32,
    count: u64,
    /// Worth a word also if it is a single one.
    is_told: bool,
    killer: Option<Killer>,
    /// It got a SIGTERM before.
    was_asked: bool,
}

impl Deaths {
    pub(super) fn take(&mut self, world: World<'_>) {
        let (snapshot, sample, filter) = (world.snapshot, world.sample, world.filter);
        let mut parents = Parents::default();
        for event in &sample.events {
            if let Event::ProcessEnd(record) = event
                && filter.shows_record(record)
            {
                let has_failed = record.status.code().is_some_and(|code| code != 0);
                let is_death = record.status.is_crash() || has_failed;
                // A process that is older than the first sample is its own origin.
                let origin = Some(record.process).filter(|id| is_death && *id == record.origin);
                let parent = origin.and_then(|_| parents.of(record, world));
                // Nobody saw who started it: a manager can have stopped it, or adopted it.
                let is_managed =
                    parent.is_none() && world.name(record.origin).is_some_and(is_manager);
                let origin = parent.unwrap_or(record.origin);
                self.death((origin, record), is_managed, world);
            }
        }
        for fold in snapshot.folds.iter().filter(|fold| fold.status.is_crash()) {
            let death = Death {
                time_ns: snapshot.stamp.boot_ns,
                id: fold.origin,
                ppid: fold.origin.tid,
                uid: fold.uid,
                count: fold.count,
                is_told: is_fault(fold.status.0),
                killer: None,
                was_asked: false,
            };
            self.kinds
                .entry(Kind::of(
                    fold.origin,
                    fold.comm,
                    fold.status.0 & 0x7f,
                    world,
                ))
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
        self.places.retain(|kind, _| self.kinds.contains_key(kind));
    }

    fn death(
        &mut self,
        (origin, record): (TaskId, &ExitRecord),
        is_managed: bool,
        world: World<'_>,
    ) {
        let status = record.status;
        let kind = |status: u32| Kind::of(origin, record.short_name(), status, world);
        let death = Death {
            time_ns: record.time_ns,
            id: record.process,
            ppid: record.ppid,
            uid: record.uid,
            count: 1,
            is_told: is_fault(status.0) || is_foreign(record),
            killer: record.killed_by.as_deref().copied(),
            was_asked: record.terminated_by.is_some(),
        };
        let kind = kind(match status.is_crash() {
            true => status.0 & 0x7f,
            false => status.0,
        });
        if let Some(path) = &record.cgroup {
            let places = self.places.entry(kind).or_default();
            places.retain(|other| other != path);
            places.push_back(Arc::clone(path));
            if places.len() > MOST_PLACES {
                places.pop_front();
            }
        }
        if status.is_crash() {
            let deaths = self.kinds.entry(kind).or_default();
            deaths.push_back(death);
        } else if status.code().is_some_and(|code| code != 0) {
            let deaths = self.kinds.entry(kind).or_default();
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
        let is_loop = |deaths: &VecDeque<Death>| {
            total(deaths.iter().map(|death| death.count)) as f64 >= world.thresholds().deaths_count
        };
        let loops = self.kinds.iter().filter(|(_, deaths)| is_loop(deaths));
        let loops: FxHashSet<(TaskId, u32)> =
            loops.map(|(kind, _)| (kind.origin, kind.status)).collect();
        // What dies in the same way is one finding, also if several processes started it.
        let mut alike: BTreeMap<(Comm, u32, u32), Alike<'_>> = BTreeMap::new();
        for (kind, deaths) in &self.kinds {
            let Kind { origin, status, .. } = *kind;
            let Some(comm) = kind.comm.or_else(|| world.name(origin)) else {
                continue;
            };
            // A single death beside a loop of its kind says nothing more.
            let is_told = deaths.iter().any(|death| death.is_told);
            if is_loop(deaths) || is_told && !loops.contains(&(origin, status)) {
                let mut users: Vec<u32> = deaths.iter().map(|death| death.uid).collect();
                users.sort_unstable();
                users.dedup();
                for uid in users {
                    let alike = alike.entry((comm, status, uid)).or_default();
                    alike.kinds.push((origin, deaths));
                    alike.places.extend(self.places.get(kind));
                }
            }
        }
        let mut starts = None;
        for (key, alike) in alike {
            findings.extend(alike.finding(key, &mut starts, world));
        }
    }
}

/// Whether a single death with this status is worth a word.
fn is_fault(status: u32) -> bool {
    let signal = Status(status).signal();
    signal.is_some_and(|signal| FAULTS.contains(&signal))
}

/// Whether a process that is not the parent sent the deadly signal, or a SIGTERM came before it
/// without effect.
fn is_foreign(record: &ExitRecord) -> bool {
    let Some(killer) = &record.killed_by else {
        return false;
    };
    let is_parent = killer
        .sender
        .is_some_and(|sender| sender.process.tid == record.ppid);
    match killer.kind {
        _ if !record.status.is_crash() => false,
        KillKind::Process => !is_parent || record.terminated_by.is_some(),
        KillKind::Cgroup | KillKind::Limit | KillKind::Seccomp => true,
        _ => false,
    }
}

/// Text about the end of all these processes: `SIGKILL by earlyoom (pid 612)`, `SIGTERM by
/// 3 × sh`. If they have different killers, it is the name of the signal alone.
fn how<'a>(status: Status, deaths: impl Iterator<Item = &'a Death>) -> String {
    let killers: Option<Vec<Killer>> = deaths.map(|death| death.killer).collect();
    let Some(killers) = killers else {
        return status.words();
    };
    let name = |killer: &Killer| (killer.kind, killer.sender.map(|sender| sender.comm));
    let Some(first) = killers
        .first()
        .filter(|first| killers.iter().all(|other| name(other) == name(first)))
    else {
        return status.words();
    };
    let senders = killers.iter().filter_map(|killer| killer.sender);
    let senders: BTreeSet<TaskId> = senders.map(|sender| sender.process).collect();
    match (first.kind, first.sender) {
        (KillKind::Process, Some(sender)) if senders.len() > 1 => {
            let many = many_text(senders.len() as u64, &sender.comm.text().name());
            format!("{} by {many}", status.words())
        }
        // Each had another parent, or another one asked for memory.
        (KillKind::Oom | KillKind::Parent | KillKind::Cgroup, _) if senders.len() > 1 => {
            let nobody = Killer {
                sender: None,
                ..*first
            };
            nobody.how(status)
        }
        _ => first.how(status),
    }
}

/// Deaths of one name, user and status, by who started such processes.
#[derive(Default)]
struct Alike<'a> {
    kinds: Vec<(TaskId, &'a VecDeque<Death>)>,
    /// The cgroups of their last deaths.
    places: Vec<&'a VecDeque<Arc<str>>>,
}

impl Alike<'_> {
    fn finding(
        &self,
        (comm, status, uid): (Comm, u32, u32),
        starts: &mut Option<Starts>,
        world: World<'_>,
    ) -> Option<Finding> {
        let deaths = || {
            let all = self.kinds.iter().flat_map(|(_, deaths)| *deaths);
            all.filter(|death| death.uid == uid)
        };
        let order = |death: &&Death| (death.time_ns, death.id);
        let first = deaths().min_by_key(order)?;
        let last = deaths().max_by_key(order)?;
        let count = total(deaths().map(|death| death.count));
        let is_recent = world.now_ns().saturating_sub(last.time_ns) < SHOWN_NS;
        if (count as f64) < world.thresholds().deaths_count && !(is_recent && last.is_told) {
            return None;
        }
        let mut how = how(Status(status), deaths());
        if deaths().all(|death| death.was_asked) {
            how.push_str(", after a SIGTERM");
        }
        let lasted_ns = last.time_ns.saturating_sub(first.time_ns);
        let times = match count {
            1 => format!("died ({how})"),
            count => {
                let span = duration_text(lasted_ns);
                format!("died {} times ({how}) in {span}", count_text(count))
            }
        };
        let most = self.kinds.iter().map(|(origin, deaths)| {
            let own = deaths.iter().filter(|death| death.uid == uid);
            (
                total(own.map(|death| death.count)),
                std::cmp::Reverse(*origin),
            )
        });
        let std::cmp::Reverse(origin) = most.max()?.1;
        let parent = self.parent(world);
        let origin = parent.unwrap_or(origin);
        let is_parent = origin.tid == last.ppid && world.process(origin).is_some();
        let restart_ns = (count == 1 && is_recent && is_parent).then(|| {
            let starts = starts.get_or_insert_with(|| Starts::new(world));
            starts.after(last, comm)
        });
        let by = self.by(parent, restart_ns.flatten(), world);
        let is_present = |id: &TaskId| world.process(*id).is_some();
        let pause_ns = lasted_ns / count.saturating_sub(1).max(1);
        let ended_ns = world.ended(last.time_ns, QUIET_NS.max(pause_ns.saturating_mul(3)));
        let ago = world.ago("; the last ", ended_ns);
        Some(Finding {
            about: Some(origin),
            uid: Some(uid),
            dot: [last.id, origin].into_iter().find(is_present),
            comm: Some(comm),
            count,
            status: Some(status),
            place: self.place(),
            value: count as f64,
            unit: "deaths",
            since_ns: first.time_ns,
            ended_ns,
            text: format!("{times}{by}{ago}"),
            curve: curve(deaths(), count, (first.time_ns, world.now_ns())),
            ..Finding::new(Rule::Deaths)
        })
    }

    /// The last cgroup, if all of them have the same owner. A container that is started again
    /// has another cgroup, and its pod stays.
    fn place(&self) -> Option<Arc<str>> {
        let last = self.places.last()?.back()?;
        let owner = owner_words(last);
        let mut all = self.places.iter().flat_map(|places| *places);
        let is_one = all.all(|path| path == last || owner.is_some() && owner_words(path) == owner);
        is_one.then(|| Arc::clone(last))
    }

    /// The parent of all of them, if they have one and it is still there. What a young process
    /// starts counts as started by the parent of that process, see `Fork::origin`: of a
    /// supervisor, this would be the shell that started it.
    fn parent(&self, world: World<'_>) -> Option<TaskId> {
        let mut all = self.kinds.iter().flat_map(|(_, deaths)| *deaths);
        let first = all.next()?;
        if !all.all(|death| death.ppid == first.ppid) {
            return None;
        }
        let processes = world.snapshot.processes.iter();
        let living = processes.filter(|process| process.end.is_none());
        let mut ids = living.map(|process| process.id);
        let parent = ids.find(|id| id.tid == first.ppid && id.start_ns <= first.time_ns)?;
        // An older one has only adopted them, as init does.
        let mut origins = self.kinds.iter().map(|(origin, _)| *origin);
        let is_younger = |origin: TaskId| parent == origin || parent.start_ns > origin.start_ns;
        origins.all(is_younger).then_some(parent)
    }

    /// Who started them: `, restarted by systemd 1`; empty if that is not known.
    fn by(&self, parent: Option<TaskId>, restart_ns: Option<u64>, world: World<'_>) -> String {
        let starters = self
            .kinds
            .iter()
            .map(|(origin, _)| parent.unwrap_or(*origin));
        let origins: BTreeSet<TaskId> = starters.collect();
        let names: Vec<Comm> = origins.iter().filter_map(|id| world.name(*id)).collect();
        let (Some(name), Some(origin)) = (names.first().copied(), origins.first()) else {
            return String::new();
        };
        let is_one_name = names.iter().all(|other| *other == name);
        let text = name.text().name();
        if origins.len() > 1 {
            let many = origins.len() as u64;
            return match is_one_name && names.len() == origins.len() {
                true => format!(", started by {}", many_text(many, &text)),
                false => format!(", started by {} processes", count_text(many)),
            };
        }
        let is_again = self.kinds.iter().any(|(_, deaths)| {
            let mut pairs = deaths.iter().zip(deaths.iter().skip(1));
            pairs.any(|(one, next)| next.id.start_ns >= one.time_ns)
        });
        let by = format!("{text} {}", origin.tid);
        match (is_manager(name), restart_ns.map(duration_text)) {
            (true, Some(after)) => format!(", restarted {after} later by {by}"),
            (false, Some(after)) => {
                format!(", started by {by}, which started another one {after} later")
            }
            (true, None) if is_again => format!(", restarted by {by}"),
            _ => format!(", started by {by}"),
        }
    }
}

/// The processes that started since a single death can be shown: parent, name and start, in
/// this order.
struct Starts(Vec<(u32, Comm, u64)>);

impl Starts {
    fn new(world: World<'_>) -> Self {
        let snapshot = world.snapshot;
        let from_ns = world.now_ns().saturating_sub(SHOWN_NS);
        let processes = snapshot.processes.iter();
        let mut starts: Vec<_> = processes
            .filter(|process| process.id.start_ns >= from_ns)
            .map(|process| (process.ppid, snapshot.name_of(process), process.id.start_ns))
            .collect();
        starts.sort_unstable();
        Self(starts)
    }

    /// How long after a death its parent, which is still there, started a process with the
    /// same name.
    fn after(&self, death: &Death, comm: Comm) -> Option<u64> {
        let key = (death.ppid, comm, death.time_ns);
        let at = self.0.partition_point(|start| *start < key);
        let (ppid, name, start_ns) = *self.0.get(at)?;
        ((ppid, name) == (death.ppid, comm)).then(|| start_ns - death.time_ns)
    }
}

/// Looks up the parents of processes that died.
#[derive(Default)]
struct Parents {
    /// All processes, sorted by pid; empty until the first question.
    sorted: Vec<TaskId>,
}

impl Parents {
    /// The parent of a process that died, if it is still there.
    fn of(&mut self, record: &ExitRecord, world: World<'_>) -> Option<TaskId> {
        if self.sorted.is_empty() {
            let ids = world.snapshot.processes.iter();
            self.sorted = ids.map(|process| process.id).collect();
            self.sorted.sort_unstable_by_key(|id| id.tid);
        }
        let at = self.sorted.partition_point(|id| id.tid < record.ppid);
        let same = self.sorted[at..].iter();
        // A younger process has the pid of the parent by chance.
        same.take_while(|id| id.tid == record.ppid)
            .copied()
            .find(|id| id.start_ns <= record.process.start_ns)
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

/// Number of deaths in equal parts of the time since the first death: so few parts that deaths
/// at equal distances make no dips.
fn curve<'a>(
    deaths: impl Iterator<Item = &'a Death>,
    count: u64,
    (from_ns, now_ns): (u64, u64),
) -> Vec<f32> {
    let span = now_ns.saturating_sub(from_ns).max(1);
    let parts = (count / 4).clamp(2, 20) as usize;
    let mut curve = vec![0.0; parts];
    for death in deaths {
        let since = u128::from(death.time_ns.saturating_sub(from_ns));
        let part = (since * parts as u128 / u128::from(span)) as usize;
        curve[part.min(parts - 1)] += death.count as f32;
    }
    curve
}
