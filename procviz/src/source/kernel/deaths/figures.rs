//! Sums the figures of exited threads.

use procviz_common::{DeadRecord, Row};

use crate::model::{Gone, Io};

/// The sums of the exited threads of a process, as the kernel has them at a census.
///
/// The kernel adds the IO of a reaped child to the same sum. The CPU time of children has a
/// sum of its own, so without CPU time there were no exited threads, and all IO is that of
/// children.
pub(crate) fn gone_of(row: &Row) -> Gone {
    let has_threads = row.gone_cpu_ns > 0;
    Gone {
        cpu_ns: row.gone_cpu_ns,
        user_ns: row.gone_user_ns,
        system_ns: row.gone_system_ns,
        io: match has_threads {
            true => Io {
                read: row.gone_read_bytes,
                write: row.gone_write_bytes,
            },
            false => Io::default(),
        },
        cancelled_write_bytes: match has_threads {
            true => row.gone_cancelled_write_bytes,
            false => 0,
        },
        io_has_children: has_threads && row.children_minor_faults > 0,
        minor_faults: row.gone_minor_faults,
        major_faults: row.gone_major_faults,
    }
}

/// Adds the figures of a dead thread that a census saw.
pub(super) fn add_row(gone: &mut Gone, row: &Row) {
    gone.cpu_ns += row.cpu_ns;
    gone.user_ns += row.user_ns;
    gone.system_ns += row.system_ns;
    gone.io.read += row.read_bytes;
    gone.io.write += row.write_bytes;
    gone.cancelled_write_bytes += row.cancelled_write_bytes;
    gone.minor_faults += row.minor_faults;
    gone.major_faults += row.major_faults;
}

/// Adds the final figures of a thread.
pub(super) fn add(gone: &mut Gone, record: &DeadRecord) {
    gone.cpu_ns += record.cpu_ns;
    gone.user_ns += record.user_ns;
    gone.system_ns += record.system_ns;
    gone.io.read += record.read_bytes;
    gone.io.write += record.write_bytes;
    gone.cancelled_write_bytes += record.cancelled_write_bytes;
    gone.minor_faults += record.minor_faults;
    gone.major_faults += record.major_faults;
}

/// User and system time, ns. The times that the timer sampled give the ratio, the
/// scheduler's `sum_exec_runtime` gives the total (kernel/sched/cputime.c,
/// `cputime_adjust`).
pub(super) fn scale(gone: Gone) -> (u64, u64) {
    let (user, system, total) = (gone.user_ns, gone.system_ns, gone.cpu_ns);
    if system == 0 {
        return (total, 0);
    }
    if user == 0 {
        return (0, total);
    }
    let scaled = u128::from(system) * u128::from(total) / u128::from(user + system);
    let system = u64::try_from(scaled).unwrap_or(total).min(total);
    (total - system, system)
}
