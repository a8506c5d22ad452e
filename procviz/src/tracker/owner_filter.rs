//! Chooses tasks by who owns their cgroup: a container, a pod or a unit.

use glob::Pattern;

use crate::model::CgroupOwner;

/// Patterns for the owners of cgroups. Patterns of one kind are alternatives; patterns of
/// different kinds must all match.
#[derive(Clone, Debug, Default)]
pub struct OwnerFilter {
    /// For the name of a container, or for its id.
    pub containers: Vec<Pattern>,
    /// For the name of a pod, with its namespace if the pattern has a slash, or for its id.
    pub pods: Vec<Pattern>,
    /// For a unit of systemd, with or without its type.
    pub units: Vec<Pattern>,
}

/// Length of the shortest text that stands for all ids that begin with it, as in docker.
const SHORTEST_ID: usize = 6;

impl OwnerFilter {
    /// Whether there is no pattern.
    pub(super) fn is_none(&self) -> bool {
        self.containers.is_empty() && self.pods.is_empty() && self.units.is_empty()
    }

    /// Whether names decide, which can become known later than the task.
    pub(super) fn needs_names(&self) -> bool {
        !self.containers.is_empty() || !self.pods.is_empty()
    }

    /// Whether a process of this cgroup is shown; `None` if the cgroup is not known.
    pub(super) fn shows(&self, cgroup: Option<&str>) -> bool {
        if self.is_none() {
            return true;
        }
        let Some(path) = cgroup else { return false };
        let owner = CgroupOwner::of(path);
        let names = owner.names();
        let container = || {
            let name = names.container.as_deref();
            is_one(&self.containers, name) || is_id(&self.containers, owner.container.as_deref())
        };
        let pod = || {
            let whole = names.whole_pod();
            let pod = |glob: &Pattern| match glob.as_str().contains('/') {
                true => whole.as_deref().is_some_and(|pod| glob.matches(pod)),
                false => names.pod.as_deref().is_some_and(|pod| glob.matches(pod)),
            };
            self.pods.iter().any(pod) || is_id(&self.pods, owner.pod_uid.as_deref())
        };
        let unit = || {
            let unit = owner.unit.as_deref();
            let stem = unit.and_then(|unit| Some(unit.rsplit_once('.')?.0));
            is_one(&self.units, unit) || is_one(&self.units, stem)
        };
        (self.containers.is_empty() || container())
            && (self.pods.is_empty() || pod())
            && (self.units.is_empty() || unit())
    }
}

fn is_one(globs: &[Pattern], name: Option<&str>) -> bool {
    name.is_some_and(|name| globs.iter().any(|glob| glob.matches(name)))
}

/// Whether a pattern matches an id, or is its beginning.
fn is_id(globs: &[Pattern], id: Option<&str>) -> bool {
    // The name of a container of LXC is no id.
    let is_hex = |id: &str| {
        id.bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    let begins = |id: &str, glob: &Pattern| {
        glob.as_str().len() >= SHORTEST_ID && is_hex(id) && id.starts_with(glob.as_str())
    };
    id.is_some_and(|id| {
        globs
            .iter()
            .any(|glob| glob.matches(id) || begins(id, glob))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerNames, keep_names};

    fn shows(kind: &str, pattern: &str, path: &str) -> bool {
        let patterns = |own: &str| match own == kind {
            true => vec![Pattern::new(pattern).unwrap()],
            false => Vec::new(),
        };
        let filter = OwnerFilter {
            containers: patterns("container"),
            pods: patterns("pod"),
            units: patterns("unit"),
        };
        filter.shows(Some(path))
    }

    #[test]
    fn names_and_ids_match() {
        let id = "5f".repeat(32);
        let names = ContainerNames {
            container: Some("nginx".to_owned()),
            pod: Some("web-7f9c".to_owned()),
            namespace: Some("shop".to_owned()),
        };
        keep_names(&id, names);
        let uid = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";
        let path = format!("/kubepods/pod{uid}/{id}");
        for (kind, pattern, expected) in [
            ("container", "nginx", true),
            ("container", "ng*", true),
            ("container", "web-7f9c", false),
            ("container", &id, true),
            ("container", "5f5f5f5f5f5f", true),
            ("container", "5f5f5", false),
            ("pod", "web-7f9c", true),
            ("pod", "shop/web-*", true),
            ("pod", "shop/*", true),
            ("pod", "shop", false),
            ("pod", uid, true),
            ("pod", "1b4e28ba", true),
            ("unit", "*", false),
        ] {
            assert_eq!(shows(kind, pattern, &path), expected, "{kind} {pattern}");
        }
        let lxc = "/lxc.payload.webserver2";
        assert!(shows("container", "webserver*", lxc) && !shows("container", "webserver", lxc));
        for (pattern, expected) in [("ssh", true), ("ssh.service", true), ("ss", false)] {
            let path = "/system.slice/ssh.service";
            assert_eq!(shows("unit", pattern, path), expected, "{pattern}");
        }
        assert!(
            !OwnerFilter {
                units: vec![Pattern::new("*").unwrap()],
                ..OwnerFilter::default()
            }
            .shows(None)
        );
        assert!(OwnerFilter::default().shows(None));
    }
}
