//! What it means that a thread waits in a function of the kernel.

/// Functions by the begin of their names, and what a thread waits for in them.
const MEANINGS: &[(&[&str], &str)] = &[
    (
        &["kernel_clone", "wait_for_vfork_done", "_do_fork"],
        "vfork: waits until its child runs a program or exits",
    ),
    (&["nfs_", "nfs4_", "rpc_"], "waits for an NFS server"),
    (
        &["fuse_", "request_wait_answer"],
        "waits for the program behind a FUSE mount",
    ),
    (&["cifs_", "smb2_"], "waits for an SMB server"),
    (
        &[
            "jbd2_",
            "wait_transaction_locked",
            "add_transaction_credits",
        ],
        "waits for the journal of ext4",
    ),
    (&["xlog_"], "waits for the journal of XFS"),
    (
        &["balance_dirty_pages"],
        "waits until the disk has written more",
    ),
    (
        &["blk_mq_get_tag", "rq_qos_wait", "wbt_wait"],
        "waits for a place in the queue of a disk",
    ),
    (
        &[
            "folio_wait_bit",
            "wait_on_page_bit",
            "__lock_page",
            "__folio_lock",
        ],
        "waits until a page is read or written",
    ),
    (
        &[
            "io_schedule",
            "blk_io_schedule",
            "bit_wait_io",
            "__wait_on_buffer",
        ],
        "waits for a disk",
    ),
    (
        &["throttle_direct_reclaim", "reclaim_throttle"],
        "waits for free memory",
    ),
    (
        &[
            "mem_cgroup_handle_over_high",
            "__mem_cgroup_handle_over_high",
        ],
        "is above memory.high of its cgroup",
    ),
    (
        &["rwsem_", "__mutex_lock", "mutex_lock"],
        "waits for a lock in the kernel",
    ),
];

/// What a thread waits for in this function of the kernel; `None` for most functions.
pub(super) fn meaning(function: &[u8]) -> Option<&'static str> {
    let begins = |name: &&str| function.starts_with(name.as_bytes());
    let is_it = |names: &[&str]| names.iter().any(begins);
    let known = MEANINGS.iter().find(|(names, _)| is_it(names));
    known.map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_means_something_by_its_begin() {
        let nfs = meaning(b"nfs_wait_bit_killable");
        assert_eq!(nfs, Some("waits for an NFS server"));
        assert!(meaning(b"kernel_clone").unwrap().starts_with("vfork"));
        assert_eq!(meaning(b"do_nanosleep"), None);
        assert_eq!(meaning(b"\xff"), None);
    }
}
