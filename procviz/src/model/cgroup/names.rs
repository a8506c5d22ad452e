//! Keeps the names of containers: the path of a cgroup holds only the id of its container.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, LazyLock, RwLock, RwLockReadGuard},
};

use serde::{Deserialize, Serialize};

use super::CgroupOwner;

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

    /// Text for the user: `pod shop/web-7f9c (nginx)`, or `docker web-1`.
    pub(super) fn words(&self, runtime: Option<&str>) -> Option<String> {
        match (self.whole_pod(), &self.container) {
            (Some(pod), Some(container)) => Some(format!("pod {pod} ({container})")),
            (Some(pod), None) => Some(format!("pod {pod}")),
            (None, Some(name)) => Some(format!("{} {name}", runtime.unwrap_or("container"))),
            (None, None) => None,
        }
    }
}

/// Upper limit for the containers and pods whose names are kept. The oldest are forgotten.
const MOST: usize = 20_000;
/// Upper limit for a name, bytes. Longer names are not kept.
const LONGEST: usize = 512;

/// All names that are known, by the id of the container, or by that of the pod.
///
/// These ids are unique among machines, so one table serves this machine and all recordings.
static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

#[derive(Default)]
struct Known {
    names: HashMap<Arc<str>, Arc<ContainerNames>>,
    /// The ids in the order in which they became known, the oldest first.
    order: VecDeque<Arc<str>>,
    /// How many names became known so far.
    count: u64,
}

fn known() -> RwLockReadGuard<'static, Known> {
    KNOWN
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The names of a container or a pod; `None` if they are not known.
pub(crate) fn names_of(id: &str) -> Option<Arc<ContainerNames>> {
    known().names.get(id).map(Arc::clone)
}

/// How many containers and pods had their names found so far: while the number stays, so do all
/// names.
pub(crate) fn names_found() -> u64 {
    known().count
}

/// Keeps the names of a container or a pod from now on. The first names that are known stay.
pub(crate) fn keep_names(id: &str, names: ContainerNames) {
    let texts = [&names.container, &names.pod, &names.namespace];
    let is_long = |text: &&Option<String>| text.as_ref().is_some_and(|text| text.len() > LONGEST);
    if names.are_unknown() || id.len() > LONGEST || texts.iter().any(is_long) {
        return;
    }
    if known().names.contains_key(id) {
        return;
    }
    let mut known = KNOWN
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let id: Arc<str> = id.into();
    if known.names.insert(Arc::clone(&id), names.into()).is_none() {
        known.order.push_back(id);
        known.count += 1;
    }
    if known.order.len() > MOST
        && let Some(oldest) = known.order.pop_front()
    {
        known.names.remove(&oldest);
    }
}

impl CgroupOwner {
    /// The ids by which the names of this owner are kept, the most specific first.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        let ids = [self.container.as_deref(), self.pod_uid.as_deref()];
        ids.into_iter().flatten()
    }

    /// The names of the container and the pod, as far as they are known.
    pub fn names(&self) -> ContainerNames {
        let mut all = ContainerNames::default();
        for names in self.ids().filter_map(names_of) {
            all.container = all.container.or_else(|| names.container.clone());
            if all.pod.is_none() {
                (all.pod, all.namespace) = (names.pod.clone(), names.namespace.clone());
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_names_stay() {
        let id = "names-tests-first";
        let named = |container: &str| ContainerNames {
            container: Some(container.to_owned()),
            ..ContainerNames::default()
        };
        keep_names(id, ContainerNames::default());
        keep_names(id, named(&"x".repeat(LONGEST + 1)));
        assert_eq!(names_of(id), None);
        let before = names_found();
        keep_names(id, named("web-1"));
        // Other tests keep names, too.
        assert!(names_found() > before);
        keep_names(id, named("web-2"));
        assert_eq!(names_of(id).as_deref(), Some(&named("web-1")));
    }

    #[test]
    fn a_pod_gives_its_names_to_its_containers() {
        let pod = ContainerNames {
            container: None,
            pod: Some("web-7f9c".to_owned()),
            namespace: Some("shop".to_owned()),
        };
        keep_names("names-tests-pod", pod);
        let nginx = ContainerNames {
            container: Some("nginx".to_owned()),
            ..ContainerNames::default()
        };
        keep_names("names-tests-container", nginx);
        let owner = CgroupOwner {
            container: Some("names-tests-container".to_owned()),
            pod_uid: Some("names-tests-pod".to_owned()),
            ..CgroupOwner::default()
        };
        let words = owner.names().words(Some("containerd"));
        assert_eq!(words.as_deref(), Some("pod shop/web-7f9c (nginx)"));
    }
}
