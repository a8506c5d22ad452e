use serde::{Deserialize, Serialize};

use std::sync::Arc;

use crate::model::{Comm, State, TaskId};

/// What the kernel told, in the order in which it happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A task was made.
    Fork(Fork),
    /// A process runs another program.
    Exec(Exec),
    /// A task has another name.
    Rename(Rename),
    /// A thread ended.
    ThreadEnd(ThreadEnd),
    /// A process ended: all its threads did.
    ProcessEnd(Arc<ExitRecord>),
    /// A dead process was reaped by its parent.
    Reaped(TaskId),
    /// A process has another parent, as the former one died.
    Parent(TaskId, u32),
    /// The arguments of a process became known.
    Args(TaskId, Arc<[u8]>),
    /// A thread that had been waiting for long was looked at: it is in this state.
    State(TaskId, State),
    /// The path of a process's cgroup became known.
    Cgroup(TaskId, Arc<str>),
    /// An event that was taken back: its life is among the folds.
    Nothing,
}

/// A task was made.
#[derive(Clone, Debug)]
pub struct Fork {
    /// The new task.
    pub id: TaskId,
    /// Its process; equal to `id` for a new process.
    pub process: TaskId,
    /// The process that called fork.
    pub parent: TaskId,
    /// Process id of the parent.
    pub ppid: u32,
    /// The nearest ancestor that was no newcomer itself: who a storm is to be blamed on.
    pub origin: TaskId,
    /// Real user id.
    pub uid: u32,
    /// Process id in its own namespace.
    pub ns_pid: u32,
    /// A kernel thread.
    pub kthread: bool,
    /// The parent's name.
    pub comm: Comm,
    /// The parent's arguments, where known.
    pub args: Option<Arc<[u8]>>,
    /// Path of the v2 cgroup, where known.
    pub cgroup: Option<Arc<str>>,
    /// A descendant of whom the source was told to watch; everybody is where it was told nothing.
    pub watched: bool,
}

/// A process runs another program.
#[derive(Clone, Debug)]
pub struct Exec {
    /// The process.
    pub process: TaskId,
    /// The thread that called exec, which is the leader from now on.
    pub old_tid: u32,
    /// Real user id.
    pub uid: u32,
    /// The new name.
    pub comm: Comm,
    /// The new arguments; `None` when they could not be read.
    pub args: Option<Arc<[u8]>>,
    /// Path of the v2 cgroup, where known.
    pub cgroup: Option<Arc<str>>,
}

/// A task has another name.
#[derive(Clone, Debug)]
pub struct Rename {
    /// The task.
    pub id: TaskId,
    /// The new name.
    pub comm: Comm,
}

/// A thread ended, with its own final figures.
#[derive(Clone, Debug)]
pub struct ThreadEnd {
    /// The thread.
    pub id: TaskId,
    /// Its process.
    pub process: TaskId,
    /// When, ns since boot.
    pub time_ns: u64,
    /// How.
    pub status: Status,
    /// CPU time, ns; `None` when its final record was lost.
    pub cpu_ns: Option<u64>,
    /// Time runnable without a CPU, ns.
    pub run_delay_ns: Option<u64>,
    /// Bytes read from and written to storage.
    pub io: Option<(u64, u64)>,
    /// Somebody has still to reap it.
    pub zombie: bool,
    /// The leader of a process in which another thread has called exec: its
    /// task id goes on with that thread.
    pub superseded: bool,
    /// The name.
    pub comm: Comm,
}

impl ExitRecord {
    /// How long the process, or the thread that this is the record of, lived, ns.
    pub fn lifetime_ns(&self) -> u64 {
        let id = self.thread.unwrap_or(self.process);
        self.time_ns.saturating_sub(id.start_ns)
    }
}

/// A wait status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status(pub u32);

impl Status {
    /// The exit code; `None` when a signal ended it.
    pub fn code(self) -> Option<u32> {
        (self.0 & 0x7f == 0).then_some(self.0 >> 8 & 0xff)
    }

    /// The signal that ended it.
    pub fn signal(self) -> Option<u32> {
        let signal = self.0 & 0x7f;
        (signal != 0).then_some(signal)
    }

    /// Whether a core was dumped.
    pub fn core_dumped(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// The signal's name, `SIGSEGV`; real-time signals as `SIGRTMIN+3`.
    pub fn signal_name(self) -> Option<String> {
        const NAMES: [&str; 31] = [
            "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
            "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN",
            "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
        ];
        let signal = self.signal()?;
        Some(match NAMES.get(signal as usize - 1) {
            Some(name) => format!("SIG{name}"),
            // The C library keeps the first two real-time signals for itself.
            None if signal >= 34 => format!("SIGRTMIN+{}", signal - 34),
            None => format!("SIG{signal}"),
        })
    }

    /// `exit 7` or `SIGSEGV`.
    pub fn words(self) -> String {
        self.signal_name()
            .unwrap_or_else(|| format!("exit {}", self.0 >> 8 & 0xff))
    }
}

/// Everything about an ended process (or, with `tid`, thread).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExitRecord {
    /// The process.
    pub process: TaskId,
    /// The thread, when this is the record of one.
    pub thread: Option<TaskId>,
    /// When it ended, ns since boot.
    pub time_ns: u64,
    /// Process id in its own namespace; `None` when not known.
    pub ns_pid: Option<u32>,
    /// Process id of its parent: of the FORK event where that was seen.
    pub ppid: u32,
    /// Whom to blame for a storm of these.
    pub origin: TaskId,
    /// Real user id.
    pub uid: u32,
    /// Its name.
    pub comm: Comm,
    /// Its arguments, each ended by a zero; `None` when not known.
    pub args: Option<Arc<[u8]>>,
    /// How it ended.
    pub status: Status,
    /// Chosen by the OOM killer.
    pub oom: bool,
    /// CPU time of all its threads, ns.
    pub cpu_ns: Option<u64>,
    /// User part of it, ns.
    pub user_ns: Option<u64>,
    /// System part of it, ns.
    pub system_ns: Option<u64>,
    /// Largest resident set, bytes.
    pub max_rss_bytes: Option<u64>,
    /// Bytes read from storage.
    pub read_bytes: Option<u64>,
    /// Bytes written to storage.
    pub write_bytes: Option<u64>,
    /// Minor faults.
    pub minor_faults: Option<u64>,
    /// Major faults.
    pub major_faults: Option<u64>,
    /// Path of its cgroup.
    pub cgroup: Option<Arc<str>>,
    /// Nobody has reaped it yet.
    pub zombie: bool,
    /// A descendant of whom the source was told to watch.
    pub watched: bool,
    /// Something of it was not seen: the figures are a lower bound.
    pub partial: bool,
}

/// Lives that began and ended between two ticks and are too many to list.
#[derive(Clone, Debug)]
pub struct Fold {
    /// Whom to blame.
    pub origin: TaskId,
    /// Their name at the end.
    pub comm: Comm,
    /// Real user id.
    pub uid: u32,
    /// How they ended.
    pub status: Status,
    /// How many.
    pub count: u64,
    /// CPU time of all of them, ns.
    pub cpu_ns: u64,
    /// Descendants of whom the source was told to watch.
    pub watched: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_words() {
        assert_eq!(Status(7 << 8).words(), "exit 7");
        assert_eq!(Status(0x80 | 11).words(), "SIGSEGV");
        assert!(Status(0x80 | 11).core_dumped());
        assert_eq!(Status(36).words(), "SIGRTMIN+2");
        assert_eq!(Status(9).code(), None);
    }
}
