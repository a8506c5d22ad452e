//! Reads the clocks, and facts about the machine that do not change while procviz
//! runs.

use std::io;

use rustix::time::{ClockId, clock_gettime};

use crate::model::Host;

/// Time since boot, ns, including suspend: the clock of events and start times.
pub fn boot_now_ns() -> u64 {
    nanoseconds(ClockId::Boottime)
}

/// CPU time that procviz itself has used, ns.
pub fn own_cpu_ns() -> u64 {
    nanoseconds(ClockId::ProcessCPUTime)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    // Neither of the two clocks is ever negative.
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Reads the facts about the machine that do not change while procviz runs.
///
/// # Errors
///
/// None at present: an unknown number of CPUs counts as 1.
pub fn host() -> io::Result<Host> {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u32);
    Ok(Host {
        name,
        cpus: procfs_cpus().unwrap_or(cpus),
        page_bytes: rustix::param::page_size() as u64,
        tick_ns: 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1),
        boot_wall_ns: boot_wall_ns(),
        time_zone: String::new(),
        occasion: String::new(),
        unconfined: super::confine::is_off(),
        own_pid: Some(std::process::id()),
    })
}

/// The kernel's release, such as `6.12.4-amd64`.
pub fn kernel_release() -> String {
    let name = rustix::system::uname();
    name.release().to_string_lossy().into_owned()
}

/// The kernel's id of this boot; empty if the id cannot be read.
pub fn boot_id() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    text.unwrap_or_default().trim().to_owned()
}

/// Wall time at boot, computed from the current clock, ns since 1970. The value
/// changes when the clock is set.
pub fn boot_wall_ns() -> i128 {
    let wall = clock_gettime(ClockId::Realtime);
    let wall_ns = i128::from(wall.tv_sec) * 1_000_000_000 + i128::from(wall.tv_nsec);
    wall_ns - i128::from(boot_now_ns())
}

/// Number of online CPUs of the machine, which can be more than procviz can use.
fn procfs_cpus() -> Option<u32> {
    use procfs::CurrentSI;
    procfs::KernelStats::current()
        .ok()
        .map(|stat| stat.cpu_time.len() as u32)
        .filter(|cpus| *cpus > 0)
}
