//! Compares scenes with expected texts. `UPDATE_EXPECT=1 cargo test` updates them.

use std::sync::Arc;

use expect_test::{Expect, expect, expect_file};

use super::{
    ANGLE, Arguments, Bubble, BubbleOptions, Colors, Context, Grid, GridOptions, Grouping, Lines,
    LinesOptions, PaletteKind, Sorting, Theme,
};
use crate::{
    model::{
        Comm, Found, Gone, Host, Io, MemorySizes, Reading, Sample, Scope, Sources, Stamp, State,
        Status, TaskId, ThreadEnd,
    },
    scene::{Font, Scene, dump},
    tracker::Tracker,
};

pub(super) fn id(tid: u32) -> TaskId {
    TaskId {
        tid,
        start_ns: u64::from(tid) * 1_000_000,
    }
}

/// A task in a census: a process if `tid` equals `process`, otherwise a thread of
/// `process`. Task ids below 100 belong to user 0, others to user 1.
pub(super) fn found(tid: u32, process: u32, state: State) -> Found {
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
        memory: Some(MemorySizes::new(u64::from(process) << 20, 1 << 30)),
        is_rough: false,
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

pub(super) fn host() -> Host {
    Host::new("golden", 4)
}

/// A tracker after a census and a sample one second later.
fn watched(tasks: Vec<Found>, second: impl FnOnce(&mut Sample)) -> Tracker {
    let mut tracker = Tracker::new(host(), Sources::EbpfAndProc);
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
    tracker
}

/// Calls `draw` with the context that all charts here use.
pub(super) fn with_context(size: (f32, f32), draw: impl FnOnce(&Context<'_>) -> Scene) -> Scene {
    let font = Font::embedded().unwrap();
    let user = |uid: Option<u32>| -> Arc<str> { format!("user{}", uid.unwrap_or(9)).into() };
    draw(&Context {
        font: &font,
        user: &user,
        time: "TIME".into(),
        is_live: true,
        selection: Vec::new(),
        size,
        arguments: Arguments::Hidden,
    })
}

pub(super) fn grid(grouping: Grouping) -> Grid {
    Grid::new(GridOptions {
        scope: Scope::Threads,
        grouping,
        sorting: Sorting::Start,
        columns: None,
        point_size: 300.0,
        theme: Theme::Light,
        palette: PaletteKind::Default,
        colors: Colors::default(),
        classic: false,
    })
}

/// A grid after a census and a sample one second later.
fn draw(tasks: Vec<Found>, second: impl FnOnce(&mut Sample)) -> Scene {
    let tracker = watched(tasks, second);
    with_context((900.0, 400.0), |context| {
        grid(Grouping::User).draw(tracker.snapshot(), context)
    })
}

fn bubbles(tracker: &Tracker) -> Scene {
    let mut bubble = Bubble::new(BubbleOptions {
        even_axes: false,
        by_rss: false,
        scope: Scope::Processes,
        theme: Theme::Light,
        palette: PaletteKind::Default,
        grouping: Grouping::User,
        user_colors: Vec::new(),
    });
    bubble.observe(tracker.snapshot());
    with_context((1200.0, 700.0), |context| {
        bubble.draw(tracker.snapshot(), context)
    })
}

fn lines(tracker: &Tracker, is_3d: bool) -> Scene {
    let mut lines = Lines::new(LinesOptions {
        is_3d,
        scope: Scope::Threads,
        theme: Theme::Light,
        palette: PaletteKind::Default,
        angle: ANGLE,
    });
    with_context((1200.0, 700.0), |context| {
        lines.observe(tracker.snapshot());
        lines.draw(tracker.snapshot(), context)
    })
}

/// Compares the marks of tasks, and the texts about tasks.
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
            text 16.0,81.0 11 Start #5c6672 user
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
            Disc 1 at 186.0,104.0 r 6.10 #a3adb6
            Disc 2 at 186.0,144.0 r 6.10 #9f141a
            Disc 3 at 318.0,144.0 r 6.10 #70c0a0 spot #ffffff
            Square 4 at 186.0,184.0 r 6.10 #5c6672
            Ring 5 at 318.0,184.0 r 8.00 #5c6672
            Triangle 6 at 186.0,224.0 r 6.10 #bcc5cd
            Disc 7 at 318.0,224.0 r 6.10 #e48f40 spot #ffffff
            Diamond 8 at 186.0,264.0 r 13.80 #efe523
            Disc 9 at 318.0,104.0 r 6.10 #bcc5cd
            Disc 100 at 186.0,314.0 r 18.40 #bcc5cd
            text 568.0,115.0 13 Start #1b2027 task 2 · user0 uses 0.90 of the 1.40 busy cores (22 % of the
            text 652.0,238.0 13 Start #1b2027 0.90 cores  task 2 · user0
            text 652.0,258.0 13 Start #1b2027 100 MiB  task 100 · user1
            text 652.0,278.0 13 Start #1b2027 4 KiB/s read  task 3 · user0
            text 652.0,298.0 13 Start #1b2027 1 in D  task 4 · user0
            text 16.0,97.0 14 Start #1b2027 user0
            text 16.0,307.0 14 Start #1b2027 user1
            text 16.0,81.0 11 Start #5c6672 user
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
                && mark.x + mark.r
                    <= scene.width - super::margin::width((scene.width, scene.height))
                && mark.y - mark.r >= super::head::HEIGHT
                && mark.y + mark.r
                    <= scene.height - super::foot::height((scene.width, scene.height));
            assert!(inside, "{mark:?} of {count}");
        }
    }
}

#[test]
fn sixty_users_fit() {
    let tasks = (1..=60)
        .map(|tid| Found {
            uid: Some(tid),
            ..found(tid, tid, State::Sleeping)
        })
        .collect();
    let scene = draw(tasks, |_| {});
    let tasks: Vec<_> = scene.marks.iter().filter(|mark| mark.id.tid != 0).collect();
    assert_eq!(tasks.len(), 60);
    let bottom = scene.height - super::foot::height((scene.width, scene.height));
    assert!(tasks.iter().all(|mark| mark.y + mark.r <= bottom));
    let names = dump(&scene)
        .lines()
        .filter(|line| line.starts_with("text") && line.contains(" user"))
        // The list of the largest names users, too.
        .filter(|line| !line.contains('·'))
        .count();
    assert_eq!(names, 60);
    // 200 users: the smallest groups share a block, and no task is left out.
    let many = (1..=400)
        .map(|tid| Found {
            uid: Some(tid % 200),
            ..found(tid, tid, State::Sleeping)
        })
        .collect();
    let scene = draw(many, |_| {});
    assert_eq!(
        scene.marks.iter().filter(|mark| mark.id.tid != 0).count(),
        400
    );
    assert!(dump(&scene).contains("groups (80)"), "{}", dump(&scene));
}

#[test]
fn a_bubble_of_each_kind() {
    let mut kernel = found(3, 3, State::Sleeping);
    (kernel.kthread, kernel.memory) = (true, Some(MemorySizes::new(0, 0)));
    let mut huge = found(4, 4, State::Sleeping);
    huge.memory = Some(MemorySizes::new(1 << 30, 5 << 40));
    let tasks = vec![
        found(1, 1, State::Sleeping),
        found(2, 2, State::Sleeping),
        kernel,
        huge,
        found(5, 5, State::Sleeping),
    ];
    let tracker = watched(tasks, |sample| {
        sample.readings = vec![
            ran(2, 500_000_000, 0),
            ran(3, 20_000_000, 0),
            ran(4, 100_000_000, 0),
            ran(5, 100_000, 0),
        ];
    });
    let text = dump(&bubbles(&tracker));
    let marks: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(" at ") && !line.contains(" 0 at "))
        .collect();
    expect![[r#"
        Disc 4 at 485.0,163.7 r 46.00 #008fc578
        Disc 2 at 804.0,522.0 r 3.00 #008fc578
        Disc 3 at 317.4,587.0 r 3.00 #008fc578"#]]
    .assert_eq(&marks.join("\n"));
    assert!(
        text.contains("task 2 · user0") && text.contains("4 TiB"),
        "{text}"
    );
}

#[test]
fn empty_charts_say_so() {
    let tracker = watched(Vec::new(), |_| {});
    assert!(dump(&bubbles(&tracker)).contains("no task used CPU"));
    assert!(dump(&lines(&tracker, false)).contains("no thread used more than 100 ms"));
}

#[test]
fn a_line_for_whoever_used_much() {
    let tasks = vec![
        found(1, 1, State::Sleeping),
        found(2, 2, State::Sleeping),
        found(3, 3, State::Sleeping),
    ];
    let tracker = watched(tasks, |sample| {
        sample.readings = vec![ran(2, 500_000_000, 0), ran(3, 50_000_000, 0)];
    });
    let text = dump(&lines(&tracker, false));
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| {
            (line.contains(" at ") && !line.contains(" 0 at ")) || line.contains("user0")
        })
        .collect();
    expect![[r#"
        Disc 2 at 594.0,115.5 r 3.50 #ccaf4e
        text 868.0,115.0 13 Start #1b2027 task 2 · user0 uses 0.50 of the 0.55 busy cores (12 % of the
        text 952.0,238.0 13 Start #1b2027 0.50 cores  task 2 · user0
        text 952.0,255.0 13 Start #1b2027 0.050 cores  task 3 · user0
        text 952.0,275.0 13 Start #1b2027 3 MiB  task 3 · user0
        text 952.0,292.0 13 Start #1b2027 2 MiB  task 2 · user0
        text 952.0,309.0 13 Start #1b2027 1 MiB  task 1 · user0
        text 616.0,119.5 12 Start #1b2027 task 2 · user0  0.50 cores
        text 616.0,390.8 12 Start #1b2027 task 2 · user0  2 MiB"#]]
    .assert_eq(&kept.join("\n"));
}

#[test]
fn lines_in_3d_show_the_same_tasks() {
    let tasks = vec![found(1, 1, State::Sleeping), found(2, 2, State::Sleeping)];
    let tracker = watched(tasks, |sample| {
        sample.readings = vec![ran(2, 500_000_000, 0)];
    });
    let scenes = [false, true].map(|is_3d| lines(&tracker, is_3d));
    // Marks of the legend have no task.
    let ids = scenes.each_ref().map(|scene| {
        let ids = scene.marks.iter().map(|mark| mark.id);
        ids.filter(|id| id.tid > 0).collect()
    });
    let [flat, in_3d]: [Vec<TaskId>; 2] = ids;
    assert_eq!((flat.len(), &flat), (1, &in_3d));
    let texts = scenes.each_ref().map(dump);
    for (text, axis) in texts.iter().zip([
        "CPU, cores, mean of each interval",
        "CPU time since first seen",
    ]) {
        assert!(text.contains(axis), "{text}");
    }
}

/// The box that a text covers: left, top, right, bottom, in pixels.
fn covered(text: &crate::scene::Text, font: &Font) -> (f32, f32, f32, f32) {
    let width = font.width(&text.text, text.size);
    let left = match text.anchor {
        crate::scene::Anchor::Start => text.x,
        crate::scene::Anchor::Middle => text.x - width / 2.0,
        crate::scene::Anchor::End => text.x - width,
    };
    (
        left,
        text.y - text.size * 0.75,
        left + width,
        text.y + text.size * 0.2,
    )
}

#[test]
fn no_label_lies_over_another_in_any_layout() {
    let font = Font::embedded().unwrap();
    // A generator with a fixed seed, so that a failure can be reproduced.
    let mut seed = 7u64;
    let mut next = move |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for layout in 0..200 {
        let count = 5 + next(296) as u32;
        let tasks: Vec<Found> = (1..=count)
            .map(|tid| Found {
                uid: Some(tid % 7),
                memory: Some(MemorySizes::new(next(1 << 32), 1 << (20 + next(20)))),
                is_rough: false,
                ..found(tid, tid, State::Sleeping)
            })
            .collect();
        let sizes: Vec<u64> = tasks.iter().map(|task| task.memory.unwrap().rss).collect();
        let shares: Vec<u64> = (0..count).map(|_| next(2_000_000_000)).collect();
        let tracker = watched(tasks, |sample| {
            sample.readings = (1..=count)
                .map(|tid| ran(tid, shares[tid as usize - 1], 0))
                .collect();
        });
        let scene = bubbles(&tracker);
        let names: Vec<_> = scene
            .items
            .iter()
            .filter_map(|item| match item {
                crate::scene::Item::Text(text) if text.text.contains(" user") => {
                    Some(covered(text, &font))
                }
                _ => None,
            })
            .collect();
        assert!(
            names.len() >= 5.min(count as usize),
            "layout {layout}: {} names",
            names.len()
        );
        for (index, a) in names.iter().enumerate() {
            assert!(a.0 >= 0.0 && a.2 <= scene.width && a.1 >= 0.0 && a.3 <= scene.height);
            for b in &names[index + 1..] {
                let apart = a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1;
                assert!(apart, "layout {layout}: {a:?} over {b:?}");
            }
        }
        let marks: Vec<_> = scene.marks.iter().filter(|mark| mark.id.tid != 0).collect();
        let largest = marks.iter().map(|mark| mark.r).fold(0.0, f32::max);
        let most = *sizes.iter().max().unwrap() as f32;
        for mark in marks {
            let inside = mark.x - mark.r >= 84.0
                && mark.x + mark.r
                    <= scene.width - super::margin::width((scene.width, scene.height))
                && mark.y - mark.r >= super::head::HEIGHT
                && mark.y + mark.r
                    <= scene.height - super::foot::height((scene.width, scene.height));
            assert!(inside, "layout {layout}: {mark:?} leaves the plot");
            let part = sizes[mark.id.tid as usize - 1] as f32 / most;
            let area = (mark.r / largest).powi(2);
            assert!(
                mark.r <= 3.0 || (area / part - 1.0).abs() < 0.01,
                "layout {layout}: area {area} of RSS {part}"
            );
        }
    }
}

/// The machines to draw, each after one second.
fn cases() -> Vec<(&'static str, Tracker)> {
    let sleeping = |tid: u32| found(tid, tid, State::Sleeping);
    let of_user = |tid: u32, uid: u32| Found {
        uid: Some(uid),
        ..sleeping(tid)
    };
    // The first 50 tasks are busy, so that they have bubbles and lines.
    let busy = |tasks: Vec<Found>| {
        let tids: Vec<u32> = tasks.iter().map(|task| task.id.tid).take(50).collect();
        watched(tasks, |sample| {
            let share = |tid: u32| u64::from(tid % 9 + 1) * 110_000_000;
            sample
                .readings
                .extend(tids.iter().map(|tid| ran(*tid, share(*tid), 0)));
        })
    };
    let mut long = sleeping(1);
    long.comm = Comm::new(b"fifteen-letters-and-more");
    let mut empty = sleeping(1);
    empty.memory = Some(MemorySizes::new(0, 1 << 30));
    let mut huge = sleeping(1);
    huge.memory = Some(MemorySizes::new(1 << 30, 5 << 40));
    vec![
        ("empty", busy(Vec::new())),
        ("one", busy(vec![sleeping(1)])),
        ("two-thousand", busy((1..=2_000).map(sleeping).collect())),
        (
            "a-user-with-one",
            busy(
                (1..=40)
                    .map(|tid| of_user(tid, u32::from(tid == 7)))
                    .collect(),
            ),
        ),
        ("a-long-name", busy(vec![long])),
        ("no-memory", busy(vec![empty])),
        ("five-tib", busy(vec![huge, sleeping(2)])),
        (
            "one-user",
            busy((1..=300).map(|tid| of_user(tid, 5)).collect()),
        ),
        (
            "sixty-users",
            busy((1..=240).map(|tid| of_user(tid, tid % 60)).collect()),
        ),
    ]
}

#[test]
fn each_chart_of_each_machine() {
    for (name, tracker) in cases() {
        let grid = with_context((900.0, 400.0), |context| {
            grid(Grouping::User).draw(tracker.snapshot(), context)
        });
        let charts = [
            ("grid", grid),
            ("bubble", bubbles(&tracker)),
            ("lines", lines(&tracker, false)),
        ];
        for (chart, scene) in charts {
            expect_file![format!("golden/{chart}-{name}.txt")].assert_eq(&dump(&scene));
        }
    }
}
