use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use procviz_common::{
    EXIT_GROUP_DEAD, EXIT_GROUP_DEAD_GUESSED, EXIT_OOM, ExitRecord, Kind, TaskExit,
};

use crate::{
    emit::{reserve, submit},
    kernel::{
        Ptr, address, boot_ns, cgroup_id, clear_bit, comm, exit_has_group_dead, follow, get,
        ns_pid, uid,
    },
    maps::FREED,
};

#[btf_tracepoint(function = "sched_process_exit")]
fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    let task: Ptr = ctx.arg(0);
    // The previous task with this id exited long ago; from now on a set bit means this task.
    // Clear it here, not at the last switch: the parent can reap the task before that.
    clear_bit(&FREED, get!(task, task_pid as u32));
    let Some((mut entry, header)) = reserve::<ExitRecord>(Kind::Exit) else {
        return 0;
    };
    let group_death = group_death(&ctx, follow!(task, task_signal));
    entry.write(ExitRecord {
        header,
        task: task_exit(task, group_death),
    });
    submit(entry);
    0
}

/// Identity and status of an exiting task; `group_death` are bits of `EXIT_*`.
#[inline(always)]
pub(crate) fn task_exit(task: Ptr, group_death: u32) -> TaskExit {
    let signal = follow!(task, task_signal);
    let leader = follow!(task, task_group_leader);
    let (tid, tgid) = (get!(task, task_pid as u32), get!(task, task_tgid as u32));
    let start_ns = get!(task, task_start as u64);
    let leader_start_ns = if tid == tgid {
        start_ns
    } else if get!(leader, task_pid as u32) == tgid {
        get!(leader, task_start as u64)
    } else {
        0
    };
    TaskExit {
        time_ns: boot_ns(),
        start_ns,
        leader_start_ns,
        address: address(task),
        max_rss_pages: get!(signal, signal_maxrss as u64),
        cgroup_id: cgroup_id(task),
        tid,
        tgid,
        ppid: get!(follow!(task, task_real_parent), task_tgid as u32),
        ns_pid: ns_pid(task, leader),
        uid: uid(task),
        exit_code: get!(task, task_exit_code as u32),
        group_exit_code: get!(signal, signal_group_exit_code as u32),
        flags: group_death | oom(signal),
        comm: comm(task),
    }
}

#[inline(always)]
fn group_death(ctx: &BtfTracePointContext, signal: Ptr) -> u32 {
    if exit_has_group_dead() {
        let dead: u64 = ctx.arg(1);
        return if dead & 0xff != 0 { EXIT_GROUP_DEAD } else { 0 };
    }
    group_death_guessed(signal)
}

/// Group death from the number of living threads: the kernel has already lowered it, so
/// two threads that exit at the same time can both see 0.
#[inline(always)]
pub(crate) fn group_death_guessed(signal: Ptr) -> u32 {
    if get!(signal, signal_live as u32) == 0 {
        EXIT_GROUP_DEAD | EXIT_GROUP_DEAD_GUESSED
    } else {
        0
    }
}

#[inline(always)]
fn oom(signal: Ptr) -> u32 {
    if get!(signal, signal_oom_mm as u64) != 0 {
        EXIT_OOM
    } else {
        0
    }
}
