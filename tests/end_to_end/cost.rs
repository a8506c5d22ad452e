use std::{
    io::BufReader,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Lines, Running, read_line, workload},
};

pub(crate) const TESTS: &[Test] = &[
    ("reads_follow_activity_at_1_hz", Needs::Events, at_1_hz),
    ("reads_follow_activity_at_10_hz", Needs::Events, at_10_hz),
];

fn at_1_hz() -> Result<(), Failed> {
    reads("1", 10)
}

fn at_10_hz() -> Result<(), Failed> {
    reads("10", 30)
}

/// With 10,000 sleeping threads and 200 active processes, a sample opens and reads (counted by
/// strace) no more than ten files and one per CPU, however many tasks ran.
fn reads(hz: &str, samples: usize) -> Result<(), Failed> {
    if Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        return Err("strace is not installed".into());
    }
    let folder = Folder::new("cost");
    let start = |args: &[&str]| {
        let mut running = Running::new(workload(args).stdout(Stdio::piped()));
        read_line(&mut BufReader::new(running.0.stdout.take().unwrap()));
        running
    };
    let _sleepers: Vec<Running> = (0..100).map(|_| start(&["sleep", "100"])).collect();
    let _wakers: Vec<Running> = (0..200).map(|_| start(&["wake", "1"])).collect();
    let dump = Lines::dump(&["-F", hz]);
    // Skip the start: procviz reads the paths of v1 cgroups once after it.
    dump.line(if hz == "1" { 4 } else { 40 });
    let trace = folder.file("trace");
    let mut strace = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=openat,read,pread64", "-o"])
        .arg(&trace)
        .args(["-p", &dump.running.pid().to_string()])
        .spawn()?;
    std::thread::sleep(Duration::from_millis(300));
    let from = dump.count();
    let first = dump.line(from);
    let before = count(&trace);
    let mut ran = 0;
    for index in from + 1..=from + samples {
        let snapshot = dump.line(index);
        ran += snapshot["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|task| task["ran"] == true)
            .count();
    }
    let after = count(&trace);
    // More samples can have been taken than were read here.
    let (calls, taken) = (after.0 - before.0, after.1 - before.1);
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(strace.id() as i32),
        nix::sys::signal::Signal::SIGINT,
    )?;
    strace.wait()?;
    assert!(first["tasks_total"].as_u64().unwrap() > 10_000);
    let cpus = std::thread::available_parallelism()?.get();
    let allowed = (10 + cpus) * taken;
    println!(
        "{hz} Hz: {calls} calls in {taken} samples, {allowed} allowed; {ran} ran in {samples}"
    );
    assert!(
        ran > 100 * samples,
        "only {ran} tasks ran in {samples} samples"
    );
    assert!(
        calls > 0 && calls <= allowed,
        "{calls} calls, {allowed} allowed"
    );
    dump.end();
    Ok(())
}

/// The numbers of calls and of samples: each sample reads `/proc/stat` once.
fn count(trace: &std::path::Path) -> (usize, usize) {
    let text = std::fs::read_to_string(trace).unwrap_or_default();
    let calls = text
        .lines()
        .filter(|line| line.contains('(') && !line.contains("resumed"));
    let samples = text.lines().filter(|line| line.contains("\"cpu  "));
    (calls.count(), samples.count())
}
