use std::{collections::HashSet, process::Command, time::Duration};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Lines, Running, Value, living, skip, started, task, workload},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "spinners_are_cpu_in_every_snapshot",
        Needs::Events,
        spinners,
    ),
    (
        "twenty_on_one_cpu_are_cpu_at_10_hz",
        Needs::Events,
        twenty_on_one_cpu,
    ),
    (
        "a_direct_writer_is_cpu_and_io",
        Needs::Events,
        a_direct_writer,
    ),
    (
        "a_throttled_reader_is_io_throughout",
        Needs::Events,
        a_throttled_reader,
    ),
    ("a_sleeper_is_idle_throughout", Needs::Events, a_sleeper),
    ("a_short_life_is_exited_twice", Needs::Events, a_short_life),
    (
        "a_vfork_parent_is_blocked_since",
        Needs::Events,
        a_vfork_parent,
    ),
    ("an_idle_kworker_is_not_blocked", Needs::Events, kworkers),
    ("a_reused_pid_is_another_task", Needs::Events, reused_pids),
    ("a_tenth_of_a_core_at_100_hz", Needs::Events, a_tenth),
];

/// Starts a workload and waits until it prints that it runs.
fn start(args: &[&str]) -> Running {
    started(&mut workload(args))
}

/// The values of `field` of a task in the next `count` snapshots.
fn values(dump: &Lines, tid: u32, field: &str, count: usize) -> Vec<Value> {
    let from = dump.count() + 1;
    (from..from + count)
        .map(|index| task(&dump.line(index), tid).map_or(Value::Null, |task| task[field].clone()))
        .collect()
}

fn all_are(what: &[Value], should: &str) {
    assert!(
        what.iter().all(|value| value == should),
        "expected only {should}: {what:?}"
    );
}

fn spinners() -> Result<(), Failed> {
    let spinner = start(&["burn"]);
    for hz in ["1", "10", "100"] {
        let dump = Lines::dump(&["-F", hz]);
        dump.line(0);
        let count = if hz == "1" { 3 } else { 30 };
        all_are(&values(&dump, spinner.pid(), "activity", count), "cpu");
        dump.end();
    }
    Ok(())
}

fn twenty_on_one_cpu() -> Result<(), Failed> {
    let exe = std::env::current_exe()?;
    let spin = || {
        started(
            Command::new("taskset")
                .args(["-c", "0"])
                .arg(&exe)
                .args(["--workload", "burn"]),
        )
    };
    let spinners: Vec<Running> = (0..20).map(|_| spin()).collect();
    let dump = Lines::dump(&["-F", "10"]);
    dump.line(0);
    let from = dump.count() + 1;
    for index in from..from + 20 {
        let snapshot = dump.line(index);
        for spinner in &spinners {
            let task = task(&snapshot, spinner.pid()).unwrap();
            assert_eq!(task["activity"], "cpu", "snapshot {index}: {task}");
        }
    }
    dump.end();
    Ok(())
}

fn a_direct_writer() -> Result<(), Failed> {
    let folder = Folder::new("writer");
    let file = folder.file("data");
    let writer = start(&["write", file.to_str().unwrap()]);
    let dump = Lines::dump(&["-F", "10"]);
    dump.line(0);
    let activities = values(&dump, writer.pid(), "activity", 20);
    dump.end();
    // The disk or another load can delay the writer for a tenth of a second.
    let both = activities
        .iter()
        .filter(|activity| *activity == "cpu+io")
        .count();
    let idle = activities
        .iter()
        .filter(|activity| *activity == "idle")
        .count();
    assert!(both >= 18 && idle == 0, "{activities:?}");
    Ok(())
}

/// A cgroup limits the reader to five reads per second, so it nearly always waits for IO.
fn a_throttled_reader() -> Result<(), Failed> {
    use std::os::unix::fs::MetadataExt;
    let folder = Folder::new("reader");
    let file = folder.file("data");
    std::fs::write(&file, vec![1; 1 << 20])?;
    std::fs::File::open(&file)?.sync_all()?;
    let device = std::fs::metadata(&file)?.dev();
    let (major, minor) = (libc::major(device), libc::minor(device));
    let group = std::path::PathBuf::from(format!(
        "/sys/fs/cgroup/blkio/procviz-test-{}",
        std::process::id()
    ));
    let limit = format!("{major}:{minor} 5");
    let made = std::fs::create_dir(&group)
        .and_then(|()| std::fs::write(group.join("blkio.throttle.read_iops_device"), limit));
    if let Err(error) = made {
        _ = std::fs::remove_dir(&group);
        return skip(&format!("cannot set a blkio limit: {error}"));
    }
    let reader = start(&["read", file.to_str().unwrap()]);
    std::fs::write(group.join("cgroup.procs"), reader.pid().to_string())?;
    std::thread::sleep(Duration::from_millis(500));
    let dump = Lines::dump(&["-F", "10"]);
    dump.line(0);
    let activities = values(&dump, reader.pid(), "activity", 20);
    dump.end();
    drop(reader);
    // A cgroup with a dead process in it can be removed only a little later.
    crate::support::wait_until("the cgroup stays", || std::fs::remove_dir(&group).is_ok());
    // On a busy machine the reader can be waiting for a CPU at a tick.
    let io = activities
        .iter()
        .filter(|activity| *activity == "io")
        .count();
    let both = activities
        .iter()
        .filter(|activity| *activity == "cpu+io")
        .count();
    assert!(io + both == activities.len() && both <= 2, "{activities:?}");
    Ok(())
}

fn a_sleeper() -> Result<(), Failed> {
    let sleeper = start(&["sleep", "3"]);
    let dump = Lines::dump(&["-F", "10"]);
    dump.line(0);
    all_are(&values(&dump, sleeper.pid(), "activity", 20), "idle");
    all_are(&values(&dump, sleeper.pid(), "state", 2), "S");
    dump.end();
    Ok(())
}

fn a_short_life() -> Result<(), Failed> {
    let dump = Lines::dump(&["-s", "1"]);
    dump.line(0);
    let before = dump.count();
    dump.line(before);
    std::thread::sleep(Duration::from_millis(200));
    let mut child = Command::new("/bin/true").spawn()?;
    let pid = child.id();
    child.wait()?;
    let seen: Vec<Option<Value>> = (before + 1..before + 5)
        .map(|index| task(&dump.line(index), pid).cloned())
        .collect();
    dump.end();
    for snapshot in &seen[..2] {
        let task = snapshot.as_ref().ok_or("no such task")?;
        assert_eq!(
            (&task["activity"], &task["comm"]),
            (&"exited".into(), &"true".into())
        );
        assert_eq!(task["exit"]["exit_code"], 0);
    }
    assert!(
        seen[2].is_none() && seen[3].is_none(),
        "still shown: {seen:?}"
    );
    Ok(())
}

fn a_vfork_parent() -> Result<(), Failed> {
    let before = start(&["vfork"]);
    std::thread::sleep(Duration::from_secs(2));
    let dump = Lines::dump(&["-F", "10"]);
    dump.line(0);
    let after = start(&["vfork"]);
    let began = std::time::Instant::now();
    std::thread::sleep(Duration::from_secs(1));
    let snapshot = dump.fresh();
    let since_ms = began.elapsed().as_millis() as u64;
    let off = |running: &Running| {
        let task = task(&snapshot, running.pid()).unwrap();
        assert_eq!(task["state"], "D", "{task}");
        task["off_cpu_ns"].as_u64().unwrap() / 1_000_000
    };
    let (old, new) = (off(&before), off(&after));
    for parent in [&before, &after] {
        kill_children(parent.pid());
    }
    dump.end();
    assert!(
        old.abs_diff(since_ms + 2_000) < 500,
        "{old} ms, expected {}",
        since_ms + 2_000
    );
    assert!(
        new.abs_diff(since_ms) < 400,
        "{new} ms, expected {since_ms}"
    );
    Ok(())
}

/// Kills the children of a process: a vfork parent cannot be killed before its child.
fn kill_children(pid: u32) {
    let children =
        std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    for child in children.split_whitespace() {
        _ = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(child.parse().unwrap()),
            nix::sys::signal::Signal::SIGKILL,
        );
    }
}

fn kworkers() -> Result<(), Failed> {
    let dump = Lines::dump(&["-F", "10"]);
    let mut workers = HashSet::new();
    let mut idle = 0;
    for index in 0..20 {
        for task in dump.line(index)["tasks"].as_array().unwrap() {
            if task["comm"].as_str().unwrap().starts_with("kworker") {
                workers.insert(task["tid"].as_u64());
                idle += usize::from(task["state"] == "I");
                assert!(task["state"] != "D" || task["ran"] == true, "{task}");
            }
        }
    }
    dump.end();
    assert!(
        workers.len() > 3 && idle > 20,
        "{} workers, idle {idle} times",
        workers.len()
    );
    Ok(())
}

/// Makes the kernel reuse a pid that has just become free: two processes have the same
/// pid between two samples.
fn reused_pids() -> Result<(), Failed> {
    let dump = Lines::dump(&["-p", "-s", "2"]);
    dump.line(0);
    let exits = Lines::exits(&[]);
    let mut reused = None;
    for _ in 0..200 {
        let mut first = Command::new("sh").args(["-c", "exit 3"]).spawn()?;
        let pid = first.id();
        // Start times of `/proc` are truncated to 10 ms. No pid is reused within 10 ms
        // unless a program forces it, as here.
        std::thread::sleep(Duration::from_millis(20));
        first.wait()?;
        std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string())?;
        let second = Running::new(Command::new("sleep").arg("60"));
        if second.pid() == pid {
            reused = Some(second);
            break;
        }
    }
    let second = reused.ok_or("no pid was reused in 200 tries")?;
    let pid = second.pid();
    dump.fresh();
    let snapshot = dump.fresh();
    let living: Vec<&Value> = living(&snapshot)
        .filter(|task| task["pid"] == pid)
        .collect();
    assert_eq!(living.len(), 1, "{living:?}");
    assert_eq!(living[0]["comm"], "sleep");
    assert!(living[0]["exit"].is_null(), "{}", living[0]);
    dump.end();
    drop(second);
    std::thread::sleep(Duration::from_millis(300));
    let (lines, _) = exits.end();
    let ends: Vec<(Value, Value)> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|record| record["pid"] == pid)
        .map(|record| (record["comm"].clone(), record["exit_code"].clone()))
        .collect();
    assert_eq!(
        ends,
        [("sh".into(), 3.into()), ("sleep".into(), Value::Null)]
    );
    Ok(())
}

fn a_tenth() -> Result<(), Failed> {
    let load = start(&["burn-part"]);
    let dump = Lines::dump(&["-F", "100"]);
    dump.line(10);
    let from = dump.count() + 1;
    let (mut cpu, mut time) = (0.0, 0.0);
    let mut shares = Vec::new();
    for index in from..from + 300 {
        let snapshot = dump.line(index);
        cpu += task(&snapshot, load.pid()).unwrap()["cpu_delta_ns"]
            .as_f64()
            .unwrap();
        time += snapshot["interval_ns"].as_f64().unwrap();
        if time >= 1e9 {
            shares.push(cpu * 100.0 / time);
            (cpu, time) = (0.0, 0.0);
        }
    }
    dump.end();
    assert!(
        shares.len() >= 2 && shares.iter().all(|share| (share - 10.0).abs() <= 2.0),
        "{shares:?} % of a core"
    );
    Ok(())
}
