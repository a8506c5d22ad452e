//! Keeps the names of containers: the path of a cgroup holds only the id of its container.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use super::{CgroupOwner, is_container_id};

/// The names of a container, or of a pod. A name that is not known is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerNames {
    /// The name that a user gave the container, such as `web-1`; in a pod, the name of the
    /// container within the pod.
    pub container: Option<String>,
    /// The pod of Kubernetes.
    pub pod: Option<String>,
    /// The namespace of the pod.
    pub namespace: Option<String>,
}

impl ContainerNames {
    /// Whether no name is known.
    pub fn are_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// `shop/web-7f9c`; `None` without a pod.
    pub fn whole_pod(&self) -> Option<String> {
        let pod = self.pod.as_deref()?;
        Some(match &self.namespace {
            Some(namespace) => format!("{namespace}/{pod}"),
            None => pod.to_owned(),
        })
    }

    /// These names, and `others` where they are not known.
    #[must_use]
    fn or(self, others: &Self) -> Self {
        let has_pod = self.pod.is_some();
        let namespace = others.namespace.clone().filter(|_| !has_pod);
        Self {
            container: self.container.or_else(|| others.container.clone()),
            pod: self.pod.or_else(|| others.pod.clone()),
            namespace: self.namespace.or(namespace),
        }
    }
}

/// Upper limit for the containers and pods whose names are kept. Those that were not used for
/// longest are forgotten.
const MOST: usize = 20_000;
/// The same, for names that a process told.
const MOST_TOLD: usize = 2_000;
/// Upper limit for a name, bytes. Longer names are not kept.
const LONGEST: usize = 512;

/// All names that are known, by the id of the container, or by that of the pod.
///
/// These ids are random, so one table serves this machine and all recordings.
static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

#[derive(Default)]
struct Known {
    /// From files of runtimes, and from recordings.
    names: Table,
    /// What a monitor of a container has said in its arguments, by [`told_id`].
    told: Table,
    /// How many times a name became known so far.
    count: u64,
}

#[derive(Default)]
struct Table {
    entries: HashMap<Arc<str>, Entry>,
    /// The ids, those that were used recently at the end.
    order: VecDeque<Arc<str>>,
}

struct Entry {
    names: Arc<ContainerNames>,
    /// Whether it was used since it was last looked at to be forgotten.
    is_used: AtomicBool,
}

impl Table {
    fn get(&self, id: &str) -> Option<&Entry> {
        let entry = self.entries.get(id)?;
        entry.is_used.store(true, Ordering::Relaxed);
        Some(entry)
    }

    fn insert(&mut self, id: &str, names: ContainerNames, most: usize) {
        let entry = Entry {
            names: names.into(),
            is_used: AtomicBool::new(false),
        };
        let id: Arc<str> = id.into();
        if self.entries.insert(Arc::clone(&id), entry).is_none() {
            self.order.push_back(id);
        }
        // Each round takes the mark of use away, so this ends.
        while self.order.len() > most
            && let Some(oldest) = self.order.pop_front()
        {
            let entry = self.entries.get(&oldest);
            if entry.is_some_and(|entry| entry.is_used.swap(false, Ordering::Relaxed)) {
                self.order.push_back(oldest);
            } else {
                self.entries.remove(&oldest);
            }
        }
    }
}

fn known() -> RwLockReadGuard<'static, Known> {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner)
}

fn known_mut() -> RwLockWriteGuard<'static, Known> {
    KNOWN.write().unwrap_or_else(PoisonError::into_inner)
}

/// The names of a container or a pod of this user; `None` if they are not known.
pub(crate) fn names_of(id: &str, owner: Option<u32>) -> Option<Arc<ContainerNames>> {
    let known = known();
    // Anybody can run a program that says to be the monitor of a container.
    let told = || {
        let by = [Some(0), owner].into_iter().flatten();
        let mut told = by.map(|uid| known.told.get(&told_id(id, uid)));
        told.find_map(|told| told)
    };
    let entry = known.names.get(id).or_else(told)?;
    Some(Arc::clone(&entry.names))
}

/// How many times names became known so far: while the number stays, so do all names.
pub(crate) fn names_found() -> u64 {
    known().count
}

/// Keeps the names of a container or a pod from now on. Names that are known stay; those that
/// were not known are added.
pub(crate) fn keep_names(id: &str, names: ContainerNames) {
    if !are_possible(id, &names) {
        return;
    }
    let merged = |known: &Known| {
        let before = known.names.get(id).map(|entry| (*entry.names).clone());
        let merged = match &before {
            Some(before) => before.clone().or(&names),
            None => names.clone(),
        };
        (before.as_ref() != Some(&merged)).then_some(merged)
    };
    // Most names of a recording are in many of its blocks.
    let is_news = merged(&known()).is_some();
    if is_news {
        let mut known = known_mut();
        if let Some(merged) = merged(&known) {
            known.names.insert(id, merged, MOST);
            known.count += 1;
        }
    }
}

/// Keeps what a process of the user `uid` says to be the names of a container, as long as nothing
/// better is known.
pub(crate) fn keep_told_names(id: &str, names: ContainerNames, uid: u32) {
    let id = told_id(id, uid);
    let is_news = |known: &Known| known.told.get(&id).is_none_or(|told| *told.names != names);
    if are_possible(&id, &names) && is_news(&known()) {
        let mut known = known_mut();
        known.told.insert(&id, names, MOST_TOLD);
        known.count += 1;
    }
}

/// Each user can say something about each container, and nothing for another user.
fn told_id(id: &str, uid: u32) -> String {
    format!("{id} {uid}")
}

fn are_possible(id: &str, names: &ContainerNames) -> bool {
    let texts = [&names.container, &names.pod, &names.namespace];
    let is_long = |text: &&Option<String>| text.as_ref().is_some_and(|text| text.len() > LONGEST);
    !names.are_unknown() && id.len() <= LONGEST && !texts.iter().any(is_long)
}

impl CgroupOwner {
    /// The ids by which the names of this owner are kept, the most specific first. The name of a
    /// container of LXC or systemd-nspawn is no such id.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        let container = self.container.as_deref().filter(|id| is_container_id(id));
        [container, self.pod_uid.as_deref()].into_iter().flatten()
    }

    /// The names of the container and the pod, as far as they are known.
    pub fn names(&self) -> ContainerNames {
        let names = self.ids().filter_map(|id| names_of(id, self.uid));
        names.fold(ContainerNames::default(), |all, names| all.or(&names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(container: &str) -> ContainerNames {
        ContainerNames {
            container: Some(container.to_owned()),
            ..ContainerNames::default()
        }
    }

    fn in_pod(container: Option<&str>) -> ContainerNames {
        ContainerNames {
            container: container.map(str::to_owned),
            pod: Some("web-7f9c".to_owned()),
            namespace: Some("shop".to_owned()),
        }
    }

    /// A name that is known stays, and what was not known is added.
    #[test]
    fn names_are_added_and_stay() {
        let id = "names-tests-first";
        keep_names(id, ContainerNames::default());
        keep_names(id, named(&"x".repeat(LONGEST + 1)));
        assert_eq!(names_of(id, None), None);
        let before = names_found();
        keep_names(id, in_pod(None));
        keep_names(id, named("nginx"));
        keep_names(id, named("other"));
        assert_eq!(names_of(id, None).as_deref(), Some(&in_pod(Some("nginx"))));
        // Other tests keep names, too.
        assert!(names_found() > before);
    }

    /// What a process says counts for its own user, and until a file says it.
    #[test]
    fn told_names_are_provisional() {
        let id = "names-tests-told";
        let name = |owner| names_of(id, owner).and_then(|names| names.container.clone());
        keep_told_names(id, named("evil"), 1000);
        assert_eq!((name(None), name(Some(1001))), (None, None));
        assert_eq!(name(Some(1000)).as_deref(), Some("evil"));
        keep_told_names(id, named("builder"), 0);
        keep_told_names(id, named("evil"), 1000);
        assert_eq!(name(None).as_deref(), Some("builder"));
        keep_names(id, named("nginx"));
        assert_eq!(name(None).as_deref(), Some("nginx"));
    }

    #[test]
    fn a_pod_gives_its_names_to_its_containers() {
        let (uid, id) = ("names-tests-pod", "7d".repeat(32));
        let owner = CgroupOwner {
            runtime: Some("containerd"),
            container: Some(id.clone()),
            pod_uid: Some(uid.to_owned()),
            ..CgroupOwner::default()
        };
        let words = || owner.container_words().unwrap();
        assert_eq!(words(), "containerd 7d7d7d7d7d7d");
        keep_names(uid, in_pod(None));
        assert_eq!(words(), "pod shop/web-7f9c (7d7d7d7d7d7d)");
        keep_names(&id, named("nginx"));
        assert_eq!(words(), "pod shop/web-7f9c (nginx)");
    }

    /// What is used is not forgotten.
    #[test]
    fn the_names_that_nobody_uses_are_forgotten() {
        let mut table = Table::default();
        for number in 0..100 {
            table.insert(&format!("id-{number}"), named("x"), 10);
            assert!(table.get("id-0").is_some());
        }
        assert_eq!((table.entries.len(), table.order.len()), (10, 10));
        assert!(table.get("id-99").is_some() && table.get("id-50").is_none());
    }
}
