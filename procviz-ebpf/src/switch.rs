//! Handles `sched_switch`, the hot path: no clock, no hash map, and no record for living tasks.

use aya_ebpf::{
    helpers::bpf_get_smp_processor_id, macros::btf_tracepoint, programs::BtfTracePointContext,
};
use procviz_common::{
    DeadRecord, Kind, LEFT_IN_IOWAIT, LEFT_PREEMPTED, WIDTH_SHIFT, snap_mix, snap_start,
};

use crate::{
    emit::{reserve, submit},
    exit::{group_death_guessed, task_exit},
    kernel::{Ptr, follow, get, off, set_bit, switch_has_state, uid},
    maps::{CUR, RAN, SNAP, TICK},
    memory::mark_of,
};

const TASK_DEAD: u32 = 0x80;
const WAIT_UNKNOWN: u64 = u32::MAX as u64;

#[btf_tracepoint(function = "sched_switch")]
fn sched_switch(ctx: BtfTracePointContext) -> i32 {
    let preempt: u64 = ctx.arg(0);
    let prev: Ptr = ctx.arg(1);
    let next: Ptr = ctx.arg(2);
    let tid = get!(prev, task_pid as u32);
    if tid != 0 {
        // `__state` can already be "waking"; the state that the tracepoint passes is not.
        let state: u32 = if switch_has_state() {
            ctx.arg(3)
        } else {
            get!(prev, task_state as u32)
        };
        keep(prev, tid, state, preempt & 0xff != 0);
        set_bit(&RAN, tid);
        if state & TASK_DEAD != 0 {
            dead(prev);
        }
    }
    // SAFETY: the helper takes no argument and cannot fail.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    if let Some(slot) = CUR.get_ptr_mut(cpu) {
        // Write this last: user space reads this first, and so finds a task
        // either here or among the tasks that ran.
        // SAFETY: this is a live map value, and only this CPU writes to it.
        unsafe { core::ptr::write_volatile(slot, u64::from(get!(next, task_pid as u32))) };
    }
    0
}

/// Writes the figures of a task to its slot in `SNAP`.
#[inline(always)]
fn keep(prev: Ptr, tid: u32, state: u32, preempted: bool) {
    let Some(slot) = SNAP.get_ptr_mut(tid & off!(snap_mask)) else {
        return;
    };
    let id = u64::from(tid) | u64::from(uid(prev)) << 32;
    let start = u64::from(snap_start(get!(prev, task_start as u64)));
    let run_delay = get!(prev, task_run_delay as u64);
    let slot = Slot(slot.cast());
    let old = Old {
        id: slot.read(0),
        start: slot.read(1) & u64::from(u32::MAX),
        run_delay: slot.read(3),
        left: slot.read(6),
    };
    let epoch = epoch();
    let wait = longest_wait(&old, id, start, run_delay, epoch);
    let mut left = u64::from(state & 0xffff) | epoch << 20 | wait << 32;
    if preempted {
        left |= LEFT_PREEMPTED;
    }
    if in_iowait(prev) {
        left |= LEFT_IN_IOWAIT;
    }
    let words = [
        id,
        start | u64::from(mark(prev)) << 32,
        get!(prev, task_sum_exec as u64),
        run_delay,
        get!(prev, task_read_bytes as u64),
        get!(prev, task_write_bytes as u64),
        left,
    ];
    slot.write(7, snap_mix(&words));
    slot.write(0, words[0]);
    slot.write(1, words[1]);
    slot.write(2, words[2]);
    slot.write(3, words[3]);
    slot.write(4, words[4]);
    slot.write(5, words[5]);
    slot.write(6, words[6]);
}

/// A slot of `SNAP`. Tasks whose thread ids have the same low bits share a slot, so
/// two CPUs can write one at the same time. No reference to the words is ever made,
/// and each access is one volatile load or store of an aligned word. User space
/// detects mixed words by the checksum.
#[derive(Clone, Copy)]
struct Slot(*mut u64);

impl Slot {
    #[inline(always)]
    fn read(self, word: usize) -> u64 {
        // SAFETY: a live map value of `SNAP_WORDS` aligned words, and `word` is one of them.
        unsafe { core::ptr::read_volatile(self.0.add(word)) }
    }

    #[inline(always)]
    fn write(self, word: usize, value: u64) {
        // SAFETY: a live map value of `SNAP_WORDS` aligned words, and `word` is one of them.
        unsafe { core::ptr::write_volatile(self.0.add(word), value) }
    }
}

/// The words of a slot that the next write needs.
struct Old {
    id: u64,
    start: u64,
    run_delay: u64,
    left: u64,
}

/// The longest single wait for a CPU since the last tick of user space, in units of 1024 ns.
#[inline(always)]
fn longest_wait(old: &Old, id: u64, start: u64, run_delay: u64, epoch: u64) -> u64 {
    if old.id as u32 != id as u32 || old.start != start {
        // The slot is empty or another task's: the delay of a new task can be
        // one wait or many waits.
        return WAIT_UNKNOWN;
    }
    let wait = (run_delay - old.run_delay) >> 10;
    let wait = if wait < WAIT_UNKNOWN {
        wait
    } else {
        WAIT_UNKNOWN - 1
    };
    let before = old.left >> 32;
    let same_tick = (old.left >> 20) & 0xfff == epoch;
    if same_tick && before != WAIT_UNKNOWN && before > wait {
        before
    } else {
        wait
    }
}

/// The mark of a task's memory; 0 if it has none, or if this kernel lets programs read the
/// counters only with a helper, which costs too much here.
#[inline(always)]
fn mark(task: Ptr) -> u32 {
    let mm = follow!(task, task_mm);
    if off!(mm_rss_count) >> WIDTH_SHIFT != 0 || mm.is_null() {
        return 0;
    }
    mark_of(mm)
}

#[inline(always)]
fn epoch() -> u64 {
    match TICK.get_ptr(0) {
        // SAFETY: this is a live map value of one aligned word.
        Some(tick) => unsafe { core::ptr::read_volatile(&raw const (*tick).epoch) & 0xfff },
        None => 0,
    }
}

#[inline(always)]
fn in_iowait(task: Ptr) -> bool {
    let bit = off!(task_in_iowait_bit);
    get!(task, task_in_iowait as u8) >> (bit & 7) & 1 != 0
}

/// Sends the final figures of a task that has left its CPU for the last time.
#[inline(always)]
fn dead(task: Ptr) {
    let Some((mut entry, header)) = reserve::<DeadRecord>(Kind::Dead) else {
        return;
    };
    entry.write(DeadRecord {
        header,
        task: task_exit(task, group_death_guessed(follow!(task, task_signal))),
        cpu_ns: get!(task, task_sum_exec as u64),
        run_delay_ns: get!(task, task_run_delay as u64),
        read_bytes: get!(task, task_read_bytes as u64),
        write_bytes: get!(task, task_write_bytes as u64),
        cancelled_write_bytes: get!(task, task_cancelled_write_bytes as u64),
        user_ns: get!(task, task_utime as u64),
        system_ns: get!(task, task_stime as u64),
        minor_faults: get!(task, task_min_flt as u64),
        major_faults: get!(task, task_maj_flt as u64),
        exit_state: get!(task, task_exit_state as u32),
        _pad: 0,
    });
    submit(entry);
}
