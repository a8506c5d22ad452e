//! Builds exit records.

use procviz_common::EXIT_OOM;

use super::{Ended, ProcessTable, TrackedProcess, figures::scale};
use crate::{
    model::{ExitRecord, Status, ThreadEnd},
    source::cgroups::Cgroups,
};

impl ProcessTable {
    /// Builds the exit record of a process.
    pub(super) fn ended(
        &mut self,
        tracked: TrackedProcess,
        cgroups: &Cgroups,
        page_bytes: u64,
    ) -> Ended {
        if let Some(roots) = &mut self.roots {
            // Another process can get the pid. Descendants stay watched.
            roots.retain(|pid| *pid != tracked.process.tid);
        }
        if let Some(look) = &mut self.look {
            look.ended_processes.insert(tracked.process);
        }
        let exit = tracked.last_exit;
        let (user_ns, system_ns) = scale(tracked.gone);
        let io = Some(tracked.gone.io).filter(|_| !tracked.gone.io_has_children);
        let status = Status(exit.map_or(0, |exit| exit.group_exit_code));
        let oom = exit.is_some_and(|exit| exit.flags & EXIT_OOM != 0);
        let (killed_by, terminated_by) = self.signals.killers(tracked.process, status, oom);
        let record = ExitRecord {
            process: tracked.process,
            thread: None,
            time_ns: exit.map_or(0, |exit| exit.time_ns),
            ns_pid: tracked.ns_pid,
            ppid: tracked.ppid,
            origin: tracked.origin,
            uid: tracked.uid,
            comm: tracked.comm,
            name: tracked.name,
            args: tracked.args,
            args_bytes: tracked.args_bytes,
            status,
            oom,
            killed_by,
            terminated_by,
            cpu_ns: Some(tracked.gone.cpu_ns),
            user_ns: Some(user_ns),
            system_ns: Some(system_ns),
            max_rss_bytes: exit.map(|exit| exit.max_rss_pages * page_bytes),
            max_rss_inherited: exit
                .zip(tracked.inherited_rss_pages)
                .map(|(exit, before)| before > 0 && exit.max_rss_pages <= before),
            read_bytes: io.map(|io| io.read),
            write_bytes: io.map(|io| io.write),
            cancelled_write_bytes: io.map(|_| tracked.gone.cancelled_write_bytes),
            minor_faults: Some(tracked.gone.minor_faults),
            major_faults: Some(tracked.gone.major_faults),
            cgroup: cgroups.path(tracked.cgroup_id),
            zombie: tracked.leader_is_zombie,
            watched: tracked.watched,
            partial: tracked.partial || tracked.lost_before != self.lost,
        };
        Ended {
            record,
            short: tracked.batch == self.batch && tracked.batch > 0 && !tracked.had_threads,
        }
    }
}

/// The exit record of a thread; the identity comes from its process.
pub(super) fn thread_record(
    end: &ThreadEnd,
    tracked: &TrackedProcess,
    cgroups: &Cgroups,
) -> ExitRecord {
    ExitRecord {
        process: end.process,
        thread: Some(end.id),
        time_ns: end.time_ns,
        ns_pid: tracked.ns_pid,
        ppid: tracked.ppid,
        origin: tracked.origin,
        uid: tracked.uid,
        comm: end.comm,
        name: None,
        args: tracked.args.clone(),
        args_bytes: tracked.args_bytes,
        status: end.status,
        oom: false,
        killed_by: None,
        terminated_by: None,
        cpu_ns: end.cpu_ns,
        user_ns: None,
        system_ns: None,
        max_rss_bytes: None,
        max_rss_inherited: None,
        read_bytes: end.io.map(|(read, _)| read),
        write_bytes: end.io.map(|(_, write)| write),
        cancelled_write_bytes: None,
        minor_faults: None,
        major_faults: None,
        cgroup: cgroups.path(tracked.cgroup_id),
        zombie: end.zombie,
        watched: tracked.watched,
        partial: false,
    }
}
