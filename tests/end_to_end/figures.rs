//! Figures that other tools get wrong, each with a process whose true figure is known.

use std::{
    io::{BufRead as _, Write as _},
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{
        Folder, Lines, Running, Value, cgroup2_mount, living, output, procviz, skip, stderr, task,
        workload,
    },
};

pub(crate) const TESTS: &[Test] = &[
    (
        "a_move_to_another_cgroup_is_followed",
        Needs::Events,
        a_move_to_another_cgroup_is_followed,
    ),
    (
        "a_parent_did_not_write_what_its_children_wrote",
        Needs::Events,
        a_parent_did_not_write_what_its_children_wrote,
    ),
    (
        "no_task_uses_more_than_the_time_that_passed",
        Needs::Events,
        no_task_uses_more_than_the_time_that_passed,
    ),
    (
        "a_process_without_its_leader_is_alive",
        Needs::Events,
        a_process_without_its_leader_is_alive,
    ),
    (
        "memory_from_before_exec_is_said_to_be_so",
        Needs::Events,
        memory_from_before_exec_is_said_to_be_so,
    ),
    (
        "memory_is_known_by_its_kind",
        Needs::Events,
        memory_is_known_by_its_kind,
    ),
    (
        "shared_memory_counts_once",
        Needs::Events,
        shared_memory_counts_once,
    ),
    (
        "who_writes_to_a_tmpfs_is_named",
        Needs::Events,
        who_writes_to_a_tmpfs_is_named,
    ),
    (
        "a_write_that_was_cancelled_is_said_to_be_so",
        Needs::Events,
        a_write_that_was_cancelled_is_said_to_be_so,
    ),
    (
        "a_process_is_called_like_its_program",
        Needs::Events,
        a_process_is_called_like_its_program,
    ),
    (
        "kernel_threads_have_their_whole_names",
        Needs::Events,
        kernel_threads_have_their_whole_names,
    ),
    (
        "a_dumb_terminal_gets_no_live_view",
        Needs::Nothing,
        a_dumb_terminal_gets_no_live_view,
    ),
];

fn a_move_to_another_cgroup_is_followed() -> Result<(), Failed> {
    let Some(mount) = cgroup2_mount() else {
        return skip("no cgroup2 is mounted");
    };
    let name = format!("procviz-move-{}", std::process::id());
    let folder = format!("{mount}/{name}");
    if let Err(error) = std::fs::create_dir(&folder) {
        return skip(&format!("cannot create a cgroup: {error}"));
    }
    let exits = Lines::exits(&[]);
    let dump = Lines::dump(&["-s", "0.3"]);
    dump.line(0);
    let sleeper = Running::new(Command::new("sleep").arg("60"));
    let pid = sleeper.pid();
    let cgroup = |snapshot: &Value| task(snapshot, pid).map(|task| task["cgroup"].clone());
    let before = cgroup(&dump.fresh()).ok_or("the sleeper is not shown")?;
    assert!(
        !before.as_str().is_some_and(|path| path.ends_with(&name)),
        "{before}"
    );
    std::fs::write(format!("{folder}/cgroup.procs"), pid.to_string())?;
    let after = cgroup(&dump.fresh());
    drop(sleeper);
    std::thread::sleep(Duration::from_millis(500));
    _ = std::fs::remove_dir(&folder);
    dump.end();
    // In a cgroup namespace of its own, this machine sees only the end of the path.
    let is_moved = |cgroup: &Value| {
        cgroup
            .as_str()
            .is_some_and(|path| path.ends_with(&format!("/{name}")))
    };
    assert!(after.as_ref().is_some_and(is_moved), "{after:?}");
    std::thread::sleep(Duration::from_millis(1_000));
    let (lines, _) = exits.end();
    let record = lines
        .iter()
        .find(|line| line.contains(&format!("\"pid\":{pid},")));
    let record: Value = serde_json::from_str(record.ok_or("no exit record")?)?;
    assert!(is_moved(&record["cgroup"]), "{record}");
    Ok(())
}

/// The kernel adds the IO of a reaped child to a sum of its parent. A parent that is older
/// than procviz is not said to have written it.
fn a_parent_did_not_write_what_its_children_wrote() -> Result<(), Failed> {
    let folder = Folder::new("reaped");
    let big = folder.file("big");
    let script = format!(
        "dd if=/dev/zero of={0} bs=1M count=8 conv=fsync 2> /dev/null; echo ready; read line; exit 6",
        big.display()
    );
    let mut parent = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let stdout = parent.stdout.take().unwrap();
    std::io::BufReader::new(stdout).read_line(&mut line)?;
    assert_eq!(line, "ready\n");
    let exits = Lines::exits(&[]);
    parent.stdin.take().unwrap().write_all(b"go\n")?;
    assert_eq!(parent.wait()?.code(), Some(6));
    std::thread::sleep(Duration::from_millis(1_500));
    let pid = parent.id();
    let (lines, _) = exits.end();
    let record = lines
        .iter()
        .find(|line| line.contains(&format!("\"pid\":{pid},")));
    let record: Value = serde_json::from_str(record.ok_or("no exit record")?)?;
    let written = record["write_bytes"]
        .as_u64()
        .ok_or("write_bytes is not known")?;
    assert!(
        written < 1 << 20,
        "the shell wrote {written} bytes: {record}"
    );
    Ok(())
}

/// At 50 samples a second, figures are read at other moments than the clock of the sample.
/// No thread uses more than the interval, and the parts add up.
fn no_task_uses_more_than_the_time_that_passed() -> Result<(), Failed> {
    let spinner = Running::new(&mut workload(&["burn"]));
    let pid = spinner.pid();
    let result = output(procviz().args(["dump", "--json", "-F", "50", "--samples", "100"]));
    assert!(result.status.success(), "{}", stderr(&result));
    let text = String::from_utf8(result.stdout)?;
    let samples: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (mut used, mut passed) = (0, 0);
    for sample in samples.iter().skip(1) {
        let interval = sample["interval_ns"].as_u64().unwrap();
        for task in living(sample) {
            let delta = task["cpu_delta_ns"].as_u64().unwrap_or(0);
            assert!(delta <= interval, "{delta} ns of {interval} ns: {task}");
        }
        let own = task(sample, pid).ok_or("the spinner is not shown")?;
        used += own["cpu_delta_ns"].as_u64().unwrap();
        passed += interval;
    }
    let total = |sample: &Value| task(sample, pid).unwrap()["cpu_ns"].as_u64().unwrap();
    let grown = total(samples.last().unwrap()) - total(&samples[0]);
    assert_eq!(used, grown, "the parts do not add up");
    assert!(
        used * 10 > passed * 3,
        "the spinner used {used} of {passed} ns"
    );
    Ok(())
}

/// The leader of a process has exited, its other threads live on.
fn a_process_without_its_leader_is_alive() -> Result<(), Failed> {
    let mut early = Command::new(std::env::current_exe()?);
    early.args(["--workload", "leaderless"]);
    let early = Running::new(&mut early);
    std::thread::sleep(Duration::from_millis(500));
    let dump = Lines::dump(&["-p", "-s", "0.5"]);
    dump.line(0);
    let late = Running::new(&mut workload(&["leaderless"]));
    std::thread::sleep(Duration::from_millis(300));
    dump.fresh();
    let snapshot = dump.fresh();
    let (_, errors) = dump.end();
    for running in [&early, &late] {
        let pid = running.pid();
        let process = task(&snapshot, pid).ok_or("the process is not shown")?;
        assert_ne!(process["state"], "Z", "{process}{errors}");
        assert!(
            process["rss_bytes"].as_u64().unwrap_or(0) > 20 << 20,
            "{process}"
        );
        assert_eq!(process["exit"], Value::Null, "{process}");
    }
    Ok(())
}

/// The kernel keeps the largest resident set through exec, and wait4 returns it, too.
fn memory_from_before_exec_is_said_to_be_so() -> Result<(), Failed> {
    let exits = Lines::exits(&[]);
    let result = output(&mut workload(&["big-parent"]));
    assert!(result.status.success(), "{}", stderr(&result));
    let text = String::from_utf8(result.stdout)?;
    let pids: Vec<u32> = text
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    let [of_true, of_toucher] = pids[..] else {
        return Err(format!("two pids expected: {text}").into());
    };
    std::thread::sleep(Duration::from_millis(1_500));
    let (lines, _) = exits.end();
    let record = |pid: u32| -> Result<Value, Failed> {
        let line = lines
            .iter()
            .find(|line| line.contains(&format!("\"pid\":{pid},")));
        Ok(serde_json::from_str(line.ok_or("no exit record")?)?)
    };
    // `true` has the memory of its parent; the other child touched more than that.
    let small = record(of_true)?;
    assert!(
        small["max_rss_bytes"].as_u64().unwrap_or(0) > 100 << 20,
        "{small}"
    );
    assert_eq!(small["max_rss_inherited"], true, "{small}");
    let large = record(of_toucher)?;
    assert!(
        large["max_rss_bytes"].as_u64().unwrap_or(0) > 150 << 20,
        "{large}"
    );
    assert_eq!(large["max_rss_inherited"], false, "{large}");
    Ok(())
}

fn a_dumb_terminal_gets_no_live_view() -> Result<(), Failed> {
    let mut command = Command::new("script");
    let line = format!("{} grid --view terminal", crate::support::binary());
    command
        .args(["-qec", &line, "/dev/null"])
        .env("TERM", "dumb");
    let result = output(command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY"));
    let text = String::from_utf8_lossy(&result.stdout).into_owned();
    assert_eq!(result.status.code(), Some(2), "{text}");
    assert!(text.contains("TERM is `dumb`"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    Ok(())
}

/// Runs a Python program that prints a line when it is ready, and waits for that line.
fn python(program: &str, args: &[&str]) -> Result<(Running, String), Failed> {
    let mut command = Command::new("python3");
    command.args(["-u", "-c", program]).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = Running::new(&mut command);
    let stdout = running.0.stdout.take().unwrap();
    let mut line = String::new();
    std::io::BufReader::new(stdout).read_line(&mut line)?;
    Ok((running, line))
}

/// Anonymous memory, shared memory, pages of a file and huge pages, each as the kernel says.
fn memory_is_known_by_its_kind() -> Result<(), Failed> {
    let folder = Folder::new("kinds");
    let file = folder.file("mapped");
    std::fs::write(&file, vec![7; 24 << 20])?;
    let program = r#"
import mmap, sys
huge = None
try:
    huge = mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000); huge[0] = 1
except OSError: pass
own = bytearray(b'x' * (60 << 20))
shared = mmap.mmap(-1, 40 << 20); shared.write(b'x' * (40 << 20))
with open(sys.argv[1], 'rb') as f:
    mapped = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
total = sum(mapped[at] for at in range(0, len(mapped), 4096))
print('ready'); sys.stdin.readline()
"#;
    // Huge pages, where this kernel has some to give.
    _ = std::fs::write("/proc/sys/vm/nr_hugepages", "4");
    let result = kinds(program, &file);
    _ = std::fs::write("/proc/sys/vm/nr_hugepages", "0");
    result
}

fn kinds(program: &str, file: &std::path::Path) -> Result<(), Failed> {
    // One procviz is older than the process and sees it begin, the others find it.
    let older = Lines::dump(&["-p", "-s", "0.3"]);
    older.line(0);
    let (process, line) = python(program, &[file.to_str().unwrap()])?;
    assert_eq!(line, "ready\n");
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid()))?;
    let kernel = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    };
    let fields = [
        ("RssAnon:", "rss_anon_bytes"),
        ("RssFile:", "rss_file_bytes"),
        ("RssShmem:", "rss_shmem_bytes"),
        ("VmSwap:", "swap_bytes"),
        ("HugetlbPages:", "hugetlb_bytes"),
        ("VmRSS:", "rss_bytes"),
    ];
    assert!(kernel("RssAnon:") >= 60 << 20 && kernel("RssShmem:") >= 40 << 20);
    assert!(kernel("RssFile:") >= 24 << 20);
    let check = |dump: &Lines, whose: &str| -> Result<(), Failed> {
        // The first pass over the sleepers takes 2.5 s.
        let mut snapshot = dump.fresh();
        for _ in 0..10 {
            snapshot = dump.fresh();
        }
        let task = task(&snapshot, process.pid()).ok_or("the process is not shown")?;
        for (line, field) in fields {
            let (ours, theirs) = (task[field].as_u64(), kernel(line));
            // Kernels before 6.12 have only the counters that are not exact.
            let near = |ours: u64| ours.abs_diff(theirs) <= 1 << 20;
            assert!(
                ours.is_some_and(near),
                "{whose}: {field} {ours:?}, {line} {theirs}"
            );
        }
        let sum = |names: &[&str]| -> u64 { names.iter().filter_map(|n| task[n].as_u64()).sum() };
        let parts = sum(&["rss_anon_bytes", "rss_file_bytes", "rss_shmem_bytes"]);
        assert_eq!(Some(parts), task["rss_bytes"].as_u64(), "{whose}");
        Ok(())
    };
    check(&older, "older")?;
    older.end();
    let younger = Lines::dump(&["-p", "-s", "0.3"]);
    younger.line(0);
    check(&younger, "younger")?;
    younger.end();
    // Without privileges there are no events.
    let mut plain = procviz();
    plain
        .args(["dump", "--json", "-p", "-s", "0.3"])
        .uid(65_534);
    let proc_alone = Lines::new(&mut plain);
    assert_eq!(proc_alone.line(0)["sources"], "proc");
    check(&proc_alone, "/proc alone")?;
    proc_alone.end();
    Ok(())
}

/// The findings of procviz while a load runs, one JSON line each.
fn findings_of(seconds: &str) -> Result<Vec<Value>, Failed> {
    let result = output(procviz().args(["findings", "--json", "-F", "5", "--duration", seconds]));
    assert!(result.status.success(), "{}", stderr(&result));
    let text = String::from_utf8(result.stdout)?;
    Ok(text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect())
}

/// Six processes touch one segment of 180 MiB: nobody grows, and the machine lacks 180 MiB once.
fn shared_memory_counts_once() -> Result<(), Failed> {
    let program = r#"
import mmap, os, sys, time
shared = mmap.mmap(-1, 180 << 20)
for child in range(6):
    if os.fork() == 0:
        for at in range(0, len(shared), 1 << 20):
            shared[at:at + (1 << 20)] = b'x' * (1 << 20)
            time.sleep(0.03)
        time.sleep(60)
print('ready'); sys.stdin.readline()
os.killpg(0, 9)
"#;
    let program = format!("import os; os.setpgid(0, 0)\n{program}");
    let (mut process, _) = python(&program, &[])?;
    let findings = findings_of("5s");
    process.0.stdin.take().unwrap().write_all(b"end\n")?;
    _ = process.0.wait();
    let findings = findings?;
    let of = |rule: &str| -> Vec<&Value> {
        let all = findings.iter().filter(|line| line["rule"] == rule);
        let ours = all.filter(|line| {
            line["comm"]
                .as_str()
                .is_some_and(|comm| comm.contains("python"))
        });
        ours.filter(|line| line["change"] == "begins").collect()
    };
    assert!(of("growth").is_empty(), "{:?}", of("growth"));
    assert!(!of("shmem").is_empty(), "{findings:?}");
    // It can be about another of the six after a while, but never about two at once.
    let mut changes = std::collections::BTreeMap::<&str, i32>::new();
    for line in findings.iter().filter(|line| line["rule"] == "shmem") {
        let change = match line["change"] == "begins" {
            true => 1,
            false => -1,
        };
        *changes.entry(line["time"].as_str().unwrap()).or_default() += change;
    }
    let mut open = 0;
    for change in changes.values() {
        open += change;
        assert!(open <= 1, "{findings:?}");
    }
    Ok(())
}

/// What is written to a tmpfs is in nobody's resident set and in nobody's IO.
fn who_writes_to_a_tmpfs_is_named() -> Result<(), Failed> {
    let place = "/dev/shm";
    if !std::fs::read_to_string("/proc/mounts")?.contains(&format!(" {place} tmpfs ")) {
        return skip("no tmpfs at /dev/shm");
    }
    let file = format!("{place}/procviz-test-{}", std::process::id());
    let program = r#"
import sys, time
with open(sys.argv[1], 'wb') as f:
    print('ready')
    for _ in range(150):
        f.write(b'x' * (1 << 20)); f.flush(); time.sleep(0.04)
time.sleep(60)
"#;
    let started = python(program, &[&file]);
    let findings = findings_of("6s");
    let pid = started.as_ref().ok().map(|(process, _)| process.pid());
    drop(started);
    std::fs::remove_file(&file)?;
    let pid = pid.ok_or("the writer did not start")?;
    let findings = findings?;
    let mut named = findings
        .iter()
        .filter(|line| line["rule"] == "shmem" && !line["pid"].is_null())
        .peekable();
    assert!(named.peek().is_some(), "nobody is named: {findings:?}");
    for line in named {
        assert_eq!(line["pid"].as_u64(), Some(u64::from(pid)), "{line}");
        let text = line["text"].as_str().unwrap();
        assert!(text.starts_with("writes to tmpfs: "), "{line}");
    }
    Ok(())
}

/// A file that is removed before the kernel writes it back was never written.
fn a_write_that_was_cancelled_is_said_to_be_so() -> Result<(), Failed> {
    const SIZE: u64 = 48 << 20;
    let folder = Folder::new("cancelled");
    let file = folder.file("short-lived");
    let exits = Lines::exits(&[]);
    let program = r#"
import os, sys
with open(sys.argv[1], 'wb') as f:
    for _ in range(48): f.write(b'x' * (1 << 20))
os.unlink(sys.argv[1])
"#;
    let (mut process, _) = python(program, &[file.to_str().unwrap()])?;
    let pid = process.pid();
    assert!(process.0.wait()?.success());
    std::thread::sleep(Duration::from_millis(1_500));
    let (lines, _) = exits.end();
    let record = lines
        .iter()
        .find(|line| line.contains(&format!("\"pid\":{pid},")));
    let record: Value = serde_json::from_str(record.ok_or("no exit record")?)?;
    let bytes = |field: &str| record[field].as_u64();
    let written = bytes("write_bytes").ok_or("not known")?;
    if written < SIZE {
        return skip("this file system does not count what is written");
    }
    let cancelled = bytes("cancelled_write_bytes").ok_or("not known")?;
    assert!(cancelled >= SIZE / 2 && cancelled <= written, "{record}");
    Ok(())
}

/// node, Python and Java call their main thread something else than their program.
fn a_process_is_called_like_its_program() -> Result<(), Failed> {
    let folder = Folder::new("renamed");
    let program = folder.file("mynode");
    std::os::unix::fs::symlink("/usr/bin/python3", &program)?;
    let script = "open('/proc/self/comm', 'w').write('MainThread')\nprint('ready'); input()";
    let start = || -> Result<Running, Failed> {
        let mut command = Command::new(&program);
        command
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut running = Running::new(&mut command);
        let mut line = String::new();
        std::io::BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line)?;
        assert_eq!(line, "ready\n");
        Ok(running)
    };
    let older = start()?;
    let exits = Lines::exits(&[]);
    let by_name = Lines::dump(&["-p", "-s", "0.3", "--command", "^mynode$"]);
    let by_comm = Lines::dump(&["-p", "-s", "0.3", "--command", "^MainThread$"]);
    by_name.line(0);
    by_comm.line(0);
    let younger = start()?;
    for dump in [by_name, by_comm] {
        dump.fresh();
        let snapshot = dump.fresh();
        for (process, whose) in [(&older, "older"), (&younger, "younger")] {
            let task = task(&snapshot, process.pid()).ok_or(whose)?;
            assert_eq!(
                (&task["name"], &task["comm"]),
                (&"mynode".into(), &"MainThread".into())
            );
        }
        dump.end();
    }
    names_without_events(&older)?;
    let pids = [older.pid(), younger.pid()];
    drop((older, younger));
    std::thread::sleep(Duration::from_millis(1_500));
    let (lines, _) = exits.end();
    for pid in pids {
        let record = lines
            .iter()
            .find(|line| line.contains(&format!("\"pid\":{pid},")));
        let record: Value = serde_json::from_str(record.ok_or("no exit record")?)?;
        assert_eq!(
            (&record["name"], &record["comm"]),
            (&"mynode".into(), &"MainThread".into())
        );
    }
    Ok(())
}

/// From `/proc` alone, too. A process that runs another program is called like that one.
fn names_without_events(renamed: &Running) -> Result<(), Failed> {
    let script = "read line; exec sleep 60";
    let mut command = Command::new("sh");
    let mut shell = Running::new(command.args(["-c", script]).stdin(Stdio::piped()));
    let mut plain = procviz();
    plain
        .args(["dump", "--json", "-p", "-s", "0.3"])
        .uid(65_534);
    let dump = Lines::new(&mut plain);
    assert_eq!(dump.line(0)["sources"], "proc");
    let name = |process: &Running| -> Result<Value, Failed> {
        dump.fresh();
        dump.fresh();
        let snapshot = dump.fresh();
        let task = task(&snapshot, process.pid()).ok_or("a process is not shown")?;
        Ok(task["name"].clone())
    };
    assert_eq!(
        (name(&shell)?, name(renamed)?),
        ("sh".into(), "mynode".into())
    );
    let stdin = shell.0.stdin.as_mut().ok_or("no input")?;
    stdin.write_all(b"go\n")?;
    assert_eq!(
        (name(&shell)?, name(renamed)?),
        ("sleep".into(), "mynode".into())
    );
    dump.end();
    Ok(())
}

/// As `/proc/PID/comm` and ps(1) have them: `comm` elsewhere is cut after 15 bytes.
fn kernel_threads_have_their_whole_names() -> Result<(), Failed> {
    let read = |pid: u64| std::fs::read_to_string(format!("/proc/{pid}/comm"));
    let dump = Lines::dump(&["-p", "-s", "0.3"]);
    dump.fresh();
    dump.fresh();
    let (mut compared, mut long, mut wrong) = (0, 0, Vec::new());
    for _ in 0..5 {
        wrong.clear();
        let snapshot = dump.fresh();
        for task in snapshot["tasks"].as_array().unwrap() {
            let pid = task["pid"].as_u64().unwrap();
            let is_kernel_thread = task["ppid"] == 2 || pid == 2;
            let Some(name) = read(pid).ok().filter(|_| is_kernel_thread) else {
                continue;
            };
            let name = name.trim_end_matches('\n');
            (compared, long) = (compared + 1, long + u32::from(name.len() > 15));
            if task["name"] != name {
                wrong.push(format!("{pid}: {} is {name}", task["name"]));
            }
        }
        // A worker can take up other work between the two readings.
        if wrong.len() <= 2 {
            break;
        }
    }
    dump.end();
    if compared == 0 {
        return skip("this machine shows no kernel threads");
    }
    assert!(
        long > 0 && wrong.len() <= 2,
        "{long} of {compared} are long; {wrong:?}"
    );
    Ok(())
}
