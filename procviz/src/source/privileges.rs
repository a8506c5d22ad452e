//! What procviz can do without, and what that costs.

use std::path::Path;

use rustix::thread::CapabilitySet;

use super::capabilities::{may_raise, raise};

/// Something that makes the picture better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// IO of others' tasks, where only `/proc` tells.
    Ptrace,
    /// A higher priority on a machine in trouble.
    Nice,
    /// A machine-wide `/proc` without `hidepid`.
    AllPids,
    /// Pressure stall information.
    Pressure,
    /// Cgroups by name.
    Cgroup2,
}

impl Extra {
    /// All.
    pub const ALL: [Self; 5] = [
        Self::Ptrace,
        Self::Nice,
        Self::AllPids,
        Self::Pressure,
        Self::Cgroup2,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ptrace => "CAP_SYS_PTRACE (IO of everybody's tasks)",
            Self::Nice => "CAP_SYS_NICE (priority)",
            Self::AllPids => "everybody's tasks in /proc (no hidepid)",
            Self::Pressure => "pressure stall information (/proc/pressure)",
            Self::Cgroup2 => "cgroup v2 (/sys/fs/cgroup)",
        }
    }

    /// What its absence costs.
    pub fn cost(self) -> &'static str {
        match self {
            Self::Ptrace => "without kernel events, IO of others' tasks is unknown",
            Self::Nice => {
                "on an overloaded machine samples may be late (which is counted and shown)"
            }
            Self::AllPids => "without kernel events, others' tasks are not seen at all",
            Self::Pressure => "the head shows no pressure",
            Self::Cgroup2 => "tasks and deaths have no cgroup, or that of v1",
        }
    }

    /// The command that mends it.
    pub fn mend(self) -> &'static str {
        match self {
            Self::Ptrace | Self::Nice => {
                "run it with sudo, or: sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search,cap_sys_nice+ep PROCVIZ"
            }
            Self::AllPids => "run it with sudo, or: sudo mount -o remount,hidepid=0 /proc",
            Self::Pressure => "boot with psi=1",
            Self::Cgroup2 => "boot with systemd.unified_cgroup_hierarchy=1",
        }
    }
}

/// Whether it is there.
pub fn has_extra(extra: Extra) -> bool {
    let _raised = raise();
    match extra {
        Extra::Ptrace => may_raise(CapabilitySet::SYS_PTRACE),
        Extra::Nice => may_raise(CapabilitySet::SYS_NICE),
        Extra::AllPids => Path::new("/proc/1/stat").exists(),
        Extra::Pressure => std::fs::read("/proc/pressure/cpu").is_ok(),
        Extra::Cgroup2 => std::fs::read_to_string("/proc/self/mounts")
            .is_ok_and(|mounts| mounts.contains(" cgroup2 ")),
    }
}
