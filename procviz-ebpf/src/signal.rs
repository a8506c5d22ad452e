use aya_ebpf::{
    helpers::{bpf_probe_read_kernel, generated::bpf_get_current_task_btf},
    macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use procviz_common::{
    ABSENT, Kind, SIGNAL_CPU_LIMIT, SIGNAL_FROM_EXITING, SIGNAL_FROM_KTHREAD, SIGNAL_FROM_TRACER,
    SIGNAL_NO_INFO, SIGNAL_PRIVATE, SignalRecord,
};

use crate::{
    emit::{reserve_half, submit},
    kernel::{Ptr, boot_ns, comm, follow, get, off, uid},
};

const SIGKILL: u32 = 9;
const SIGTERM: u32 = 15;
/// The first real-time signal.
const REAL_TIME: u32 = 32;
/// The signals that do not end a process by default: CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG
/// and WINCH.
const HARMLESS: u64 = 1 << 17 | 1 << 18 | 1 << 19 | 1 << 20 | 1 << 21 | 1 << 22 | 1 << 23 | 1 << 28;
/// `TRACE_SIGNAL_DELIVERED`: the signal is in the queue, or the process ends.
const DELIVERED: u32 = 0;
/// `TRACE_SIGNAL_LOSE_INFO`: the same, but the queue had no room for the details.
const LOST_INFO: u32 = 4;
const PF_EXITING: u32 = 0x4;
const PF_KTHREAD: u32 = 0x0020_0000;

#[btf_tracepoint(function = "signal_generate")]
fn signal_generate(ctx: BtfTracePointContext) -> i32 {
    let signal = ctx.arg::<u64>(0) as u32;
    if signal == 0 || signal > 64 || (signal < REAL_TIME && HARMLESS >> signal & 1 == 1) {
        return 0;
    }
    let result = ctx.arg::<u64>(4) as u32;
    if result != DELIVERED && result != LOST_INFO {
        return 0;
    }
    let target: Ptr = ctx.arg(2);
    // SAFETY: the helper takes no argument and cannot fail.
    let sender: Ptr = unsafe { bpf_get_current_task_btf() } as Ptr;
    let (tgid, sender_tgid) = (
        get!(target, task_tgid as u32),
        get!(sender, task_tgid as u32),
    );
    // A TERM of another process counts also with a handler: a process that does not end then
    // can be killed later.
    let is_asked = signal == SIGTERM && tgid != sender_tgid;
    if signal != SIGKILL && !is_asked && !is_fatal(target, signal) {
        return 0;
    }
    let leader = follow!(sender, task_group_leader);
    let (code, kind_of_info) = code(ctx.arg::<u64>(1));
    let Some((mut entry, header)) = reserve_half::<SignalRecord>(Kind::Signal) else {
        return 0;
    };
    entry.write(SignalRecord {
        header,
        time_ns: boot_ns(),
        leader_start_ns: get!(follow!(target, task_group_leader), task_start as u64),
        sender_start_ns: get!(leader, task_start as u64),
        tgid,
        signal,
        code,
        flags: kind_of_info
            | kind_of_task(get!(sender, task_flags as u32))
            | tracer(target, sender_tgid)
            | limit(target),
        sender_tgid,
        sender_uid: uid(sender),
        sender_comm: comm(leader),
    });
    submit(entry);
    0
}

/// Whether the process has no handler for the signal, so that it ends.
#[inline(always)]
fn is_fatal(target: Ptr, signal: u32) -> bool {
    if signal >= REAL_TIME && get!(target, task_blocked as u64) >> (signal - 1) & 1 == 1 {
        // It is taken with sigwaitinfo(2), perhaps many times a second.
        return false;
    }
    let (sighand, action) = (off!(task_sighand), off!(sighand_action));
    let (handler, bytes) = (off!(sigaction_handler), off!(sigaction_bytes));
    if sighand == ABSENT || action == ABSENT || handler == ABSENT || bytes == 0 {
        return true;
    }
    // The verifier refuses a variable offset on a typed pointer, so read by address.
    // SAFETY: probe_read checks every address that it reads.
    unsafe {
        let sighand: u64 = bpf_probe_read_kernel(target.add(sighand as usize).cast()).unwrap_or(0);
        let at = sighand + u64::from(action) + u64::from(signal - 1) * u64::from(bytes);
        bpf_probe_read_kernel((at + u64::from(handler)) as *const u64).unwrap_or(0) == 0
    }
}

/// The signal's code; a bit of `SIGNAL_*` where the kernel passes a number instead of details.
#[inline(always)]
fn code(info: u64) -> (i32, u32) {
    if info == 0 {
        return (0, SIGNAL_NO_INFO);
    }
    if info == 1 {
        return (0, SIGNAL_PRIVATE);
    }
    let at = off!(siginfo_code);
    if at == ABSENT {
        return (0, SIGNAL_PRIVATE);
    }
    // SAFETY: probe_read checks every address that it reads.
    let code = unsafe { bpf_probe_read_kernel((info + u64::from(at)) as *const i32) };
    match code {
        Ok(code) => (code, 0),
        Err(_) => (0, SIGNAL_PRIVATE),
    }
}

/// Whether the sender traces the target: `parent` is the tracer then.
#[inline(always)]
fn tracer(target: Ptr, sender_tgid: u32) -> u32 {
    let is_traced = get!(target, task_ptrace as u32) != 0;
    let tracer = get!(follow!(target, task_parent), task_tgid as u32);
    if is_traced && tracer == sender_tgid {
        SIGNAL_FROM_TRACER
    } else {
        0
    }
}

/// Whether the target has a limit of CPU time, or of CPU time as a real-time task.
#[inline(always)]
fn limit(target: Ptr) -> u32 {
    const CPU: u64 = 0;
    const RTTIME: u64 = 15;
    let at = off!(signal_rlim);
    if at == ABSENT {
        return 0;
    }
    let limits = follow!(target, task_signal) as u64 + u64::from(at);
    // `struct rlimit` has two words, of which the second one is the highest value.
    // SAFETY: probe_read checks every address that it reads.
    let most = |limit: u64| unsafe {
        bpf_probe_read_kernel((limits + limit * 16 + 8) as *const u64).unwrap_or(u64::MAX)
    };
    if most(CPU) != u64::MAX || most(RTTIME) != u64::MAX {
        SIGNAL_CPU_LIMIT
    } else {
        0
    }
}

#[inline(always)]
fn kind_of_task(flags: u32) -> u32 {
    let mut bits = 0;
    if flags & PF_EXITING != 0 {
        bits |= SIGNAL_FROM_EXITING;
    }
    if flags & PF_KTHREAD != 0 {
        bits |= SIGNAL_FROM_KTHREAD;
    }
    bits
}
