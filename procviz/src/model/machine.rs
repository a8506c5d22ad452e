/// What does not change while procviz runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The machine's name.
    pub name: String,
    /// CPUs online.
    pub cpus: u32,
    /// Bytes of a page.
    pub page_bytes: u64,
    /// Nanoseconds of a clock tick of `/proc` (10 ms nearly everywhere).
    pub tick_ns: u64,
    /// Wall clock at boot, ns since 1970; turns times since boot into dates.
    pub boot_wall_ns: i128,
    /// Its time zone, as in `Europe/Berlin`; empty: that of who looks.
    pub time_zone: String,
    /// Why it was recorded; empty where nobody said.
    pub occasion: String,
    /// procviz was told not to confine itself.
    pub unconfined: bool,
}

/// Figures of the whole machine at one tick; `None` is unknown. Counters are
/// changes over the interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineFigures {
    /// CPU time used by anybody, ns.
    pub cpu_busy_ns: Option<u64>,
    /// CPU time that the hypervisor gave to others, ns.
    pub steal_ns: Option<u64>,
    /// CPU time idle with IO outstanding, ns.
    pub iowait_ns: Option<u64>,
    /// Load average over one minute.
    pub load1: Option<f64>,
    /// Tasks runnable at the tick, procviz's own included.
    pub running: Option<u64>,
    /// Tasks blocked at the tick.
    pub blocked: Option<u64>,
    /// Memory, bytes.
    pub mem_total_bytes: Option<u64>,
    /// Memory that can be had without swapping, bytes.
    pub mem_available_bytes: Option<u64>,
    /// Swap in use, bytes.
    pub swap_used_bytes: Option<u64>,
    /// Stalls for want of a CPU, us.
    pub psi_cpu_some_us: Option<u64>,
    /// Stalls for want of memory.
    pub psi_memory: Option<Pressure>,
    /// Stalls for want of IO.
    pub psi_io: Option<Pressure>,
    /// Tasks made, by the kernel's own count.
    pub forks: Option<u64>,
    /// Tasks that ended, by the events; unknown without them.
    pub deaths: Option<u64>,
}

/// Pressure stall, us in the interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    /// At least one task stalled.
    pub some_us: u64,
    /// All stalled.
    pub full_us: u64,
}
