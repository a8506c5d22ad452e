//! Joins the signals that a process got with the way it ended.

use std::sync::Arc;

use procviz_common::{
    SIGNAL_CPU_LIMIT, SIGNAL_FROM_EXITING, SIGNAL_FROM_KTHREAD, SIGNAL_FROM_TRACER, SIGNAL_NO_INFO,
    SIGNAL_PRIVATE, SignalRecord,
};
use rustc_hash::FxHashMap;

use super::ProcessTable;
use crate::model::{Comm, KillKind, Killer, Sender, Status, TaskId};

const SIGKILL: u32 = 9;
const SIGTERM: u32 = 15;
/// HUP, INT and QUIT: what a terminal sends.
const OF_TERMINALS: [u32; 3] = [1, 2, 3];
/// ILL, TRAP, BUS, FPE and SEGV.
const OF_FAULTS: [u32; 5] = [4, 5, 7, 8, 11];
/// ALRM, VTALRM and PROF.
const OF_TIMERS: [u32; 3] = [14, 26, 27];
/// XCPU and XFSZ.
const OF_LIMITS: [u32; 2] = [24, 25];
const SIGSYS: u32 = 31;
/// `SI_USER`, `SI_QUEUE` and `SI_TKILL`: calls of a process.
const OF_CALLS: [i32; 3] = [0, -1, -6];
const SI_TIMER: i32 = -2;
const SYS_SECCOMP: i32 = 1;

/// Signals that can end the processes which have got them: of each number the last one from
/// another process, and the last one from the process itself.
#[derive(Default)]
pub(super) struct Signals {
    sent: FxHashMap<TaskId, Vec<Sent>>,
}

/// A signal that was sent.
#[derive(Clone, Copy)]
struct Sent {
    record: SignalRecord,
    /// The process had not begun yet: the task that ran is its parent, and did not send it.
    is_before_fork: bool,
}

impl Signals {
    /// Takes in a SIGNAL record; `is_known`: the fork of its process was seen before.
    fn add(&mut self, record: &SignalRecord, is_known: bool) {
        let sent = self.sent.entry(process_of(record)).or_default();
        let is_alike = |other: &&mut Sent| {
            let other = &other.record;
            other.signal == record.signal && is_own(other) == is_own(record)
        };
        let new = Sent {
            record: *record,
            is_before_fork: !is_known,
        };
        match sent.iter_mut().find(is_alike) {
            // The first one ends the process, also if it still gets others while it exits.
            Some(_) if record.signal == SIGKILL => {}
            Some(before) => *before = new,
            None => sent.push(new),
        }
    }

    /// Number of processes that have got such signals.
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    /// Forgets the signals of processes that are not there any more.
    pub(super) fn forget_but(&mut self, is_there: impl Fn(TaskId) -> bool) {
        self.sent.retain(|process, _| is_there(*process));
    }

    /// What ended a process, and what asked it to end before, with SIGTERM.
    pub(super) fn killers(
        &mut self,
        process: TaskId,
        status: Status,
        oom: bool,
    ) -> (Option<Arc<Killer>>, Option<Arc<Killer>>) {
        let Some(sent) = self.sent.remove(&process) else {
            return (None, None);
        };
        let fatal = sent
            .iter()
            .filter(|sent| Some(sent.record.signal) == status.signal())
            .max_by_key(|sent| sent.record.time_ns);
        let asked = sent.iter().find(|Sent { record, .. }| {
            let is_fatal = fatal.is_some_and(|fatal| fatal.record.time_ns <= record.time_ns);
            record.signal == SIGTERM && !is_own(record) && !is_fatal
        });
        let killer = |sent: &Sent| Arc::new(killer(sent, oom));
        (fatal.map(killer), asked.map(killer))
    }
}

impl ProcessTable {
    /// Takes in a SIGNAL record.
    pub(in crate::source::kernel) fn signal(&mut self, record: &SignalRecord) {
        let process = process_of(record);
        let tracked = self.processes.get(&process.tid);
        let is_known = tracked.is_some_and(|tracked| tracked.process == process);
        self.signals.add(record, is_known);
    }
}

/// The process that got a signal.
fn process_of(record: &SignalRecord) -> TaskId {
    TaskId {
        tid: record.tgid,
        start_ns: record.leader_start_ns,
    }
}

/// Whether the process sent the signal to itself, or got it while it ran.
fn is_own(record: &SignalRecord) -> bool {
    record.tgid == record.sender_tgid && record.leader_start_ns == record.sender_start_ns
}

fn killer(sent: &Sent, oom: bool) -> Killer {
    let record = &sent.record;
    let kind = kind(record, oom && record.signal == SIGKILL);
    let is_known = match kind {
        KillKind::Process | KillKind::Itself | KillKind::Parent => true,
        // `sysrq` asks a kernel thread to make room.
        KillKind::Oom => record.flags & SIGNAL_FROM_KTHREAD == 0,
        // A child that was being forked when its cgroup was killed gets the signal from its parent.
        KillKind::Cgroup => !sent.is_before_fork,
        _ => false,
    };
    Killer {
        kind,
        sender: is_known.then(|| Sender {
            process: TaskId {
                tid: record.sender_tgid,
                start_ns: record.sender_start_ns,
            },
            comm: Comm::new(&record.sender_comm),
            uid: record.sender_uid,
        }),
        time_ns: record.time_ns,
    }
}

/// The kernel runs a signal's code in the task that sends it, or, in an interrupt, in any task.
/// Which of the two it was, the code and the number of the signal tell.
fn kind(record: &SignalRecord, oom: bool) -> KillKind {
    let (signal, has) = (record.signal, |bit: u32| record.flags & bit != 0);
    if oom && has(SIGNAL_PRIVATE) {
        return KillKind::Oom;
    }
    if OF_LIMITS.contains(&signal) && has(SIGNAL_PRIVATE | SIGNAL_NO_INFO) {
        return KillKind::Limit;
    }
    if has(SIGNAL_NO_INFO) {
        return match (is_own(record), has(SIGNAL_FROM_EXITING)) {
            (false, true) => KillKind::Parent,
            // `PTRACE_KILL`
            (false, false) if signal == SIGKILL && has(SIGNAL_FROM_TRACER) => KillKind::Process,
            (false, false) if signal == SIGKILL && !has(SIGNAL_FROM_KTHREAD) => KillKind::Cgroup,
            (false, false) => KillKind::Unknown,
            // It wrote to `cgroup.kill` of its own cgroup.
            (true, false) if signal == SIGKILL => KillKind::Cgroup,
            // A pipe without a reader, for example.
            (true, _) => KillKind::Kernel,
        };
    }
    if has(SIGNAL_PRIVATE) {
        return match signal {
            _ if OF_TERMINALS.contains(&signal) => KillKind::Terminal,
            _ if OF_TIMERS.contains(&signal) => KillKind::Timer,
            // The hard limit of CPU time, which the process meets while it runs.
            SIGKILL if is_own(record) && has(SIGNAL_CPU_LIMIT) => KillKind::Limit,
            _ => KillKind::Kernel,
        };
    }
    match record.code {
        code if OF_CALLS.contains(&code) => match is_own(record) {
            true => KillKind::Itself,
            false => KillKind::Process,
        },
        SI_TIMER => KillKind::Timer,
        SYS_SECCOMP if signal == SIGSYS => KillKind::Seccomp,
        1.. if OF_FAULTS.contains(&signal) => KillKind::Fault,
        1.. => KillKind::Kernel,
        _ => KillKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use procviz_common::{Header, Kind};

    use super::*;

    const VICTIM: TaskId = TaskId {
        tid: 100,
        start_ns: 7,
    };

    fn sent(signal: u32, code: i32, flags: u32, by: u32) -> SignalRecord {
        SignalRecord {
            header: Header {
                kind: Kind::Signal as u32,
                size: size_of::<SignalRecord>() as u32,
            },
            time_ns: 1_000,
            leader_start_ns: VICTIM.start_ns,
            sender_start_ns: if by == VICTIM.tid { VICTIM.start_ns } else { 3 },
            tgid: VICTIM.tid,
            signal,
            code,
            flags,
            sender_tgid: by,
            sender_uid: 5,
            sender_comm: *b"sender\0\0\0\0\0\0\0\0\0\0",
        }
    }

    #[test]
    fn what_sent_a_signal() {
        let (other, own) = (50, VICTIM.tid);
        let (no_info, private) = (SIGNAL_NO_INFO, SIGNAL_PRIVATE);
        let exits = SIGNAL_FROM_EXITING;
        let cases = [
            (sent(9, 0, 0, other), false, KillKind::Process),
            (sent(15, -6, 0, other), false, KillKind::Process),
            (sent(10, -1, 0, other), false, KillKind::Process),
            // It asked for memory itself, but was killed by a process before.
            (sent(9, 0, 0, other), true, KillKind::Process),
            (sent(6, -6, 0, own), false, KillKind::Itself),
            (sent(9, 0, private, other), true, KillKind::Oom),
            (sent(9, 0, private, own), true, KillKind::Oom),
            (sent(11, 1, 0, own), false, KillKind::Fault),
            (sent(11, 0x80, 0, own), false, KillKind::Fault),
            (sent(9, 0, no_info | exits, other), false, KillKind::Parent),
            (sent(15, 0, no_info | exits, other), false, KillKind::Parent),
            (sent(9, 0, no_info, other), false, KillKind::Cgroup),
            (
                sent(2, 0, private | SIGNAL_FROM_KTHREAD, other),
                false,
                KillKind::Terminal,
            ),
            (
                sent(1, 0, private | exits, other),
                false,
                KillKind::Terminal,
            ),
            (sent(14, 0, private, other), false, KillKind::Timer),
            (sent(34, -2, 0, other), false, KillKind::Timer),
            (sent(24, 0, private, own), false, KillKind::Limit),
            (sent(25, 0, no_info, own), false, KillKind::Limit),
            (
                sent(9, 0, private | SIGNAL_CPU_LIMIT, own),
                false,
                KillKind::Limit,
            ),
            // The end of a pid namespace, or an eBPF program.
            (sent(9, 0, private, own), false, KillKind::Kernel),
            (
                sent(9, 0, no_info | SIGNAL_FROM_TRACER, other),
                false,
                KillKind::Process,
            ),
            (sent(9, 0, no_info, own), false, KillKind::Cgroup),
            (sent(31, 1, 0, own), false, KillKind::Seccomp),
            (sent(13, 0, no_info, own), false, KillKind::Kernel),
            (sent(9, 0, private | exits, other), false, KillKind::Kernel),
            (sent(29, 1, 0, other), false, KillKind::Kernel),
            (sent(10, 0, no_info, other), false, KillKind::Unknown),
            (sent(10, -60, 0, other), false, KillKind::Unknown),
        ];
        for (record, oom, expected) in cases {
            let sent = Sent {
                record,
                is_before_fork: false,
            };
            let killer = killer(&sent, oom);
            assert_eq!(killer.kind, expected, "{record:?}");
            let names = [
                KillKind::Process,
                KillKind::Itself,
                KillKind::Oom,
                KillKind::Parent,
                KillKind::Cgroup,
            ];
            // Else the task that ran is a bystander.
            let is_named = killer.sender.is_some_and(|sender| sender.process.tid > 0);
            assert_eq!(is_named, names.contains(&expected), "{record:?}");
        }
    }

    /// A pid, and the time of its signal.
    type By = Option<(u32, u64)>;

    fn ended(records: &[SignalRecord], status: u32) -> (By, By) {
        let mut signals = Signals::default();
        for record in records {
            signals.add(record, true);
        }
        let (by, before) = signals.killers(VICTIM, Status(status), false);
        let facts = |killer: Arc<Killer>| (killer.sender.unwrap().process.tid, killer.time_ns);
        assert!(signals.sent.is_empty());
        (by.map(facts), before.map(facts))
    }

    fn at(time_ns: u64, record: SignalRecord) -> SignalRecord {
        SignalRecord { time_ns, ..record }
    }

    #[test]
    fn the_signal_that_matches_the_end_counts() {
        let term = at(10, sent(15, 0, 0, 50));
        let kill = at(90, sent(9, 0, 0, 51));
        assert_eq!(ended(&[term, kill], 9), (Some((51, 90)), Some((50, 10))));
        assert_eq!(ended(&[term], 15), (Some((50, 10)), None));
        // It cleaned up, and ended by itself.
        assert_eq!(ended(&[term], 0), (None, Some((50, 10))));
        // It cleaned up, and sent itself the same signal without a handler.
        let own = at(20, sent(15, -6, 0, VICTIM.tid));
        assert_eq!(ended(&[term, own], 15), (Some((100, 20)), Some((50, 10))));
        // A pending signal that did not end it.
        assert_eq!(ended(&[at(5, sent(10, 0, 0, 50))], 9), (None, None));
        assert_eq!(ended(&[], 9), (None, None));
        // The first SIGKILL ends it.
        let late = at(95, sent(9, 0, 0, 52));
        assert_eq!(ended(&[kill, late], 9), (Some((51, 90)), None));
    }

    /// The kernel kills a child that is forked while its cgroup is killed, in its parent's name.
    #[test]
    fn a_parent_is_not_the_killer_of_a_child_that_is_being_forked() {
        for (is_known, expected) in [(true, Some(50)), (false, None)] {
            let mut signals = Signals::default();
            signals.add(&sent(9, 0, SIGNAL_NO_INFO, 50), is_known);
            let (by, _) = signals.killers(VICTIM, Status(9), false);
            let by = by.unwrap();
            assert_eq!(by.kind, KillKind::Cgroup);
            assert_eq!(by.sender.map(|sender| sender.process.tid), expected);
        }
    }

    #[test]
    fn another_process_with_the_same_pid_is_not_meant() {
        let mut signals = Signals::default();
        signals.add(&sent(9, 0, 0, 50), true);
        let later = TaskId {
            start_ns: VICTIM.start_ns + 1,
            ..VICTIM
        };
        assert_eq!(signals.killers(later, Status(9), false), (None, None));
        signals.forget_but(|process| process == later);
        assert!(signals.sent.is_empty());
    }
}
