//! Plays machines second by second, and looks at what a timeline makes of them.

use proptest::prelude::*;

use super::{
    lanes::{DEEPEST, Lanes, Plan, What},
    lives::Lives,
    *,
};
use crate::{
    chart::golden::{host, with_context},
    model::{
        Change, Comm, End, ExitRecord, KillKind, Killer, Process, Sender, Sources, Stamp, State,
        Status, Thread,
    },
};

const SECOND: u64 = 1_000_000_000;

/// A machine whose processes begin and end with whole seconds.
struct Machine {
    snapshot: Snapshot,
    lives: Lives,
}

impl Machine {
    fn new() -> Self {
        let mut machine = Self {
            snapshot: Snapshot::new(host(), Sources::EbpfAndProc),
            lives: Lives::new(Scope::Processes),
        };
        machine.snapshot.stamp.boot_ns = 100 * SECOND;
        machine.begin(1, 0, "init");
        machine.observe(0);
        machine
    }

    fn begin(&mut self, tid: u32, ppid: u32, name: &str) {
        let id = TaskId {
            tid,
            // Init is older than all that is watched.
            start_ns: match tid {
                1 => 1,
                _ => self.snapshot.stamp.boot_ns + u64::from(tid),
            },
        };
        let slot = self.snapshot.threads.insert(Thread {
            id,
            comm: Comm::new(name.as_bytes()),
            uid: Some(1000),
            state: State::Sleeping,
            ..Thread::default()
        });
        let process = self.snapshot.processes.insert(Process {
            id,
            leader: Some(slot),
            members: vec![slot],
            ppid,
            origin: id,
            ..Process::default()
        });
        self.snapshot.threads.get_mut(slot).unwrap().process = process;
    }

    fn process(&mut self, tid: u32) -> &mut Process {
        let mut all = self.snapshot.processes.iter_mut();
        all.find(|process| process.id.tid == tid).unwrap()
    }

    /// In the next second, the process uses the CPU.
    fn uses(&mut self, tid: u32, cpu_ns: u64) {
        let tick = self.snapshot.tick + 1;
        self.process(tid).change = Change {
            tick,
            ran: true,
            cpu_ns,
            ..Change::default()
        };
    }

    /// In the next second, the process ends.
    fn ends(&mut self, tid: u32, status: u32) {
        let tick = self.snapshot.tick + 1;
        self.process(tid).end = Some(End {
            tick,
            status: Some(Status(status)),
            zombie: false,
        });
    }

    fn observe(&mut self, interval_ns: u64) {
        self.snapshot.tick += 1;
        self.snapshot.stamp = Stamp {
            boot_ns: self.snapshot.stamp.boot_ns + interval_ns,
            interval_ns,
        };
        self.lives.observe(&self.snapshot);
    }

    fn second(&mut self) {
        self.observe(SECOND);
    }

    fn lanes(&self, short_ns: u64) -> (Lanes<'_>, usize) {
        let gather = Gather {
            grouping: Grouping::Tree,
            period: self.lives.period(),
            user: &|_| "anna".to_owned(),
        };
        let plan = Plan {
            period: self.lives.period(),
            short_ns,
            gap_ns: SECOND / 10,
        };
        let (families, idle) = gather.families(&self.lives);
        (plan.lanes(&families), idle)
    }
}

/// Every life is there once: with a bar, in a band, or among those that did nothing.
fn counted((lanes, idle): &(Lanes<'_>, usize)) -> usize {
    let placed = lanes.groups.iter().flat_map(|group| &group.placed);
    let lives = placed.map(|placed| match &placed.what {
        What::Life(_) => 1,
        What::Band(band) => band.lives.len(),
    });
    lives.sum::<usize>() + idle
}

#[test]
fn children_are_below_their_parents() {
    let mut machine = Machine::new();
    machine.begin(10, 1, "make");
    // Parent and child begin in the same second; the child has the smaller slot or not.
    machine.begin(12, 11, "cc1");
    machine.begin(11, 10, "gcc");
    machine.second();
    machine.uses(12, SECOND);
    machine.second();
    let all = machine.lanes(0);
    let lanes = &all.0;
    assert_eq!(lanes.groups.len(), 1, "{lanes:#?}");
    assert_eq!(lanes.groups[0].name, "make 10 · anna");
    let placed = &lanes.groups[0].placed;
    let lane = |tid: u32| placed.iter().find(|of| of.first().tid == tid).unwrap().lane;
    assert!(lane(10) < lane(11) && lane(11) < lane(12));
    // Init did nothing.
    assert_eq!((all.1, counted(&all)), (1, 4));
}

/// Each process starts the next one and ends: thousands of them need few lanes.
#[test]
fn a_long_chain_needs_few_lanes() {
    let mut machine = Machine::new();
    for link in 0..3_000 {
        machine.begin(10 + link, if link == 0 { 1 } else { 9 + link }, "link");
        if link > 0 {
            machine.ends(9 + link, 0);
        }
        machine.second();
    }
    let all = machine.lanes(0);
    let count = all.0.count();
    assert!(count <= DEEPEST + 4, "{count}");
    assert_eq!(counted(&all), 3_001);
}

#[test]
fn short_lives_of_one_name_are_a_band() {
    let mut machine = Machine::new();
    machine.begin(10, 1, "loop");
    for second in 0..20 {
        machine.begin(100 + second, 10, "true");
        machine.uses(100 + second, 3_000_000);
        machine.ends(100 + second, if second < 3 { 256 } else { 0 });
        machine.second();
    }
    let all = machine.lanes(3 * SECOND);
    let placed = &all.0.groups[0].placed;
    assert_eq!(placed.len(), 2, "{placed:#?}");
    let What::Band(band) = &placed[1].what else {
        panic!("{placed:#?}");
    };
    assert_eq!(
        band.words(machine.lives.period()),
        "20 × true, 60 ms CPU, 3 failed"
    );
    assert_eq!(counted(&all), 22);
}

/// Many processes without children are one family, and so are those of one name.
#[test]
fn those_without_children_are_together() {
    for (names, groups) in [(3, 3), (60, 1)] {
        let mut machine = Machine::new();
        for tid in 10..130 {
            machine.begin(tid, 1, &format!("job-{}", tid % names));
            machine.second();
            machine.ends(tid, 0);
        }
        machine.second();
        let all = machine.lanes(0);
        assert_eq!((all.0.groups.len(), counted(&all)), (groups, 121));
    }
}

/// The sum of the shades of a bar is the CPU time of the life.
#[test]
fn shades_sum_up_to_the_cpu_time() {
    let mut machine = Machine::new();
    machine.begin(10, 1, "worker");
    let mut used_ns = 0;
    for second in 0..60 {
        let cpu_ns = (second * 37 % 100) * SECOND / 100;
        machine.uses(10, cpu_ns);
        used_ns += cpu_ns;
        machine.second();
    }
    assert_eq!(
        machine
            .lives
            .iter()
            .find(|life| life.id.tid == 10)
            .unwrap()
            .cpu_ns(machine.lives.period()),
        used_ns
    );
    let scene = draw(&machine, (1600.0, 900.0));
    let palette = Palette::new(Theme::Light, PaletteKind::Default, &Colors::default());
    let share_of = |color| {
        let shades = 1..=32;
        let share = |shade: &u32| f64::from(*shade) / 32.0;
        shades
            .map(|shade| share(&shade))
            .find(|share| palette.shade(Activity::Cpu, *share, true) == color)
    };
    // Below the strips of the machine.
    let bars = scene.items.iter().filter_map(|item| match item {
        Item::Rect { at, color } if at.1 > 160.0 => Some((at.2, share_of(*color)?)),
        _ => None,
    });
    let pixels: f64 = bars.map(|(width, share)| f64::from(width) * share).sum();
    let width = f64::from(1600.0 - margin::width((1600.0, 900.0)) - 10.0 - LEFT - 150.0);
    let shown_ns = pixels / width * 60.0 * SECOND as f64;
    let off = (shown_ns / used_ns as f64 - 1.0).abs();
    assert!(off < 0.02, "{shown_ns} is not {used_ns}");
}

fn draw(machine: &Machine, size: (f32, f32)) -> Scene {
    let mut timeline = Timeline {
        lives: machine.lives.clone(),
        ..Timeline::new(TimelineOptions::default())
    };
    with_context(size, |context| timeline.draw(&machine.snapshot, context))
}

#[test]
fn a_mark_at_the_end_says_how_it_ended() {
    let mut machine = Machine::new();
    for (tid, status) in [(10, 0), (11, 256), (12, 11)] {
        machine.begin(tid, 1, "app");
        machine.second();
        machine.uses(tid, SECOND / 2);
        machine.ends(tid, status);
    }
    machine.second();
    let scene = draw(&machine, (1600.0, 900.0));
    let mark = |tid: u32| scene.marks.iter().find(|mark| mark.id.tid == tid).unwrap();
    assert_eq!(mark(10).shape, Shape::Diamond);
    assert_eq!(mark(11).shape, Shape::Square);
    assert_eq!(mark(12).shape, Shape::Diamond);
    assert_ne!(mark(10).color, mark(12).color);
    let texts: Vec<&str> = scene
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect();
    for words in ["app 11, 500 ms CPU, exit 1", "app 12, 500 ms CPU, SIGSEGV"] {
        assert!(texts.contains(&words), "{words:?} is not in {texts:#?}");
    }
    // Times are places: each ended a second after the one before.
    let (a, b, c) = (mark(10), mark(11), mark(12));
    let end = |mark: &Mark| mark.x - mark.r;
    assert!((end(b) - end(a) - (end(c) - end(b))).abs() < 0.5);
}

/// An arrow leads from the killer to its victim, and words say who it was.
#[test]
fn who_killed_whom_is_drawn() {
    let mut machine = Machine::new();
    machine.begin(10, 1, "oomd");
    machine.begin(11, 1, "worker");
    machine.second();
    machine.uses(10, SECOND / 2);
    machine.uses(11, SECOND / 2);
    machine.ends(11, 9);
    let time_ns = machine.snapshot.stamp.boot_ns + SECOND / 2;
    let killer = machine.process(10).id;
    let victim = machine.process(11);
    victim.exit = Some(Arc::new(ExitRecord {
        process: victim.id,
        time_ns,
        status: Status(9),
        killed_by: Some(Arc::new(Killer {
            kind: KillKind::Process,
            sender: Some(Sender {
                process: killer,
                comm: Comm::new(b"oomd"),
                uid: 0,
            }),
            time_ns,
        })),
        ..ExitRecord::default()
    }));
    machine.second();
    let scene = draw(&machine, (1600.0, 900.0));
    let options = TimelineOptions::default();
    let ink = Palette::new(options.theme, options.palette, &Colors::default()).ink;
    let arrows: Vec<_> = scene
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Line {
                points,
                color,
                width,
            } if *color == ink && *width == 1.5 => Some(points.clone()),
            _ => None,
        })
        .collect();
    let mark = |tid: u32| scene.marks.iter().find(|mark| mark.id.tid == tid).unwrap();
    let [line, head] = arrows.as_slice() else {
        panic!("not an arrow: {arrows:?}");
    };
    let (from, until) = (line[0], line[1]);
    assert!((from.1 - mark(10).y).abs() < (from.1 - mark(11).y).abs());
    assert!((until.1 - mark(11).y).abs() < (until.1 - mark(10).y).abs());
    assert_eq!(head[1], until);
    let texts = scene.items.iter().any(
        |item| matches!(item, Item::Text(text) if text.text.contains("SIGKILL by oomd (pid 10)")),
    );
    assert!(texts, "nobody says who killed the worker");
}

/// A picture of the last seconds shows what was done in them, and nothing from before.
#[test]
fn what_was_before_the_period_is_not_drawn() {
    let mut machine = Machine::new();
    for tid in [10, 11, 12] {
        machine.begin(tid, 1, "app");
    }
    machine.second();
    // One was busy before, one ended before, one is busy from then on.
    for second in 0..20 {
        machine.uses(if second < 10 { 10 } else { 12 }, SECOND);
        if second == 5 {
            machine.ends(11, 0);
        }
        machine.second();
    }
    let until_ns = machine.snapshot.stamp.boot_ns;
    let period = (until_ns - 5 * SECOND - SECOND / 2, until_ns);
    let cpu = |tid: u32| {
        let mut lives = machine.lives.iter();
        let life = lives.find(|life| life.id.tid == tid).unwrap();
        (life.cpu_ns(period), life.within(period).is_some())
    };
    assert_eq!(cpu(10), (0, true));
    assert!(!cpu(11).1);
    // Half of a step that begins before.
    assert_eq!(cpu(12), (5 * SECOND + SECOND / 2, true));
    let gather = Gather {
        grouping: Grouping::Tree,
        period,
        user: &|_| "anna".to_owned(),
    };
    let (families, idle) = gather.families(&machine.lives);
    let shown: Vec<u32> = families
        .iter()
        .flat_map(|family| &family.members)
        .map(|life| life.id.tid)
        .collect();
    assert_eq!((shown, idle), (vec![12], 2));
}

/// What is gone without an end, as after a gap in a recording, ended when it was last seen.
/// A child that begins while a sample is taken, after the time of the sample, has its parent.
#[test]
fn a_child_of_the_last_moment_has_its_parent() {
    let mut machine = Machine::new();
    machine.begin(10, 1, "shell");
    machine.second();
    machine.begin(11, 10, "child");
    machine.observe(0);
    let mut lives = machine.lives.iter();
    let child = lives.find(|life| life.id.tid == 11).unwrap();
    assert!(child.id.start_ns > machine.snapshot.stamp.boot_ns);
    assert_eq!(child.parent.map(|parent| parent.tid), Some(10));
}

#[test]
fn a_process_that_vanishes_does_not_live_on() {
    let mut machine = Machine::new();
    machine.begin(10, 1, "app");
    for _ in 0..3 {
        machine.uses(10, SECOND / 2);
        machine.second();
    }
    let seen_ns = machine.snapshot.stamp.boot_ns;
    let mut slots = machine.snapshot.processes.entries();
    let (slot, _) = slots.find(|(_, process)| process.id.tid == 10).unwrap();
    drop(slots);
    machine.snapshot.processes.remove(slot);
    (0..7).for_each(|_| machine.second());
    let period = machine.lives.period();
    let mut lives = machine.lives.iter();
    let life = lives.find(|life| life.id.tid == 10).unwrap();
    assert_eq!(life.within(period).map(|(_, until)| until), Some(seen_ns));
    let scene = draw(&machine, (1600.0, 900.0));
    let mark = scene.marks.iter().find(|mark| mark.id.tid == 10).unwrap();
    // How it ended is not known: that is no diamond.
    assert_eq!(mark.shape, Shape::Ring);
}

proptest! {
    /// Whatever lives, each is shown once, and no two share a place.
    #[test]
    fn lanes_hold_all_and_nothing_overlaps(
        lives in proptest::collection::vec((0_usize..20, 1_usize..10, 0_usize..40, 0_usize..4), 1..60),
        short in 0_u64..6,
    ) {
        let mut machine = Machine::new();
        for second in 0..30 {
            for (index, (begin, length, parent, name)) in lives.iter().enumerate() {
                let tid = 10 + index as u32;
                if *begin == second {
                    machine.begin(tid, 10 + *parent as u32, ["a", "b", "c", "d"][*name]);
                }
                if begin + length == second {
                    machine.ends(tid, 0);
                }
            }
            machine.second();
        }
        let all = machine.lanes(short * SECOND);
        prop_assert_eq!(counted(&all), lives.len() + 1);
        for group in &all.0.groups {
            let mut taken = vec![0; group.lanes];
            for placed in &group.placed {
                prop_assert!(placed.from_ns >= taken[placed.lane]);
                prop_assert!(placed.from_ns <= placed.until_ns);
                taken[placed.lane] = placed.until_ns;
            }
        }
        let scene = draw(&machine, (900.0, 500.0));
        for mark in scene.marks.iter().filter(|mark| mark.id.tid != 0) {
            prop_assert!(mark.x.is_finite() && mark.y.is_finite());
        }
    }
}
