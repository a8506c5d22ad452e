//! What the machine did over time.

use crate::model::Snapshot;

/// Upper limit for the steps: with more, each two become one.
const MOST: usize = 2_048;

/// What the machine did in an interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct MachineStep {
    pub(super) from_ns: u64,
    pub(super) until_ns: u64,
    /// Cores; `None`: not known.
    pub(super) busy: Option<f64>,
    /// Part of the memory that is not available.
    pub(super) memory: Option<f64>,
    /// Share of the time in which some task waited for memory or IO: the larger one.
    pub(super) pressure: Option<f64>,
}

/// The intervals of the machine.
#[derive(Clone, Debug, Default)]
pub(super) struct MachineSteps(pub(super) Vec<MachineStep>);

impl MachineSteps {
    /// Takes in a snapshot.
    pub(super) fn observe(&mut self, snapshot: &Snapshot) {
        let (machine, stamp) = (&snapshot.machine, snapshot.stamp);
        if stamp.interval_ns == 0 {
            return;
        }
        let interval = stamp.interval_ns as f64;
        let available = machine.mem_available_bytes.zip(machine.mem_total_bytes);
        let some = |us: u64| us as f64 * 1e3 / interval;
        let memory = machine.psi_memory.map(|psi| some(psi.some_us));
        let io = machine.psi_io.map(|psi| some(psi.some_us));
        if self.0.len() >= MOST {
            let halves = self.0.chunks(2).map(|pair| match pair {
                [a, b] => MachineStep {
                    from_ns: a.from_ns,
                    until_ns: b.until_ns,
                    busy: a.busy.zip(b.busy).map(|(a, b)| f64::midpoint(a, b)),
                    memory: b.memory,
                    pressure: a.pressure.zip(b.pressure).map(|(a, b)| a.max(b)),
                },
                _ => pair[0],
            });
            self.0 = halves.collect();
        }
        self.0.push(MachineStep {
            from_ns: stamp.boot_ns.saturating_sub(stamp.interval_ns),
            until_ns: stamp.boot_ns,
            busy: snapshot.busy_ns().map(|ns| ns as f64 / interval),
            memory: available.map(|(free, all)| 1.0 - free.min(all) as f64 / all.max(1) as f64),
            pressure: memory.zip(io).map(|(a, b)| a.max(b)),
        });
    }
}
