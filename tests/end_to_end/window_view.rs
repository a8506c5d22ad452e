//! Tests the live view in a window on a display of its own, with pointer and keys.

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{
        Folder, Running, Value, has_program, living, output, procviz, skip, started, workload,
    },
    timeline::Spikes,
    window::{Places, Screen, Shown, display},
};

pub(crate) const TESTS: &[Test] = &[
    ("hover_click_and_death", Needs::Events, || {
        display(hover_click_and_death)
    }),
    ("fast_clicks_and_keys_are_not_lost", Needs::Nothing, || {
        display(fast)
    }),
    ("a_heat_map_has_stripes", Needs::Events, || {
        display(a_heat_map)
    }),
    (
        "the_time_bar_seeks_in_both_directions",
        Needs::Events,
        || display(time_bar),
    ),
    ("the_table_and_the_dots_are_one", Needs::Events, || {
        display(table)
    }),
    ("zoom_and_drag", Needs::Nothing, || display(zoom)),
    ("twice_the_points", Needs::Nothing, || {
        display(twice_the_points)
    }),
    (
        "a_window_is_not_larger_than_the_screen",
        Needs::Nothing,
        || display(larger_than_the_screen),
    ),
    ("ends", Needs::Nothing, || display(ends)),
    ("wayland", Needs::Nothing, wayland),
    ("a_display_that_disappears", Needs::Nothing, || {
        display(goes_away)
    }),
];

fn child() -> Running {
    started(&mut workload(&["named", "6b6e6f776e", "known"]))
}

fn hover_click_and_death() -> Result<(), Failed> {
    let screen = Screen::new();
    let children = [child(), child(), child()];
    let shown = Shown::new(&screen, &["--require-ebpf"]);
    let pid = children[1].pid();
    let places = shown.wait("the children's dots", |places| {
        children
            .iter()
            .all(|child| places.at.contains_key(&child.pid()))
    });
    shown.point(places.at[&pid]);
    shown.wait("popup of the task", |places| places.popups == [pid]);
    screen.hand(&["click", "1"]);
    shown.point((5, 5));
    shown.wait("pin", |places| places.popups == [pid]);
    screen.hand(&["windowsize", &shown.window, "900", "600"]);
    let before = places.at[&pid];
    let moved = shown.wait("another layout", |places| {
        places.at.get(&pid).is_some_and(|at| *at != before)
    });
    assert_eq!(moved.popups, [pid]);
    let tick = shown.places().unwrap().tick;
    screen.hand(&["key", "p"]);
    std::thread::sleep(Duration::from_millis(500));
    screen.hand(&["key", "space"]);
    shown.wait("refresh", |places| places.tick > tick);
    screen.hand(&["key", "p"]);
    drop(children);
    let gone = shown.wait("exit", |places| !places.at.contains_key(&pid));
    assert_eq!(gone.popups, [pid], "the pin of a dead task is gone");
    screen.hand(&["key", "q"]);
    let (status, said) = shown.end();
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("kernel events seen"), "{said}");
    Ok(())
}

/// The table is at the right of the dots; a row opens the popup of its process, a dot marks its
/// row, and keys go from row to row.
fn table() -> Result<(), Failed> {
    let screen = Screen::new();
    let children = [child(), child(), child()];
    let pids: Vec<u32> = children.iter().map(Running::pid).collect();
    let shown = Shown::new(&screen, &["--require-ebpf", "--command", "^known$"]);
    let all_dots = |places: &Places| pids.iter().all(|pid| places.at.contains_key(pid));
    let before = shown.wait("the children's dots", all_dots);
    assert!(before.rows.is_empty(), "{before:?}");
    screen.hand(&["key", "T"]);
    // Sorted by pid: from CPU three columns to the left.
    screen.hand(&["key", "less", "less", "less"]);
    let tids = |places: &Places| places.rows.iter().map(|(tid, _)| *tid).collect::<Vec<_>>();
    let mut sorted = pids.clone();
    sorted.sort_unstable();
    let open = shown.wait("rows by pid", |places| tids(places) == sorted);
    for (_, (x, _)) in &open.rows {
        let is_left = |(dot, _): &(i32, i32)| dot < x;
        assert!(open.at.values().all(is_left), "{open:?}");
    }
    shown.point(open.rows[1].1);
    shown.wait("popup of the row", |places| places.popups == [sorted[1]]);
    screen.hand(&["click", "1"]);
    shown.point((5, 5));
    shown.wait("selection", |places| places.popups == [sorted[1]]);
    screen.hand(&["key", "Down"]);
    shown.wait("the next row", |places| places.popups == [sorted[2]]);
    screen.hand(&["key", "R"]);
    sorted.reverse();
    shown.wait("the rows turned around", |places| tids(places) == sorted);
    // The selection stays with its process.
    screen.hand(&["key", "Down"]);
    shown.wait("the row below", |places| places.popups == [sorted[1]]);
    let [first, second, third] = children;
    let gone = second.pid();
    drop(second);
    let over = shown.wait("exit", |places| !places.at.contains_key(&gone));
    assert!(
        tids(&over).contains(&gone),
        "the dead is not listed: {over:?}"
    );
    screen.hand(&["key", "T"]);
    shown.wait("no table", |places| places.rows.is_empty());
    screen.hand(&["key", "q"]);
    drop((first, third));
    let (status, said) = shown.end();
    assert_eq!(status, Some(0), "{said}");
    Ok(())
}

/// The stripes of a heat map are where the samples have the load, and the graph over the time
/// bar has loads.
fn a_heat_map() -> Result<(), Failed> {
    let spikes = Spikes::record("heat-window")?;
    let screen = Screen::new();
    let pid = spikes.pid.to_string();
    let from = spikes.recording.to_str().unwrap();
    let args = ["timeline", "--heat=tasks", "--pid", &pid, "--from", from];
    let shown = Shown::new(&screen, &[&args[..], &["--at", "-1ms"]].concat());
    let is_hot = |[red, green, _]: &[u8; 3]| *red > 0x90 && *green < 0x90;
    // The row of the load is the first one, below the head.
    let row = || screen.pixels(&shown.window, 106, 1_200);
    let deadline = Instant::now() + Duration::from_secs(15);
    let pixels = loop {
        let pixels = row();
        if pixels.iter().any(is_hot) {
            break pixels;
        }
        assert!(Instant::now() < deadline, "no load in the heat map");
        std::thread::sleep(Duration::from_millis(100));
    };
    // Cells are grey where there was no load, and begin at the right of the names.
    let is_cell = |pixel: &[u8; 3]| is_hot(pixel) || *pixel != [0xff; 3];
    let cells: Vec<[u8; 3]> = pixels.into_iter().skip(186).take_while(is_cell).collect();
    assert!(cells.len() > 400, "{} pixels of cells", cells.len());
    spikes.check(|tenth| {
        let part = tenth * cells.len() / 10..(tenth + 1) * cells.len() / 10;
        cells[part].iter().filter(|pixel| is_hot(pixel)).count() > 5
    });
    // The load uses a core for a moment: the first row over the time bar has columns.
    let columns = || screen.pixels(&shown.window, 700 - 28 - 33, 1_200);
    while columns().iter().filter(|pixel| is_hot(pixel)).count() <= 5 {
        assert!(Instant::now() < deadline, "no graph over the time bar");
        std::thread::sleep(Duration::from_millis(100));
    }
    screen.hand(&["key", "q"]);
    let (status, said) = shown.end();
    assert_eq!(status, Some(0), "{said}");
    Ok(())
}

/// After seeks on the time bar and with keys, each sample is shown as it was recorded.
fn time_bar() -> Result<(), Failed> {
    let folder = Folder::new("time-bar");
    let file = folder.file("x.pvz");
    let recording = Running::new(
        procviz()
            .env("TZ", "UTC")
            .args(["record", "-s", "0.25", "--duration", "5s", "-o"])
            .arg(&file),
    );
    std::thread::sleep(Duration::from_millis(2_000));
    let passing = child();
    std::thread::sleep(Duration::from_millis(1_500));
    let pid = passing.pid();
    drop(passing);
    let mut recording = recording;
    assert!(recording.0.wait()?.success());
    let result = output(procviz().args(["dump", "--from"]).arg(&file));
    let text = String::from_utf8(result.stdout)?;
    // The time of each sample and the tasks that were alive.
    let samples: Vec<(String, std::collections::BTreeSet<u32>)> = text
        .lines()
        .map(|line| {
            let sample: Value = serde_json::from_str(line).unwrap();
            let clock = sample["time"].as_str().unwrap()[11..23].to_owned();
            let living = living(&sample).map(|task| task["tid"].as_u64().unwrap() as u32);
            (clock, living.collect())
        })
        .collect();
    let at = |clock: &str| samples.iter().position(|(of, _)| of == clock);
    let screen = Screen::new();
    let shown = Shown::new(&screen, &["--from", file.to_str().unwrap(), "--at", "-1ms"]);
    let last = &samples.last().unwrap().0;
    let missing = |places: &Places| {
        let index = at(&places.clock).expect("no sample of the recording");
        let living = samples[index].1.iter().copied();
        let missing = living.filter(|tid| !places.at.contains_key(tid));
        missing.collect::<Vec<u32>>()
    };
    let there = |what: &str, clock: &str| {
        let places = shown.wait(what, |places| places.clock == clock);
        assert_eq!(missing(&places), [0; 0], "{what}: tasks not shown");
        places
    };
    there("the sample before the end", &samples[samples.len() - 2].0);
    screen.hand(&["key", "Right"]);
    let end = there("the end", last);
    assert!(!end.at.contains_key(&pid));
    screen.hand(&["key", "Left"]);
    there("the sample before", &samples[samples.len() - 2].0);
    // The bar is at the bottom, and has a time at each side.
    shown.point((600, 687));
    screen.hand(&["click", "1"]);
    let middle = shown.wait("the middle", |places| {
        at(&places.clock)
            .is_some_and(|index| (samples.len() / 4..samples.len() * 3 / 4).contains(&index))
    });
    assert_eq!(missing(&middle), [0; 0], "the middle: tasks not shown");
    assert!(middle.at.contains_key(&pid), "{middle:?}");
    let index = at(&middle.clock).unwrap();
    screen.hand(&["key", "Right"]);
    there("the sample after", &samples[index + 1].0);
    // Drag to the start, and from there to the end.
    shown.point((200, 687));
    screen.hand(&["mousedown", "1"]);
    shown.point((95, 687));
    // The first sample of a recording is the opening census, which `dump` does not print.
    shown.wait("the start", |places| places.clock <= samples[1].0);
    shown.point((1_195, 687));
    screen.hand(&["mouseup", "1"]);
    there("the end again", last);
    screen.hand(&["key", "q"]);
    let (status, said) = shown.end();
    assert_eq!(status, Some(0), "{said}");
    Ok(())
}

fn fast() -> Result<(), Failed> {
    let screen = Screen::new();
    let children = [child(), child(), child()];
    let shown = Shown::new(&screen, &[]);
    let places = shown.wait("the children's dots", |places| {
        children
            .iter()
            .all(|child| places.at.contains_key(&child.pid()))
    });
    // Three clicks without a pause.
    let mut args = Vec::new();
    for child in &children {
        let (x, y) = places.at[&child.pid()];
        args.extend(["mousemove", "--window", &shown.window].map(str::to_owned));
        args.extend([
            x.to_string(),
            y.to_string(),
            "click".to_owned(),
            "1".to_owned(),
        ]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    screen.hand(&args);
    shown.wait("three pins", |places| {
        children
            .iter()
            .all(|child| places.popups.contains(&child.pid()))
    });
    // Toggle threads and processes seven times without a pause: processes are shown.
    let others = places.at.len();
    screen.hand(&["key", "--delay", "0", "t", "t", "t", "t", "t", "t", "t"]);
    shown.wait("processes", |places| places.at.len() < others);
    screen.hand(&[
        "key", "--delay", "0", "Escape", "Escape", "Escape", "Escape", "q",
    ]);
    assert_eq!(shown.end().0, Some(0));
    Ok(())
}

/// The mouse wheel enlarges the picture; the dot below the pointer stays there.
fn zoom() -> Result<(), Failed> {
    let screen = Screen::new();
    let children = [child(), child()];
    let shown = Shown::new(&screen, &[]);
    let [pid, other] = [children[0].pid(), children[1].pid()];
    let before = shown.wait("the children's dots", |places| {
        [pid, other].iter().all(|pid| places.at.contains_key(pid))
    });
    let at = before.at[&pid];
    shown.point(at);
    screen.hand(&["click", "4"]);
    screen.hand(&["click", "4"]);
    let is_near = |places: &Places, (x, y): (i32, i32)| {
        let now = places.at[&pid];
        (now.0 - x).abs() <= 2 && (now.1 - y).abs() <= 2
    };
    let apart = |places: &Places| {
        let (one, two) = (places.at[&pid], places.at.get(&other)?);
        Some((one.0 - two.0).abs() + (one.1 - two.1).abs())
    };
    let first = apart(&before);
    let enlarged = shown.wait("larger picture", |places| apart(places) > first);
    assert!(
        is_near(&enlarged, at),
        "{:?}, expected {at:?}",
        enlarged.at[&pid]
    );
    assert_eq!(enlarged.popups, [pid], "not the popup of the pointed task");
    // Drag 30 points to the left.
    screen.hand(&["mousedown", "1"]);
    for _ in 0..6 {
        screen.hand(&["mousemove_relative", "--", "-5", "0"]);
    }
    screen.hand(&["mouseup", "1"]);
    shown.wait("moved picture", |places| is_near(places, (at.0 - 30, at.1)));
    screen.hand(&["key", "Escape"]);
    shown.wait("the whole picture", |places| is_near(places, at));
    screen.hand(&["key", "q"]);
    assert_eq!(shown.end().0, Some(0));
    Ok(())
}

/// On a high-resolution screen the picture uses all pixels, and the pointer finds a dot.
fn twice_the_points() -> Result<(), Failed> {
    let screen = Screen::new();
    let children = [child(), child(), child()];
    let shown = Shown::at_scale(&screen, "2", "640x440", &[]);
    let pid = children[1].pid();
    let places = shown.wait("the children's dots", |places| places.at.contains_key(&pid));
    shown.point(places.at[&pid]);
    shown.wait("popup of the task", |places| places.popups == [pid]);
    screen.hand(&["key", "q"]);
    assert_eq!(shown.end().0, Some(0));
    Ok(())
}

fn larger_than_the_screen() -> Result<(), Failed> {
    let screen = Screen::new();
    let shown = Shown::at_scale(&screen, "2", "1200x700", &[]);
    let geometry = screen.hand(&["getwindowgeometry", "--shell", &shown.window]);
    let is = |line: &str| geometry.lines().any(|found| found == line);
    assert!(is("WIDTH=1300") && is("HEIGHT=900"), "{geometry}");
    screen.hand(&["key", "q"]);
    assert_eq!(shown.end().0, Some(0));
    // `--scale` enlarges what is in a window, too, and so the window.
    let shown = Shown::at_scale(&screen, "1", "600x400", &["--scale", "2"]);
    let geometry = screen.hand(&["getwindowgeometry", "--shell", &shown.window]);
    let is = |line: &str| geometry.lines().any(|found| found == line);
    assert!(is("WIDTH=1200") && is("HEIGHT=800"), "{geometry}");
    screen.hand(&["key", "q"]);
    assert_eq!(shown.end().0, Some(0));
    Ok(())
}

fn ends() -> Result<(), Failed> {
    for how in ["q", "destroyed", "asked to close"] {
        let screen = Screen::new();
        let shown = Shown::new(&screen, &[]);
        match how {
            "destroyed" => _ = screen.hand(&["windowclose", &shown.window]),
            "asked to close" => screen.ask_to_close(&shown.window),
            key => _ = screen.hand(&["key", key]),
        }
        let (status, said) = shown.end();
        assert_eq!(status, Some(0), "{how}: {said}");
    }
    Ok(())
}

fn goes_away() -> Result<(), Failed> {
    let screen = Screen::new();
    let shown = Shown::new(&screen, &[]);
    screen.server.signal(nix::sys::signal::Signal::SIGTERM);
    let (status, said) = shown.end();
    assert_eq!(status, Some(1), "{said}");
    let words = said.lines().last().unwrap_or("");
    assert!(
        !words.starts_with("places") && !words.contains("panicked"),
        "{said}"
    );
    Ok(())
}

/// A window of a Wayland compositor without a physical screen.
fn wayland() -> Result<(), Failed> {
    if !has_program("weston") {
        return skip("weston is not installed");
    }
    let folder = Folder::new("wayland");
    std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o700))?;
    let _weston = Running::new(
        Command::new("weston")
            .args(["--backend=headless-backend.so", "--socket=wayland-test"])
            .args(["--idle-time=0", "--width=1300", "--height=900"])
            .env("XDG_RUNTIME_DIR", &folder.0)
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let deadline = Instant::now() + Duration::from_secs(15);
    while !folder.file("wayland-test").exists() {
        assert!(Instant::now() < deadline, "weston does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut running = Running::new(
        procviz()
            .args(["--view", "window"])
            .env_remove("DISPLAY")
            .env("XDG_RUNTIME_DIR", &folder.0)
            .env("WAYLAND_DISPLAY", "wayland-test")
            .env("PROCVIZ_TEST_PLACES", "1")
            .stderr(Stdio::piped()),
    );
    let errors = BufReader::new(running.0.stderr.take().unwrap());
    let pid = running.pid();
    let drawn = errors
        .lines()
        .map_while(Result::ok)
        .find(|line| line.starts_with("places "));
    let drawn = drawn.ok_or("nothing was drawn")?;
    assert!(drawn.contains(&format!(" {pid}:")), "{drawn}");
    running.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(running.0.wait()?.success());
    Ok(())
}
