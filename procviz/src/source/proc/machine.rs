//! Reads the machine's figures: CPU, load, memory, pressure.

use procfs::{
    CpuPressure, FromBufReadSI as _, FromRead, IoPressure, KernelStats, Meminfo, MemoryPressure,
};

use super::kept::KeptFile;
use crate::model::{MachineFigures, Pressure};

/// Reads the machine's figures, and keeps the counters to compute changes.
pub(crate) struct MachineReader {
    stat: KeptFile,
    meminfo: KeptFile,
    /// `/proc/pressure`: of `cpu`, `memory` and `io`.
    pressure: [KeptFile; 3],
    /// Counters at the start of the interval.
    before: Option<Counters>,
    /// Counters at the last reading.
    now: Option<Counters>,
    /// A clock tick of `/proc/stat`, ns.
    tick_ns: u64,
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
        let pressure = ["cpu", "memory", "io"];
        Self {
            stat: KeptFile::open("/proc/stat"),
            meminfo: KeptFile::open("/proc/meminfo"),
            pressure: pressure.map(|name| KeptFile::open(format!("/proc/pressure/{name}"))),
            before: None,
            now: None,
            tick_ns,
        }
    }

    /// Reads the figures of the whole machine. Counters are changes since the start of
    /// the interval. They are unknown in the first interval, and if a file cannot be read.
    pub(crate) fn read(&mut self, figures: &mut MachineFigures) {
        let stat = self.stat.read();
        let stat = stat.and_then(|bytes| {
            KernelStats::from_buf_read(bytes, procfs::current_system_info()).ok()
        });
        let memory: Option<Meminfo> = parsed(&mut self.meminfo);
        let now = stat.as_ref().map(|stat| self.counters(stat));
        let before = self.before;
        *figures = MachineFigures {
            load1: Some(load()),
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

    fn counters(&mut self, stat: &KernelStats) -> Counters {
        let total = &stat.total;
        let ticks = total.user
            + total.nice
            + total.system
            + total.irq.unwrap_or(0)
            + total.softirq.unwrap_or(0);
        let [of_cpu, of_memory, of_io] = &mut self.pressure;
        let cpu: Option<CpuPressure> = parsed(of_cpu);
        let memory: Option<MemoryPressure> = parsed(of_memory);
        let io: Option<IoPressure> = parsed(of_io);
        Counters {
            busy_ns: ticks * self.tick_ns,
            steal_ns: total.steal.unwrap_or(0) * self.tick_ns,
            iowait_ns: total.iowait.unwrap_or(0) * self.tick_ns,
            forks: stat.processes,
            cpu_some: cpu.map(|pressure| pressure.some.total),
            memory: memory.map(|of| Pressure {
                some_us: of.some.total,
                full_us: of.full.total,
            }),
            io: io.map(|of| Pressure {
                some_us: of.some.total,
                full_us: of.full.total,
            }),
        }
    }
}

/// The load of the last minute, with two digits as in `/proc/loadavg`.
fn load() -> f64 {
    /// `SI_LOAD_SHIFT` of sysinfo(2).
    const ONE: f64 = 65_536.0;
    let [of_a_minute, ..] = rustix::system::sysinfo().loads;
    (of_a_minute as f64 / ONE * 100.0).round() / 100.0
}

fn parsed<T: FromRead>(file: &mut KeptFile) -> Option<T> {
    T::from_read(file.read()?).ok()
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
