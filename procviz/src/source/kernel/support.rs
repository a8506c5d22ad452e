//! Finds out what this machine and these privileges allow, before anything is
//! loaded, so that what is missing can be named.

use std::path::Path;

use rustix::thread::CapabilitySet;

use crate::source::capabilities::may_raise;

/// One thing that full service needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// `CAP_BPF`, to load programs.
    CapBpf,
    /// `CAP_PERFMON`, to attach to tracepoints and read kernel memory.
    CapPerfmon,
    /// The kernel's own type information.
    Btf,
    /// The first pid namespace: ids of events and of `/proc` must be the same.
    PidNamespace,
    /// The first time namespace: starts of events and of `/proc` must be the same.
    TimeNamespace,
}

impl Need {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 5] = [
        Self::CapBpf,
        Self::CapPerfmon,
        Self::Btf,
        Self::PidNamespace,
        Self::TimeNamespace,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::CapBpf => "CAP_BPF",
            Self::CapPerfmon => "CAP_PERFMON",
            Self::Btf => "BTF (/sys/kernel/btf/vmlinux)",
            Self::PidNamespace => "the machine's first pid namespace",
            Self::TimeNamespace => "the machine's first time namespace",
        }
    }

    /// The command that mends its absence.
    pub fn mend(self) -> &'static str {
        match self {
            Self::CapBpf | Self::CapPerfmon => {
                "run it with sudo, or: sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search+ep PROCVIZ"
            }
            Self::Btf => "boot a kernel with CONFIG_DEBUG_INFO_BTF=y",
            Self::PidNamespace => "run it on the host, or: docker run --pid=host --privileged ...",
            Self::TimeNamespace => "run it on the host: sudo nsenter --time --target 1 procviz ...",
        }
    }

    fn is_met(self) -> bool {
        match self {
            Self::CapBpf => has(CapabilitySet::BPF),
            Self::CapPerfmon => has(CapabilitySet::PERFMON),
            Self::Btf => Path::new("/sys/kernel/btf/vmlinux").exists(),
            Self::PidNamespace => namespace_is("pid", PROC_PID_INIT_INO),
            Self::TimeNamespace => namespace_is("time", PROC_TIME_INIT_INO),
        }
    }
}

/// What is there.
#[derive(Clone, Debug)]
pub struct Support {
    missing: Vec<Need>,
}

impl Support {
    /// Looks.
    pub fn probe() -> Self {
        Self {
            missing: Need::ALL
                .into_iter()
                .filter(|need| !need.is_met())
                .collect(),
        }
    }

    /// What is missing for full service; empty when nothing is.
    pub fn missing(&self) -> &[Need] {
        &self.missing
    }
}

/// Inode numbers of the first namespaces (include/linux/proc_ns.h).
const PROC_PID_INIT_INO: u32 = 0xefff_fffc;
const PROC_TIME_INIT_INO: u32 = 0xefff_fffa;

fn has(capability: CapabilitySet) -> bool {
    // CAP_SYS_ADMIN stands for both on kernels that know neither.
    may_raise(capability) || may_raise(CapabilitySet::SYS_ADMIN)
}

/// Whether this process is in the first namespace of a kind. A kernel without
/// that kind has but one.
fn namespace_is(kind: &str, first: u32) -> bool {
    match std::fs::read_link(format!("/proc/self/ns/{kind}")) {
        Ok(link) => link.to_string_lossy() == format!("{kind}:[{first}]"),
        Err(_) => true,
    }
}
