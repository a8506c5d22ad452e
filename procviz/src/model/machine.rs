/// Facts about the machine and the run. Only `boot_wall_ns` changes during a run:
/// it follows the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Host name.
    pub name: String,
    /// Number of CPUs online.
    pub cpus: u32,
    /// Page size, bytes.
    pub page_bytes: u64,
    /// Clock tick of `/proc`, ns (10 ms on nearly all machines).
    pub tick_ns: u64,
    /// Wall time of the boot, ns since 1970; converts times since boot to dates.
    pub boot_wall_ns: i128,
    /// Time zone of the machine, such as `Europe/Berlin`, or its POSIX rules; empty: the
    /// time zone of the user who looks at the data.
    pub time_zone: String,
    /// Reason for the recording; empty if none is known.
    pub occasion: String,
    /// Whether procviz runs without confinement (`--no-confine`).
    pub unconfined: bool,
    /// Process id of the procviz that watches; `None` if not known. It lives as long as its
    /// samples.
    pub own_pid: Option<u32>,
}

impl Host {
    /// A machine with the usual sizes of pages and clock ticks, about which nothing else is
    /// known.
    pub fn new(name: &str, cpus: u32) -> Self {
        Self {
            name: name.to_owned(),
            cpus,
            page_bytes: 4096,
            tick_ns: 10_000_000,
            boot_wall_ns: 0,
            time_zone: String::new(),
            occasion: String::new(),
            unconfined: false,
            own_pid: None,
        }
    }
}

/// Figures of the whole machine at one tick; `None` means unknown. Counters are
/// changes over the interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineFigures {
    /// CPU time used on all CPUs as the kernel counts it, ns; see
    /// [`Snapshot::busy_ns`](crate::model::Snapshot::busy_ns).
    pub cpu_busy_ns: Option<u64>,
    /// CPU time that the hypervisor gave to other guests, ns.
    pub steal_ns: Option<u64>,
    /// Idle CPU time while IO was outstanding, ns.
    pub iowait_ns: Option<u64>,
    /// Load average over one minute.
    pub load1: Option<f64>,
    /// Number of runnable tasks at the tick, including procviz's own.
    pub running: Option<u64>,
    /// Number of blocked tasks at the tick.
    pub blocked: Option<u64>,
    /// Total memory, bytes.
    pub mem_total_bytes: Option<u64>,
    /// Memory that is available without swapping, bytes.
    pub mem_available_bytes: Option<u64>,
    /// Swap in use, bytes.
    pub swap_used_bytes: Option<u64>,
    /// Shared memory and files on tmpfs, bytes. Each page counts once.
    pub shmem_bytes: Option<u64>,
    /// Pressure stall time: at least one task lacked a CPU, us.
    pub psi_cpu_some_us: Option<u64>,
    /// Pressure stall time: tasks lacked memory.
    pub psi_memory: Option<Pressure>,
    /// Pressure stall time: tasks waited for IO.
    pub psi_io: Option<Pressure>,
    /// Number of tasks created, from the kernel's own counter.
    pub forks: Option<u64>,
    /// Number of tasks that exited, counted from events; unknown without events.
    pub deaths: Option<u64>,
}

/// Pressure stall time in the interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    /// Time in which at least one task stalled, us.
    pub some_us: u64,
    /// Time in which all non-idle tasks stalled, us.
    pub full_us: u64,
}

impl MachineFigures {
    /// The figures of this interval and of a later one together: counters are sums, other
    /// figures are those of the later one.
    pub(crate) fn and(&self, later: &Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        let pressures = |a: Option<Pressure>, b: Option<Pressure>| {
            let (a, b) = (a?, b?);
            Some(Pressure {
                some_us: a.some_us.saturating_add(b.some_us),
                full_us: a.full_us.saturating_add(b.full_us),
            })
        };
        Self {
            cpu_busy_ns: sum(self.cpu_busy_ns, later.cpu_busy_ns),
            steal_ns: sum(self.steal_ns, later.steal_ns),
            iowait_ns: sum(self.iowait_ns, later.iowait_ns),
            psi_cpu_some_us: sum(self.psi_cpu_some_us, later.psi_cpu_some_us),
            psi_memory: pressures(self.psi_memory, later.psi_memory),
            psi_io: pressures(self.psi_io, later.psi_io),
            forks: sum(self.forks, later.forks),
            deaths: sum(self.deaths, later.deaths),
            ..later.clone()
        }
    }

    /// Shares of an interval, from 0 to 1: CPU time of all CPUs, and the time in which at least
    /// one task waited for memory, and for IO. `None`: not known.
    pub(crate) fn shares(&self, cpus: u32, interval_ns: u64) -> [Option<f32>; 3] {
        let interval_ns = interval_ns.max(1) as f64;
        let share = |ns: u64, of_ns: f64| (ns as f64 / of_ns).clamp(0.0, 1.0) as f32;
        let pressure = |pressure: Option<Pressure>| {
            pressure.map(|of| share(of.some_us.saturating_mul(1_000), interval_ns))
        };
        let cpu_ns = f64::from(cpus.max(1)) * interval_ns;
        [
            self.cpu_busy_ns.map(|ns| share(ns, cpu_ns)),
            pressure(self.psi_memory),
            pressure(self.psi_io),
        ]
    }
}
