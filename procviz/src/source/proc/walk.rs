//! Reads all tasks from `/proc`: `schedstat` of every thread tells whether it has run,
//! `stat` and `io` are read of the threads that have. This is the only source where there
//! are no kernel events.

use std::{
    fmt::Write as _,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
};

use rustc_hash::{FxHashMap, FxHashSet};
use rustix::fs::{Mode, OFlags, RawDir, openat};

use super::{
    io::parse_io,
    reader::{ProcDir, ReadError, read_once},
    schedstat::{Schedstat, parse_schedstat},
    stat::{Stat, number, parse_stat},
    status::parse_memory,
    turns::Turns,
};
use crate::{
    model::{Found, Gone, Io, MemoryParts, MemorySizes, State, TaskId},
    source::machine::boot_now_ns,
};

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);
const PF_KTHREAD: u32 = 0x0020_0000;

/// Each process is read anew once in so many walks, and after so much time. What others change
/// in a thread that does not run (its priority, its name, its memory, a wakeup that no CPU has
/// followed) is known then at the latest.
const ANEW_WALKS: u64 = 10;
const ANEW_NS: u64 = 10_000_000_000;

/// The figures of a thread at the last walk.
#[derive(Clone, Copy)]
struct Known {
    stat: Stat,
    io: Option<Io>,
    uid: Option<u32>,
    sizes: MemorySizes,
    /// Number of the last walk that saw the thread.
    walk: u64,
    turns: Turns,
}

/// The figures of a process at the last walk.
struct KnownProcess {
    cpu_ns: u64,
    io: Option<Io>,
    /// Number of the last walk that saw the process.
    walk: u64,
    /// The threads, in the order of their list.
    tids: Vec<u32>,
    /// When the threads were listed, ns since boot.
    listed_ns: u64,
}

/// Walks over all tasks of `/proc`, and keeps the figures of the walk before.
pub(crate) struct Walk {
    proc: ProcDir,
    known: FxHashMap<u32, Known>,
    processes: FxHashMap<u32, KnownProcess>,
    pids: Vec<u32>,
    tids: Vec<u32>,
    path: String,
    buffer: Vec<u8>,
    /// Number of walks so far, and when the last one began, ns since boot.
    walks: u64,
    now_ns: u64,
    page_bytes: u64,
    /// Unit of times in `/proc`, ns.
    tick_ns: u64,
}

impl Walk {
    pub(crate) fn new(proc: ProcDir, page_bytes: u64, tick_ns: u64) -> Self {
        Self {
            proc,
            known: FxHashMap::default(),
            processes: FxHashMap::default(),
            pids: Vec::new(),
            tids: Vec::new(),
            path: String::with_capacity(64),
            buffer: vec![0; 1 << 16],
            walks: 0,
            now_ns: 0,
            page_bytes,
            tick_ns,
        }
    }

    /// Adds every thread to `found`. A task that exits meanwhile is left out.
    ///
    /// # Errors
    ///
    /// When `/proc` itself cannot be listed.
    pub(crate) fn walk(&mut self, found: &mut Vec<Found>) -> std::io::Result<()> {
        self.walk_but(&FxHashSet::default(), found)
    }

    /// Adds every process whose leader is not in `known`, with its threads.
    ///
    /// # Errors
    ///
    /// When `/proc` itself cannot be listed.
    pub(crate) fn walk_but(
        &mut self,
        known: &FxHashSet<u32>,
        found: &mut Vec<Found>,
    ) -> std::io::Result<()> {
        self.walks += 1;
        self.now_ns = boot_now_ns();
        let mut pids = std::mem::take(&mut self.pids);
        // A new file descriptor: the position of the listing belongs to the descriptor.
        let root = openat(self.proc.root(), ".", DIRECTORY, Mode::empty())?;
        list(&root, &mut pids)?;
        pids.sort_unstable();
        std::mem::swap(&mut self.pids, &mut pids);
        for at in 0..self.pids.len() {
            let pid = self.pids[at];
            if !known.contains(&pid) && !self.is_unchanged(pid, found) {
                // An error here means that the process exited: the next walk does not
                // list it.
                _ = self.process(pid, found);
            }
        }
        let walks = self.walks;
        self.known.retain(|_, known| known.walk == walks);
        self.processes.retain(|_, known| known.walk == walks);
        Ok(())
    }

    /// Adds the threads of a process to `found` as they were in the walk before, if none
    /// of them has run since: only a thread of the process itself starts another, and a
    /// thread that ends runs. Otherwise marks those that have not run.
    fn is_unchanged(&mut self, pid: u32, found: &mut Vec<Found>) -> bool {
        let Some(process) = self.processes.get_mut(&pid) else {
            return false;
        };
        let tids = std::mem::take(&mut process.tids);
        let whole = Some((process.cpu_ns, process.io));
        let mut still = 0;
        for tid in &tids {
            let now = self.schedstat(*tid);
            if let Some(known) = self.known.get_mut(tid) {
                known.turns = known.turns.next(known.stat.state, now, self.walks);
                still += usize::from(known.turns.is_still(self.walks));
            }
        }
        let is_unchanged =
            still == tids.len() && !self.is_anew(pid) && self.is_as_it_was(pid, tids.len());
        if is_unchanged {
            self.add_unchanged(pid, &tids, whole, found);
        }
        if let Some(process) = self.processes.get_mut(&pid) {
            process.tids = tids;
            process.walk = self.walks;
        }
        is_unchanged
    }

    /// Whether it is the turn of a process to be read anew.
    fn is_anew(&self, pid: u32) -> bool {
        let listed_ns = self.processes.get(&pid).map(|process| process.listed_ns);
        let is_old = |listed_ns| self.now_ns.saturating_sub(listed_ns) >= ANEW_NS;
        (self.walks + u64::from(pid)).is_multiple_of(ANEW_WALKS) || listed_ns.is_none_or(is_old)
    }

    /// Whether all threads of a process are known, and its parent lives. If the parent has
    /// ended, the process has another one without having run.
    fn is_as_it_was(&self, pid: u32, threads: usize) -> bool {
        let parent_lives = |ppid: u32| {
            let parent = self.known.get(&ppid);
            self.pids.binary_search(&ppid).is_ok()
                && parent.is_none_or(|parent| parent.stat.state != State::Zombie)
        };
        self.known.get(&pid).is_some_and(|leader| {
            leader.stat.threads as usize == threads
                && (leader.stat.ppid == 0 || parent_lives(leader.stat.ppid))
        })
    }

    fn add_unchanged(
        &mut self,
        pid: u32,
        tids: &[u32],
        whole: Option<(u64, Option<Io>)>,
        found: &mut Vec<Found>,
    ) {
        let leader = self.known.get(&pid).map(|known| self.id(known));
        for tid in tids {
            if let Some(known) = self.known.get_mut(tid) {
                known.walk = self.walks;
                let known = *known;
                let mut thread = self.found(pid, &known);
                thread.process = leader.unwrap_or(thread.process);
                thread.whole = whole.filter(|_| *tid == pid);
                found.push(thread);
            }
        }
    }

    /// `schedstat` of a thread; `None` if it cannot be read. The folder of a thread is also
    /// there beside those of processes, although only processes are listed.
    fn schedstat(&mut self, tid: u32) -> Option<Schedstat> {
        self.set_path(format_args!("{tid}/schedstat"));
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(self.proc.root(), self.path.as_str(), flags, Mode::empty()).ok()?;
        parse_schedstat(read_once(file.as_fd(), &mut self.buffer).ok()?).ok()
    }

    /// Adds the threads of a process to `found`.
    fn process(&mut self, pid: u32, found: &mut Vec<Found>) -> Result<(), ReadError> {
        self.set_path(format_args!("{pid}/task"));
        let folder = openat(
            self.proc.root(),
            self.path.as_str(),
            DIRECTORY,
            Mode::empty(),
        )?;
        let mut tids = std::mem::take(&mut self.tids);
        let listed = list(&folder, &mut tids);
        let from = found.len();
        let mut changed = false;
        for tid in &tids {
            if let Ok((thread, is_changed)) = self.thread(&folder, pid, *tid) {
                found.push(thread);
                changed |= is_changed;
            }
        }
        let Some(leader) = found[from..]
            .iter()
            .find(|thread| thread.id.tid == pid)
            .map(|thread| thread.id)
        else {
            // The leader could not be read: the process exited meanwhile.
            found.truncate(from);
            self.tids = tids;
            return Ok(());
        };
        let whole = self.whole(pid, changed, &tids);
        self.tids = tids;
        for thread in &mut found[from..] {
            thread.process = leader;
            if thread.id == leader {
                thread.whole = whole;
            }
        }
        listed.map_err(ReadError::Other)
    }

    /// Reads a thread. Also returns whether its `stat` changed since the last walk.
    fn thread(&mut self, folder: &OwnedFd, pid: u32, tid: u32) -> Result<(Found, bool), ReadError> {
        let walk = self.walks;
        let before = self.known.get(&tid).copied();
        // The leader's `stat` has figures of the whole process.
        if tid != pid
            && !self.is_anew(pid)
            && let Some(known) = before.filter(|known| known.turns.is_still(walk))
        {
            let known = Known { walk, ..known };
            self.known.insert(tid, known);
            return Ok((self.found(pid, &known), false));
        }
        // Before `stat`: what runs meanwhile has run at the next walk.
        let turns = match before.map(|before| before.turns) {
            Some(turns) if turns.is_of(walk) => turns,
            _ => Turns::first(self.schedstat(tid), walk),
        };
        let stat = parse_stat(self.read(folder, tid, "stat")?)?;
        let before = before.filter(|known| known.stat.start == stat.start);
        if let Some(known) = before.filter(|known| known.stat == stat) {
            let known = Known {
                walk,
                turns,
                ..known
            };
            self.known.insert(tid, known);
            return Ok((self.found(pid, &known), false));
        }
        let mut sizes = MemorySizes::new(stat.rss * self.page_bytes, stat.vsize);
        if stat.flags & PF_KTHREAD != 0 {
            sizes.parts = Some(MemoryParts::default());
        }
        let mut known = Known {
            stat,
            io: None,
            uid: before.and_then(|before| before.uid),
            sizes: before.map_or(sizes, |before| MemorySizes {
                vsize: stat.vsize,
                ..before.sizes
            }),
            walk,
            turns,
        };
        // The user id rarely changes, and reading `status` is expensive. So `status` is
        // read for new tasks and new names, for processes of another size, and for a tenth
        // of the other changed tasks.
        let is_due = before.is_none_or(|before| {
            before.stat.comm != stat.comm
                || (tid == pid && before.stat.rss != stat.rss)
                || (walk + u64::from(tid)).is_multiple_of(10)
        });
        if is_due && let Ok(status) = self.read(folder, tid, "status") {
            let read = parse_memory(status).ok();
            known.sizes = read.filter(|read| read.parts.is_some()).unwrap_or(sizes);
            known.uid = real_uid(status);
        }
        let io = self
            .read(folder, tid, "io")
            .ok()
            .and_then(|bytes| parse_io(bytes).ok());
        known.io = io.map(|io| Io {
            read: io.read_bytes,
            write: io.write_bytes,
        });
        self.known.insert(tid, known);
        Ok((self.found(pid, &known), true))
    }

    /// Reads a file of a thread; `folder` is the `task` folder of its process.
    fn read(&mut self, folder: &OwnedFd, tid: u32, file: &str) -> Result<&[u8], ReadError> {
        self.set_path(format_args!("{tid}/{file}"));
        let file = openat(
            folder,
            self.path.as_str(),
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        read_once(file.as_fd(), &mut self.buffer)
    }

    fn set_path(&mut self, path: std::fmt::Arguments<'_>) {
        self.path.clear();
        // Writing to a String cannot fail.
        _ = self.path.write_fmt(path);
    }

    /// CPU time, ns, and IO of a process, including its exited threads.
    fn whole(&mut self, pid: u32, changed: bool, tids: &[u32]) -> Option<(u64, Option<Io>)> {
        if !changed && let Some(known) = self.processes.get_mut(&pid) {
            known.walk = self.walks;
            known.listed_ns = self.now_ns;
            if known.tids != tids {
                known.tids = tids.to_vec();
            }
            return Some((known.cpu_ns, known.io));
        }
        let stat = self.proc.process_stat(pid).ok()?;
        let io = self.proc.process_io(pid).ok().map(|io| Io {
            read: io.read_bytes,
            write: io.write_bytes,
        });
        let cpu_ns = (stat.utime + stat.stime) * self.tick_ns;
        self.processes.insert(
            pid,
            KnownProcess {
                cpu_ns,
                io,
                walk: self.walks,
                tids: tids.to_vec(),
                listed_ns: self.now_ns,
            },
        );
        Some((cpu_ns, io))
    }

    fn id(&self, known: &Known) -> TaskId {
        TaskId {
            tid: known.stat.tid,
            start_ns: known.stat.start * self.tick_ns,
        }
    }

    fn found(&self, pid: u32, known: &Known) -> Found {
        let stat = &known.stat;
        let id = self.id(known);
        Found {
            id,
            process: TaskId {
                tid: pid,
                start_ns: id.start_ns,
            },
            ppid: stat.ppid,
            uid: known.uid,
            ns_pid: None,
            kthread: stat.flags & PF_KTHREAD != 0,
            comm: stat.comm,
            state: stat.state,
            on_cpu: false,
            in_iowait: false,
            cpu_ns: (stat.utime + stat.stime) * self.tick_ns,
            run_delay_ns: None,
            off_cpu_ns: None,
            io: known.io,
            memory: Some(known.sizes),
            is_rough: false,
            threads: stat.threads,
            gone: Gone::default(),
            whole: None,
            cgroup: None,
            watched: true,
        }
    }
}

/// Puts the entries of a folder whose names are numbers into `numbers`.
fn list(folder: &OwnedFd, numbers: &mut Vec<u32>) -> std::io::Result<()> {
    numbers.clear();
    let mut buffer = [MaybeUninit::uninit(); 32 * 1024];
    let mut entries = RawDir::new(folder, &mut buffer);
    while let Some(entry) = entries.next() {
        let name = entry?;
        if let Some(value) =
            number(name.file_name().to_bytes()).and_then(|value| u32::try_from(value).ok())
        {
            numbers.push(value);
        }
    }
    Ok(())
}

/// The real user id of a thread, from its whole `status` file.
fn real_uid(status: &[u8]) -> Option<u32> {
    use procfs::FromBufRead;
    Some(procfs::process::Status::from_buf_read(status).ok()?.ruid)
}
