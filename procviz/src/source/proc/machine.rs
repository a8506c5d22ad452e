//! Reads the machine's figures: CPU, load, memory, pressure.

use procfs::{Current, CurrentSI, KernelStats, LoadAverage, Meminfo};

use crate::model::{MachineFigures, Pressure};

/// Reads the machine's figures, and keeps the counters to compute changes.
#[derive(Default)]
pub(crate) struct MachineReader {
    /// Counters at the start of the interval.
    before: Option<Counters>,
    /// Counters at the last reading.
    now: Option<Counters>,
    /// A clock tick of `/proc/stat`, ns.
    tick_ns: u64,
    /// `/proc/pressure` existed at the start; otherwise pressure is never read.
    has_pressure: bool,
}

/// Counters of the machine since boot.
#[derive(Clone, Copy, Default)]
struct Counters {
    busy_ns: u64,
    steal_ns: u64,
    iowait_ns: u64,
    forks: u64,
    /// Time with tasks that waited for a CPU (`some`), us.
    cpu_some: Option<u64>,
    memory: Option<Pressure>,
    io: Option<Pressure>,
}

impl MachineReader {
    pub(crate) fn new(tick_ns: u64) -> Self {
        let has_pressure = std::path::Path::new("/proc/pressure/cpu").exists();
        Self {
            before: None,
            now: None,
            tick_ns,
            has_pressure,
        }
    }

    /// Reads the figures of the whole machine. Counters are changes since the start of
    /// the interval. They are unknown in the first interval, and if a file cannot be read.
    pub(crate) fn read(&mut self, figures: &mut MachineFigures) {
        let stat = KernelStats::current().ok();
        let load = LoadAverage::current().ok();
        let memory = Meminfo::current().ok();
        let now = stat.as_ref().map(|stat| self.counters(stat));
        let before = self.before;
        *figures = MachineFigures {
            load1: load.map(|load| f64::from(load.one)),
            running: stat
                .as_ref()
                .and_then(|stat| stat.procs_running)
                .map(u64::from),
            blocked: stat
                .as_ref()
                .and_then(|stat| stat.procs_blocked)
                .map(u64::from),
            mem_total_bytes: memory.as_ref().map(|memory| memory.mem_total),
            mem_available_bytes: memory.as_ref().and_then(|memory| memory.mem_available),
            swap_used_bytes: memory
                .as_ref()
                .map(|memory| memory.swap_total.saturating_sub(memory.swap_free)),
            shmem_bytes: memory.as_ref().and_then(|memory| memory.shmem),
            ..MachineFigures::default()
        };
        if let (Some(now), Some(before)) = (now, before) {
            figures.cpu_busy_ns = Some(now.busy_ns.saturating_sub(before.busy_ns));
            figures.steal_ns = Some(now.steal_ns.saturating_sub(before.steal_ns));
            figures.iowait_ns = Some(now.iowait_ns.saturating_sub(before.iowait_ns));
            figures.forks = Some(now.forks.saturating_sub(before.forks));
            figures.psi_cpu_some_us = change(now.cpu_some, before.cpu_some);
            figures.psi_memory = pressure_change(now.memory, before.memory);
            figures.psi_io = pressure_change(now.io, before.io);
        }
        self.now = now;
    }

    /// Begins an interval: the counters of the last reading are its base.
    pub(crate) fn begin_interval(&mut self) {
        self.before = self.now;
    }

    fn counters(&self, stat: &KernelStats) -> Counters {
        let cpu = &stat.total;
        let ticks =
            cpu.user + cpu.nice + cpu.system + cpu.irq.unwrap_or(0) + cpu.softirq.unwrap_or(0);
        let (mut cpu_some, mut memory, mut io) = (None, None, None);
        if self.has_pressure {
            cpu_some = procfs::CpuPressure::current()
                .ok()
                .map(|pressure| pressure.some.total);
            memory = procfs::MemoryPressure::current()
                .ok()
                .map(|pressure| Pressure {
                    some_us: pressure.some.total,
                    full_us: pressure.full.total,
                });
            io = procfs::IoPressure::current().ok().map(|pressure| Pressure {
                some_us: pressure.some.total,
                full_us: pressure.full.total,
            });
        }
        Counters {
            busy_ns: ticks * self.tick_ns,
            steal_ns: cpu.steal.unwrap_or(0) * self.tick_ns,
            iowait_ns: cpu.iowait.unwrap_or(0) * self.tick_ns,
            forks: stat.processes,
            cpu_some,
            memory,
            io,
        }
    }
}

fn change(now: Option<u64>, before: Option<u64>) -> Option<u64> {
    Some(now?.saturating_sub(before?))
}

fn pressure_change(now: Option<Pressure>, before: Option<Pressure>) -> Option<Pressure> {
    let (now, before) = (now?, before?);
    Some(Pressure {
        some_us: now.some_us.saturating_sub(before.some_us),
        full_us: now.full_us.saturating_sub(before.full_us),
    })
}
