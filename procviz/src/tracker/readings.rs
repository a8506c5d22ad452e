//! Applies the figures that a tick read of threads that ran and of their processes.

use crate::{
    model::{Host, Io, Memory, Reading, kib},
    tracker::{Tracker, plus},
};

impl Tracker {
    pub(super) fn take_reading(&mut self, reading: &Reading) {
        let tick = self.snapshot.tick;
        let now = self.snapshot.stamp.boot_ns;
        let Some(slot) = self.threads.get(&reading.id).copied() else {
            return;
        };
        let Some(thread) = self.snapshot.threads.get_mut(slot) else {
            return;
        };
        if thread.end.is_some() {
            return;
        }
        let is_other = thread.uid != reading.uid.or(thread.uid);
        thread.uid = reading.uid.or(thread.uid);
        thread.state = reading.state;
        thread.on_cpu = reading.on_cpu;
        thread.in_iowait = reading.in_iowait;
        thread.last_on_cpu_ns = Some(now);
        thread.change.at(tick).ran = true;
        if !reading.on_cpu {
            thread.change.wait_max_ns = reading.wait_max_ns;
        }
        let process = thread.process;
        // Figures are read a little later than the time of the sample. A thread cannot use
        // more than the interval: the rest belongs to the next interval.
        let before = thread.cpu_ns.saturating_sub(thread.change.at(tick).cpu_ns);
        let most = before.saturating_add(self.snapshot.stamp.interval_ns);
        let cpu_ns = match tick > 1 {
            true => reading.cpu_ns.min(most),
            false => reading.cpu_ns,
        };
        self.take_figures(slot, cpu_ns, reading.run_delay_ns, reading.io);
        self.touch(process);
        if is_other {
            self.filter_process(process);
        }
        if let Some(process) = self.snapshot.processes.get_mut(process) {
            process.change.ran = true;
            process.change.wait_max_ns = process.change.wait_max_ns.max(reading.wait_max_ns);
        }
    }

    /// Raises a thread's sums, and the sums of its process by the same amounts. A
    /// figure never decreases: a figure that is read later can have been measured
    /// earlier.
    pub(super) fn take_figures(
        &mut self,
        slot: usize,
        cpu_ns: u64,
        run_delay_ns: Option<u64>,
        io: Option<Io>,
    ) {
        let tick = self.snapshot.tick;
        let Some(thread) = self.snapshot.threads.get_mut(slot) else {
            return;
        };
        let cpu = cpu_ns.saturating_sub(thread.cpu_ns);
        thread.cpu_ns = thread.cpu_ns.saturating_add(cpu);
        let wait = match (run_delay_ns, thread.run_delay_ns) {
            (Some(now), Some(before)) => Some(now.saturating_sub(before)),
            _ => None,
        };
        thread.run_delay_ns = thread.run_delay_ns.max(run_delay_ns);
        let (read, write) = match (io, thread.io) {
            (Some(now), Some(before)) => (
                now.read.saturating_sub(before.read),
                now.write.saturating_sub(before.write),
            ),
            _ => (0, 0),
        };
        if let Some(now) = io {
            thread.io = Some(thread.io.map_or(now, |before| Io {
                read: before.read.max(now.read),
                write: before.write.max(now.write),
            }));
        }
        let change = thread.change.at(tick);
        let moved = read.saturating_add(write);
        change.cpu_ns = change.cpu_ns.saturating_add(cpu);
        change.io_bytes = change.io_bytes.saturating_add(moved);
        change.read_kib = change.read_kib.saturating_add(kib(read));
        change.wait_ns = sum(change.wait_ns, wait);
        let process = thread.process;
        self.touch(process);
        if !self.sums_threads() {
            // The process's own files have the sums, including exited threads.
            return;
        }
        let Some(process) = self.snapshot.processes.get_mut(process) else {
            return;
        };
        process.cpu_ns = process.cpu_ns.saturating_add(cpu);
        process.io = plus(process.io, read, write);
        process.run_delay_ns = sum(process.run_delay_ns, wait);
        let change = &mut process.change;
        change.cpu_ns = change.cpu_ns.saturating_add(cpu);
        change.io_bytes = change.io_bytes.saturating_add(moved);
        change.read_kib = change.read_kib.saturating_add(kib(read));
        change.wait_ns = sum(change.wait_ns, wait);
    }

    pub(super) fn take_memory(&mut self, memory: &Memory) {
        let tick = self.snapshot.tick;
        let slack = rough_by(&self.snapshot.host);
        let Some((slot, process)) = self.process_mut(memory.process) else {
            return;
        };
        if process.end.is_some() {
            return;
        }
        let (rss, private) = (process.rss, process.private());
        let sizes = memory.sizes;
        if sizes.parts.is_some() || rss != Some(sizes.rss) {
            process.parts = sizes.parts;
        }
        process.rss = Some(sizes.rss);
        process.vsize = Some(sizes.vsize);
        process.threads = memory.threads;
        let now = process.private();
        process.first_private = process.first_private.or(now);
        let is_near = rss
            .zip(process.rss)
            .is_some_and(|(before, now)| before.abs_diff(now) <= slack);
        if std::mem::take(&mut process.is_rough) && is_near {
            // The difference to a rough size is no change of the process.
            process.first_private = now;
            (process.rss_change, process.private_change) = ((tick, None), (tick, None));
            self.touch(slot);
            return;
        }
        let is_changed = rss != process.rss || private != now;
        note_change(&mut process.rss_change, tick, rss, process.rss);
        note_change(&mut process.private_change, tick, private, now);
        if is_changed {
            self.touch(slot);
        }
    }
}

/// By how much sizes that are not exact can be wrong, bytes: each CPU keeps up to this many
/// pages of each of three counters (`percpu_counter_batch`).
fn rough_by(host: &Host) -> u64 {
    let cpus = u64::from(host.cpus);
    3 * cpus * (2 * cpus).max(32) * host.page_bytes
}

/// Adds the change of a size to its changes in this tick.
fn note_change(change: &mut (u64, Option<i64>), tick: u64, before: Option<u64>, now: Option<u64>) {
    if before == now {
        return;
    }
    let earlier = match change.0 == tick {
        true => change.1,
        false => Some(0),
    };
    let delta = now.zip(before).map(|(now, before)| difference(now, before));
    let sum = earlier.zip(delta);
    *change = (
        tick,
        sum.map(|(earlier, delta)| earlier.saturating_add(delta)),
    );
}

/// `now - before`, within the limits of the type.
fn difference(now: u64, before: u64) -> i64 {
    match now.checked_sub(before) {
        Some(more) => i64::try_from(more).unwrap_or(i64::MAX),
        None => i64::try_from(before - now).map_or(i64::MIN, i64::saturating_neg),
    }
}

/// Sum of two durations; each can be unknown.
fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (one, other) => one.or(other),
    }
}
