use aya_ebpf::{
    helpers::generated::bpf_probe_read_kernel_str, macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use procviz_common::{COMM_LEN, Kind, RenameRecord};

use crate::{
    emit::{reserve, submit},
    kernel::{Ptr, get},
};

#[btf_tracepoint(function = "task_rename")]
fn task_rename(ctx: BtfTracePointContext) -> i32 {
    let task: Ptr = ctx.arg(0);
    let name: Ptr = ctx.arg(1);
    let Some((mut entry, header)) = reserve::<RenameRecord>(Kind::Rename) else {
        return 0;
    };
    let record = entry.as_mut_ptr();
    // SAFETY: `record` points to reserved memory for a whole record, and every field
    // is written before the record is submitted. The helper checks the source and stops at
    // its terminating zero, so the name is cleared first: as two words, because a call of
    // `memset` would be a function without type information.
    unsafe {
        (*record).header = header;
        (*record).start_ns = get!(task, task_start as u64);
        (*record).tid = get!(task, task_pid as u32);
        (*record).tgid = get!(task, task_tgid as u32);
        let comm = core::ptr::addr_of_mut!((*record).comm);
        comm.cast::<u64>().write_volatile(0);
        comm.cast::<u64>().add(1).write_volatile(0);
        bpf_probe_read_kernel_str(comm.cast(), COMM_LEN as u32, name.cast());
    }
    submit(entry);
    0
}
