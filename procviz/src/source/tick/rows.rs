//! Converts rows of the task iterator into parts of a sample.

use procviz_common::{ROW_HAS_MM, ROW_IN_IOWAIT, ROW_KTHREAD, ROW_ON_CPU, Row};

use crate::{
    model::{Comm, Found, Host, Io, MemoryParts, MemorySizes, State, TaskId},
    source::{cgroups::Cgroups, kernel::gone_of},
};

/// The memory of the process of a row, by the kernel's fast counters.
fn sizes(row: &Row, page_bytes: u64) -> MemorySizes {
    let parts = MemoryParts {
        anon: row.anon_pages * page_bytes,
        file: row.file_pages * page_bytes,
        shmem: row.shmem_pages * page_bytes,
        swap: row.swap_pages * page_bytes,
        hugetlb: row.hugetlb_pages * page_bytes,
    };
    MemorySizes {
        rss: parts.rss(),
        vsize: row.vsize_pages * page_bytes,
        parts: Some(parts),
    }
}

/// The memory of the process of a thread. A dead leader has none of its own while
/// other threads of its process live; then a row of such a thread has them.
fn memory_of(row: &Row, page_bytes: u64) -> Option<MemorySizes> {
    let is_known = row.flags & (ROW_HAS_MM | ROW_KTHREAD) != 0 || row.threads <= 1;
    is_known.then(|| sizes(row, page_bytes))
}

/// A task that a census found.
pub(super) fn found(row: &Row, host: &Host, cgroups: &Cgroups) -> Found {
    let on_cpu = row.flags & ROW_ON_CPU != 0;
    let state = if row.exit_state != 0 {
        row.exit_state
    } else {
        row.state
    };
    Found {
        id: TaskId {
            tid: row.tid,
            start_ns: row.start_ns,
        },
        process: TaskId {
            tid: row.tgid,
            start_ns: row.leader_start_ns,
        },
        ppid: row.ppid,
        uid: Some(row.uid),
        ns_pid: Some(row.ns_pid),
        kthread: row.flags & ROW_KTHREAD != 0,
        comm: Comm::new(&row.comm),
        state: State::from_bits(state),
        on_cpu,
        in_iowait: row.flags & ROW_IN_IOWAIT != 0 && !on_cpu,
        cpu_ns: row.cpu_ns,
        run_delay_ns: Some(row.run_delay_ns),
        // The scheduler's clock runs with the monotonic clock. 0: the task never had a CPU.
        off_cpu_ns: match row.last_arrival_ns {
            _ if on_cpu => Some(0),
            0 => None,
            arrival => Some(row.now_ns.saturating_sub(arrival)),
        },
        io: Some(Io {
            read: row.read_bytes,
            write: row.write_bytes,
        }),
        memory: memory_of(row, host.page_bytes),
        is_rough: true,
        threads: row.threads,
        gone: gone_of(row),
        whole: None,
        cgroup: cgroups.path(row.cgroup_id),
        watched: true,
    }
}
