//! Builds the seccomp filters that refuse, with EPERM, the system calls that a
//! confined procviz does not need. They apply to all threads, including later ones.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

/// System calls that are refused with any arguments: they run programs, access the
/// memory of other processes or the network, or change mounts, kernel modules,
/// clocks, user ids or file owners; or they are a way around these refusals.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_perf_event_open,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_mknodat,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_personality,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_tkill,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_symlinkat,
    libc::SYS_mkdirat,
];

/// Refused system calls that exist only on some architectures.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[libc::c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_mknod,
    libc::SYS_mkdir,
    libc::SYS_symlink,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[libc::c_long] = &[];

/// Commands of bpf(2) that are allowed, to read maps and to scan all tasks: look up
/// an element (1) or many (24), get information (15), create a link (28), create an
/// iterator (33), detach a link (34).
const BPF: [u64; 6] = [1, 15, 24, 28, 33, 34];
/// A call of clone(2) without this flag creates a process, not a thread.
const CLONE_THREAD: u64 = libc::CLONE_THREAD as u64;
/// All flags of clone(2) that create a namespace.
const CLONE_NEW: u64 = 0x7e02_0080;

/// Builds the filters; a system call must pass both. Signals are allowed to procviz
/// itself, and to the process `command`.
///
/// # Errors
///
/// When the architecture of this machine is not supported.
pub(super) fn filters(command: Option<u32>) -> Result<[BpfProgram; 2], seccompiler::BackendError> {
    let own = std::process::id();
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED
        .iter()
        .chain(REFUSED_HERE)
        .map(|call| (*call, Vec::new()))
        .collect();
    let not_these = |values: &[u64]| {
        let conditions = values
            .iter()
            .map(|value| SeccompCondition::new(0, Len::Dword, Op::Ne, *value));
        SeccompRule::new(conditions.collect::<Result<_, _>>()?)
    };
    let others: Vec<u64> = [Some(own), command]
        .into_iter()
        .flatten()
        .map(u64::from)
        .collect();
    rules.insert(libc::SYS_kill, vec![not_these(&others)?]);
    rules.insert(libc::SYS_tgkill, vec![not_these(&[own.into()])?]);
    rules.insert(libc::SYS_bpf, vec![not_these(&BPF)?]);
    let clone = |bits: u64, value: u64| {
        let condition = SeccompCondition::new(0, Len::Qword, Op::MaskedEq(bits), value)?;
        SeccompRule::new(vec![condition])
    };
    let mut clones = vec![clone(CLONE_THREAD, 0)?];
    for bit in (0..64)
        .map(|bit| 1 << bit)
        .filter(|bit| CLONE_NEW & bit != 0)
    {
        clones.push(clone(bit, bit)?);
    }
    rules.insert(libc::SYS_clone, clones);
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let mut refused = program(rules, refuse)?;
    refused.splice(0..0, no_other_numbers());
    // The flags of clone3 are in memory, which a filter cannot read. On ENOSYS the C
    // library falls back to clone.
    let unknown = SeccompAction::Errno(libc::ENOSYS as u32);
    let clone3 = program([(libc::SYS_clone3, Vec::new())].into(), unknown)?;
    Ok([refused, clone3])
}

/// Compiles a filter that applies `refuse` to calls that match a rule, and allows
/// all others.
fn program(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    refuse: SeccompAction,
) -> Result<BpfProgram, seccompiler::BackendError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
}

/// Refuses the second set of system call numbers on x86-64 (x32): loads the number,
/// and returns EPERM if the x32 bit (0x4000_0000) or a higher bit is set.
fn no_other_numbers() -> [sock_filter; 3] {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    [
        step(LOAD_NUMBER, 0, 0, 0),
        step(JUMP_IF_AT_LEAST, 0, 1, 0x4000_0000),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
    ]
}

#[cfg(test)]
mod tests {
    use super::REFUSED;

    #[test]
    fn both_ways_to_load_a_kernel_are_refused_on_each_architecture() {
        for call in [libc::SYS_kexec_load, libc::SYS_kexec_file_load] {
            assert!(REFUSED.contains(&call));
        }
    }
}
