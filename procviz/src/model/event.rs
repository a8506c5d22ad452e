use serde::{Deserialize, Serialize};

use std::sync::Arc;

use crate::model::{Comm, Killer, State, Status, TaskId, duration_text};

/// An event that the kernel reported. Events are in the order in which they happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A task was created.
    Fork(Fork),
    /// A process called exec.
    Exec(Exec),
    /// A task changed its name.
    Rename(Rename),
    /// A thread exited.
    ThreadEnd(ThreadEnd),
    /// A process exited: all its threads have exited.
    ProcessEnd(Arc<ExitRecord>),
    /// A dead process was reaped by its parent.
    Reaped(TaskId),
    /// A process has a new parent (process id), because the old parent exited.
    Parent(TaskId, u32),
    /// The arguments of a process became known.
    Args(TaskId, Arc<[u8]>),
    /// The name of a process became known: of a program whose leader has changed its name, or
    /// the whole name of a kernel thread; empty: it is the name of the leader.
    Name(TaskId, Arc<[u8]>),
    /// State of a thread, read because the thread had waited for a long time.
    State(TaskId, State),
    /// The function of the kernel in which a thread waits uninterruptibly.
    Waits(TaskId, Arc<[u8]>),
    /// What a thread that waits uninterruptibly can be waiting for: a mount on which its process
    /// has files open.
    OpenOn(TaskId, Arc<[u8]>),
    /// The path of a process's cgroup became known.
    Cgroup(TaskId, Arc<str>),
    /// A removed event: its process is counted in a fold.
    Nothing,
}

/// What [`Event::OpenOn`] says, without the path of the file: mount and file system.
pub fn mount_only(on: &Arc<[u8]>) -> Arc<[u8]> {
    let parts = on.iter().enumerate().filter(|(_, byte)| **byte == 0);
    match parts.map(|(at, _)| at).nth(1) {
        Some(end) => Arc::from(&on[..end]),
        None => Arc::clone(on),
    }
}

/// A task was created.
#[derive(Clone, Debug)]
pub struct Fork {
    /// The new task.
    pub id: TaskId,
    /// The process of the task; equal to `id` for a new process.
    pub process: TaskId,
    /// The process that called fork.
    pub parent: TaskId,
    /// Process id of the parent (`real_parent`).
    pub ppid: u32,
    /// The nearest ancestor that was older than 2 s when it forked: the process
    /// that causes a storm of forks.
    pub origin: TaskId,
    /// Real user id.
    pub uid: u32,
    /// Process id in the task's own pid namespace.
    pub ns_pid: u32,
    /// Whether the task is a kernel thread.
    pub kthread: bool,
    /// Name of the parent.
    pub comm: Comm,
    /// Name of the program, if `comm` is not it: the thread that called fork had changed
    /// its name.
    pub name: Option<Arc<[u8]>>,
    /// Arguments of the parent; `None` if not known.
    pub args: Option<Arc<[u8]>>,
    /// Path of the v2 cgroup; `None` if not known.
    pub cgroup: Option<Arc<str>>,
    /// Whether the source watches the process: it is a chosen process or a
    /// descendant of a chosen process. True for all processes if none is chosen.
    pub watched: bool,
}

/// A process called exec.
#[derive(Clone, Debug)]
pub struct Exec {
    /// The process.
    pub process: TaskId,
    /// Thread id of the caller before the exec. This thread is the leader from now on.
    pub old_tid: u32,
    /// Real user id.
    pub uid: u32,
    /// The new name.
    pub comm: Comm,
    /// The new arguments; `None` if they could not be read.
    pub args: Option<Arc<[u8]>>,
    /// Path of the v2 cgroup; `None` if not known.
    pub cgroup: Option<Arc<str>>,
}

/// A task changed its name.
#[derive(Clone, Debug)]
pub struct Rename {
    /// The task.
    pub id: TaskId,
    /// The new name.
    pub comm: Comm,
}

/// The exit of a thread, with the final figures of this thread alone.
#[derive(Clone, Debug)]
pub struct ThreadEnd {
    /// The thread.
    pub id: TaskId,
    /// The process of the thread.
    pub process: TaskId,
    /// Time of the exit, ns since boot.
    pub time_ns: u64,
    /// Wait status of the thread.
    pub status: Status,
    /// CPU time, ns; `None` if the thread's final record was lost.
    pub cpu_ns: Option<u64>,
    /// Run delay: time runnable without a CPU, ns.
    pub run_delay_ns: Option<u64>,
    /// Bytes read from and written to storage.
    pub io: Option<(u64, u64)>,
    /// Whether the thread is a zombie: not reaped yet.
    pub zombie: bool,
    /// Whether the thread was the leader of a process in which another thread
    /// called exec. That other thread now has the leader's task id.
    pub superseded: bool,
    /// Name of the thread.
    pub comm: Comm,
}

impl ExitRecord {
    /// Name of the program, or of the thread if `thread` is set.
    pub fn name(&self) -> &[u8] {
        let name = self.name.as_deref().filter(|_| self.thread.is_none());
        name.unwrap_or(self.comm.bytes())
    }

    /// The first 15 bytes of the name.
    pub fn short_name(&self) -> Comm {
        Comm::new(self.name())
    }

    /// Text for the user about the end and its cause: `SIGKILL by earlyoom (pid 612)`.
    pub fn how(&self) -> String {
        let mut how = match &self.killed_by {
            Some(killer) => killer.how(self.status),
            None => self.status.words(),
        };
        if let Some(killer) = &self.terminated_by {
            let before = duration_text(self.time_ns.saturating_sub(killer.time_ns));
            how = format!("{how}, {before} after SIGTERM {}", killer.words());
        }
        how
    }

    /// Lifetime of the process, or of the thread if `thread` is set, ns.
    pub fn lifetime_ns(&self) -> u64 {
        let id = self.thread.unwrap_or(self.process);
        self.time_ns.saturating_sub(id.start_ns)
    }
}

/// All that is known about an exited process, or about an exited thread.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ExitRecord {
    /// The process.
    pub process: TaskId,
    /// The thread, if this is the record of a thread.
    pub thread: Option<TaskId>,
    /// Time of the exit, ns since boot.
    pub time_ns: u64,
    /// Process id in the process's own pid namespace; `None` if not known.
    pub ns_pid: Option<u32>,
    /// Process id of the parent: from the FORK event if that event was seen.
    pub ppid: u32,
    /// The process that causes a storm of such processes, see [`Fork::origin`].
    pub origin: TaskId,
    /// Real user id.
    pub uid: u32,
    /// Name of the leader.
    pub comm: Comm,
    /// Name of the program, if the leader has changed its name; `None`: it is `comm`.
    pub name: Option<Arc<[u8]>>,
    /// The arguments, each terminated by a zero byte; `None` if not known.
    pub args: Option<Arc<[u8]>>,
    /// Number of bytes of all arguments, of which `args` can lack the end; `None` if not known.
    pub args_bytes: Option<u64>,
    /// Wait status.
    pub status: Status,
    /// Whether the OOM killer chose the process.
    pub oom: bool,
    /// What sent the signal that ended the process; `None` if it ended by itself, or if no
    /// such signal was seen.
    pub killed_by: Option<Arc<Killer>>,
    /// What sent the last SIGTERM before that, as long as the process did not end.
    pub terminated_by: Option<Arc<Killer>>,
    /// CPU time of all threads of the process, ns.
    pub cpu_ns: Option<u64>,
    /// User part of `cpu_ns`, ns.
    pub user_ns: Option<u64>,
    /// System part of `cpu_ns`, ns.
    pub system_ns: Option<u64>,
    /// Largest resident set, bytes.
    pub max_rss_bytes: Option<u64>,
    /// Whether `max_rss_bytes` was reached before the process called exec: the kernel keeps
    /// it, and the new program used less. `None` if not known.
    pub max_rss_inherited: Option<bool>,
    /// Bytes read from storage.
    pub read_bytes: Option<u64>,
    /// Bytes written to storage.
    pub write_bytes: Option<u64>,
    /// Bytes whose write to storage this process prevented, because it removed or cut a file
    /// before; others can have written them.
    pub cancelled_write_bytes: Option<u64>,
    /// Minor faults.
    pub minor_faults: Option<u64>,
    /// Major faults.
    pub major_faults: Option<u64>,
    /// Path of the cgroup; `None` if not known.
    pub cgroup: Option<Arc<str>>,
    /// Whether the process is a zombie: not reaped yet.
    pub zombie: bool,
    /// Whether the source watches the process, see [`Fork::watched`].
    pub watched: bool,
    /// Whether data of the process is missing: then the figures are lower bounds.
    pub partial: bool,
}

/// Short-lived processes of one kind that are too many to list. They started
/// and exited between two ticks.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The process that caused them, see [`Fork::origin`].
    pub origin: TaskId,
    /// Name of the program of the processes.
    pub comm: Comm,
    /// Real user id.
    pub uid: u32,
    /// Wait status of the processes.
    pub status: Status,
    /// Number of processes.
    pub count: u64,
    /// CPU time of all these processes, ns.
    pub cpu_ns: u64,
    /// Whether the source watches the processes, see [`Fork::watched`].
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
