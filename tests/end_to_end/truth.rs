use std::{
    collections::BTreeSet,
    io::{BufReader, Write},
    process::{ChildStdin, ChildStdout, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{
        Folder, Lines, Running, Stat, Value, living, numbers, proc_tids, read_line, task, workload,
    },
};

pub(crate) const TESTS: &[Test] = &[
    (
        "every_figure_of_every_thread",
        Needs::Events,
        every_figure_of_every_thread,
    ),
    (
        "every_figure_of_every_process",
        Needs::Events,
        every_figure_of_every_process,
    ),
    ("the_list_of_tasks", Needs::Events, the_list_of_tasks),
];

const ACTORS: usize = 100;
const THREADS: usize = 20;

struct Actor {
    running: Running,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Actor {
    fn new(folder: &Folder) -> Self {
        let mut command = workload(&["actor", &THREADS.to_string(), folder.0.to_str().unwrap()]);
        let mut running = Running::new(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let stdin = running.0.stdin.take().unwrap();
        let stdout = BufReader::new(running.0.stdout.take().unwrap());
        Self {
            running,
            stdin,
            stdout,
        }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    fn wait(&mut self) {
        assert!(!read_line(&mut self.stdout).is_empty(), "an actor exited");
    }
}

fn every_figure_of_every_thread() -> Result<(), Failed> {
    figures(&[], |pid, tid| format!("/proc/{pid}/task/{tid}"))
}

fn every_figure_of_every_process() -> Result<(), Failed> {
    figures(&["-p"], |pid, _| format!("/proc/{pid}"))
}

/// 2,000 threads work, then sleep. The figures of each thread in the next snapshot equal
/// `/proc`.
fn figures(args: &[&str], path: fn(u32, u32) -> String) -> Result<(), Failed> {
    let folder = Folder::new("truth");
    std::fs::set_permissions(
        &folder.0,
        std::os::unix::fs::PermissionsExt::from_mode(0o777),
    )?;
    let mut actors: Vec<Actor> = (0..ACTORS).map(|_| Actor::new(&folder)).collect();
    actors.iter_mut().for_each(Actor::wait);
    let dump = Lines::dump(&[&["-s", "1"], args].concat());
    dump.line(0);
    // A process whose parent exits gets another parent.
    let orphan = orphan();
    for actor in &mut actors {
        actor.say("work");
    }
    actors.iter_mut().for_each(Actor::wait);
    actors[0].say("name another-name");
    actors[0].wait();
    actors[1].say("uid 65534");
    actors[1].wait();
    dump.fresh();
    let snapshot = dump.fresh();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for actor in &actors {
        let pid = actor.running.pid();
        let tids: Vec<u32> = if args.is_empty() {
            numbers(&format!("/proc/{pid}/task"))
        } else {
            vec![pid]
        };
        assert_eq!(tids.len(), if args.is_empty() { THREADS } else { 1 });
        for tid in tids {
            match task(&snapshot, tid) {
                Some(task) => compare(task, &path(pid, tid), &mut wrong),
                None => wrong.push(format!("task {tid} is not in the snapshot")),
            }
            compared += 1;
        }
    }
    let stat = std::fs::read_to_string(format!("/proc/{orphan}/stat"))?;
    let ppid: u32 = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()?;
    let shown = &task(&snapshot, orphan).unwrap()["ppid"];
    if *shown != ppid {
        wrong.push(format!(
            "the orphan {orphan} has ppid {shown}, /proc has {ppid}"
        ));
    }
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(orphan as i32),
        nix::sys::signal::Signal::SIGKILL,
    )?;
    dump.end();
    assert_eq!(
        compared,
        if args.is_empty() {
            ACTORS * THREADS
        } else {
            ACTORS
        }
    );
    let shown: Vec<_> = wrong.iter().take(30).cloned().collect();
    assert!(
        wrong.is_empty(),
        "{} faults:\n{}",
        wrong.len(),
        shown.join("\n")
    );
    Ok(())
}

/// The pid of a sleeping process whose parent has exited, 0.3 s after the start.
fn orphan() -> u32 {
    let script = "sleep 1000 >/dev/null 2>&1 & echo $!; exec sleep 0.3";
    let mut shell = std::process::Command::new("sh")
        .args(["-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = read_line(&mut BufReader::new(shell.stdout.take().unwrap()))
        .parse()
        .unwrap();
    shell.wait().unwrap();
    pid
}

fn compare(task: &Value, path: &str, wrong: &mut Vec<String>) {
    let stat = Stat::read(&format!("{path}/stat")).unwrap();
    let field = |place: usize| stat.field(place);
    let io = std::fs::read_to_string(format!("{path}/io")).unwrap();
    let bytes = |name: &str| -> u64 {
        io.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap()
            .parse()
            .unwrap()
    };
    let status = std::fs::read_to_string(format!("{path}/status")).unwrap();
    let uid: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let mut expect = |what: &str, should: Value| {
        if task[what] != should {
            wrong.push(format!(
                "{path}: {what} is {}, /proc has {should}",
                task[what]
            ));
        }
    };
    expect("comm", stat.comm.as_str().into());
    expect("state", stat.state().into());
    expect("ppid", field(4).into());
    expect("threads", field(20).into());
    expect("vsize_bytes", field(23).into());
    expect("uid", uid.into());
    expect("read_bytes", bytes("read_bytes").into());
    expect("write_bytes", bytes("write_bytes").into());
    // `stat` has a counter that is not exact.
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kib = resident.trim().trim_end_matches(" kB");
    let resident = kib.parse::<u64>().unwrap() * 1_024;
    // Each CPU keeps small changes of its own for a while.
    let near = |bytes: u64| bytes.abs_diff(resident) <= 512 << 10;
    if !task["rss_bytes"].as_u64().is_some_and(near) {
        wrong.push(format!(
            "{path}: rss_bytes is {}, /proc has {resident}",
            task["rss_bytes"]
        ));
    }
    let start = task["start_ns"].as_u64().unwrap() / 10_000_000;
    if start != field(22) {
        wrong.push(format!("{path}: start is {start}, /proc has {}", field(22)));
    }
    // User and system time are each truncated to ticks of 10 ms.
    let cpu = task["cpu_ns"].as_u64().unwrap();
    let ticks = (field(14) + field(15)) * 10_000_000;
    if cpu + 1_000_000 < ticks || cpu > ticks + 20_000_000 {
        wrong.push(format!("{path}: cpu_ns is {cpu}, /proc has {ticks}"));
    }
}

/// With 500 zombies, and after ten seconds of forks and kills, the snapshot has the tasks
/// of `/proc`: 2 s later, and 13 s after that.
fn the_list_of_tasks() -> Result<(), Failed> {
    let dump = Lines::dump(&["-s", "0.5"]);
    dump.line(0);
    let mut zombies = Running::new(
        workload(&["zombies", "500"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped()),
    );
    let mut says = BufReader::new(zombies.0.stdout.take().unwrap());
    read_line(&mut says);
    let mut churns: Vec<Running> = (0..2)
        .map(|_| Running::new(workload(&["churn", "10"]).stdout(Stdio::piped())))
        .collect();
    for churn in &mut churns {
        read_line(&mut BufReader::new(churn.0.stdout.take().unwrap()));
    }
    for wait in [2, 13] {
        std::thread::sleep(Duration::from_secs(wait));
        let snapshot = dump.fresh();
        same_tasks(&tids_of(&snapshot), &proc_tids(), &snapshot)?;
        let dead = living(&snapshot)
            .filter(|task| task["state"] == "Z" && task["ppid"] == zombies.pid())
            .count();
        assert_eq!(dead, 500, "number of zombies");
    }
    zombies.0.stdin.take().unwrap().write_all(b"\n")?;
    read_line(&mut says);
    dump.fresh();
    let snapshot = dump.fresh();
    let left = living(&snapshot)
        .filter(|task| task["state"] == "Z" && task["ppid"] == zombies.pid())
        .count();
    assert_eq!(left, 0, "number of zombies after they were reaped");
    same_tasks(&tids_of(&snapshot), &proc_tids(), &snapshot)?;
    dump.end();
    Ok(())
}

fn tids_of(snapshot: &Value) -> BTreeSet<u32> {
    living(snapshot)
        .map(|task| task["tid"].as_u64().unwrap() as u32)
        .collect()
}

/// Checks that both sets are equal, except for kernel workers, which come and go between
/// the two reads.
pub(crate) fn same_tasks(
    shown: &BTreeSet<u32>,
    there: &BTreeSet<u32>,
    snapshot: &Value,
) -> Result<(), Failed> {
    let is_worker = |tid: &u32| {
        let comm = std::fs::read_to_string(format!("/proc/{tid}/comm")).unwrap_or_default();
        let known = task(snapshot, *tid).map_or(String::new(), |task| task["comm"].to_string());
        comm.starts_with("kworker") || known.contains("kworker")
    };
    let missing: Vec<_> = there
        .difference(shown)
        .filter(|tid| !is_worker(tid))
        .collect();
    let superseded_leaders: Vec<_> = shown
        .difference(there)
        .filter(|tid| !is_worker(tid))
        .map(|tid| task(snapshot, *tid))
        .collect();
    assert!(
        missing.is_empty() && superseded_leaders.is_empty(),
        "in /proc but not shown: {missing:?}; shown but not in /proc: {superseded_leaders:?}"
    );
    Ok(())
}
