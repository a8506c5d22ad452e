//! Corrects the busy time of the machine.

use crate::model::Snapshot;

/// The kernel counts busy time in ticks of its timer, which in a short interval can be less than
/// the processes used. Their CPU time is exact, so the CPUs were busy for at least that long.
pub(super) fn correct(snapshot: &mut Snapshot) {
    let Some(busy_ns) = snapshot.machine.cpu_busy_ns else {
        return;
    };
    let processes = snapshot.changed.iter();
    let processes = processes.filter_map(|slot| snapshot.processes.get(*slot));
    let used = processes.map(|process| process.change.cpu_ns);
    let folded = snapshot.folds.iter().map(|fold| fold.cpu_ns);
    let used_ns = used.chain(folded).fold(0, u64::saturating_add);
    let most_ns = u64::from(snapshot.host.cpus).saturating_mul(snapshot.stamp.interval_ns);
    snapshot.machine.cpu_busy_ns = Some(busy_ns.max(used_ns.min(most_ns)));
}

#[cfg(test)]
mod tests {
    use crate::{
        model::Scope,
        tracker::play::{Play, id},
    };

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn the_machine_was_busy_for_as_long_as_its_processes() {
        let busy = |of_kernel: Option<u64>, of_process: u64| {
            let mut play = Play::new(&["init", "worker"]);
            play.sample.machine.cpu_busy_ns = of_kernel;
            let before = play.tracker.task(Scope::Processes, id(2)).unwrap().cpu_ns();
            play.ran(2, before.saturating_add(of_process), 0);
            play.tick(SECOND);
            play.tracker.snapshot().machine.cpu_busy_ns
        };
        assert_eq!(busy(Some(20_000_000), 57_000_000), Some(57_000_000));
        assert_eq!(busy(Some(80_000_000), 57_000_000), Some(80_000_000));
        assert_eq!(busy(None, 57_000_000), None);
        // A second of one thread is no more than a second.
        assert_eq!(busy(Some(0), u64::MAX / 2), Some(SECOND));
    }
}
