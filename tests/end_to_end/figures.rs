//! Figures that other tools get wrong, each with a process whose true figure is known.

use std::{
    io::{BufRead as _, Write as _},
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{
        Folder, Lines, Running, Value, cgroup2_mount, living, output, procviz, python, skip,
        stderr, task, workload,
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
        "a_write_that_was_cancelled_is_said_to_be_so",
        Needs::Events,
        a_write_that_was_cancelled_is_said_to_be_so,
    ),
    (
        "a_refused_program_costs_that_program_alone",
        Needs::Events,
        a_refused_program_costs_that_program_alone,
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
    let pid = parent.id();
    let dump = Lines::dump(&["-p", "-s", "0.3"]);
    let alive = task(&dump.fresh(), pid).cloned();
    dump.end();
    let written = alive.ok_or("the shell is not shown")?["write_bytes"].clone();
    assert!(written.as_u64() < Some(1 << 20), "{written} while it lives");
    parent.stdin.take().unwrap().write_all(b"go\n")?;
    assert_eq!(parent.wait()?.code(), Some(6));
    std::thread::sleep(Duration::from_millis(1_500));
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
    let mut process = Running::new(&mut python(program, &[file.to_str().unwrap()]));
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

/// procviz does without each program that only some figures need.
fn a_refused_program_costs_that_program_alone() -> Result<(), Failed> {
    let programs = [
        "task_rename",
        "cgroup_mkdir",
        "cgroup_attach_task",
        "census",
        "sweep",
    ];
    for program in programs {
        // Without a census, the table of processes does not have an older process, so its exit
        // record says that it is partial.
        let mut early = Running::new(Command::new("sleep").arg("60"));
        let dump = Lines::new(
            procviz()
                .args(["dump", "--json", "-s", "0.3"])
                .env("PROCVIZ_TEST_REFUSE", program),
        );
        dump.line(0);
        let exits = Lines::new(
            procviz()
                .args(["exits", "--json"])
                .env("PROCVIZ_TEST_REFUSE", program),
        );
        exits.wait_until_exits_are_seen();
        let mut late = Running::new(Command::new("sh").args(["-c", "sleep 0.5; exit 3"]));
        let sample = dump.fresh();
        assert_eq!(sample["sources"], "ebpf+proc", "{program}");
        for pid in [early.pid(), late.pid()] {
            assert!(task(&sample, pid).is_some(), "{program}: {pid} is missing");
        }
        let times = std::fs::read_to_string(format!("/proc/{}/schedstat", early.pid()))?;
        let used = times
            .split(' ')
            .next()
            .ok_or("no CPU time")?
            .parse::<u64>()?;
        assert_eq!(
            task(&sample, early.pid()).unwrap()["cpu_ns"],
            used,
            "{program}"
        );
        let (early_pid, late_pid) = (early.pid(), late.pid());
        early.0.kill()?;
        early.0.wait()?;
        assert_eq!(late.0.wait()?.code(), Some(3));
        std::thread::sleep(Duration::from_millis(1_500));
        let (lines, said) = exits.end();
        let record = |pid: u32| -> Result<Value, Failed> {
            let line = lines
                .iter()
                .find(|line| line.contains(&format!("\"pid\":{pid},")));
            let line = line.ok_or_else(|| format!("{program}: no exit record of {pid}"))?;
            Ok(serde_json::from_str(line)?)
        };
        let (early, late) = (record(early_pid)?, record(late_pid)?);
        assert_eq!(early["signal"], 9, "{program}: {early}");
        assert_eq!(early["partial"], program == "census", "{program}: {early}");
        assert_eq!(late["exit_code"], 3, "{program}: {late}");
        assert_eq!(late["partial"], false, "{program}: {late}");
        let words = format!("the kernel refused the eBPF program `{program}`");
        for said in [said, dump.end().1] {
            assert_eq!(said.matches(&words).count(), 1, "{program}: {said}");
        }
    }
    Ok(())
}
