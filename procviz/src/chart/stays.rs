//! Who stays on the machine stays at the same place of the picture.

use std::collections::HashMap;

use super::{CellGrid, Colors, Grouping, Palette, PaletteKind, Sorting, Theme, golden};
use crate::{
    model::{Event, Sample, Scope, Snapshot, Sources, Stamp, State, Status, TaskId, ThreadEnd},
    tracker::Tracker,
};

const FRAMES: u32 = 40;
/// Threads that are born in each frame, and end in the next.
const CHURN: u32 = 200;

/// A user with 15,000 tasks and one with 500; 200 short lives a second, 500
/// threads at once in the tenth second. `look` sees each snapshot.
fn machine(mut look: impl FnMut(u32, &Snapshot)) {
    let mut tasks: Vec<_> = (1..100)
        .map(|tid| golden::found(tid, tid, State::Sleeping))
        .collect();
    tasks.extend((100..15_100).map(|tid| golden::found(tid, tid, State::Sleeping)));
    let mut tracker = Tracker::new(golden::host(), Sources::EbpfAndProc);
    let mut sample = Sample::new(Sources::EbpfAndProc);
    sample.found = tasks;
    sample.complete = true;
    let mut next = 20_000;
    let mut living: Vec<u32> = Vec::new();
    for frame in 0..FRAMES {
        sample.stamp = Stamp {
            boot_ns: 1_000_000_000 * u64::from(30 + frame),
            interval_ns: 1_000_000_000 * u64::from(frame.min(1)),
        };
        sample.events = living.drain(..).map(end).collect();
        if frame > 0 {
            let born = match frame {
                10 => CHURN + 500,
                _ => CHURN,
            };
            sample.found = (next..next + born)
                .map(|tid| golden::found(tid, 200, State::Sleeping))
                .collect();
            living.extend(next..next + CHURN);
            next += born;
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

/// Frames in which somebody who was there from the start has moved.
fn moves<P: PartialEq + Copy>(
    frames: &mut Vec<HashMap<TaskId, P>>,
    places: impl Iterator<Item = (TaskId, P)>,
) -> usize {
    frames.push(places.filter(|(id, _)| id.tid < 20_000).collect());
    let changed = frames.windows(2).filter(|pair| pair[0] != pair[1]);
    changed.count()
}

#[test]
fn dots_stay_where_they_are() {
    let mut grid = golden::grid(Grouping::User).steady();
    let (mut frames, mut moved) = (Vec::new(), 0);
    machine(|_, snapshot| {
        let scene = golden::with_context((1200.0, 800.0), |context| grid.draw(snapshot, context));
        let dots = scene.marks.iter().map(|mark| (mark.id, (mark.x, mark.y)));
        moved = moves(&mut frames, dots);
    });
    assert_eq!(
        frames[0].len(),
        15_099 + 1,
        "the legend has marks of nobody"
    );
    assert_eq!(moved, 0);
}

#[test]
fn cells_stay_where_they_are() {
    let palette = Palette::new(Theme::Dark, PaletteKind::Default, &Colors::default());
    let mut grid = CellGrid::new(Scope::Threads, Grouping::User, Sorting::Start, palette);
    let (mut frames, mut moved) = (Vec::new(), 0);
    machine(|_, snapshot| {
        let mut cells = None;
        golden::with_context((0.0, 0.0), |context| {
            cells = Some(grid.draw(snapshot, context, (190, 100)).0);
            crate::scene::Scene::new(1.0, 1.0, crate::scene::Color(0, 0, 0, 0))
        });
        let cells = cells.unwrap();
        let dots = cells.dots.iter().map(|dot| (dot.id, (dot.column, dot.row)));
        moved = moves(&mut frames, dots);
    });
    assert_eq!((frames[0].len(), moved), (15_099, 0));
}
