//! Says where a blocked thread waits: the system call, its file, and the function of the kernel.

use std::sync::Arc;

use crate::source::{proc::ProcDir, roster::Member};

/// Names of system calls in which threads are blocked, and whether their first argument is the
/// descriptor of an open file.
const CALLS: &[(i64, &str, bool)] = &[
    (libc::SYS_read, "read", true),
    (libc::SYS_write, "write", true),
    (libc::SYS_pread64, "pread", true),
    (libc::SYS_pwrite64, "pwrite", true),
    (libc::SYS_readv, "readv", true),
    (libc::SYS_writev, "writev", true),
    (libc::SYS_fsync, "fsync", true),
    (libc::SYS_fdatasync, "fdatasync", true),
    (libc::SYS_sync_file_range, "sync_file_range", true),
    (libc::SYS_syncfs, "syncfs", true),
    (libc::SYS_ftruncate, "ftruncate", true),
    (libc::SYS_fallocate, "fallocate", true),
    (libc::SYS_close, "close", true),
    (libc::SYS_fstat, "fstat", true),
    (libc::SYS_flock, "flock", true),
    (libc::SYS_ioctl, "ioctl", true),
    (libc::SYS_getdents64, "getdents", true),
    (libc::SYS_sync, "sync", false),
    (libc::SYS_openat, "open", false),
    (libc::SYS_newfstatat, "stat", false),
    (libc::SYS_statx, "stat", false),
    (libc::SYS_statfs, "statfs", false),
    (libc::SYS_unlinkat, "unlink", false),
    (libc::SYS_renameat2, "rename", false),
    (libc::SYS_mkdirat, "mkdir", false),
    (libc::SYS_umount2, "umount", false),
    (libc::SYS_mount, "mount", false),
    (libc::SYS_mmap, "mmap", false),
    (libc::SYS_munmap, "munmap", false),
    (libc::SYS_execve, "exec", false),
    (libc::SYS_clone, "clone", false),
    (libc::SYS_exit_group, "exit", false),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_vfork, "vfork", false),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, "open", false),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_stat, "stat", false),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_unlink, "unlink", false),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rename, "rename", false),
];

/// Where a thread waits, such as `fsync of /var/x (jbd2_log_wait_commit)`. `None` if nothing
/// is known. Nothing of the thread's memory is read.
pub(super) fn place(proc: &mut ProcDir, member: Member, tid: u32) -> Option<Arc<[u8]>> {
    let pid = member.process.tid;
    let function = proc.thread_wchan(pid, tid).ok().flatten();
    let call = proc.thread_syscall(pid, tid).ok().flatten();
    let mut text = Vec::new();
    if let Some((number, first)) = call {
        let known = CALLS
            .iter()
            .find(|(of, ..)| u64::try_from(*of) == Ok(number));
        match known {
            Some((_, name, _)) => text.extend_from_slice(name.as_bytes()),
            None => text.extend_from_slice(format!("system call {number}").as_bytes()),
        }
        let has_file = known.is_some_and(|(.., has_file)| *has_file);
        let file = has_file.then(|| proc.open_file(pid, first).ok()).flatten();
        if let Some(file) = file {
            text.extend_from_slice(b" of ");
            text.extend_from_slice(&file);
        }
    }
    if let Some(function) = function {
        let begin: &[u8] = if text.is_empty() { b"(" } else { b" (" };
        text.extend([begin, &function, b")"].concat());
    }
    (!text.is_empty()).then(|| text.into())
}
