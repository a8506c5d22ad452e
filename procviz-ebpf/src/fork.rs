use aya_ebpf::{
    helpers::generated::bpf_get_current_task_btf, macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use procviz_common::{FORK_KTHREAD, ForkRecord, Kind};

use crate::{
    emit::{reserve, submit},
    kernel::{Ptr, boot_ns, cgroup_id, comm, follow, get, ns_pid, uid},
};

pub(crate) const PF_KTHREAD: u32 = 0x0020_0000;

/// Runs inside `copy_process` of the kernel. `sched_process_fork` comes later and not for
/// every task: not for the threads that the kernel adds to a process (io_uring, vhost).
#[btf_tracepoint(function = "task_newtask")]
fn task_newtask(ctx: BtfTracePointContext) -> i32 {
    let child: Ptr = ctx.arg(0);
    if get!(child, task_pid as u32) == 0 {
        // The idle task of a CPU that is being added.
        return 0;
    }
    // SAFETY: the helper takes no argument and cannot fail.
    let parent = unsafe { bpf_get_current_task_btf() } as Ptr;
    let Some((mut entry, header)) = reserve::<ForkRecord>(Kind::Fork) else {
        return 0;
    };
    let leader = follow!(child, task_group_leader);
    let kthread = get!(child, task_flags as u32) & PF_KTHREAD != 0;
    entry.write(ForkRecord {
        header,
        time_ns: boot_ns(),
        start_ns: get!(child, task_start as u64),
        leader_start_ns: get!(leader, task_start as u64),
        parent_start_ns: get!(follow!(parent, task_group_leader), task_start as u64),
        cgroup_id: cgroup_id(child),
        tid: get!(child, task_pid as u32),
        tgid: get!(child, task_tgid as u32),
        parent_tgid: get!(parent, task_tgid as u32),
        ppid: get!(follow!(child, task_real_parent), task_tgid as u32),
        uid: uid(child),
        ns_pid: ns_pid(child, leader),
        flags: if kthread { FORK_KTHREAD } else { 0 },
        _pad: 0,
        comm: comm(child),
    });
    submit(entry);
    0
}
