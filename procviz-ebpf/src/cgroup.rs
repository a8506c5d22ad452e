use aya_ebpf::{
    helpers::generated::bpf_probe_read_kernel_str, macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use procviz_common::{CgroupRecord, Kind, MoveRecord, PATH_LEN};

use crate::{
    emit::{reserve, submit},
    kernel::{Ptr, follow, get},
};

#[btf_tracepoint(function = "cgroup_mkdir")]
fn cgroup_mkdir(ctx: BtfTracePointContext) -> i32 {
    let cgroup: Ptr = ctx.arg(0);
    let path: Ptr = ctx.arg(1);
    let Some((mut entry, header)) = reserve::<CgroupRecord>(Kind::Cgroup) else {
        return 0;
    };
    let record = entry.as_mut_ptr();
    // SAFETY: `record` points to reserved memory for a whole record, and every
    // field is written before the record is submitted. The helper checks the source
    // and writes at most PATH_LEN bytes; the last written byte is zero.
    unsafe {
        (*record).header = header;
        (*record).id = get!(follow!(cgroup, cgroup_kn), kernfs_node_id as u64);
        (*record).hierarchy = get!(follow!(cgroup, cgroup_root), cgroup_root_hierarchy as u32);
        let to = core::ptr::addr_of_mut!((*record).path);
        let len = bpf_probe_read_kernel_str(to.cast(), PATH_LEN as u32, path.cast());
        (*record).path_len = if len > 0 { len as u32 - 1 } else { 0 };
    }
    submit(entry);
    0
}

#[btf_tracepoint(function = "cgroup_attach_task")]
fn cgroup_attach_task(ctx: BtfTracePointContext) -> i32 {
    let cgroup: Ptr = ctx.arg(0);
    let task: Ptr = ctx.arg(2);
    let threadgroup: u64 = ctx.arg(3);
    // A single thread can move within its process's part of the hierarchy: that says
    // nothing about the process.
    if threadgroup & 0xff == 0 {
        return 0;
    }
    let Some((mut entry, header)) = reserve::<MoveRecord>(Kind::Move) else {
        return 0;
    };
    entry.write(MoveRecord {
        header,
        leader_start_ns: get!(follow!(task, task_group_leader), task_start as u64),
        id: get!(follow!(cgroup, cgroup_kn), kernfs_node_id as u64),
        tgid: get!(task, task_tgid as u32),
        hierarchy: get!(follow!(cgroup, cgroup_root), cgroup_root_hierarchy as u32),
    });
    submit(entry);
    0
}
