//! Tests that a task keeps its place in the picture while it runs on the machine.

use std::collections::{HashMap, HashSet};

use super::{CellGrid, Colors, Grouping, Palette, PaletteKind, Sorting, Theme, cells::Dot, golden};
use crate::{
    model::{
        Event, Found, Sample, Scope, Snapshot, Sources, Stamp, State, Status, TaskId, ThreadEnd,
    },
    tracker::Tracker,
};

const FRAMES: u32 = 25;
/// Number of threads that start in each frame and exit in the next frame: 200, or
/// on a small machine 60, the number of short-lived tasks that a grid shows.
fn churn(many: u32) -> u32 {
    if many > 1_000 { 200 } else { 60 }
}

/// Simulates two users. One has `many` tasks, and up to 200 short-lived threads per
/// second. In second 10, 500 threads of user `burst` start at once. Calls `look`
/// with each snapshot.
fn machine(many: u32, burst: u32, mut look: impl FnMut(u32, &Snapshot)) {
    let mut tasks: Vec<_> = (1..100)
        .map(|tid| golden::found(tid, tid, State::Sleeping))
        .collect();
    tasks.extend((100..100 + many).map(|tid| golden::found(tid, tid, State::Sleeping)));
    let mut tracker = Tracker::new(golden::host(), Sources::EbpfAndProc);
    let mut sample = Sample::new(Sources::EbpfAndProc);
    sample.found = tasks;
    sample.complete = true;
    let (mut next, churn) = (20_000, churn(many));
    let mut living: Vec<u32> = Vec::new();
    for frame in 0..FRAMES {
        sample.stamp = Stamp {
            boot_ns: 1_000_000_000 * u64::from(30 + frame),
            interval_ns: 1_000_000_000 * u64::from(frame.min(1)),
        };
        sample.events = living.drain(..).map(end).collect();
        if frame > 0 {
            sample.found = (next..next + churn)
                .map(|tid| golden::found(tid, 200, State::Sleeping))
                .collect();
            living.extend(next..next + churn);
            next += churn;
        }
        if frame == 10 {
            sample.found.extend((next..next + 500).map(|tid| Found {
                uid: Some(burst),
                ..golden::found(tid, 200, State::Sleeping)
            }));
            next += 500;
        }
        tracker.update(&sample);
        sample.clear();
        look(frame, tracker.snapshot());
    }
}

fn end(tid: u32) -> Event {
    Event::ThreadEnd(ThreadEnd {
        id: golden::id(tid),
        process: golden::id(200),
        time_ns: 0,
        status: Status(0),
        cpu_ns: Some(1_000),
        run_delay_ns: Some(0),
        io: None,
        zombie: false,
        superseded: false,
        comm: crate::model::Comm::new(b"task"),
    })
}

/// Number of frames in which a task that existed from the start has moved.
fn moves<P: PartialEq + Copy>(
    frames: &mut Vec<HashMap<TaskId, P>>,
    places: impl Iterator<Item = (TaskId, P)>,
) -> usize {
    frames.push(places.filter(|(id, _)| id.tid < 20_000).collect());
    let changed = frames.windows(2).filter(|pair| pair[0] != pair[1]);
    changed.count()
}

/// User ids of the burst: the user with few tasks, the user with many tasks, and a
/// new user.
const BURSTS: [u32; 3] = [0, 1, 7];

#[test]
fn dots_stay_where_they_are() {
    for burst in BURSTS {
        for (many, size) in [
            (15_000, (1200.0, 800.0)),
            (15_000, (1600.0, 1000.0)),
            (15_000, (640.0, 480.0)),
            (200, (1200.0, 800.0)),
        ] {
            let mut grid = golden::grid(Grouping::User).stable();
            let (mut frames, mut moved, mut all) = (Vec::new(), 0, 0);
            machine(many, burst, |_, snapshot| {
                let scene = golden::with_context(size, |context| grid.draw(snapshot, context));
                let dots = scene.marks.iter().map(|mark| (mark.id, (mark.x, mark.y)));
                moved = moves(&mut frames, dots);
                all = scene.marks.len();
            });
            let first = many as usize + 99;
            assert_eq!(
                frames[0].len(),
                first + 1,
                "the legend has marks without a task"
            );
            assert!(all > first + 500, "the burst is not shown: {all} marks");
            assert_eq!(moved, 0, "{many} {size:?}, burst of {burst}");
        }
    }
}

#[test]
fn cells_stay_where_they_are() {
    let palette = Palette::new(Theme::Dark, PaletteKind::Default, &Colors::default());
    for burst in BURSTS {
        // The last case needs scrolling.
        for (many, room) in [
            (15_000, (190, 100)),
            (15_000, (110, 90)),
            (200, (80, 26)),
            (15_000, (80, 24)),
        ] {
            let sorting = Sorting::Start;
            let mut grid = CellGrid::new(Scope::Threads, Grouping::User, sorting, palette.clone());
            let (mut frames, mut moved, mut all) = (Vec::new(), 0, 0);
            machine(many, burst, |_, snapshot| {
                let mut cells = None;
                golden::with_context((0.0, 0.0), |context| {
                    cells = Some(grid.draw(snapshot, context, room).0);
                    crate::scene::Scene::new(1.0, 1.0, crate::scene::Color(0, 0, 0, 0))
                });
                let cells = cells.unwrap();
                let dots = cells.dots.iter().map(|dot| (dot.id, (dot.column, dot.row)));
                moved = moves(&mut frames, dots);
                all = cells.dots.len();
                let place = |dot: &Dot| (dot.column, dot.row);
                let places: HashSet<_> = cells.dots.iter().map(place).collect();
                assert_eq!(places.len(), all, "two tasks in one cell");
            });
            let first = many as usize + 99;
            let seen = (frames[0].len(), moved);
            assert_eq!(seen, (first, 0), "{many} {room:?}, burst of {burst}");
            assert!(all > first + 500, "the burst is not shown: {all} marks");
        }
    }
}
