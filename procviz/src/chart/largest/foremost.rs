//! Says who has most of something, where one process or group has more than all others
//! together: in a picture without findings that is what a reader looks for.

use super::{Entry, Largest, Measure, measure::Before};
use crate::{
    chart::Context,
    model::{Snapshot, bytes_text, duration_text, per_second_text, rate_text},
};

/// The mean of a shorter life says nothing, ns.
const LEAST_LIFE_NS: u64 = 1_000_000_000;

/// Who has more than half of a measure that is worth a word: `reporter 42 · www-data uses 0.33 of
/// the 0.37 busy cores (17 % of the machine)`.
pub(crate) fn foremost(
    snapshot: &Snapshot,
    largest: &[Largest],
    context: &Context<'_>,
) -> Vec<String> {
    let seconds = snapshot.stamp.interval_ns as f64 / 1e9;
    let lines = largest.iter().filter_map(|of| {
        let first = of.entries.first()?;
        let is_most = first.value > of.total / 2.0 && is_much(of.measure, first.value, seconds);
        let words = words(of, first, snapshot).filter(|_| is_most)?;
        Some(format!(
            "{} {words}.",
            context.with_user(&first.who, first.uid)
        ))
    });
    lines.collect()
}

/// Whether a value is worth a word: 0.1 cores, 256 MiB, 1 MiB/s, 5 starts per second.
fn is_much(measure: Measure, value: f64, seconds: f64) -> bool {
    let rate = value / seconds.max(1e-9);
    match measure {
        Measure::Cpu => rate >= 1e8,
        Measure::Memory => value >= 256.0 * 1024.0 * 1024.0,
        Measure::Growth | Measure::Io => rate >= 1024.0 * 1024.0,
        Measure::Starts => rate >= 5.0,
        Measure::Waiting | Measure::Blocked | Measure::CpuBefore => false,
    }
}

fn words(of: &Largest, first: &Entry, snapshot: &Snapshot) -> Option<String> {
    let (value, total) = (first.value, of.total);
    let seconds = (snapshot.stamp.interval_ns as f64 / 1e9).max(1e-9);
    // What it is to the whole machine.
    let percent = |part: f64, of_all: f64| format!("{:.0} % of the machine", part * 100.0 / of_all);
    let verb = |one: &'static str, many: &'static str| match first.count {
        1 => one,
        _ => many,
    };
    Some(match of.measure {
        Measure::Cpu => {
            // The same figure as in the head.
            let busy_ns = snapshot.busy_ns().filter(|_| !snapshot.is_filtered);
            let all_ns = busy_ns.map_or(total, |ns| total.max(ns as f64));
            let (cores, all) = (value / 1e9 / seconds, all_ns / 1e9 / seconds);
            let machine = percent(cores, f64::from(snapshot.host.cpus.max(1)));
            let life = before(first, snapshot);
            let uses = verb("uses", "use");
            let of_all = match snapshot.is_filtered {
                true => "cores that those shown use",
                false => "busy cores",
            };
            format!("{uses} {cores:.2} of the {all:.2} {of_all} ({machine}){life}")
        }
        Measure::Memory => {
            // Memory that processes share counts for each of them, so their sum can be too large:
            // more than half of it is certainly most.
            let held = bytes_text(value as u64);
            let machine = snapshot.machine.mem_total_bytes.filter(|bytes| *bytes > 0);
            let machine = machine.map_or_else(String::new, |bytes| {
                format!(" ({})", percent(value, bytes as f64))
            });
            let has = verb("has", "have");
            let others = match snapshot.is_filtered {
                true => "all others that are shown",
                false => "all other processes",
            };
            format!("{has} {held} of memory, more than {others} together{machine}")
        }
        Measure::Growth => format!(
            "{} by {}; all together grow by {}",
            verb("grows", "grow"),
            rate_text(value / seconds),
            rate_text(total / seconds)
        ),
        Measure::Io => format!(
            "{} {} of the storage IO of {}",
            verb("does", "do"),
            rate_text(value / seconds),
            rate_text(total / seconds)
        ),
        Measure::Starts => format!(
            "{} {} of the {} new processes and threads",
            verb("starts", "start"),
            per_second_text(value as u64, seconds),
            per_second_text(total as u64, seconds)
        ),
        Measure::Waiting | Measure::Blocked | Measure::CpuBefore => return None,
    })
}

/// What a process used on average from its start to the interval; empty for a group, and for a
/// process that was too young.
fn before(first: &Entry, snapshot: &Snapshot) -> String {
    let mut processes = snapshot.processes.iter().filter(|_| first.count == 1);
    let process = processes.find(|process| process.id == first.about);
    let before = process.map(|process| Before::new(process, snapshot));
    match before.filter(|before| before.lived_ns >= LEAST_LIFE_NS) {
        None => String::new(),
        Some(Before {
            lived_ns, cores, ..
        }) => {
            let life = duration_text(lived_ns);
            format!("; in its life of {life} before, {cores:.2} on average")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        chart::{
            golden::{host, with_context},
            largest::{foremost, largest},
        },
        model::{Change, Comm, Process, Snapshot, Sources, TaskId, Thread},
        scene::{Color, Scene},
    };

    /// What is said of processes that used so many milliseconds of CPU in two seconds, and hold
    /// so many MiB.
    fn said(processes: &[(&str, u64, u64)]) -> Vec<String> {
        let mut snapshot = Snapshot::new(host(), Sources::EbpfAndProc);
        snapshot.tick = 2;
        snapshot.stamp.boot_ns = 100_000_000_000;
        snapshot.stamp.interval_ns = 2_000_000_000;
        snapshot.machine.mem_total_bytes = Some(24 << 30);
        for ((name, cpu_ms, mib), tid) in processes.iter().zip(10..) {
            let id = TaskId { tid, start_ns: 1 };
            let slot = snapshot.threads.insert(Thread {
                id,
                comm: Comm::new(name.as_bytes()),
                uid: Some(7),
                ..Thread::default()
            });
            let process = snapshot.processes.insert(Process {
                id,
                leader: Some(slot),
                members: vec![slot],
                cpu_ns: cpu_ms * 1_000_000 + 5_000_000_000,
                rss: Some(mib << 20),
                change: Change {
                    tick: 2,
                    ran: true,
                    cpu_ns: cpu_ms * 1_000_000,
                    ..Change::default()
                },
                ..Process::default()
            });
            snapshot.threads.get_mut(slot).unwrap().process = process;
            snapshot.changed.push(process);
        }
        let mut said = Vec::new();
        with_context((0.0, 0.0), |context| {
            said = foremost(&snapshot, &largest(&snapshot), context);
            Scene::new(0.0, 0.0, Color(0, 0, 0, 255))
        });
        said
    }

    #[test]
    fn who_has_more_than_all_others_is_named() {
        assert_eq!(
            said(&[("reporter", 660, 4), ("other", 80, 4)]),
            [
                "reporter 10 · user7 uses 0.33 of the 0.37 busy cores (8 % of the machine); in its life of 1 min 37 s before, 0.05 on average."
            ]
        );
        assert_eq!(
            said(&[("w", 300, 0), ("w", 300, 0), ("w", 300, 0), ("x", 500, 0)]),
            ["3 × w · user7 use 0.45 of the 0.70 busy cores (11 % of the machine)."]
        );
        assert_eq!(
            said(&[("cacher", 0, 900), ("session", 0, 40)]),
            [
                "cacher 10 · user7 has 900 MiB of memory, more than all other processes together (4 % of the machine)."
            ]
        );
    }

    /// Most of next to nothing, or the largest of many, is not worth a word.
    #[test]
    fn little_and_equal_shares_are_not_said() {
        assert!(said(&[("a", 190, 200), ("b", 10, 1)]).is_empty());
        assert!(said(&[("a", 900, 300), ("b", 900, 300), ("c", 900, 300)]).is_empty());
    }
}
