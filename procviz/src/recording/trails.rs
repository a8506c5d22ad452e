//! Packs stretches of trails into tables in columns, and unpacks them.

use super::{
    block::MOST_OF_KEYFRAME,
    columns::{Columns, Invalid, TableOut, TablesIn, Words, finish},
    scalars::{comm, flags, maybe_small, small},
};
use crate::{
    model::TaskId,
    trails::{Point, Step, Stretch},
};

/// Numbers of the tables in a block.
const STRETCHES: u8 = 50;
const FIRST: u8 = 51;
const STEPS: u8 = 52;
const POINTS: u8 = 53;

/// Packs stretches into the payload of a block.
pub(super) fn pack(stretches: &[Stretch]) -> Vec<u8> {
    let mut words = Words::new();
    let tables = [STRETCHES, FIRST, STEPS, POINTS].map(TableOut::new);
    let [mut heads, mut firsts, mut steps, mut points] = tables;
    for stretch in stretches {
        let mut amounts = Amounts {
            first: stretch.first.len() as u64,
            steps: stretch.steps.len() as u64,
        };
        let mut head = Stretch {
            first: Vec::new(),
            steps: Vec::new(),
            ..*stretch
        };
        heads.row(&mut words, |row| {
            row_of_stretch(row, &mut head, &mut amounts)
        });
        for first in &stretch.first {
            let mut first = *first;
            firsts.row(&mut words, |row| row_of_first(row, &mut first));
        }
        for step in &stretch.steps {
            let mut count = step.points.len() as u64;
            let mut own = Step {
                points: Vec::new(),
                who: step.who.clone(),
                ..*step
            };
            steps.row(&mut words, |row| row_of_step(row, &mut own, &mut count));
            for point in &step.points {
                let mut point = *point;
                points.row(&mut words, |row| row_of_point(row, &mut point));
            }
        }
    }
    finish(&mut words, &mut [heads, firsts, steps, points])
}

/// Unpacks the payload of a block of trails.
///
/// # Errors
///
/// When the payload is invalid.
pub(super) fn unpack(payload: Vec<u8>) -> Result<Vec<Stretch>, Invalid> {
    if payload.len() > MOST_OF_KEYFRAME {
        return Err(Invalid);
    }
    let mut tables = TablesIn::parse(payload)?;
    let mut stretches = Vec::new();
    for _ in 0..tables.rows(STRETCHES) {
        let (mut stretch, mut amounts) = (Stretch::default(), Amounts::default());
        tables.row(STRETCHES, |row| {
            row_of_stretch(row, &mut stretch, &mut amounts);
        })?;
        // The counts can be wrong, so no memory is reserved for them: reading stops at a
        // row that does not exist.
        for _ in 0..amounts.first {
            let mut first = Default::default();
            tables.row(FIRST, |row| row_of_first(row, &mut first))?;
            stretch.first.push(first);
        }
        for _ in 0..amounts.steps {
            let (mut step, mut count) = (Step::default(), 0);
            tables.row(STEPS, |row| row_of_step(row, &mut step, &mut count))?;
            for _ in 0..count {
                let mut point = Point::default();
                tables.row(POINTS, |row| row_of_point(row, &mut point))?;
                step.points.push(point);
            }
            stretch.steps.push(step);
        }
        stretches.push(stretch);
    }
    Ok(stretches)
}

/// Numbers of rows in the other tables that belong to a stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Amounts {
    first: u64,
    steps: u64,
}

fn row_of_stretch(row: &mut impl Columns, stretch: &mut Stretch, amounts: &mut Amounts) {
    flags(row, [&mut stretch.of_processes]);
    row.rising(&mut stretch.began_ns);
    row.rising(&mut stretch.span_ns.0);
    row.rising(&mut stretch.span_ns.1);
    row.number(&mut amounts.first);
    row.number(&mut amounts.steps);
}

fn row_of_first(row: &mut impl Columns, (id, cpu_ns): &mut (TaskId, u64)) {
    row.task(id);
    row.number(cpu_ns);
}

fn row_of_step(row: &mut impl Columns, step: &mut Step, points: &mut u64) {
    row.task(&mut step.id);
    comm(row, &mut step.who.comm);
    maybe_small(row, &mut step.who.uid);
    row.text(&mut step.who.args);
    let mut interest = u32::from(step.interest);
    small(row, &mut interest);
    match u8::try_from(interest) {
        Ok(interest) => step.interest = interest,
        Err(_) => row.fail(),
    }
    flags(row, [&mut step.is_over]);
    row.number(points);
}

fn row_of_point(row: &mut impl Columns, point: &mut Point) {
    row.rising(&mut point.boot_ns);
    row.rising(&mut point.cpu_ns);
    row.rising(&mut point.rss);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            Comm, Event, Found, Gone, Host, Memory, MemorySizes, Reading, Sample, Scope, Sources,
            Stamp, State, Status, TaskId, ThreadEnd,
        },
        tracker::Tracker,
        trails::{Past, Trails},
    };

    /// Pseudo-random numbers that are the same in every run (Knuth's MMIX).
    struct Noise(u64);

    impl Noise {
        fn below(&mut self, limit: u64) -> u64 {
            let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
            self.0 = next.wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % limit
        }
    }

    /// A machine whose tasks start, use CPU, change their memory and exit.
    struct Machine {
        noise: Noise,
        living: Vec<(TaskId, u64)>,
        now: u64,
    }

    const INTERVAL: u64 = 100_000_000;

    impl Machine {
        fn task(&mut self, sample: &mut Sample, start_ns: u64) {
            let tid = self.noise.below(1 << 22) as u32;
            let id = TaskId { tid, start_ns };
            let cpu_ns = if start_ns < 1_000 {
                self.noise.below(1 << 40)
            } else {
                0
            };
            self.living.push((id, cpu_ns));
            sample.found.push(Found {
                id,
                process: id,
                ppid: 1,
                uid: Some(tid % 3),
                ns_pid: None,
                kthread: false,
                comm: Comm::new(b"task"),
                state: State::Sleeping,
                on_cpu: false,
                in_iowait: false,
                cpu_ns,
                run_delay_ns: Some(0),
                off_cpu_ns: None,
                io: None,
                memory: Some(MemorySizes::new(1 << 20, 1 << 30)),
                is_rough: false,
                threads: 1,
                gone: Gone::default(),
                whole: None,
                cgroup: None,
                watched: true,
            });
        }

        fn sample(&mut self) -> Sample {
            let mut sample = Sample::new(Sources::EbpfAndProc);
            self.now += INTERVAL;
            sample.stamp = Stamp {
                boot_ns: self.now,
                interval_ns: INTERVAL,
            };
            if self.living.is_empty() {
                sample.complete = true;
                (0..40).for_each(|start| self.task(&mut sample, start));
                return sample;
            }
            if self.noise.below(20) == 0 {
                let now = self.now;
                self.task(&mut sample, now - 1_000);
            }
            for _ in 0..8 {
                let index = self.noise.below(self.living.len() as u64) as usize;
                let (id, cpu_ns) = &mut self.living[index];
                *cpu_ns += self.noise.below(120_000_000);
                let (id, cpu_ns) = (*id, *cpu_ns);
                sample.readings.push(Reading {
                    id,
                    uid: None,
                    state: State::Sleeping,
                    on_cpu: false,
                    preempted: false,
                    in_iowait: false,
                    cpu_ns,
                    run_delay_ns: Some(0),
                    wait_max_ns: None,
                    io: None,
                });
                sample.memories.push(Memory {
                    process: id,
                    sizes: MemorySizes::new(self.noise.below(80) << 20, 1 << 30),
                    threads: 1,
                    written: None,
                });
            }
            if self.noise.below(21) == 0 && self.living.len() > 1 {
                let index = self.noise.below(self.living.len() as u64) as usize;
                let (id, cpu_ns) = self.living.swap_remove(index);
                sample.readings.retain(|reading| reading.id != id);
                sample.memories.retain(|memory| memory.process != id);
                sample.events.push(Event::ThreadEnd(ThreadEnd {
                    id,
                    process: id,
                    time_ns: self.now,
                    status: Status(0),
                    cpu_ns: Some(cpu_ns),
                    run_delay_ns: Some(0),
                    io: None,
                    zombie: false,
                    superseded: false,
                    comm: Comm::new(b"task"),
                }));
            }
            sample
        }
    }

    fn picture(trails: &Trails) -> Vec<String> {
        let all = trails.iter().map(|(id, trail)| {
            let points = &trail.points;
            format!(
                "{id:?} {:?} {} {} {points:?}",
                trail.who, trail.interest, trail.is_over
            )
        });
        let mut all: Vec<String> = all.collect();
        all.sort();
        all
    }

    /// A reader that begins at any stretch knows the same trails as a reader of all
    /// samples.
    #[test]
    fn the_past_is_as_it_was_for_those_who_saw_it() {
        let mut machine = Machine {
            noise: Noise(7),
            living: Vec::new(),
            now: 77_000_000_000,
        };
        let host = Host::new("test", 4);
        let mut tracker = Tracker::new(host, Sources::EbpfAndProc);
        let mut all = [Scope::Threads, Scope::Processes].map(Trails::new);
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut late: Vec<[Trails; 2]> = Vec::new();
        let (mut dead, mut most) = (0, 0);
        for _ in 0..25 * 600 {
            tracker.update(&machine.sample());
            let snapshot = tracker.snapshot();
            let over: Vec<Stretch> = all
                .iter_mut()
                .filter_map(|all| all.observe(snapshot))
                .collect();
            late.iter_mut().flatten().for_each(|late| {
                late.observe(snapshot);
            });
            if over.is_empty() {
                continue;
            }
            // Readers that began at an earlier stretch know the same.
            for late in &late {
                for (late, all) in late.iter().zip(&all) {
                    assert!(!all.is_empty());
                    let (late, all) = (picture(late), picture(all));
                    let other = late.iter().zip(&all).find(|(late, all)| late != all);
                    assert!(other.is_none(), "{other:#?}");
                    assert_eq!(late.len(), all.len());
                }
            }
            stretches.extend(unpack(pack(&over)).unwrap());
            assert_eq!(&stretches[stretches.len() - 2..], over.as_slice());
            let past = Past::recalled(&stretches).unwrap();
            let mut new = [Scope::Threads, Scope::Processes].map(|scope| past.of(scope).clone());
            new.iter_mut().for_each(|new| {
                new.observe(snapshot);
            });
            if stretches.len().is_multiple_of(10) {
                late.push(new);
            }
            let points = all[0].iter().map(|(_, trail)| trail.points.len());
            most = most.max(points.max().unwrap_or(0));
            dead = all[0].iter().filter(|(_, trail)| trail.is_over).count();
        }
        assert!(
            late.len() >= 9 && dead == 200,
            "{} late, {dead} dead",
            late.len()
        );
        assert!((600..=1_000).contains(&most), "{most} points");
        stretches.remove(2);
        assert!(Past::recalled(&stretches).is_err(), "a stretch is missing");
    }
}
