//! Writes one row per task: all tasks for a census, the leaders for a sweep.

use aya_ebpf::helpers::generated::{bpf_ktime_get_ns, bpf_seq_write};
use procviz_common::{ROW_HAS_MM, ROW_IN_IOWAIT, ROW_KTHREAD, ROW_ON_CPU, Row};

use crate::{
    fork::PF_KTHREAD,
    kernel::{Ptr, cgroup_id, comm, follow, get, ns_pid, off, uid},
    maps::ROW,
    memory::{ANON_PAGES, FILE_PAGES, SHMEM_PAGES, SWAP_ENTRIES, counter, mark_of},
};

/// `struct bpf_iter__task`.
#[repr(C)]
struct TaskContext {
    meta: *const Meta,
    task: Ptr,
}

/// `struct bpf_iter_meta`.
#[repr(C)]
struct Meta {
    seq: *mut core::ffi::c_void,
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
extern "C" fn census(ctx: *const TaskContext) -> i32 {
    // SAFETY: the kernel passes a valid context; the verifier checks both loads.
    let (meta, task) = unsafe { ((*ctx).meta, (*ctx).task) };
    if !task.is_null() {
        write(meta, task);
    }
    0
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
extern "C" fn sweep(ctx: *const TaskContext) -> i32 {
    // SAFETY: same as in `census`.
    let (meta, task) = unsafe { ((*ctx).meta, (*ctx).task) };
    // Only memory changes without running (reclaim), and memory belongs to the process.
    if !task.is_null() && get!(task, task_pid as u32) == get!(task, task_tgid as u32) {
        write(meta, task);
    }
    0
}

#[inline(always)]
fn write(meta: *const Meta, task: Ptr) {
    let Some(scratch) = ROW.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: a live map value of this CPU, which no other run uses. The row has no implicit
    // padding, and the verifier checks `seq`.
    unsafe {
        scratch.write(row(task));
        bpf_seq_write((*meta).seq.cast(), scratch.cast(), size_of::<Row>() as u32);
    }
}

#[inline(always)]
fn row(task: Ptr) -> Row {
    let signal = follow!(task, task_signal);
    let leader = follow!(task, task_group_leader);
    let kthread = get!(task, task_flags as u32) & PF_KTHREAD != 0;
    let mm = follow!(task, task_mm);
    // A kernel thread can borrow the memory of a process.
    let has_mm = !kthread && !mm.is_null();
    let mut flags = 0;
    if kthread {
        flags |= ROW_KTHREAD;
    }
    if has_mm {
        flags |= ROW_HAS_MM;
    }
    if get!(task, task_on_cpu as u32) != 0 {
        flags |= ROW_ON_CPU;
    }
    if get!(task, task_in_iowait as u8) >> (off!(task_in_iowait_bit) & 7) & 1 != 0 {
        flags |= ROW_IN_IOWAIT;
    }
    Row {
        start_ns: get!(task, task_start as u64),
        leader_start_ns: get!(leader, task_start as u64),
        cpu_ns: get!(task, task_sum_exec as u64),
        run_delay_ns: get!(task, task_run_delay as u64),
        last_arrival_ns: get!(task, task_last_arrival as u64),
        read_bytes: get!(task, task_read_bytes as u64),
        write_bytes: get!(task, task_write_bytes as u64),
        cancelled_write_bytes: get!(task, task_cancelled_write_bytes as u64),
        user_ns: get!(task, task_utime as u64),
        system_ns: get!(task, task_stime as u64),
        minor_faults: get!(task, task_min_flt as u64),
        major_faults: get!(task, task_maj_flt as u64),
        file_pages: pages(mm, has_mm, FILE_PAGES),
        anon_pages: pages(mm, has_mm, ANON_PAGES),
        shmem_pages: pages(mm, has_mm, SHMEM_PAGES),
        swap_pages: pages(mm, has_mm, SWAP_ENTRIES),
        hugetlb_pages: if has_mm {
            get!(mm, mm_hugetlb_usage as u64)
        } else {
            0
        },
        vsize_pages: if has_mm {
            get!(mm, mm_total_vm as u64)
        } else {
            0
        },
        gone_cpu_ns: get!(signal, signal_sum_exec as u64),
        gone_user_ns: get!(signal, signal_utime as u64),
        gone_system_ns: get!(signal, signal_stime as u64),
        gone_read_bytes: get!(signal, signal_read_bytes as u64),
        gone_write_bytes: get!(signal, signal_write_bytes as u64),
        gone_cancelled_write_bytes: get!(signal, signal_cancelled_write_bytes as u64),
        gone_minor_faults: get!(signal, signal_min_flt as u64),
        gone_major_faults: get!(signal, signal_maj_flt as u64),
        children_minor_faults: get!(signal, signal_cmin_flt as u64),
        cgroup_id: cgroup_id(task),
        // SAFETY: the helper takes no argument and cannot fail.
        now_ns: unsafe { bpf_ktime_get_ns() },
        tid: get!(task, task_pid as u32),
        tgid: get!(task, task_tgid as u32),
        ppid: get!(follow!(task, task_real_parent), task_tgid as u32),
        ns_pid: ns_pid(task, leader),
        uid: uid(task),
        state: get!(task, task_state as u32),
        exit_state: get!(task, task_exit_state as u32),
        flags,
        threads: get!(signal, signal_nr_threads as u32),
        memory_mark: if has_mm { mark_of(mm) } else { 0 },
        comm: comm(task),
    }
}

/// A counter of `rss_stat`. A negative counter counts as zero, as in `/proc`.
#[inline(always)]
fn pages(mm: Ptr, has_mm: bool, number: u32) -> u64 {
    if !has_mm {
        return 0;
    }
    positive(counter(mm, number))
}

#[inline(always)]
fn positive(count: i64) -> u64 {
    if count > 0 { count as u64 } else { 0 }
}
