//! Keeps the paths of cgroups by cgroup id. Cgroups that exist at the start come
//! from the file system, later cgroups from events, so a removed cgroup keeps its
//! path.

use std::{
    collections::VecDeque,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::Path,
    sync::Arc,
};

use rustc_hash::FxHashMap;
use rustix::fs::{AtFlags, Mode, OFlags};

use super::{containers::Containers, namespaces::Namespace};
use crate::model::{CgroupOwner, Exec};

/// Upper limit for the paths of cgroups that were made since the start.
const MOST_FROM_EVENTS: usize = 50_000;

/// Paths of v2 cgroups.
pub(crate) struct Cgroups {
    /// Paths by id, which is the inode number of the cgroup's folder.
    paths: FxHashMap<u64, Arc<str>>,
    /// Ids of the cgroups that came with events, oldest first. Only the newest are
    /// kept: a process that keeps making and removing cgroups must not fill memory.
    from_events: VecDeque<u64>,
    /// Finds the names of containers.
    containers: Containers,
    /// Set in a cgroup namespace other than the initial one.
    namespace: Option<OwnRoot>,
    /// The v1 memory controller is mounted: it can have a path where v2 shows `/`.
    has_v1_memory: bool,
}

impl Cgroups {
    /// Reads the cgroups that exist now.
    pub(crate) fn read() -> Self {
        let mounts = procfs::process::Process::myself().and_then(|me| me.mountinfo());
        let mut cgroups = Self {
            paths: FxHashMap::default(),
            from_events: VecDeque::new(),
            containers: Containers::new(),
            namespace: None,
            has_v1_memory: false,
        };
        for mount in mounts.iter().flatten() {
            match mount.fs_type.as_str() {
                // Paths match the kernel's only if the mount shows the whole hierarchy.
                "cgroup2" if mount.root == "/" => {
                    cgroups.walk(&mount.mount_point, "/");
                    if !Namespace::Cgroup.is_initial() {
                        cgroups.namespace = Some(OwnRoot::open(&mount.mount_point));
                    }
                }
                "cgroup" => cgroups.has_v1_memory |= mount.super_options.contains_key("memory"),
                _ => {}
            }
        }
        cgroups
    }

    /// Adds a cgroup and all cgroups below it.
    fn walk(&mut self, folder: &Path, path: &str) {
        if let Ok(meta) = folder.metadata() {
            self.containers.look_up(path);
            self.paths.insert(meta.ino(), path.into());
        }
        let Ok(entries) = folder.read_dir() else {
            return;
        };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let name = entry.file_name();
                let below = format!("{}/{}", path.trim_end_matches('/'), name.to_string_lossy());
                self.walk(&entry.path(), &below);
            }
        }
    }

    /// Adds a cgroup that an event announced.
    pub(crate) fn insert(&mut self, id: u64, path: &[u8]) {
        let path = String::from_utf8_lossy(path);
        let path: Arc<str> = match &mut self.namespace {
            Some(own) => match own.inside(id, &path) {
                Some(path) => path.into(),
                None => return,
            },
            None => path.into(),
        };
        self.containers.look_up(&path);
        self.paths.insert(id, path);
        self.from_events.push_back(id);
        if self.from_events.len() > MOST_FROM_EVENTS
            && let Some(oldest) = self.from_events.pop_front()
        {
            self.paths.remove(&oldest);
        }
    }

    /// The path of a cgroup. `None` if the path is not known, or if the path is `/`
    /// and the v1 memory controller can have a better one.
    pub(crate) fn path(&self, id: u64) -> Option<Arc<str>> {
        let path = self.paths.get(&id)?;
        (!(self.has_v1_memory && &**path == "/")).then(|| Arc::clone(path))
    }

    /// Takes in the arguments of a process that runs conmon.
    pub(crate) fn learn_from(&self, exec: &Exec, args: &[u8]) {
        if exec.comm.bytes() != b"conmon" {
            return;
        }
        // The real conmon runs outside of its container.
        let path = exec.cgroup.as_deref();
        if path.is_none_or(|path| CgroupOwner::of(path).container.is_none()) {
            self.containers.learn_from(args, exec.uid);
        }
    }

    /// Whether the v1 memory controller is mounted: it has paths where v2 shows `/`.
    pub(crate) fn has_v1_memory(&self) -> bool {
        self.has_v1_memory
    }
}

/// The root of a cgroup namespace. Events have whole paths, all else has paths that begin at
/// this root.
struct OwnRoot {
    /// The mounted folder of the root, opened before privileges are given up; `None` if that
    /// failed.
    folder: Option<OwnedFd>,
    /// The whole path of the root, once an event has shown it.
    path: Option<String>,
}

impl OwnRoot {
    fn open(mount: &Path) -> Self {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self {
            folder: rustix::fs::open(mount, flags, Mode::empty()).ok(),
            path: None,
        }
    }

    /// The path below this root of a new cgroup; `None` if the cgroup is outside, or if that
    /// is not known.
    fn inside(&mut self, id: u64, path: &str) -> Option<String> {
        let folder = self.folder.as_ref()?;
        if self.path.is_none() {
            let is_it = |at: &usize| {
                let below = path.get(*at + 1..).unwrap_or_default();
                let found = rustix::fs::statat(folder, below, AtFlags::SYMLINK_NOFOLLOW);
                found.is_ok_and(|found| found.st_ino == id)
            };
            let slashes = path.match_indices('/').map(|(at, _)| at);
            let end = slashes.into_iter().find(is_it);
            self.path = end.map(|end| path.get(..end).unwrap_or_default().to_owned());
        }
        let below = path.strip_prefix(self.path.as_deref()?)?;
        below.starts_with('/').then(|| below.to_owned())
    }
}

/// The path of a process in the v1 memory hierarchy.
pub(crate) fn v1_memory_path(pid: u32) -> Option<Arc<str>> {
    let process = procfs::process::Process::new(i32::try_from(pid).ok()?).ok()?;
    let groups = process.cgroups().ok()?;
    let memory = groups
        .0
        .iter()
        .find(|group| group.controllers.iter().any(|name| name == "memory"))?;
    // A cgroup outside of the own namespace.
    let is_outside = memory.pathname.starts_with("/..");
    (!is_outside).then(|| memory.pathname.as_str().into())
}
