//! What the path of a cgroup says about its owner. Container runtimes and systemd give their
//! cgroups names that hold the id of the container, the unit or the machine.

mod names;

pub use names::ContainerNames;
pub(crate) use names::{keep_names, keep_told_names, names_found, names_of};

use crate::model::Untrusted;

/// The owner of a cgroup, as far as its path says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgroupOwner {
    /// The container runtime, such as `docker`.
    pub runtime: Option<&'static str>,
    /// The id of the container; its name where the runtime uses names (LXC, systemd-nspawn).
    pub container: Option<String>,
    /// The id of the pod of Kubernetes.
    pub pod_uid: Option<String>,
    /// The unit of systemd, but not the scope that a container runtime makes.
    pub unit: Option<String>,
    /// The virtual machine of libvirt or Proxmox.
    pub machine: Option<String>,
    /// The user whose session or service manager it is.
    pub uid: Option<u32>,
    /// The application of a desktop, a snap or a flatpak.
    pub app: Option<String>,
}

impl CgroupOwner {
    /// Reads the path of a cgroup below the root of its hierarchy. In a container in a container,
    /// the inner one counts.
    pub fn of(path: &str) -> Self {
        let mut owner = Self::default();
        let mut before = "";
        for part in path.split('/').filter(|part| !part.is_empty()) {
            // The cgroup of a process that starts and watches a container.
            let monitors = ["libpod-conmon-", "crio-conmon-", "lxc.monitor."];
            if !monitors.iter().any(|begin| part.starts_with(begin)) {
                owner.take(part, before);
            }
            before = part;
        }
        owner
    }

    /// Text for the user: `docker web-1`, or `docker 0123456789ab` while the name is not known;
    /// a unit, an application; `None` if the path says nothing of that kind.
    fn words(&self) -> Option<String> {
        if let Some(container) = self.container_words() {
            // In a container with a service manager, a unit of the container.
            return Some(match &self.unit {
                Some(unit) if unit != "init.scope" => format!("{container}: {unit}"),
                _ => container,
            });
        }
        if let Some(machine) = &self.machine {
            return Some(format!("machine {machine}"));
        }
        if let Some(app) = &self.app {
            return Some(app.clone());
        }
        self.unit.clone().or_else(|| self.pod_words())
    }

    /// The container, with its name if that is known.
    pub(crate) fn container_words(&self) -> Option<String> {
        let id = self.container.as_deref()?;
        let short = if is_container_id(id) { &id[..12] } else { id };
        let names = self.names();
        // Containers whose names are not known stay apart.
        let name = names.container.as_deref().unwrap_or(short);
        Some(match names.whole_pod() {
            Some(pod) => format!("pod {pod} ({name})"),
            None => format!("{} {name}", self.runtime.unwrap_or("container")),
        })
    }

    /// The pod, with its name if that is known.
    pub(crate) fn pod_words(&self) -> Option<String> {
        let short = || self.pod_uid.as_deref().and_then(|pod| pod.get(..8));
        let pod = self.names().whole_pod();
        let pod = pod.or_else(|| short().map(str::to_owned))?;
        Some(format!("pod {pod}"))
    }

    fn take(&mut self, part: &str, before: &str) {
        self.pod_uid = pod_uid(part).or(self.pod_uid.take());
        self.uid = uid(part).or(self.uid);
        if let Some((runtime, container)) = container(part, before) {
            (self.runtime, self.container) = (runtime, Some(container));
            // What is around the container is not in it.
            (self.unit, self.app, self.machine) = (None, None, None);
            return;
        }
        if let Some(machine) = machine(part, before) {
            (self.machine, self.unit) = (Some(machine), None);
            return;
        }
        let (stem, is_unit) = stem(part);
        if is_unit {
            self.unit = Some(part.to_owned());
            self.app = app(stem, part.ends_with(".scope"));
        }
    }
}

/// The name of a cgroup, escaped for a picture: of its container, machine, application, unit or
/// pod, else the last part of its path.
pub fn cgroup_name(path: &str) -> String {
    let words = CgroupOwner::of(path).words();
    let last = || path.rsplit('/').find(|part| !part.is_empty());
    let name = words.unwrap_or_else(|| last().unwrap_or("/").to_owned());
    Untrusted::new(name.as_bytes()).picture()
}

/// The container, pod, machine, application or service that owns a cgroup, escaped for a
/// picture; `None` if its path names none. A session of a user is none.
pub fn owner_words(path: &str) -> Option<String> {
    let owner = CgroupOwner::of(path);
    let is_service = |unit: &String| unit.ends_with(".service") && !unit.starts_with("user@");
    let is_named = owner.container.is_some()
        || owner.pod_uid.is_some()
        || owner.machine.is_some()
        || owner.app.is_some()
        || owner.unit.as_ref().is_some_and(is_service);
    let words = owner.words().filter(|_| is_named)?;
    Some(Untrusted::new(words.as_bytes()).picture())
}

/// The part of a unit's name before its type, and whether it is a unit that holds processes.
fn stem(part: &str) -> (&str, bool) {
    let types = [".service", ".scope", ".socket", ".mount", ".swap"];
    let stem = types.iter().find_map(|of| part.strip_suffix(of));
    (
        stem.unwrap_or(part),
        stem.is_some_and(|stem| !stem.is_empty()),
    )
}

/// Of `pod<UID>`, `kubepods-burstable-pod<UID>.slice` and the like.
fn pod_uid(part: &str) -> Option<String> {
    let part = part.split(':').next().unwrap_or(part);
    let part = part.strip_suffix(".slice").unwrap_or(part);
    let uid = match part.rsplit_once("-pod") {
        Some((begin, uid)) if begin.starts_with("kubepods") => uid,
        _ => part.strip_prefix("pod")?,
    };
    let is_uid = |text: &str| {
        let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
        digits == 32
            && text
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || b"-_".contains(&byte))
    };
    is_uid(uid).then(|| uid.replace('_', "-"))
}

/// Of `user-<uid>.slice` and `user@<uid>.service`.
fn uid(part: &str) -> Option<u32> {
    let of_slice = part
        .strip_prefix("user-")
        .and_then(|rest| rest.strip_suffix(".slice"));
    let of_manager = || {
        part.strip_prefix("user@")
            .and_then(|rest| rest.strip_suffix(".service"))
    };
    of_slice.or_else(of_manager)?.parse().ok()
}

/// Whether the text is the id of a container: 64 hexadecimal digits. It cannot lead to another
/// folder when it is a part of a path.
pub(crate) fn is_container_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The id of a container in a part of the path of a cgroup, as docker, containerd, podman and
/// cri-o write it: 64 hexadecimal digits.
fn container_id(part: &str) -> Option<&str> {
    part.split(|ch: char| !ch.is_ascii_alphanumeric())
        .rfind(|word| is_container_id(word))
}

/// The runtime and the id or name of a container.
fn container(part: &str, before: &str) -> Option<(Option<&'static str>, String)> {
    if let Some(id) = container_id(part) {
        return Some((runtime(part, before), id.to_owned()));
    }
    let named = |runtime, name: &str| {
        let name = unescaped(name);
        (!name.is_empty()).then_some((Some(runtime), name))
    };
    match before {
        "lxc" | "lxc.payload" => return named("lxc", part),
        "buildkit" => return named("buildkit", part),
        _ => {}
    }
    if let Some(name) = part.strip_prefix("lxc.payload.") {
        return named("lxc", name);
    }
    if let Some(name) = part.strip_prefix("systemd-nspawn@") {
        return named("systemd-nspawn", name.strip_suffix(".service")?);
    }
    let name = unescaped(part.strip_prefix("machine-")?.strip_suffix(".scope")?);
    match name.strip_prefix("lxc-") {
        Some(name) => named("lxc", name),
        None if name.starts_with("qemu-") => None,
        None => named("systemd-nspawn", &name),
    }
}

/// The runtime of a container with an id, by what is around the id.
fn runtime(part: &str, before: &str) -> Option<&'static str> {
    let by_prefix = [
        ("docker-", "docker"),
        ("libpod-", "podman"),
        ("cri-containerd-", "containerd"),
        ("nerdctl-", "containerd"),
        ("crio-", "cri-o"),
        ("buildkit-", "buildkit"),
    ];
    let by_parent = [
        ("docker", "docker"),
        ("podman-", "podman"),
        ("libpod_parent", "podman"),
        ("default", "containerd"),
        ("k8s.io", "containerd"),
        ("moby", "docker"),
    ];
    if part.contains(":cri-containerd:") {
        return Some("containerd");
    }
    let starts = |text: &str, table: &[(&str, &'static str)]| {
        let mut table = table.iter();
        let found = table.find(|(begin, _)| text.starts_with(begin));
        found.map(|(_, runtime)| *runtime)
    };
    starts(part, &by_prefix).or_else(|| starts(before, &by_parent))
}

/// A virtual machine: of libvirt its name, of Proxmox its number.
fn machine(part: &str, before: &str) -> Option<String> {
    let scope = part.strip_suffix(".scope")?;
    if before == "qemu.slice" && scope.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(scope.to_owned());
    }
    let name = unescaped(scope.strip_prefix("machine-")?);
    // `qemu-<number>-<name>`
    let (number, name) = name.strip_prefix("qemu-")?.split_once('-')?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !name.is_empty()).then(|| name.to_owned())
}

/// The application of `app-<launcher>-<id>-<random>.scope`, `app-<launcher>-<id>@<random>.service`
/// and of snaps, `snap.<name>.<app>-<random>.scope` and `snap.<name>.<app>.service`.
fn app(stem: &str, is_scope: bool) -> Option<String> {
    if let Some(snap) = stem.strip_prefix("snap.") {
        // The random part of a scope is a UUID, which has four `-`.
        let is_id = |tail: &str| tail.len() == 36 && tail.matches('-').count() == 4;
        let cut = snap
            .len()
            .checked_sub(37)
            .and_then(|at| snap.split_at_checked(at));
        let name = match cut {
            Some((name, tail)) if tail.strip_prefix('-').is_some_and(is_id) => name,
            _ => snap,
        };
        return (!name.is_empty()).then(|| unescaped(name));
    }
    let rest = stem.strip_prefix("app-")?;
    let rest = match (is_scope, rest.rsplit_once('-'), rest.split_once('@')) {
        (true, Some((rest, _)), _) | (false, _, Some((rest, _))) => rest,
        _ => rest,
    };
    let id = rest.split_once('-').map_or(rest, |(_, id)| id);
    (!id.is_empty()).then(|| unescaped(id))
}

/// Replaces `\x2d` and the like, with which systemd writes special characters.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once("\\x") {
        out.push_str(plain);
        let digits = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match digits.filter(u8::is_ascii_graphic) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &after[2..];
            }
            None => {
                out.push_str("\\x");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
