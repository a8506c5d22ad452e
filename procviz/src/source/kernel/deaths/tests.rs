//! Tests orders of records that rarely occur on a real machine.

use bytemuck::Zeroable;
use procviz_common::{DeadRecord, EXIT_GROUP_DEAD, ExecRecord, ForkRecord, Row, TaskExit};

use super::{Ended, ProcessTable};
use crate::source::cgroups::Cgroups;

const SECOND: u64 = 1_000_000_000;

/// A simulated kernel that sends records of single-threaded processes. The pid of a
/// process is its start time in ms.
struct Play {
    processes: ProcessTable,
    cgroups: Cgroups,
}

impl Play {
    fn new() -> Self {
        Self {
            processes: ProcessTable::default(),
            cgroups: Cgroups::read(),
        }
    }

    fn fork(&mut self, pid: u32) {
        let mut record = ForkRecord::zeroed();
        (record.tid, record.tgid) = (pid, pid);
        (record.start_ns, record.leader_start_ns) = (start(pid), start(pid));
        (record.parent_tgid, record.ppid) = (1, 1);
        self.processes.fork(&record, &self.cgroups);
    }

    fn exit(&mut self, pid: u32, code: u32) {
        let record = exiting(pid, code);
        self.processes.exit(&record);
    }

    fn dead(&mut self, pid: u32) -> Option<Ended> {
        self.dead_at(pid, pid.into())
    }

    /// The last switch of the process, whose task is at an address.
    fn dead_at(&mut self, pid: u32, address: u64) -> Option<Ended> {
        let mut record = DeadRecord::zeroed();
        record.task = exiting(pid, 9);
        (record.task.address, record.task.time_ns) = (address, start(pid) + 2);
        (record.cpu_ns, record.exit_state) = (1_000, 16);
        self.processes.dead(&record, &self.cgroups, 4096).process
    }

    /// The pids and exit codes of processes that are overdue after 100 s.
    fn overdue(&mut self) -> Vec<(u32, u32)> {
        let ended = self.processes.overdue(100 * SECOND, &self.cgroups, 4096);
        let of = |ended: Ended| {
            let code = ended.record.status.code().unwrap_or(u32::MAX);
            (ended.record.process.tid, code)
        };
        ended.into_iter().map(of).collect()
    }
}

/// The identity and status of a process that exits with a code.
fn exiting(pid: u32, code: u32) -> TaskExit {
    let mut task = TaskExit::zeroed();
    (task.tid, task.tgid, task.ppid) = (pid, pid, 1);
    (task.start_ns, task.leader_start_ns) = (start(pid), start(pid));
    (task.address, task.time_ns) = (pid.into(), start(pid) + 1);
    (task.group_exit_code, task.flags) = (code << 8, EXIT_GROUP_DEAD);
    task
}

fn start(pid: u32) -> u64 {
    u64::from(pid) * 1_000_000
}

fn row(pid: u32) -> Row {
    let mut row = Row::zeroed();
    (row.tid, row.tgid, row.ppid) = (pid, pid, 1);
    (row.start_ns, row.leader_start_ns) = (start(pid), start(pid));
    row
}

#[test]
fn exit_during_census_is_reported_once() {
    let mut play = Play::new();
    for pid in [10, 11, 12] {
        play.fork(pid);
    }
    // The DEAD of process 12 is lost: later exits wait behind process 12.
    play.exit(12, 3);
    play.processes.begin_census(start(20));
    let rows = [row(10), row(11)];
    play.exit(11, 7);
    assert!(play.dead(11).is_some());
    play.processes.resync(&rows, start(30));
    assert!(!play.processes.processes.contains_key(&11));
    assert_eq!(play.overdue(), [(12, 3)]);
    play.exit(10, 5);
    assert!(play.dead(10).is_some());
    assert_eq!(play.overdue(), []);
}

#[test]
fn fork_during_census_is_kept() {
    let mut play = Play::new();
    play.fork(10);
    play.processes.begin_census(start(20));
    play.fork(21);
    play.processes.resync(&[row(10)], start(30));
    play.exit(21, 4);
    let ended = play.dead(21).unwrap();
    assert_eq!(ended.record.origin.tid, 1);
    assert!(ended.record.ns_pid.is_some());
}

/// The thread that calls exec gets the thread id of the leader.
#[test]
fn exec_during_census_keeps_the_process() {
    let mut play = Play::new();
    play.fork(10);
    play.processes.begin_census(start(20));
    let mut old = TaskExit::zeroed();
    (old.tid, old.tgid, old.ppid) = (10, 10, 1);
    (old.start_ns, old.leader_start_ns) = (start(10), start(10));
    (old.address, old.time_ns) = (77, start(22));
    play.processes.exit(&old);
    let mut second = ForkRecord::zeroed();
    (second.tid, second.tgid) = (15, 10);
    (second.start_ns, second.leader_start_ns) = (start(15), start(10));
    play.processes.fork(&second, &play.cgroups);
    assert!(play.dead_at(10, 77).is_none());
    let mut exec = ExecRecord::zeroed();
    (exec.tgid, exec.old_tid, exec.start_ns) = (10, 15, start(10));
    exec.comm[..3].copy_from_slice(b"new");
    play.processes.exec(&exec, b"new\0", &play.cgroups);
    play.processes.resync(&[row(10)], start(30));
    assert!(play.processes.processes.contains_key(&10));
}

/// The kernel skipped the program that sends EXIT: the DEAD has all that it would have.
#[test]
fn a_dead_without_exit_is_an_exit() {
    let mut play = Play::new();
    play.fork(10);
    let ended = play.dead(10).unwrap().record;
    assert_eq!(ended.status.code(), Some(9));
    assert_eq!(
        (ended.ppid, ended.cpu_ns, ended.partial),
        (1, Some(1_000), false)
    );
    assert_eq!(play.processes.without_exit(), 1);
    // A process that nothing is known of: the parent may be freed, and so may its pid.
    let ended = play.dead(11).unwrap().record;
    assert_eq!((ended.ppid, ended.ns_pid, ended.partial), (0, None, true));
    assert_eq!(play.processes.without_exit(), 2);
}

#[test]
fn a_dead_from_before_the_first_census_is_no_exit() {
    let mut play = Play::new();
    play.processes.seed(&[row(30)], start(20));
    assert!(play.dead(10).is_none());
    assert_eq!(play.processes.without_exit(), 0);
    assert!(play.dead(30).is_some());
}

/// A process that was reported without its last DEAD is not reported again with it.
#[test]
fn a_late_dead_is_not_another_exit() {
    let mut play = Play::new();
    play.fork(10);
    play.exit(10, 3);
    play.processes.leaving.clear();
    assert_eq!(play.overdue(), [(10, 3)]);
    assert!(play.dead(10).is_none());
    assert_eq!(play.overdue(), []);
}

/// The kernel gives the address of a freed task to the next one.
#[test]
fn a_reused_address_is_another_task() {
    let mut play = Play::new();
    play.fork(10);
    play.fork(11);
    // The DEAD of process 10 and the EXIT of process 11 are lost.
    play.exit(10, 3);
    let ended = play.dead_at(11, 10).unwrap().record;
    assert_eq!((ended.process.tid, ended.status.code()), (11, Some(9)));
    assert_eq!(play.overdue(), [(10, 3)]);
}
