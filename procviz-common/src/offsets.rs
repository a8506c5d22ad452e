/// The offset of a member that this kernel does not have.
pub const ABSENT: u32 = u32::MAX;

macro_rules! offsets {
    ($($(#[$doc:meta])* $field:ident = $path:literal,)*) => {
        /// Byte offsets of kernel struct members, resolved by user space from
        /// the kernel's BTF and set before the programs are loaded. The
        /// verifier folds them into constants.
        #[repr(C)]
        #[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Offsets {
            $($(#[$doc])* pub $field: u32,)*
            /// Bit of `in_iowait` within its byte.
            pub task_in_iowait_bit: u32,
            /// 1: `sched_switch` hands over the state; 0: it does not.
            pub switch_has_state: u32,
            /// 1: `sched_process_exit` hands over group death; 0: it does not.
            pub exit_has_group_dead: u32,
            /// Bytes from one counter of `rss_stat` to the next: a `struct percpu_counter`
            /// since 6.2 (commit f1a7941243c1), a word before.
            pub rss_stride: u32,
        }

        impl Offsets {
            /// Where user space finds each: `struct: member.member`, alternatives split by `|`.
            pub const PATHS: &[(&str, fn(&mut Offsets) -> &mut u32)] = &[
                $(($path, |o| &mut o.$field),)*
            ];

            /// With every member absent.
            pub const NONE: Offsets = Offsets {
                $($field: ABSENT,)*
                task_in_iowait_bit: 0,
                switch_has_state: 0,
                exit_has_group_dead: 0,
                rss_stride: 0,
            };
        }
    };
}

offsets! {
    /// Thread id.
    task_pid = "task_struct: pid",
    /// Process id.
    task_tgid = "task_struct: tgid",
    /// Name.
    task_comm = "task_struct: comm",
    /// `PF_*`.
    task_flags = "task_struct: flags",
    /// State.
    task_state = "task_struct: __state | task_struct: state",
    /// Exit state.
    task_exit_state = "task_struct: exit_state",
    /// Own wait status.
    task_exit_code = "task_struct: exit_code",
    /// On a CPU.
    task_on_cpu = "task_struct: on_cpu",
    /// Byte that holds the bit `in_iowait`.
    task_in_iowait = "task_struct: in_iowait",
    /// Start since boot.
    task_start = "task_struct: start_boottime | task_struct: real_start_time",
    /// CPU time.
    task_sum_exec = "task_struct: se.sum_exec_runtime",
    /// Run delay.
    task_run_delay = "task_struct: sched_info.run_delay",
    /// Last time it got a CPU.
    task_last_arrival = "task_struct: sched_info.last_arrival",
    /// Sampled user time.
    task_utime = "task_struct: utime",
    /// Sampled system time.
    task_stime = "task_struct: stime",
    /// Minor faults.
    task_min_flt = "task_struct: min_flt",
    /// Major faults.
    task_maj_flt = "task_struct: maj_flt",
    /// Bytes read.
    task_read_bytes = "task_struct: ioac.read_bytes",
    /// Bytes written.
    task_write_bytes = "task_struct: ioac.write_bytes",
    /// Parent.
    task_real_parent = "task_struct: real_parent",
    /// Leader.
    task_group_leader = "task_struct: group_leader",
    /// Credentials.
    task_real_cred = "task_struct: real_cred",
    /// Memory.
    task_mm = "task_struct: mm",
    /// What threads share.
    task_signal = "task_struct: signal",
    /// `struct pid`.
    task_thread_pid = "task_struct: thread_pid",
    /// Cgroups.
    task_cgroups = "task_struct: cgroups",
    /// Real uid.
    cred_uid = "cred: uid",
    /// Threads alive (atomic).
    signal_live = "signal_struct: live",
    /// Threads.
    signal_nr_threads = "signal_struct: nr_threads",
    /// Wait status of the process.
    signal_group_exit_code = "signal_struct: group_exit_code",
    /// Largest resident set, pages.
    signal_maxrss = "signal_struct: maxrss",
    /// Set when the OOM killer chose it.
    signal_oom_mm = "signal_struct: oom_mm",
    /// CPU time of threads gone.
    signal_sum_exec = "signal_struct: sum_sched_runtime",
    /// User time of threads gone.
    signal_utime = "signal_struct: utime",
    /// System time of threads gone.
    signal_stime = "signal_struct: stime",
    /// Minor faults of threads gone.
    signal_min_flt = "signal_struct: min_flt",
    /// Major faults of threads gone.
    signal_maj_flt = "signal_struct: maj_flt",
    /// Bytes read by threads gone.
    signal_read_bytes = "signal_struct: ioac.read_bytes",
    /// Bytes written by threads gone.
    signal_write_bytes = "signal_struct: ioac.write_bytes",
    /// Address space, pages.
    mm_total_vm = "mm_struct: total_vm",
    /// Resident pages of files; anonymous ones, swap entries and shared memory follow.
    mm_rss_count = "mm_struct: rss_stat.count",
    /// Start of the arguments.
    mm_arg_start = "mm_struct: arg_start",
    /// End of the arguments.
    mm_arg_end = "mm_struct: arg_end",
    /// Depth of the pid namespace.
    pid_level = "pid: level",
    /// Numbers, one a namespace.
    pid_numbers = "pid: numbers",
    /// The cgroup of v2.
    css_set_dfl_cgrp = "css_set: dfl_cgrp",
    /// Its node.
    cgroup_kn = "cgroup: kn",
    /// Its root.
    cgroup_root = "cgroup: root",
    /// The root's number.
    cgroup_root_hierarchy = "cgroup_root: hierarchy_id",
    /// The node's id.
    kernfs_node_id = "kernfs_node: id",
}
