use std::collections::HashMap;

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{
        Folder, Lines, Value, cgroup2_mount, output, procviz, skip, stderr, wait_until, workload,
    },
};

pub(crate) const TESTS: &[Test] = &[
    (
        "every_death_once_and_right",
        Needs::Events,
        every_death_once_and_right,
    ),
    (
        "a_cgroup_has_its_name_after_its_end",
        Needs::Events,
        a_cgroup_has_its_name_after_its_end,
    ),
    (
        "a_command_is_watched_alone_and_gives_its_status",
        Needs::Events,
        a_command_is_watched_alone_and_gives_its_status,
    ),
    (
        "a_closed_pipe_ends_it",
        Needs::Events,
        a_closed_pipe_ends_it,
    ),
    (
        "arguments_are_whole_or_said_to_be_cut",
        Needs::Events,
        arguments_are_whole_or_said_to_be_cut,
    ),
    (
        "threads_are_listed_on_demand",
        Needs::Events,
        threads_are_listed_on_demand,
    ),
];

/// Status and resource usage of a child, as wait4 returns them.
pub(crate) struct Waited {
    kind: String,
    status: u32,
    cpu_us: u64,
    max_rss_kib: u64,
    threads: u64,
}

fn every_death_once_and_right() -> Result<(), Failed> {
    let folder = Folder::new("deaths");
    let exits = Lines::exits(&[]);
    let made =
        output(workload(&["deaths", "3000", folder.0.to_str().unwrap()]).env("PROCVIZ_MARK", "1"));
    assert!(made.status.success(), "{}", stderr(&made));
    let waited: Vec<(u32, Waited)> = String::from_utf8(made.stdout)?
        .lines()
        .map(waited)
        .collect();
    assert!(waited.len() >= 3_000);
    // A pid can be reused within the test: records of a pid are compared in order.
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let (lines, errors) = exits.end();
    assert!(errors.contains(" 0 lost"), "{errors}");
    let mut records: HashMap<u64, Vec<Value>> = HashMap::new();
    for line in &lines {
        let record: Value = serde_json::from_str(line)?;
        records
            .entry(record["pid"].as_u64().unwrap())
            .or_default()
            .push(record);
    }
    let mut wrong = Vec::new();
    let mut after_release = 0;
    let mut expected: HashMap<u32, usize> = HashMap::new();
    for (pid, child) in &waited {
        let nth = expected.entry(*pid).or_default();
        let found = records.get(&u64::from(*pid)).map_or(&[][..], |list| list);
        match found.get(*nth) {
            Some(record) => {
                wrong.extend(check(*pid, child, record));
                after_release += usize::from(used_more_than_waited(*pid, child, record));
            }
            None => wrong.push(format!("{} {pid}: no record", child.kind)),
        }
        *nth += 1;
    }
    for (pid, count) in expected {
        let seen = records.get(&u64::from(pid)).map_or(0, Vec::len);
        if seen != count {
            wrong.push(format!("{pid}: {seen} records for {count} deaths"));
        }
    }
    assert!(
        after_release * 100 <= waited.len(),
        "{after_release} of {} used more CPU time than wait4 counted",
        waited.len()
    );
    let shown: Vec<_> = wrong.iter().take(30).cloned().collect();
    assert!(
        wrong.is_empty(),
        "{} faults in {} records:\n{}",
        wrong.len(),
        waited.len(),
        shown.join("\n")
    );
    Ok(())
}

pub(crate) fn waited(line: &str) -> (u32, Waited) {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().unwrap();
    let child = Waited {
        kind: words[0].to_owned(),
        status: number(2) as u32,
        cpu_us: number(3),
        max_rss_kib: number(4),
        threads: number(5),
    };
    (number(1) as u32, child)
}

pub(crate) fn check(pid: u32, child: &Waited, record: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |what: &str, is: &Value, should: Value| {
        if *is != should {
            wrong.push(format!(
                "{} {pid}: {what} is {is}, expected {should}",
                child.kind
            ));
        }
    };
    let signal = child.status & 0x7f;
    expect(
        "exit_code",
        &record["exit_code"],
        if signal == 0 {
            (child.status >> 8).into()
        } else {
            Value::Null
        },
    );
    expect(
        "signal",
        &record["signal"],
        if signal == 0 {
            Value::Null
        } else {
            signal.into()
        },
    );
    expect(
        "core_dumped",
        &record["core_dumped"],
        (child.status & 0x80 != 0).into(),
    );
    expect("partial", &record["partial"], false.into());
    if child.kind == "namespace" {
        expect("ns_pid", &record["ns_pid"], 1.into());
        expect(
            "exit_code in the namespace",
            &record["exit_code"],
            16.into(),
        );
    } else {
        expect("ns_pid", &record["ns_pid"], pid.into());
    }
    match child.kind.as_str() {
        "true" => expect(
            "args",
            &record["args"],
            serde_json::json!(["/bin/true", "an argument", ""]),
        ),
        "false" => expect(
            "args",
            &record["args"],
            serde_json::json!(["/bin/false", "an argument", ""]),
        ),
        "exec-by-thread" => expect(
            "args",
            &record["args"],
            serde_json::json!(["/bin/true", "by-thread"]),
        ),
        _ => {}
    }
    // wait4 adds the usage of the children that a child has reaped.
    if child.kind != "orphan-parent" {
        let cpu = record["cpu_ns"].as_u64().unwrap_or(0);
        let waited = child.cpu_us * 1_000;
        // Each thread can use some time after it was counted for wait4: much of it where the
        // machine is emulated.
        let most = waited + child.threads * 20_000_000;
        if cpu + allowed_ns(child) < waited || cpu > most {
            wrong.push(format!(
                "{} {pid}: cpu_ns is {cpu}, wait4 returned {waited}",
                child.kind
            ));
        }
        let rss = record["max_rss_bytes"].as_u64().unwrap_or(0);
        if rss != child.max_rss_kib * 1024 {
            wrong.push(format!(
                "{} {pid}: max_rss_bytes is {rss}, wait4 returned {}",
                child.kind,
                child.max_rss_kib * 1024
            ));
        }
    }
    if child.kind == "write" {
        let written = record["write_bytes"].as_u64().unwrap_or(0);
        if written.abs_diff(1 << 20) > 64 << 10 {
            wrong.push(format!("{} {pid}: write_bytes is {written}", child.kind));
        }
    }
    wrong
}

fn allowed_ns(child: &Waited) -> u64 {
    child.cpu_us * 10 + 100_000 + child.threads * 20_000
}

/// Whether a child used CPU time after its parent was notified of the exit. wait4 does
/// not count that time, the exit record does. On a machine whose CPUs can be taken away
/// at any time this happens to a few processes, and is then a millisecond.
fn used_more_than_waited(pid: u32, child: &Waited, record: &Value) -> bool {
    if child.kind == "orphan-parent" {
        return false;
    }
    let cpu = record["cpu_ns"].as_u64().unwrap_or(0);
    let more = cpu.saturating_sub(child.cpu_us * 1_000);
    let is_more = more > allowed_ns(child);
    if is_more {
        println!("{} {pid}: {more} ns more than wait4", child.kind);
    }
    is_more
}

fn a_cgroup_has_its_name_after_its_end() -> Result<(), Failed> {
    let Some(mount) = cgroup2_mount() else {
        return skip("no cgroup2 is mounted");
    };
    let exits = Lines::exits(&[]);
    let name = format!("procviz-test-{}", std::process::id());
    let folder = format!("{mount}/{name}");
    if let Err(error) = std::fs::create_dir(&folder) {
        return skip(&format!("cannot create a cgroup: {error}"));
    }
    let script = format!("echo $$ > {folder}/cgroup.procs; exec sleep 0.1");
    let mut child = std::process::Command::new("sh")
        .args(["-c", &script])
        .spawn()?;
    let pid = child.id();
    child.wait()?;
    std::fs::remove_dir(&folder)?;
    let mut found = None;
    wait_until("there is no record", || {
        found = (0..exits.count())
            .map(|index| exits.line(index))
            .find(|record| record["pid"] == pid);
        found.is_some()
    });
    exits.end();
    assert_eq!(found.unwrap()["cgroup"], format!("/{name}"));
    Ok(())
}

fn a_command_is_watched_alone_and_gives_its_status() -> Result<(), Failed> {
    let run = |args: &[&str]| output(procviz().args(["exits", "--json", "--"]).args(args));
    let result = run(&["sh", "-c", "/bin/true; (/bin/false); exit 7"]);
    assert_eq!(result.status.code(), Some(7), "{}", stderr(&result));
    let records: Vec<Value> = String::from_utf8(result.stdout)?
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let codes: Vec<_> = records
        .iter()
        .map(|record| record["exit_code"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [0, 1, 7]);
    assert_eq!(
        run(&["sh", "-c", "kill -TERM $$"]).status.code(),
        Some(128 + 15)
    );
    assert_eq!(run(&["/no/such/command"]).status.code(), Some(127));
    assert_eq!(run(&["/etc/passwd"]).status.code(), Some(126));
    Ok(())
}

fn a_closed_pipe_ends_it() -> Result<(), Failed> {
    let mut running = procviz()
        .arg("exits")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()?;
    drop(running.stdout.take());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let status = loop {
        std::process::Command::new("/bin/true").status()?;
        if let Some(status) = running.try_wait()? {
            break status;
        }
        if std::time::Instant::now() > deadline {
            running.kill()?;
            return Err("procviz still runs after its reader has closed the pipe".into());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
    let errors = std::io::read_to_string(running.stderr.take().unwrap())?;
    assert!(errors.contains(" seen, "), "{errors}");
    Ok(())
}

fn threads_are_listed_on_demand() -> Result<(), Failed> {
    let folder = Folder::new("threads");
    let result = output(
        procviz()
            .args(["exits", "--json", "--threads", "--"])
            .args([
                std::env::current_exe()?.to_str().unwrap(),
                "--workload",
                "deaths",
                "14",
                folder.0.to_str().unwrap(),
            ]),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let records: Vec<Value> = String::from_utf8(result.stdout)?
        .lines()
        // The workload also prints the results of wait4.
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let longest = |of_threads: bool| {
        records
            .iter()
            .filter(|record| record["tid"].is_u64() == of_threads)
            .map(|record| record["lifetime_ns"].as_u64().unwrap())
            .max()
    };
    // The workload runs longer than all other processes, and its threads start after it.
    assert!(longest(true) <= longest(false));
    let younger = records.iter().filter(|record| {
        let whole = records
            .iter()
            .find(|whole| whole["pid"] == record["pid"] && !whole["tid"].is_u64());
        record["tid"].is_u64()
            && record["tid"] != record["pid"]
            && whole
                .is_some_and(|whole| record["lifetime_ns"].as_u64() < whole["lifetime_ns"].as_u64())
    });
    assert!(
        younger.count() >= 16,
        "threads are not younger than their processes"
    );
    let groups: HashMap<u64, usize> = records.iter().filter(|record| record["tid"].is_u64()).fold(
        HashMap::new(),
        |mut counts, record| {
            *counts.entry(record["pid"].as_u64().unwrap()).or_default() += 1;
            counts
        },
    );
    assert_eq!(
        groups.values().filter(|count| **count == 9).count(),
        2,
        "{groups:?}"
    );
    Ok(())
}

/// Arguments are kept up to 4 KiB, whatever the size of the environment. Longer ones say
/// so. A filter finds a class name behind the first 256 bytes.
fn arguments_are_whole_or_said_to_be_cut() -> Result<(), Failed> {
    let exits = Lines::exits(&[]);
    let jars = "/opt/app/lib/some-library-1.2.3.jar:".repeat(60);
    let long = "x".repeat(100_000);
    let run = |args: &[&str]| -> Result<u32, Failed> {
        // An empty environment: the arguments are at the very end of the stack.
        let mut command = std::process::Command::new("/bin/true");
        let mut child = command.env_clear().args(args).spawn()?;
        let pid = child.id();
        child.wait()?;
        Ok(pid)
    };
    let short = run(&["a"])?;
    let java = run(&["-cp", &jars, "MainServer"])?;
    let cut = run(&["before", &long, &long])?;
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let (lines, _) = exits.end();
    let record = |pid: u32| -> Value {
        let mut lines = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines.rfind(|record: &Value| record["pid"] == pid).unwrap()
    };
    assert_eq!(record(short)["args"], serde_json::json!(["/bin/true", "a"]));
    assert_eq!(record(short)["args_cut"], false);
    assert_eq!(record(short)["args_bytes"], 12);
    let args = serde_json::json!(["/bin/true", "-cp", jars, "MainServer"]);
    assert_eq!(record(java)["args"], args);
    let record = record(cut);
    assert_eq!(record["args_cut"], true);
    assert!(
        record["args_bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes > 4_096)
    );
    let args = record["args"].as_array().unwrap();
    assert_eq!(args[..2], ["/bin/true", "before"]);
    let kept: usize = args.iter().map(|arg| arg.as_str().unwrap().len() + 1).sum();
    assert_eq!(kept, 4096 + 1);
    Ok(())
}
