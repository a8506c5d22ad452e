use crate::MOST_SNAP_SLOTS;

/// Value of an offset whose member does not exist in this kernel.
pub const ABSENT: u32 = u32::MAX;

/// An offset has the width of the member above these bits, if the member cannot be
/// loaded through a typed pointer; see [`Offsets::PATHS`].
pub const WIDTH_SHIFT: u32 = 24;

macro_rules! offsets {
    ($($(#[$doc:meta])* $field:ident: $width:literal = $path:literal,)*) => {
        /// Byte offsets of kernel struct members. User space resolves them from
        /// the kernel's BTF and sets them before it loads the programs. The
        /// verifier folds them into constants.
        #[repr(C)]
        #[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Offsets {
            $($(#[$doc])* pub $field: u32,)*
            /// Number of the bit `in_iowait` within its byte.
            pub task_in_iowait_bit: u32,
            /// 1: `sched_switch` passes the task state as an argument; 0: it does not.
            pub switch_has_state: u32,
            /// 1: `sched_process_exit` passes group death as an argument; 0: it does not.
            pub exit_has_group_dead: u32,
            /// Bytes between counters of `rss_stat`: the size of a `struct percpu_counter`
            /// since 6.2 (commit f1a7941243c1), of a word before that.
            pub rss_stride: u32,
            /// Size of a `struct k_sigaction`, bytes; 0: not known.
            pub sigaction_bytes: u32,
            /// The bits of a thread id that are the index in `SNAP`.
            pub snap_mask: u32,
        }

        impl Offsets {
            /// For each offset: the path in BTF (`struct: member.member`, alternatives
            /// separated by `|`), and the width in bytes that the programs load; 0: they
            /// use only the address.
            ///
            /// A verifier refuses a load that is wider than the member, or that is in an
            /// array of structs. Before the programs are loaded, user space compares each
            /// width with the member's size in the BTF of the kernel. If they differ,
            /// the offset says so (`WIDTH_SHIFT`), and the programs read that many bytes
            /// with `bpf_probe_read_kernel`.
            pub const PATHS: &[(&str, u32, fn(&mut Offsets) -> &mut u32)] = &[
                $(($path, $width, |o| &mut o.$field),)*
            ];

            /// The width of each load, bytes.
            pub const WIDTHS: Offsets = Offsets {
                $($field: $width,)*
                ..Self::NONE
            };

            /// All members are absent.
            pub const NONE: Offsets = Offsets {
                $($field: ABSENT,)*
                task_in_iowait_bit: 0,
                switch_has_state: 0,
                exit_has_group_dead: 0,
                rss_stride: 0,
                sigaction_bytes: 0,
                snap_mask: MOST_SNAP_SLOTS as u32 - 1,
            };
        }
    };
}

offsets! {
    /// Thread id.
    task_pid: 4 = "task_struct: pid",
    /// Process id.
    task_tgid: 4 = "task_struct: tgid",
    /// Name of the task.
    task_comm: 16 = "task_struct: comm",
    /// Flags, `PF_*`.
    task_flags: 4 = "task_struct: flags",
    /// State in the scheduler.
    task_state: 4 = "task_struct: __state | task_struct: state",
    /// Exit state.
    task_exit_state: 4 = "task_struct: exit_state",
    /// Wait status of the task itself.
    task_exit_code: 4 = "task_struct: exit_code",
    /// Whether the task is on a CPU.
    task_on_cpu: 4 = "task_struct: on_cpu",
    /// Byte that holds the bit `in_iowait`.
    task_in_iowait: 1 = "task_struct: in_iowait",
    /// Start time since boot.
    task_start: 8 = "task_struct: start_boottime | task_struct: real_start_time",
    /// CPU time.
    task_sum_exec: 8 = "task_struct: se.sum_exec_runtime",
    /// Run delay.
    task_run_delay: 8 = "task_struct: sched_info.run_delay",
    /// Last time at which the task got a CPU.
    task_last_arrival: 8 = "task_struct: sched_info.last_arrival",
    /// User time, sampled by the timer.
    task_utime: 8 = "task_struct: utime",
    /// System time, sampled by the timer.
    task_stime: 8 = "task_struct: stime",
    /// Minor faults.
    task_min_flt: 8 = "task_struct: min_flt",
    /// Major faults.
    task_maj_flt: 8 = "task_struct: maj_flt",
    /// Bytes read from storage.
    task_read_bytes: 8 = "task_struct: ioac.read_bytes",
    /// Bytes written to storage.
    task_write_bytes: 8 = "task_struct: ioac.write_bytes",
    /// Bytes whose write was cancelled: the file was removed or cut before.
    task_cancelled_write_bytes: 8 = "task_struct: ioac.cancelled_write_bytes",
    /// Parent of the task.
    task_real_parent: 8 = "task_struct: real_parent",
    /// Group leader of the task.
    task_group_leader: 8 = "task_struct: group_leader",
    /// Credentials of the task.
    task_real_cred: 8 = "task_struct: real_cred",
    /// Address space of the task.
    task_mm: 8 = "task_struct: mm",
    /// Data that the threads of a process share.
    task_signal: 8 = "task_struct: signal",
    /// The task's `struct pid`.
    task_thread_pid: 8 = "task_struct: thread_pid",
    /// Whether the task is traced, `PT_*`.
    task_ptrace: 4 = "task_struct: ptrace",
    /// Parent of the task, or its tracer.
    task_parent: 8 = "task_struct: parent",
    /// Signals that the task blocks.
    task_blocked: 8 = "task_struct: blocked",
    /// The signal handlers of the process.
    task_sighand: 8 = "task_struct: sighand",
    /// Cgroups of the task.
    task_cgroups: 8 = "task_struct: cgroups",
    /// Real user id.
    cred_uid: 4 = "cred: uid",
    /// Number of living threads (atomic).
    signal_live: 4 = "signal_struct: live",
    /// Number of threads.
    signal_nr_threads: 4 = "signal_struct: nr_threads",
    /// Wait status of the process.
    signal_group_exit_code: 4 = "signal_struct: group_exit_code",
    /// Largest resident set, pages.
    signal_maxrss: 8 = "signal_struct: maxrss",
    /// Set if the OOM killer chose the process.
    signal_oom_mm: 8 = "signal_struct: oom_mm",
    /// CPU time of exited threads.
    signal_sum_exec: 8 = "signal_struct: sum_sched_runtime",
    /// User time of exited threads.
    signal_utime: 8 = "signal_struct: utime",
    /// System time of exited threads.
    signal_stime: 8 = "signal_struct: stime",
    /// Minor faults of exited threads.
    signal_min_flt: 8 = "signal_struct: min_flt",
    /// Major faults of exited threads.
    signal_maj_flt: 8 = "signal_struct: maj_flt",
    /// Minor faults of reaped children.
    signal_cmin_flt: 8 = "signal_struct: cmin_flt",
    /// Bytes read from storage by exited threads and reaped children.
    signal_read_bytes: 8 = "signal_struct: ioac.read_bytes",
    /// Bytes written to storage by exited threads and reaped children.
    signal_write_bytes: 8 = "signal_struct: ioac.write_bytes",
    /// Bytes whose write was cancelled, of exited threads and reaped children.
    signal_cancelled_write_bytes: 8 = "signal_struct: ioac.cancelled_write_bytes",
    /// Resource limits: current and highest value of each.
    signal_rlim: 0 = "signal_struct: rlim",
    /// What each signal does, one per signal.
    sighand_action: 0 = "sighand_struct: action",
    /// The function that handles a signal.
    sigaction_handler: 0 = "k_sigaction: sa.sa_handler",
    /// How the signal came.
    siginfo_code: 0 = "kernel_siginfo: si_code",
    /// Size of the address space, pages.
    mm_total_vm: 8 = "mm_struct: total_vm",
    /// Resident file pages; the counters of anonymous pages, swap entries and shared memory follow.
    mm_rss_count: 8 = "mm_struct: rss_stat.count",
    /// Huge pages of hugetlbfs (atomic).
    mm_hugetlb_usage: 8 = "mm_struct: hugetlb_usage",
    /// Start address of the arguments.
    mm_arg_start: 8 = "mm_struct: arg_start",
    /// End address of the arguments.
    mm_arg_end: 8 = "mm_struct: arg_end",
    /// Level of the pid namespace.
    pid_level: 4 = "pid: level",
    /// Process ids, one per namespace level.
    pid_numbers: 0 = "pid: numbers",
    /// The task's v2 cgroup.
    css_set_dfl_cgrp: 8 = "css_set: dfl_cgrp",
    /// The kernfs node of the cgroup.
    cgroup_kn: 8 = "cgroup: kn",
    /// The root of the cgroup's hierarchy.
    cgroup_root: 8 = "cgroup: root",
    /// Number of the hierarchy.
    cgroup_root_hierarchy: 4 = "cgroup_root: hierarchy_id",
    /// Id of the kernfs node.
    kernfs_node_id: 8 = "kernfs_node: id",
}
