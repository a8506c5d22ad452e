use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{
    kernel::{Ptr, get, set_bit},
    maps::FREED,
};

#[btf_tracepoint(function = "sched_process_free")]
fn sched_process_free(ctx: BtfTracePointContext) -> i32 {
    let task: Ptr = ctx.arg(0);
    set_bit(&FREED, get!(task, task_pid as u32));
    0
}
