use std::{collections::HashMap, time::Duration};

use libtest_mimic::Failed;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    Needs, Test,
    support::{
        Folder, Lines, Running, Value, living, output, proc_tids, procviz, stderr, workload,
    },
};

pub(crate) const TESTS: &[Test] = &[
    ("every_death_is_seen_or_counted", Needs::Events, alone),
    (
        "every_death_is_seen_or_counted_beside_a_drawing_grid",
        Needs::Events,
        beside_a_grid,
    ),
    ("losses_are_shown_and_corrected", Needs::Events, || {
        losses_are_shown_and_corrected("")
    }),
    (
        "losses_are_corrected_without_a_census",
        Needs::Events,
        || losses_are_shown_and_corrected("census"),
    ),
    (
        "lost_deaths_are_counted_and_no_other_is_lost_with_them",
        Needs::Events,
        lost_deaths_are_counted,
    ),
];

/// Number of created processes by pid and exit code.
type Made = HashMap<(u32, u32), i64>;

fn alone() -> Result<(), Failed> {
    storm(false)
}

fn beside_a_grid() -> Result<(), Failed> {
    storm(true)
}

/// Checks that created = seen + lost, and that each (pid, exit code) is seen once.
fn storm(with_grid: bool) -> Result<(), Failed> {
    let folder = Folder::new("storm");
    let exits = Lines::exits(&[]);
    let series = folder.file("run-{n}.png");
    let grid = with_grid.then(|| {
        Running::new(
            procviz()
                .args([
                    "grid",
                    "-F",
                    "10",
                    "--samples",
                    "80",
                    "--require-ebpf",
                    "-o",
                ])
                .arg(&series),
        )
    });
    let file = folder.file("made");
    let made = output(&mut workload(&["storm", "10", file.to_str().unwrap()]));
    assert!(made.status.success(), "{}", stderr(&made));
    if let Some(mut grid) = grid {
        let status = grid.0.wait()?;
        assert!(status.success());
        // On two busy cores some samples are late and are merged with the next sample.
        let pictures = std::fs::read_dir(&folder.0)?
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().ends_with(".png"))
            .count();
        assert!(
            (40..=80).contains(&pictures),
            "{pictures} pictures for 80 samples"
        );
    }
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let (lines, errors) = exits.end();
    let (mut made, count) = what_was_made(&folder)?;
    let seen = subtract(&lines, &mut made, "\"--workload\",\"storm\"");
    let lost = lost(&errors);
    let twice: Vec<_> = made.iter().filter(|(_, left)| **left < 0).take(5).collect();
    let said = said_of(&lines, twice.first());
    assert!(
        twice.is_empty(),
        "seen more often than created: {twice:?}{said}"
    );
    let unseen: i64 = made.values().sum();
    println!("{count} created, {seen} seen, {lost} lost, {unseen} unseen");
    assert!(count > 10_000, "only {count} created");
    assert_eq!(unseen as u64, lost, "{errors}");
    Ok(())
}

/// The lines about the pid of `key`, for a message.
fn said_of(lines: &[String], key: Option<&(&(u32, u32), &i64)>) -> String {
    let Some(((pid, _), _)) = key else {
        return String::new();
    };
    let is_it = |line: &&String| line.contains(&format!("\"pid\":{pid},"));
    let lines = lines.iter().filter(is_it);
    lines.map(|line| format!("\n{line:.700}")).collect()
}

/// Number of created processes by pid and exit code, and the total.
pub(crate) fn what_was_made(folder: &Folder) -> std::io::Result<(Made, u64)> {
    let mut made = Made::new();
    let mut count = 0u64;
    for worker in 0..2 {
        for pair in std::fs::read(folder.file(&format!("made.{worker}")))?.chunks_exact(8) {
            let word = |at: usize| u32::from_ne_bytes(pair[at..at + 4].try_into().unwrap());
            *made.entry((word(0), word(4) >> 8)).or_default() += 1;
            count += 1;
        }
    }
    Ok((made, count))
}

/// With a ring buffer that is far too small: a process whose EXIT event fits is reported,
/// whatever other events of it are lost. All other deaths are counted.
fn lost_deaths_are_counted() -> Result<(), Failed> {
    let folder = Folder::new("lost-deaths");
    let exits = Lines::new(
        procviz()
            .args(["exits", "--json"])
            .env("PROCVIZ_TEST_RING_BYTES", "8192"),
    );
    exits.wait_until_exits_are_seen();
    let file = folder.file("made");
    let mut storm = Running::new(&mut workload(&["storm", "3", file.to_str().unwrap()]));
    let pid = storm.pid();
    for _ in 0..8 {
        // Stop procviz, so that the ring buffer is not emptied for a while.
        std::thread::sleep(std::time::Duration::from_millis(200));
        exits.running.signal(nix::sys::signal::Signal::SIGSTOP);
        std::thread::sleep(std::time::Duration::from_millis(100));
        exits.running.signal(nix::sys::signal::Signal::SIGCONT);
    }
    assert!(storm.0.wait()?.success());
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    let (lines, errors) = exits.end();
    let (mut made, count) = what_was_made(&folder)?;
    // A process whose fork event was lost has no arguments, but has its name.
    let is_ours = "\"comm\":\"end_to_end";
    // No other process is reported, such as a pid with the exit code of another process.
    let stray = lines.iter().filter(|line| {
        let is_made = key(line).is_some_and(|key| made.contains_key(&key));
        let makers = [format!("\"pid\":{pid},"), format!("\"ppid\":{pid},")];
        let is_maker = makers.iter().any(|maker| line.contains(maker.as_str()));
        line.contains(is_ours) && !is_made && !is_maker
    });
    let stray: Vec<_> = stray.take(3).collect();
    assert!(stray.is_empty(), "{stray:#?}");
    let seen = subtract(&lines, &mut made, is_ours);
    let lost = lost(&errors);
    let twice: Vec<_> = made.iter().filter(|(_, left)| **left < 0).take(5).collect();
    let said = said_of(&lines, twice.first());
    assert!(
        twice.is_empty(),
        "seen more often than created: {twice:?}{said}"
    );
    let unseen = made.values().sum::<i64>() as u64;
    println!("{count} created, {seen} seen, {lost} lost, {unseen} unseen");
    assert!(seen > 100 && lost > 100, "{seen} seen, {lost} lost");
    assert!(unseen <= lost, "{unseen} unseen, but {errors}");
    let partial = lines
        .iter()
        .filter(|line| line.contains("\"partial\":true"))
        .count();
    assert!(partial > 0, "no record is marked as partial");
    Ok(())
}

/// Subtracts the exits of the storm's children from `made`; returns the number of exits.
pub(crate) fn subtract(lines: &[String], made: &mut Made, is_ours: &str) -> u64 {
    let mut seen = 0;
    for line in lines {
        if let Some(left) = key(line)
            .filter(|_| line.contains(is_ours))
            .and_then(|key| made.get_mut(&key))
        {
            *left -= 1;
            seen += 1;
        }
    }
    seen
}

/// Pid and exit code of a line. There are half a million lines, so the fields are cut
/// out instead of parsing JSON.
fn key(line: &str) -> Option<(u32, u32)> {
    let number = |name: &str| -> Option<u32> {
        let from = line.find(name)? + name.len();
        let rest = &line[from..];
        rest[..rest.find(|ch: char| !ch.is_ascii_digit())?]
            .parse()
            .ok()
    };
    Some((number("\"pid\":")?, number("\"exit_code\":")?))
}

/// The number in `123 lost`.
pub(crate) fn lost(errors: &str) -> u64 {
    let words: Vec<&str> = errors.split_whitespace().collect();
    let at = words
        .iter()
        .position(|word| word.starts_with("lost"))
        .unwrap();
    words[at - 1].parse().unwrap()
}

/// Stops a process for a while.
fn hold(pid: u32, time: Duration) -> Result<(), Failed> {
    let pid = Pid::from_raw(pid as i32);
    kill(pid, Signal::SIGSTOP)?;
    std::thread::sleep(time);
    kill(pid, Signal::SIGCONT)?;
    Ok(())
}

fn losses_are_shown_and_corrected(refused: &str) -> Result<(), Failed> {
    let folder = Folder::new("losses");
    let dump = Lines::new(
        procviz()
            .args(["dump", "--json", "-s", "0.5"])
            .env("PROCVIZ_TEST_REFUSE", refused)
            .env("PROCVIZ_TEST_RING_BYTES", "8192"),
    );
    dump.line(0);
    let young = Running::new(std::process::Command::new("sleep").arg("60"));
    let rows = |snapshot: &Value| -> Vec<u64> {
        let tasks = snapshot["tasks"].as_array().unwrap().iter();
        let rows = tasks.filter(|task| task["tid"] == young.pid());
        rows.map(|task| task["start_ns"].as_u64().unwrap())
            .collect()
    };
    let start = rows(&dump.fresh());
    assert_eq!(start.len(), 1, "{start:?}");
    let picture = folder.file("lossy.svg");
    let mut grid = Running::new(
        procviz()
            .args(["grid", "--duration", "3s", "-o"])
            .arg(&picture)
            .env("PROCVIZ_TEST_RING_BYTES", "8192"),
    );
    let file = folder.file("made");
    let mut storm = Running::new(&mut workload(&["storm", "2", file.to_str().unwrap()]));
    // A ring buffer of 8 KiB holds a few dozen deaths: a stopped reader loses the rest.
    for pid in [dump.running.pid(), grid.pid()] {
        std::thread::sleep(Duration::from_millis(300));
        hold(pid, Duration::from_millis(300))?;
    }
    assert!(storm.0.wait()?.success());
    assert!(grid.0.wait()?.success());
    let foot = std::fs::read_to_string(&picture)?;
    assert!(
        !foot.contains(", lost 0 ") && foot.contains("final figures"),
        "the picture does not show the loss"
    );
    dump.fresh();
    let snapshot = dump.fresh();
    let lost: u64 = ["fork", "exit", "dead"]
        .iter()
        .map(|kind| snapshot["lost"][*kind].as_u64().unwrap())
        .sum();
    assert!(lost > 0, "nothing was lost in a ring buffer of 8 KiB");
    let shown: std::collections::BTreeSet<u32> = living(&snapshot)
        .map(|task: &Value| task["tid"].as_u64().unwrap() as u32)
        .collect();
    crate::truth::same_tasks(&shown, &proc_tids(), &snapshot)?;
    // A process that events have shown is the same one after the correction.
    assert_eq!(rows(&snapshot), start);
    dump.end();
    Ok(())
}
