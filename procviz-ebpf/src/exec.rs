use aya_ebpf::{
    helpers::generated::bpf_probe_read_user, macros::btf_tracepoint, programs::BtfTracePointContext,
};
use procviz_common::{ExecRecord, Kind, PATH_LEN};

use crate::{
    emit::{reserve, submit},
    kernel::{Ptr, address, boot_ns, cgroup_id, comm, follow, get, uid},
};

#[btf_tracepoint(function = "sched_process_exec")]
fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    let task: Ptr = ctx.arg(0);
    let old_tid: u32 = ctx.arg(1);
    #[cfg(feature = "log")]
    aya_log_ebpf::debug!(&ctx, "exec by thread {}", old_tid);
    let Some((mut entry, header)) = reserve::<ExecRecord>(Kind::Exec) else {
        return 0;
    };
    let mm = follow!(task, task_mm);
    let from = get!(mm, mm_arg_start as u64);
    let to = get!(mm, mm_arg_end as u64);
    let record = entry.as_mut_ptr();
    // SAFETY: `record` points to reserved memory for a whole record, and every
    // field is written before the record is submitted.
    unsafe {
        (*record).header = header;
        (*record).time_ns = boot_ns();
        (*record).start_ns = get!(task, task_start as u64);
        (*record).address = address(task);
        (*record).cgroup_id = cgroup_id(task);
        (*record).tgid = get!(task, task_tgid as u32);
        (*record).old_tid = old_tid;
        (*record).uid = uid(task);
        (*record).comm = comm(task);
        let args = core::ptr::addr_of_mut!((*record).args);
        (*record).args_len = read_args(args.cast(), from, to);
    }
    submit(entry);
    0
}

/// Copies the first [`PATH_LEN`] bytes of the arguments. Returns the number of bytes,
/// or 0 if the arguments could not be read.
///
/// # Safety
///
/// `args` must point to `PATH_LEN` writable bytes.
#[inline(always)]
unsafe fn read_args(args: *mut u8, from: u64, to: u64) -> u32 {
    let len = if to > from { to - from } else { 0 };
    // Always read the full length: the top pages of the stack follow the
    // arguments, and every verifier accepts a constant size. The read fails if
    // the arguments are at the end of a mapping: then the result is 0.
    // SAFETY: the caller guarantees `args`; the helper checks the source address.
    let all = unsafe { bpf_probe_read_user(args.cast(), PATH_LEN as u32, from as *const _) };
    if all != 0 {
        return 0;
    }
    if len < PATH_LEN as u64 {
        len as u32
    } else {
        PATH_LEN as u32
    }
}
