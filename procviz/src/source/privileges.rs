//! Describes optional privileges and kernel features, and what is missing without
//! each of them.

use std::path::Path;

use rustix::thread::CapabilitySet;

use super::{
    capabilities::{can_raise, raise},
    namespaces::Namespace,
};

/// An optional privilege or kernel feature that gives more or better figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// `CAP_SYS_PTRACE`: IO of other users' tasks where there are no kernel events.
    Ptrace,
    /// `CAP_SYS_NICE`: a higher priority on an overloaded machine.
    Nice,
    /// `/proc` shows the tasks of all users: it is mounted without `hidepid`.
    AllPids,
    /// `/proc` shows the machine: it is mounted without `subset=pid`.
    Machine,
    /// Pressure stall information (PSI).
    Pressure,
    /// The cgroup v2 hierarchy: names of cgroups.
    Cgroup2,
    /// The initial cgroup namespace: whole paths of cgroups.
    CgroupNamespace,
}

impl Extra {
    /// All extras, in the order of the report.
    pub const ALL: [Self; 7] = [
        Self::Ptrace,
        Self::Nice,
        Self::AllPids,
        Self::Machine,
        Self::Pressure,
        Self::Cgroup2,
        Self::CgroupNamespace,
    ];

    /// The name for the user.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ptrace => "CAP_SYS_PTRACE (IO of all users' tasks)",
            Self::Nice => "CAP_SYS_NICE (priority)",
            Self::AllPids => "all users' tasks in /proc (no hidepid)",
            Self::Machine => "figures of the machine in /proc (no subset=pid)",
            Self::Pressure => "pressure stall information (/proc/pressure)",
            Self::CgroupNamespace => "the machine's initial cgroup namespace",
            Self::Cgroup2 => "cgroup v2 (/sys/fs/cgroup)",
        }
    }

    /// What is missing without this extra.
    pub fn cost(self) -> &'static str {
        match self {
            Self::Ptrace => "without kernel events, the IO of other users' tasks is unknown",
            Self::Nice => {
                "on an overloaded machine, samples can be late (late samples are counted and shown)"
            }
            Self::AllPids => "without kernel events, other users' tasks are not visible",
            Self::Machine => "CPU, load, memory and pressure of the machine are unknown",
            Self::CgroupNamespace => {
                "paths of cgroups begin at procviz's own cgroup, and the cgroups of tasks outside of it are unknown"
            }
            Self::Pressure => "the header of a chart shows no pressure",
            Self::Cgroup2 => "tasks and exit records have no cgroup, or only their v1 cgroup",
        }
    }

    /// How to get this extra: a command or a boot option for the user.
    pub fn fix(self) -> &'static str {
        match self {
            Self::Ptrace | Self::Nice => {
                "run procviz with sudo, or give the capabilities to the program: `sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search,cap_sys_nice+ep /path/to/procviz`"
            }
            Self::AllPids => {
                "run procviz with sudo, or run `sudo mount -o remount,hidepid=0 /proc`"
            }
            Self::Machine => {
                "run procviz where /proc is mounted without `subset=pid`; in a systemd unit, set `ProcSubset=all`"
            }
            Self::CgroupNamespace => {
                "run procviz on the host, or use `docker run --cgroupns=host ...`"
            }
            Self::Pressure if !has_extra(Self::Machine) => "as above",
            Self::Pressure => "boot with the kernel option `psi=1`",
            Self::Cgroup2 => "boot with the kernel option `systemd.unified_cgroup_hierarchy=1`",
        }
    }
}

/// Whether this machine and these privileges have an extra.
pub fn has_extra(extra: Extra) -> bool {
    let _raised = raise();
    match extra {
        Extra::Ptrace => can_raise(CapabilitySet::SYS_PTRACE),
        Extra::Nice => can_raise(CapabilitySet::SYS_NICE),
        Extra::AllPids => Path::new("/proc/1/stat").exists(),
        Extra::Machine => Path::new("/proc/stat").exists(),
        Extra::CgroupNamespace => Namespace::Cgroup.is_initial(),
        Extra::Pressure => std::fs::read("/proc/pressure/cpu").is_ok(),
        Extra::Cgroup2 => std::fs::read_to_string("/proc/self/mounts")
            .is_ok_and(|mounts| mounts.contains(" cgroup2 ")),
    }
}
