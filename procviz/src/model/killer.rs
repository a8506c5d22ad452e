//! Who or what sent a signal that ended a process.

use serde::{Deserialize, Serialize};

use crate::model::{Comm, Status, TaskId};

/// What sent a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KillKind {
    /// Another process, with kill(2) or a call like it.
    Process,
    /// The process itself, as abort(3) does.
    Itself,
    /// The kernel's OOM killer; it runs in the sender, which asked for memory, or lowered a limit.
    Oom,
    /// The CPU: an invalid access, instruction or operation.
    Fault,
    /// The kernel, because the parent ended, or the thread of it that started the process
    /// (`PR_SET_PDEATHSIG`); the sender is the parent.
    Parent,
    /// The kernel, because the sender wrote to `cgroup.kill`.
    Cgroup,
    /// A terminal: a key such as ctrl-C, or its end.
    Terminal,
    /// A timer of the process itself.
    Timer,
    /// A resource limit, see setrlimit(2).
    Limit,
    /// The system call filter of the process.
    Seccomp,
    /// The kernel for another reason, such as a pipe without a reader.
    Kernel,
    /// Not known.
    Unknown,
}

impl KillKind {
    /// All kinds; the index is the number in recordings.
    pub const ALL: [Self; 12] = [
        Self::Process,
        Self::Itself,
        Self::Oom,
        Self::Fault,
        Self::Parent,
        Self::Cgroup,
        Self::Terminal,
        Self::Timer,
        Self::Limit,
        Self::Seccomp,
        Self::Kernel,
        Self::Unknown,
    ];

    /// The number in recordings.
    pub fn number(self) -> u64 {
        Self::ALL.iter().take_while(|kind| **kind != self).count() as u64
    }

    /// The kind with this number in recordings.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Itself => "itself",
            Self::Oom => "oom",
            Self::Fault => "fault",
            Self::Parent => "parent",
            Self::Cgroup => "cgroup",
            Self::Terminal => "terminal",
            Self::Timer => "timer",
            Self::Limit => "limit",
            Self::Seccomp => "seccomp",
            Self::Kernel => "kernel",
            Self::Unknown => "unknown",
        }
    }
}

/// A process, as it was when it sent a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The process.
    pub process: TaskId,
    /// Name of its leader.
    pub comm: Comm,
    /// Real user id.
    pub uid: u32,
}

/// Who or what sent a signal that ended a process, or asked it to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Killer {
    /// What it was.
    pub kind: KillKind,
    /// The process behind it; `None` if there is none, or if the kernel does not know it.
    pub sender: Option<Sender>,
    /// Time of the signal, ns since boot.
    pub time_ns: u64,
}

impl Sender {
    /// Text for the user: `earlyoom (pid 612)`.
    pub fn text(&self) -> String {
        format!("{} (pid {})", self.comm.text().name(), self.process.tid)
    }
}

impl Killer {
    /// Text for the user about an end with this status: `SIGKILL by earlyoom (pid 612)`. The
    /// signal of a fault or of abort(3) needs no more words.
    pub fn how(&self, status: Status) -> String {
        const SIGABRT: u32 = 6;
        let says_it = match self.kind {
            KillKind::Fault => true,
            KillKind::Itself => status.signal() == Some(SIGABRT),
            _ => false,
        };
        match says_it {
            true => status.words(),
            false => format!("{} {}", status.words(), self.words()),
        }
    }

    /// Text that follows the name of a signal: `by earlyoom (pid 612)`.
    pub fn words(&self) -> String {
        let who = self.sender.map(|sender| sender.text());
        match (self.kind, who) {
            (KillKind::Process, Some(who)) => format!("by {who}"),
            (KillKind::Itself, _) => "by itself".to_owned(),
            (KillKind::Oom, Some(who)) => format!("by the OOM killer, run by {who}"),
            (KillKind::Oom, None) => "by the OOM killer".to_owned(),
            (KillKind::Fault, _) => "by a fault of its own".to_owned(),
            (KillKind::Parent, Some(who)) => format!("as its parent-death signal, from {who}"),
            (KillKind::Parent, None) => "as its parent-death signal".to_owned(),
            (KillKind::Cgroup, Some(who)) => format!("by {who}, with its whole cgroup"),
            (KillKind::Cgroup, None) => "with its whole cgroup".to_owned(),
            (KillKind::Terminal, _) => "from its terminal".to_owned(),
            (KillKind::Timer, _) => "by its timer".to_owned(),
            (KillKind::Limit, _) => "by its resource limit".to_owned(),
            (KillKind::Seccomp, _) => "by its system call filter".to_owned(),
            (KillKind::Kernel, _) => "by the kernel".to_owned(),
            (KillKind::Process | KillKind::Unknown, _) => "by an unknown sender".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn killers_in_words() {
        let sender = Some(Sender {
            process: TaskId {
                tid: 612,
                start_ns: 5,
            },
            comm: Comm::new(b"early oom"),
            uid: 0,
        });
        let words = |kind, sender| {
            Killer {
                kind,
                sender,
                time_ns: 9,
            }
            .words()
        };
        assert_eq!(words(KillKind::Process, sender), "by 'early oom' (pid 612)");
        assert_eq!(
            words(KillKind::Oom, sender),
            "by the OOM killer, run by 'early oom' (pid 612)"
        );
        assert_eq!(
            words(KillKind::Cgroup, sender),
            "by 'early oom' (pid 612), with its whole cgroup"
        );
        assert_eq!(words(KillKind::Process, None), "by an unknown sender");
        let how = |kind, signal| {
            Killer {
                kind,
                sender,
                time_ns: 9,
            }
            .how(Status(signal))
        };
        assert_eq!(
            how(KillKind::Process, 6),
            "SIGABRT by 'early oom' (pid 612)"
        );
        assert_eq!(how(KillKind::Itself, 6), "SIGABRT");
        assert_eq!(how(KillKind::Itself, 9), "SIGKILL by itself");
        assert_eq!(how(KillKind::Fault, 11), "SIGSEGV");
        // A bystander is never named.
        for kind in [
            KillKind::Timer,
            KillKind::Terminal,
            KillKind::Kernel,
            KillKind::Unknown,
        ] {
            assert!(!words(kind, sender).contains("oom"));
        }
    }
}
