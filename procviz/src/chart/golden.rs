//! Scenes as text: `UPDATE_EXPECT=1 cargo test` blesses what changed.

use std::sync::Arc;

use expect_test::{Expect, expect};

use super::{Arguments, Colors, Context, Grid, GridOptions, Grouping, PaletteKind, Theme};
use crate::{
    model::{
        Comm, Found, Gone, Host, Io, Reading, Sample, Scope, Sources, Stamp, State, Status, TaskId,
        ThreadEnd,
    },
    scene::{Font, Scene, dump},
    tracker::Tracker,
};

fn id(tid: u32) -> TaskId {
    TaskId {
        tid,
        start_ns: u64::from(tid) * 1_000_000,
    }
}

/// A process of user 0, or a thread of process 1.
fn found(tid: u32, process: u32, state: State) -> Found {
    Found {
        id: id(tid),
        process: id(process),
        ppid: 1,
        uid: Some(u32::from(tid >= 100)),
        ns_pid: Some(tid),
        kthread: false,
        comm: Comm::new(b"task"),
        state,
        on_cpu: false,
        in_iowait: false,
        cpu_ns: 0,
        run_delay_ns: Some(0),
        off_cpu_ns: Some(0),
        io: Some(Io::default()),
        memory: Some((u64::from(process) << 20, 1 << 30)),
        threads: 1,
        gone: Gone::default(),
        whole: None,
        cgroup: None,
        watched: true,
    }
}

fn ran(tid: u32, cpu_ns: u64, io: u64) -> Reading {
    Reading {
        id: id(tid),
        uid: None,
        state: State::Sleeping,
        on_cpu: false,
        preempted: false,
        in_iowait: false,
        cpu_ns,
        run_delay_ns: Some(0),
        wait_max_ns: None,
        io: Some(Io { read: io, write: 0 }),
    }
}

/// The scene after a census and one second.
fn draw(tasks: Vec<Found>, second: impl FnOnce(&mut Sample)) -> Scene {
    let host = Host {
        name: "golden".into(),
        cpus: 4,
        page_bytes: 4096,
        tick_ns: 10_000_000,
        boot_wall_ns: 0,
    };
    let mut tracker = Tracker::new(host, Sources::EbpfAndProc);
    let mut sample = Sample::new(Sources::EbpfAndProc);
    sample.stamp = Stamp {
        boot_ns: 1_000_000_000,
        interval_ns: 0,
    };
    sample.found = tasks;
    sample.complete = true;
    tracker.update(&sample);
    sample.clear();
    sample.stamp = Stamp {
        boot_ns: 2_000_000_000,
        interval_ns: 1_000_000_000,
    };
    second(&mut sample);
    tracker.update(&sample);
    let font = Font::embedded().unwrap();
    let user = |uid: Option<u32>| -> Arc<str> { format!("user{}", uid.unwrap_or(9)).into() };
    let context = Context {
        font: &font,
        user: &user,
        time: "TIME".into(),
        size: (900.0, 400.0),
        arguments: Arguments::Hidden,
    };
    let options = GridOptions {
        scope: Scope::Threads,
        grouping: Grouping::User,
        columns: None,
        point_size: 300.0,
        theme: Theme::Light,
        palette: PaletteKind::Default,
        colors: Colors::default(),
        classic: false,
    };
    Grid::new(options).draw(tracker.snapshot(), &context)
}

/// The marks that stand for tasks, and the texts that are about them.
fn check(scene: &Scene, expected: &Expect) {
    let text = dump(scene);
    let is_kept = |line: &&str| {
        let is_task = line.contains(" at ") && !line.contains(" 0 at ");
        is_task || line.contains("user") || line.contains("ended") || line.contains("nothing")
    };
    let kept: Vec<&str> = text.lines().filter(is_kept).collect();
    expected.assert_eq(&format!("{}\n", kept.join("\n")));
}

#[test]
fn an_empty_machine() {
    let scene = draw(Vec::new(), |_| {});
    check(
        &scene,
        &expect![[r#"
            text 568.0,115.0 13 Start #5c6672 nothing in 1 s (too short for: cpu, waiting, growth, burst, deaths)
        "#]],
    );
}

#[test]
fn each_activity_and_state() {
    let tasks = vec![
        found(1, 1, State::Sleeping),
        found(2, 2, State::Sleeping),
        found(3, 3, State::Sleeping),
        found(4, 4, State::Blocked),
        found(5, 5, State::Zombie),
        found(6, 6, State::Stopped),
        found(7, 7, State::Sleeping),
        found(8, 8, State::Sleeping),
        found(9, 1, State::Sleeping),
        found(100, 100, State::Sleeping),
    ];
    let scene = draw(tasks, |sample| {
        sample.readings = vec![
            ran(1, 1_000, 0),
            ran(2, 900_000_000, 0),
            ran(3, 0, 4096),
            ran(7, 500_000_000, 4096),
        ];
        sample
            .events
            .push(crate::model::Event::ThreadEnd(ThreadEnd {
                id: id(8),
                process: id(8),
                time_ns: 0,
                status: Status(9),
                cpu_ns: Some(0),
                run_delay_ns: None,
                io: None,
                zombie: false,
                superseded: false,
                comm: Comm::new(b"task"),
            }));
    });
    check(
        &scene,
        &expect![[r#"
            Disc 1 at 180.4,98.4 r 3.83 #a3adb6
            Disc 2 at 209.3,98.4 r 3.83 #9f141a
            Disc 3 at 238.2,98.4 r 3.83 #00ba81 spot #ffffff
            Square 4 at 267.0,98.4 r 3.83 #bcc5cd
            Ring 5 at 295.9,98.4 r 5.77 #5c6672
            Triangle 6 at 324.8,98.4 r 3.83 #bcc5cd
            Disc 7 at 353.6,98.4 r 3.83 #e48f40 spot #ffffff
            Diamond 8 at 382.5,98.4 r 3.83 #efe523
            Disc 9 at 411.4,98.4 r 3.83 #bcc5cd
            Disc 100 at 180.4,140.4 r 11.55 #bcc5cd
            text 568.0,115.0 13 Start #5c6672 nothing in 1 s (too short for: cpu, waiting, growth, burst, deaths)
            text 16.0,97.0 14 Start #1b2027 user0
            text 156.0,112.0 12 End #5c6672 +1 ended
            text 16.0,139.0 14 Start #1b2027 user1
        "#]],
    );
}

#[test]
fn no_mark_leaves_the_picture_and_no_text_its_edges() {
    for count in [1, 20, 2_000, 20_000] {
        let scene = draw(
            (1..=count)
                .map(|tid| found(tid, tid, State::Sleeping))
                .collect(),
            |_| {},
        );
        let tasks = scene.marks.iter().filter(|mark| mark.id.tid != 0);
        assert_eq!(tasks.clone().count(), count as usize);
        for mark in tasks {
            let inside = mark.x - mark.r >= 0.0
                && mark.x + mark.r <= scene.width - super::margin::WIDTH
                && mark.y - mark.r >= super::head::HEIGHT
                && mark.y + mark.r <= scene.height - super::foot::HEIGHT;
            assert!(inside, "{mark:?} of {count}");
        }
    }
}
