//! Finds the processes that use most: they are named in every picture, also when nothing
//! stands out.

mod counted;
mod foremost;
mod group;
mod measure;

use rustc_hash::FxHashMap;

use self::{counted::Counted, group::Group};
pub(crate) use self::{foremost::foremost, measure::Measure};
use super::Context;
use crate::model::{Comm, Direction, Process, Snapshot, TaskId, duration_text, many_text};

/// Number of entries of each kind.
const SHOWN: usize = 3;
/// Number of those with most CPU where nearly all CPUs are busy: there, several together are
/// often the cause, and the builds beside them use more than each of them.
const SHOWN_OF_BUSY: usize = 6;

/// A smaller part of the largest is not listed, if it is small.
const NOISE: f64 = 0.05;

/// A smaller peak is not worth a word, cores.
const LEAST_PEAK: f64 = 0.05;

/// The processes and groups that have most of one measure, largest first.
#[derive(Clone, Debug)]
pub(crate) struct Largest {
    pub(crate) measure: Measure,
    pub(crate) entries: Vec<Entry>,
    /// What all processes have of it.
    total: f64,
}

/// A process, or a group of processes with the same name and user.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) measure: Measure,
    /// The figure with its unit.
    pub(crate) figure: String,
    /// The value of the figure: ns, bytes, threads or starts in the interval.
    value: f64,
    /// The figure is too small to stand out.
    pub(crate) is_small: bool,
    /// Number of processes.
    pub(crate) count: u64,
    /// `name pid`, or `30 × name`.
    pub(crate) who: String,
    pub(crate) uid: Option<u32>,
    /// The process, or the largest of the group.
    pub(crate) about: TaskId,
}

impl Entry {
    /// The entry as a line of text: `0.33 cores  reporter 42 · www-data`.
    pub(crate) fn line(&self, context: &Context<'_>) -> String {
        let who = context.with_user(&self.who, self.uid);
        format!("{}  {who}", self.figure)
    }
}

/// The largest of each measure.
pub(crate) fn largest(snapshot: &Snapshot) -> Vec<Largest> {
    let counted = Counted::new(snapshot);
    let of = |measure| {
        let (entries, total) = entries(measure, snapshot, &counted);
        Largest {
            measure,
            entries,
            total,
        }
    };
    Measure::ALL.into_iter().map(of).collect()
}

/// A process or group before its texts are made.
struct Found<'a> {
    value: f64,
    /// Bytes that were read, if the measure is IO.
    read: f64,
    count: u64,
    /// The process, or the largest of the group.
    process: &'a Process,
    name: Comm,
    uid: Option<u32>,
}

/// The entries of a measure, and what all processes have of it.
fn entries(measure: Measure, snapshot: &Snapshot, counted: &Counted) -> (Vec<Entry>, f64) {
    let seconds = snapshot.stamp.interval_ns as f64 / 1e9;
    if seconds <= 0.0 && measure != Measure::Memory {
        return (Vec::new(), 0.0);
    }
    let mut found = found(measure, snapshot, counted);
    let total = found.iter().map(|found| found.value).sum();
    let by_value = |a: &Found<'_>, b: &Found<'_>| {
        let by_value = b.value.total_cmp(&a.value);
        by_value.then_with(|| a.process.id.cmp(&b.process.id))
    };
    let shown = match measure {
        Measure::Cpu if snapshot.saturated().is_some() => SHOWN_OF_BUSY,
        _ => SHOWN,
    };
    if found.len() > shown {
        found.select_nth_unstable_by(shown, by_value);
        found.truncate(shown);
    }
    found.sort_by(by_value);
    // Next to the first, what is hardly anything is noise.
    if let Some(least) = found.first().map(|first| first.value * NOISE) {
        found.retain(|found| found.value >= least || !measure.is_small(found.value, seconds));
    }
    let entry = |found: Found<'_>| {
        let Found {
            value,
            read,
            count,
            process,
            ..
        } = found;
        let name = found.name.text().picture();
        let mut figure = measure.figure(value, seconds);
        if measure == Measure::Io {
            figure.push_str(Direction::of(read, value).after_rate());
        }
        let peak = peak(measure, snapshot, process.id, value / 1e9 / seconds);
        if let Some(peak) = peak.filter(|_| count == 1) {
            figure.push_str(&peak);
        }
        if measure == Measure::CpuBefore && count == 1 {
            let lived = snapshot.sums_from_ns().saturating_sub(process.id.start_ns);
            figure.push_str(&format!(" over {}", duration_text(lived)));
        }
        Entry {
            measure,
            count,
            figure,
            value,
            is_small: measure.is_small(value, seconds),
            who: match count {
                1 => format!("{name} {}", process.id.tid),
                many => many_text(many, &name),
            },
            uid: found.uid,
            about: process.id,
        }
    };
    (found.into_iter().map(entry).collect(), total)
}

fn found<'a>(measure: Measure, snapshot: &'a Snapshot, counted: &Counted) -> Vec<Found<'a>> {
    let mut groups: FxHashMap<(Comm, Option<u32>), Group<'_>> = FxHashMap::default();
    let mut add = |process: &'a Process| {
        // What procviz itself uses is at the bottom of each picture.
        if snapshot.is_own(process) || (process.end.is_some() && measure == Measure::Memory) {
            return;
        }
        let Some(value) = measure.of(process, snapshot, counted) else {
            return;
        };
        let thread = snapshot.main_thread(process);
        if let Some(thread) = thread.filter(|thread| !thread.hidden) {
            let key = (snapshot.name_of(process), thread.uid);
            let group = groups.entry(key).or_default();
            group.sum += value;
            group.members.push((value, process));
        }
    };
    match measure.is_of_all(snapshot, counted) {
        true => snapshot.processes.iter().for_each(add),
        false => {
            let changed = snapshot.changed.iter();
            let changed = changed.filter_map(|slot| snapshot.processes.get(*slot));
            changed.for_each(&mut add);
        }
    }
    let mut all = Vec::new();
    for ((name, uid), mut group) in groups {
        let one = |(value, process): (f64, &'a Process)| Found {
            value,
            read: read_in(process, snapshot),
            count: 1,
            process,
            name,
            uid,
        };
        if measure == Measure::Memory {
            all.extend(group.leave_the_small().into_iter().map(one));
        }
        match group.largest().filter(|_| group.is_many()) {
            Some(largest) => all.push(Found {
                value: match measure {
                    Measure::Memory => group.shared_once(),
                    _ => group.sum,
                },
                read: {
                    let members = group.members.iter();
                    members.map(|(_, process)| read_in(process, snapshot)).sum()
                },
                count: group.members.len() as u64,
                ..one((0.0, largest))
            }),
            None => all.extend(group.members.into_iter().map(one)),
        }
    }
    all
}

/// What a process read in the interval, bytes.
fn read_in(process: &Process, snapshot: &Snapshot) -> f64 {
    match process.change.tick == snapshot.tick {
        true => f64::from(process.change.read_kib) * 1024.0,
        false => 0.0,
    }
}

/// The most that a process used in one interval of a period, where that is more than twice
/// the mean.
fn peak(measure: Measure, snapshot: &Snapshot, id: TaskId, cores: f64) -> Option<String> {
    let peak = *snapshot.peaks.as_ref()?.get(&id)?;
    let is_worth_it = measure == Measure::Cpu && peak > cores * 2.0 && peak >= LEAST_PEAK;
    is_worth_it.then(|| format!(" (peak {peak:.2})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chart::golden::{found, host},
        model::{Sample, Sources, Stamp, State},
        tracker::Tracker,
    };

    const SECOND: u64 = 1_000_000_000;

    /// Only a still picture has something before it: in a live view the last interval follows
    /// those that were shown.
    #[test]
    fn cpu_before_is_for_still_pictures() {
        let mut tracker = Tracker::new(host(), Sources::EbpfAndProc);
        let mut sample = Sample::new(Sources::EbpfAndProc);
        sample.found = vec![found(1, 1, State::Sleeping), found(2, 2, State::Sleeping)];
        sample.found[0].cpu_ns = 25 * SECOND;
        sample.complete = true;
        for second in [100, 101] {
            sample.stamp = Stamp {
                boot_ns: second * SECOND,
                interval_ns: SECOND,
            };
            tracker.update(&sample);
            sample.found[0].cpu_ns += 1_000_000;
        }
        let mut snapshot = tracker.take_snapshot();
        let before = |snapshot: &Snapshot| {
            let all = largest(snapshot).into_iter();
            let mut of = all.filter(|of| of.measure == Measure::CpuBefore);
            of.next().unwrap().entries
        };
        assert!(before(&snapshot).is_empty());
        snapshot.peaks = Some(Default::default());
        let entries = before(&snapshot);
        assert_eq!(entries.len(), 1);
        let text = format!("{} {}", entries[0].figure, entries[0].who);
        assert_eq!(text, "0.25 cores over 1 min 39 s task 1");
    }

    /// Where all CPUs are busy, those who use less than the largest are part of the cause, too.
    #[test]
    fn more_are_listed_where_the_cpus_are_busy() {
        for (busy_ns, count) in [(SECOND, 3), (4 * SECOND, 6)] {
            let mut tracker = Tracker::new(host(), Sources::EbpfAndProc);
            let mut sample = Sample::new(Sources::EbpfAndProc);
            sample.complete = true;
            sample.found = (1..=8)
                .map(|tid| found(tid, tid, State::Sleeping))
                .collect();
            for (task, name) in sample.found.iter_mut().zip(b'a'..) {
                task.comm = Comm::new(&[name]);
            }
            for second in [100, 101] {
                sample.stamp = Stamp {
                    boot_ns: second * SECOND,
                    interval_ns: SECOND,
                };
                sample.machine.cpu_busy_ns = Some(busy_ns);
                tracker.update(&sample);
                for task in &mut sample.found {
                    task.cpu_ns += u64::from(task.id.tid) * 10_000_000;
                }
            }
            let snapshot = tracker.take_snapshot();
            assert!(snapshot.host.cpus <= 4);
            let all = largest(&snapshot);
            let cpu = all.iter().find(|of| of.measure == Measure::Cpu).unwrap();
            assert_eq!(cpu.entries.len(), count);
            assert_eq!(cpu.entries[0].who, "h 8");
        }
    }
}
