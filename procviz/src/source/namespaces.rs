//! Finds out whether procviz runs in the initial namespaces of the machine.

/// A kind of namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// User ids and capabilities.
    User,
    /// Process ids.
    Pid,
    /// Clocks.
    Time,
    /// Paths of cgroups.
    Cgroup,
}

impl Namespace {
    /// Whether this process is in the initial namespace of this kind. A kernel that does not
    /// know the kind has only the initial one.
    pub(crate) fn is_initial(self) -> bool {
        // Inode numbers of include/linux/proc_ns.h.
        let (kind, initial) = match self {
            Self::User => ("user", 0xefff_fffd_u32),
            Self::Pid => ("pid", 0xefff_fffc),
            Self::Time => ("time", 0xefff_fffa),
            Self::Cgroup => ("cgroup", 0xefff_fffb),
        };
        match std::fs::read_link(format!("/proc/self/ns/{kind}")) {
            Ok(link) => link.as_os_str() == format!("{kind}:[{initial}]").as_str(),
            Err(_) => true,
        }
    }
}
