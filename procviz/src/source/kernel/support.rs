//! Checks what this machine and the privileges of procviz allow, before any eBPF
//! program is loaded: messages can then name exactly what is missing.

use std::path::Path;

use rustix::thread::CapabilitySet;

use crate::source::{capabilities::can_raise, namespaces::Namespace};

/// A privilege or kernel feature that kernel events need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// `CAP_BPF`, to load programs.
    CapBpf,
    /// `CAP_PERFMON`, to attach to tracepoints and read kernel memory.
    CapPerfmon,
    /// A kernel that lets root read its memory.
    NoLockdown,
    /// The kernel's type information (BTF), to find struct members.
    Btf,
    /// The initial user namespace: the kernel grants capabilities of another one to nobody.
    UserNamespace,
    /// The initial pid namespace: ids in events must equal the ids in `/proc`.
    PidNamespace,
    /// The initial time namespace: start times in events must equal those in `/proc`.
    TimeNamespace,
}

impl Need {
    /// All needs, in the order of the report.
    pub const ALL: [Self; 7] = [
        Self::CapBpf,
        Self::CapPerfmon,
        Self::NoLockdown,
        Self::Btf,
        Self::UserNamespace,
        Self::PidNamespace,
        Self::TimeNamespace,
    ];

    /// The name for the user.
    pub fn name(self) -> &'static str {
        match self {
            Self::CapBpf => "CAP_BPF",
            Self::CapPerfmon => "CAP_PERFMON",
            Self::NoLockdown => "a kernel without confidentiality lockdown",
            Self::Btf => "BTF (/sys/kernel/btf/vmlinux)",
            Self::UserNamespace => "the machine's initial user namespace",
            Self::PidNamespace => "the machine's initial pid namespace",
            Self::TimeNamespace => "the machine's initial time namespace",
        }
    }

    /// How to get what is missing: a command or a kernel option for the user.
    pub fn fix(self) -> &'static str {
        match self {
            Self::CapBpf | Self::CapPerfmon => {
                "run procviz with sudo, or give the capabilities to the program: `sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search+ep /path/to/procviz`"
            }
            Self::NoLockdown => {
                "boot without `lockdown=confidentiality`, as /sys/kernel/security/lockdown shows; `lockdown=integrity` is fine"
            }
            Self::Btf => "boot a kernel that is built with `CONFIG_DEBUG_INFO_BTF=y`",
            Self::UserNamespace => {
                "run procviz on the host as root, and not in a rootless container: capabilities that are held in another user namespace do not count"
            }
            Self::PidNamespace => {
                "run procviz on the host, or use `docker run --pid=host --privileged ...`"
            }
            Self::TimeNamespace => {
                "run procviz on the host with `sudo nsenter --time --target 1 procviz ...`"
            }
        }
    }

    fn is_met(self) -> bool {
        match self {
            Self::CapBpf => has(CapabilitySet::BPF),
            Self::CapPerfmon => has(CapabilitySet::PERFMON),
            Self::NoLockdown => {
                // Without securityfs the state is not known: loading a program shows it.
                let state = std::fs::read_to_string("/sys/kernel/security/lockdown");
                !state.is_ok_and(|state| state.contains("[confidentiality]"))
            }
            Self::Btf => Path::new("/sys/kernel/btf/vmlinux").exists(),
            Self::UserNamespace => Namespace::User.is_initial(),
            Self::PidNamespace => Namespace::Pid.is_initial(),
            Self::TimeNamespace => Namespace::Time.is_initial(),
        }
    }
}

/// The result of the check.
#[derive(Clone, Debug)]
pub struct Support {
    missing: Vec<Need>,
}

impl Support {
    /// Checks all needs.
    pub fn probe() -> Self {
        Self {
            missing: Need::ALL
                .into_iter()
                .filter(|need| !need.is_met())
                .collect(),
        }
    }

    /// The needs that are not met; empty if kernel events are possible.
    pub fn missing(&self) -> &[Need] {
        &self.missing
    }
}

/// The oldest kernel of kernel.org on which the programs load. A distribution can have the
/// features in an older one.
const OLDEST: (u32, u32) = (6, 1);

/// Whether a release is not older than [`OLDEST`]. An unusual release is taken as new.
pub(crate) fn release_is_enough(release: &str) -> bool {
    let mut numbers = release.split(|ch: char| !ch.is_ascii_digit());
    let mut number = || numbers.next()?.parse::<u32>().ok();
    match (number(), number()) {
        (Some(major), Some(minor)) => (major, minor) >= OLDEST,
        _ => true,
    }
}

fn has(capability: CapabilitySet) -> bool {
    // Kernels without CAP_BPF and CAP_PERFMON check CAP_SYS_ADMIN instead.
    can_raise(capability) || can_raise(CapabilitySet::SYS_ADMIN)
}

#[cfg(test)]
mod tests {
    use super::release_is_enough;

    #[test]
    fn releases() {
        for enough in [
            "6.1.0-50-cloud-amd64",
            "6.12.3",
            "7.0",
            "10.2-rc1",
            "custom",
        ] {
            assert!(release_is_enough(enough), "{enough}");
        }
        for old in ["5.10.0-30-amd64", "6.0.19", "4.19"] {
            assert!(!release_is_enough(old), "{old}");
        }
    }
}
