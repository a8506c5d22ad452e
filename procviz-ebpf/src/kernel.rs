//! Loads members of kernel structs through pointers whose types the verifier
//! knows.

use core::ptr::read_volatile;

use aya_ebpf::helpers::{
    bpf_probe_read_kernel,
    generated::{self, bpf_ktime_get_boot_ns},
};

/// A pointer into kernel memory; the verifier's `PTR_TO_BTF_ID`.
pub(crate) type Ptr = *const u8;

/// The offset of a member: a constant for the verifier, because `OFFSETS` is frozen.
macro_rules! off {
    ($field:ident) => {
        $crate::kernel::frozen(&raw const $crate::maps::OFFSETS.$field)
    };
}
pub(crate) use off;

/// A member of a kernel struct; zero if this kernel does not have the member.
macro_rules! get {
    ($base:expr, $field:ident as $type:ty) => {{
        const { assert!(size_of::<$type>() as u32 == procviz_common::Offsets::WIDTHS.$field) };
        $crate::kernel::read::<$type>($base, $crate::kernel::off!($field))
    }};
}
pub(crate) use get;

/// Reads a member at an offset of `OFFSETS`; zero if this kernel does not have the member.
#[inline(always)]
pub(crate) fn read<T: Copy + Default>(base: Ptr, offset: u32) -> T {
    if offset == procviz_common::ABSENT {
        return T::default();
    }
    let width = offset >> procviz_common::WIDTH_SHIFT;
    if width == 0 {
        return load::<T>(base, offset);
    }
    let at = offset & ((1 << procviz_common::WIDTH_SHIFT) - 1);
    let mut value = T::default();
    // SAFETY: user space sets a width up to the size of `T`, and the verifier checks it
    // against the stack. The helper checks the source. Little-endian: a narrower member
    // fills the low bytes, and the others stay zero.
    unsafe {
        generated::bpf_probe_read_kernel(
            (&raw mut value).cast(),
            width,
            base.add(at as usize).cast(),
        );
    }
    value
}

/// A pointer member of a kernel struct; null if this kernel does not have the member.
macro_rules! follow {
    ($base:expr, $field:ident) => {{
        let offset = $crate::kernel::off!($field);
        if offset == procviz_common::ABSENT {
            core::ptr::null()
        } else {
            $crate::kernel::load::<$crate::kernel::Ptr>($base, offset)
        }
    }};
}
pub(crate) use follow;

/// Loads a `T` at `base + offset`.
#[inline(always)]
pub(crate) fn load<T: Copy>(base: Ptr, offset: u32) -> T {
    // SAFETY: the verifier has checked that a member of this size is at
    // this constant offset in the pointer's type. A null or stale pointer
    // reads as zero through the kernel's exception table.
    unsafe { read_volatile(base.add(offset as usize).cast::<T>()) }
}

/// Time since boot, suspend included, ns; the same clock as `start_boottime`.
#[inline(always)]
pub(crate) fn boot_ns() -> u64 {
    // SAFETY: the helper takes no argument and cannot fail.
    unsafe { bpf_ktime_get_boot_ns() }
}

/// The name of a task.
#[inline(always)]
pub(crate) fn comm(task: Ptr) -> [u8; 16] {
    let offset = off!(task_comm);
    let low: u64 = load(task, offset);
    let high: u64 = load(task, offset + 8);
    let mut name = [0; 16];
    name[..8].copy_from_slice(&low.to_ne_bytes());
    name[8..].copy_from_slice(&high.to_ne_bytes());
    name
}

/// The real user id of a task.
#[inline(always)]
pub(crate) fn uid(task: Ptr) -> u32 {
    get!(follow!(task, task_real_cred), cred_uid as u32)
}

/// The id of a task's v2 cgroup; 0 if not known.
#[inline(always)]
pub(crate) fn cgroup_id(task: Ptr) -> u64 {
    let cgroup = follow!(follow!(task, task_cgroups), css_set_dfl_cgrp);
    get!(follow!(cgroup, cgroup_kn), kernfs_node_id as u64)
}

/// The process id of a task in its own pid namespace.
#[inline(always)]
pub(crate) fn ns_pid(task: Ptr, leader: Ptr) -> u32 {
    let pid = follow!(leader, task_thread_pid);
    let level = get!(pid, pid_level as u32);
    let numbers = off!(pid_numbers);
    if level == 0 || level > 32 || numbers == procviz_common::ABSENT {
        return get!(task, task_tgid as u32);
    }
    // The verifier of 6.1 refuses a variable offset on a typed pointer
    // (`numbers[level]`), so read the member by address: `struct upid` has 16 bytes.
    let slot_at = off!(task_thread_pid);
    // SAFETY: probe_read checks every address that it reads.
    unsafe {
        let pid: u64 = bpf_probe_read_kernel(leader.add(slot_at as usize).cast()).unwrap_or(0);
        let slot = pid + u64::from(numbers) + u64::from(level) * 16;
        bpf_probe_read_kernel(slot as *const u32).unwrap_or(0)
    }
}

/// An address as a number, so that user space can match two records.
#[inline(always)]
pub(crate) fn address(task: Ptr) -> u64 {
    // A program can store a typed pointer where user space reads it only if the
    // program is also allowed to read kernel memory: CAP_PERFMON allows that.
    task as u64
}

/// Sets bit `tid` in a map of bits.
#[inline(always)]
pub(crate) fn set_bit(map: &aya_ebpf::maps::Array<u64>, tid: u32) {
    if let Some(word) = map.get_ptr_mut(tid >> 6) {
        // SAFETY: the pointer is a live map value, aligned to 8. The result
        // is not used, so this is the plain atomic OR of kernel 5.12.
        unsafe {
            core::intrinsics::atomic_or::<u64, u64, { core::intrinsics::AtomicOrdering::Relaxed }>(
                word,
                1 << (tid & 63),
            );
        }
    }
}

/// Clears bit `tid` in a map of bits.
#[inline(always)]
pub(crate) fn clear_bit(map: &aya_ebpf::maps::Array<u64>, tid: u32) {
    if let Some(word) = map.get_ptr_mut(tid >> 6) {
        // SAFETY: same as in `set_bit`.
        unsafe {
            core::intrinsics::atomic_and::<u64, u64, { core::intrinsics::AtomicOrdering::Relaxed }>(
                word,
                !(1 << (tid & 63)),
            );
        }
    }
}

/// Reads a field of `OFFSETS`. The read is volatile, because user space replaces
/// the bytes before it loads the program.
#[inline(always)]
pub(crate) fn frozen(flag: *const u32) -> u32 {
    // SAFETY: callers pass the address of a field of `OFFSETS`.
    unsafe { read_volatile(flag) }
}

/// Whether `sched_process_exit` passes group death as an argument.
#[inline(always)]
pub(crate) fn exit_has_group_dead() -> bool {
    off!(exit_has_group_dead) == 1
}

/// Whether `sched_switch` passes the task state as an argument.
#[inline(always)]
pub(crate) fn switch_has_state() -> bool {
    off!(switch_has_state) == 1
}
