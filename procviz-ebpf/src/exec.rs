use aya_ebpf::{
    helpers::generated::bpf_probe_read_user, macros::btf_tracepoint, programs::BtfTracePointContext,
};
use procviz_common::{ARGS_LEN, ExecRecord, Header, Kind};

use crate::{
    emit::send,
    kernel::{Ptr, address, boot_ns, cgroup_id, comm, follow, get, uid},
    maps::EXEC,
};

#[btf_tracepoint(function = "sched_process_exec")]
fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    let task: Ptr = ctx.arg(0);
    let old_tid: u32 = ctx.arg(1);
    #[cfg(feature = "log")]
    aya_log_ebpf::debug!(&ctx, "exec by thread {}", old_tid);
    let Some(scratch) = EXEC.get_ptr_mut(0) else {
        return 0;
    };
    let mm = follow!(task, task_mm);
    let from = get!(mm, mm_arg_start as u64);
    let to = get!(mm, mm_arg_end as u64);
    // SAFETY: a live map value of this CPU, which no other run of this program uses. What is
    // sent has been written before.
    unsafe {
        let args = (&raw mut (*scratch).args).cast::<u8>();
        let len = read_args(args, from, to);
        let size = size_of::<ExecRecord>() + len;
        (&raw mut (*scratch).record).write(ExecRecord {
            header: Header {
                kind: Kind::Exec as u32,
                size: size as u32,
            },
            time_ns: boot_ns(),
            start_ns: get!(task, task_start as u64),
            address: address(task),
            cgroup_id: cgroup_id(task),
            tgid: get!(task, task_tgid as u32),
            old_tid,
            uid: uid(task),
            args_len: len as u32,
            comm: comm(task),
            args_bytes: if to > from { to - from } else { 0 },
            max_rss_pages: get!(follow!(task, task_signal), signal_maxrss as u64),
        });
        send(Kind::Exec, scratch.cast(), size);
    }
    0
}

/// Copies the first [`ARGS_LEN`] bytes of the arguments. Returns the number of bytes,
/// or 0 if the arguments could not be read.
///
/// # Safety
///
/// `args` must point to `ARGS_LEN` writable bytes.
#[inline(always)]
unsafe fn read_args(args: *mut u8, from: u64, to: u64) -> usize {
    if to <= from {
        return 0;
    }
    let len = to - from;
    let len = if len > ARGS_LEN as u64 {
        ARGS_LEN
    } else {
        len as usize
    };
    // SAFETY: the caller guarantees `args`; the helper checks the source address.
    let read = unsafe { bpf_probe_read_user(args.cast(), len as u32, from as *const _) };
    if read == 0 { len } else { 0 }
}
