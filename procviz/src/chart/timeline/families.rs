//! Finds the lives that belong together.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{life::Life, lives::Lives};
use crate::{
    chart::grouping::{GroupKey, Grouping, group_name},
    model::{Comm, TaskId, count_text},
};

/// A process that used less than this part of a core over the period, neither began nor ended in
/// it and was not blocked, did nothing.
const NOTHING: f64 = 0.002;
/// With more families of processes without children, these are one family.
const MOST_ALONE: usize = 30;

/// Lives that belong together, in order of start.
#[derive(Debug)]
pub(super) struct Family<'a> {
    pub(super) name: String,
    pub(super) members: Vec<&'a Life>,
}

/// How lives are put together.
pub(super) struct Gather<'a> {
    pub(super) grouping: Grouping,
    pub(super) period: (u64, u64),
    /// Names the user of a life.
    pub(super) user: &'a dyn Fn(Option<u32>) -> String,
}

/// What decides the family of a life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// The oldest ancestor.
    Root(TaskId),
    /// Processes without children, by name and user.
    Alone(Comm, Option<u32>),
    Group(GroupKey),
}

impl Gather<'_> {
    /// The families, and the number of processes that did nothing.
    pub(super) fn families<'a>(&self, lives: &'a Lives) -> (Vec<Family<'a>>, usize) {
        let shown = self.shown(lives);
        let is_there = |life: &&Life| life.within(self.period).is_some();
        let idle = lives
            .iter()
            .filter(is_there)
            .filter(|life| !shown.contains(&life.id));
        let idle = idle.count();
        let mut members: Vec<&Life> = lives.iter().collect();
        members.retain(|life| shown.contains(&life.id));
        members.sort_by_key(|life| life.id.by_start());
        let roots = roots(&members, lives);
        let mut by_key: FxHashMap<Key, usize> = FxHashMap::default();
        let mut families: Vec<(Key, Vec<&Life>)> = Vec::new();
        for life in members {
            let key = self.key(life, &roots);
            let family = *by_key.entry(key.clone()).or_insert_with(|| {
                families.push((key, Vec::new()));
                families.len() - 1
            });
            families[family].1.push(life);
        }
        let is_alone = |key: &Key| matches!(key, Key::Alone(..));
        let alone = families.iter().filter(|(key, _)| is_alone(key)).count();
        let mut all = Vec::new();
        let mut others = Vec::new();
        let mut kernel = None;
        for (key, members) in families {
            match key {
                Key::Alone(..) if alone > MOST_ALONE => others.extend(members),
                Key::Group(GroupKey::KernelThreads) => kernel = Some(members),
                key => all.push(Family {
                    name: self.name(&key, &members),
                    members,
                }),
            }
        }
        if self.grouping != Grouping::Tree {
            all.sort_by(|a, b| a.name.cmp(&b.name));
        }
        if !others.is_empty() {
            others.sort_by_key(|life: &&Life| life.id.by_start());
            all.push(Family {
                name: format!("{} other commands", count_text(alone as u64)),
                members: others,
            });
        }
        all.extend(kernel.map(|members| Family {
            name: "kernel threads".to_owned(),
            members,
        }));
        (all, idle)
    }

    /// The lives that did something, with their ancestors.
    fn shown(&self, lives: &Lives) -> FxHashSet<TaskId> {
        let (from_ns, until_ns) = self.period;
        let least_ns = (until_ns.saturating_sub(from_ns) as f64 * NOTHING) as u64;
        let does = |life: &&Life| {
            let is_there = life.within(self.period).is_some();
            let began = life.id.start_ns > from_ns;
            let steps = || life.steps_within(self.period);
            let is_blocked = || steps().any(|step| step.is_blocked);
            let io = || !life.kthread && steps().any(|step| step.io_bytes > 0);
            let did = life.cpu_ns(self.period) > least_ns || is_blocked() || io();
            let is_gone = life.end.is_some() || life.seen_ns < until_ns;
            is_there && (began || is_gone || did)
        };
        let mut shown: FxHashSet<TaskId> = lives.iter().filter(does).map(|life| life.id).collect();
        if self.grouping == Grouping::Tree {
            let ends: Vec<TaskId> = shown.iter().copied().collect();
            let mut climbed = shown.clone();
            for mut id in ends {
                while let Some(parent) = lives.get(id).and_then(|life| below_init(life, lives)) {
                    if !climbed.insert(parent) {
                        break;
                    }
                    let life = lives.get(parent);
                    if life.is_some_and(|life| life.within(self.period).is_some()) {
                        shown.insert(parent);
                    }
                    id = parent;
                }
            }
        }
        shown
    }

    fn key(&self, life: &Life, roots: &FxHashMap<TaskId, (TaskId, bool)>) -> Key {
        match self.grouping {
            _ if life.kthread => Key::Group(GroupKey::KernelThreads),
            Grouping::Tree => {
                let root = roots.get(&life.id).map_or(life.id, |(root, _)| *root);
                match roots.get(&root) {
                    Some((_, true)) => Key::Root(root),
                    _ => Key::Alone(life.name, life.uid),
                }
            }
            Grouping::User => Key::Group(GroupKey::User(life.uid)),
            Grouping::Command => Key::Group(GroupKey::Command(life.name)),
            grouping => Key::Group(grouping.of_cgroup(life.cgroup.as_ref())),
        }
    }

    fn name(&self, key: &Key, members: &[&Life]) -> String {
        let first = members.first();
        let user = |uid| (self.user)(uid);
        match (key, first) {
            (Key::Alone(name, uid), _) if members.len() > 1 => {
                format!("{} · {}", name.text().picture(), user(*uid))
            }
            (Key::Alone(..) | Key::Root(_), Some(first)) => {
                format!("{} · {}", first.who(), user(first.uid))
            }
            (Key::Group(GroupKey::User(uid)), _) => user(*uid),
            (Key::Group(key @ (GroupKey::Cgroup(name) | GroupKey::Owner(name))), _) => {
                group_name(name, key)
            }
            (Key::Group(GroupKey::Unowned(words)), _) => (*words).to_owned(),
            (Key::Group(GroupKey::Command(comm)), _) => comm.text().picture(),
            _ => String::new(),
        }
    }
}

/// The oldest ancestor of each life, and whether the life has children. Parents come before
/// their children.
fn roots(members: &[&Life], lives: &Lives) -> FxHashMap<TaskId, (TaskId, bool)> {
    let mut roots: FxHashMap<TaskId, (TaskId, bool)> = FxHashMap::default();
    for life in members {
        let parent = below_init(life, lives);
        let known = parent.and_then(|parent| roots.get_mut(&parent));
        let root = known.map_or(life.id, |(root, has_children)| {
            *has_children = true;
            *root
        });
        roots.insert(life.id, (root, false));
    }
    roots
}

/// The parent of a life, unless it is init or the parent of the kernel threads.
fn below_init(life: &Life, lives: &Lives) -> Option<TaskId> {
    let parent = life.parent.filter(|parent| parent.tid > 2)?;
    lives.get(parent).map(|life| life.id)
}
