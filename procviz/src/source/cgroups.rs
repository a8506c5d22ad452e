//! Knows the paths of cgroups by their ids: those that are there at the start
//! from the file system, later ones from events, so that a removed one keeps
//! its name.

use std::{collections::VecDeque, os::unix::fs::MetadataExt, path::Path, sync::Arc};

use rustc_hash::FxHashMap;

/// Cgroups made since the start whose paths are kept.
const MOST_TOLD: usize = 50_000;

/// Paths of v2 cgroups.
pub(crate) struct Cgroups {
    paths: FxHashMap<u64, Arc<str>>,
    /// Those that events told of, oldest first: whoever makes and removes
    /// cgroups for ever must not fill the memory.
    told: VecDeque<u64>,
    /// v1's memory controller is mounted: it may know a path where v2 says `/`.
    has_v1_memory: bool,
}

impl Cgroups {
    /// Reads those that are there.
    pub(crate) fn read() -> Self {
        let mounts = procfs::process::Process::myself().and_then(|me| me.mountinfo());
        let mut cgroups = Self {
            paths: FxHashMap::default(),
            told: VecDeque::new(),
            has_v1_memory: false,
        };
        for mount in mounts.iter().flatten() {
            match mount.fs_type.as_str() {
                // Only where the mount shows the whole tree are its paths the kernel's.
                "cgroup2" if mount.root == "/" => cgroups.walk(&mount.mount_point, "/"),
                "cgroup" => cgroups.has_v1_memory |= mount.super_options.contains_key("memory"),
                _ => {}
            }
        }
        cgroups
    }

    fn walk(&mut self, folder: &Path, path: &str) {
        if let Ok(meta) = folder.metadata() {
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

    /// Remembers a new one.
    pub(crate) fn insert(&mut self, id: u64, path: &[u8]) {
        self.paths.insert(id, String::from_utf8_lossy(path).into());
        self.told.push_back(id);
        if self.told.len() > MOST_TOLD
            && let Some(oldest) = self.told.pop_front()
        {
            self.paths.remove(&oldest);
        }
    }

    /// The path; `None` where it is not known, and where it is `/` while v1
    /// may know better.
    pub(crate) fn path(&self, id: u64) -> Option<Arc<str>> {
        let path = self.paths.get(&id)?;
        (!(self.has_v1_memory && &**path == "/")).then(|| Arc::clone(path))
    }

    /// Whether v1's memory controller knows paths where v2 says `/`.
    pub(crate) fn has_v1_memory(&self) -> bool {
        self.has_v1_memory
    }
}

/// The path of a process in v1's memory hierarchy.
pub(crate) fn v1_memory_path(pid: u32) -> Option<Arc<str>> {
    let process = procfs::process::Process::new(i32::try_from(pid).ok()?).ok()?;
    let groups = process.cgroups().ok()?;
    let memory = groups
        .0
        .iter()
        .find(|group| group.controllers.iter().any(|name| name == "memory"))?;
    Some(memory.pathname.as_str().into())
}
