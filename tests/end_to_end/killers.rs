//! Who killed a process: deaths with known senders, of every kind that the kernel has.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Lines, Running, Value, living, output, procviz, python, skip, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "every_killer_is_named_and_no_bystander",
        Needs::Events,
        every_killer_is_named,
    ),
    (
        "signals_that_end_nobody_change_nothing",
        Needs::Events,
        floods_change_nothing,
    ),
    (
        "a_recording_says_who_killed_whom",
        Needs::Events,
        a_recording_says_it,
    ),
];

/// Makes deaths, and prints what is expected of each.
const DEATHS: &str = include_str!("killers.py");

fn every_killer_is_named() -> Result<(), Failed> {
    let exits = Lines::exits(&[]);
    let made = python(DEATHS, &[]).stderr(Stdio::inherit()).output()?;
    assert!(made.status.success());
    std::thread::sleep(Duration::from_millis(1_500));
    let (lines, errors) = exits.end();
    let records = by_pid(&lines)?;
    let expected = String::from_utf8(made.stdout)?;
    let (mut wrong, mut kinds) = (Vec::new(), BTreeMap::<String, u32>::new());
    let (hides_agent, mut unseen) = (a_guest_hides_its_agent(), 0);
    for line in expected.lines() {
        let expected: Value = serde_json::from_str(line)?;
        *kinds.entry(expected["kind"].to_string()).or_default() += 1;
        let pid = expected["pid"].as_u64().ok_or("no pid")?;
        let Some(record) = records.get(&pid) else {
            wrong.push(format!("{line}: no record"));
            continue;
        };
        let (by, before) = (&record["killed_by"], &record["terminated_by"]);
        let is_right = by["kind"] == expected["kind"]
            && by["pid"] == expected["sender"]
            && before["pid"] == expected["before"]
            && (expected["uid"].is_null() || by["uid"] == expected["uid"]);
        if by.is_null() && expected["kind"] == "timer" && hides_agent {
            // The interrupt of the timer hit the agent: no eBPF program runs then.
            unseen += 1;
        } else if !is_right {
            wrong.push(format!("{line}: {record}"));
        }
    }
    let deaths: u32 = kinds.values().sum();
    assert!(deaths >= 500, "{deaths} deaths: {kinds:?}");
    for kind in ["oom", "cgroup", "limit", "parent"] {
        if !kinds.contains_key(&format!("{kind:?}")) {
            return skip(&format!("no death of kind `{kind}` can be made here"));
        }
    }
    assert!(unseen <= deaths / 100, "{unseen} signals were not seen");
    assert!(
        wrong.is_empty(),
        "{} of {deaths} ({kinds:?}) are wrong, for example {:#?}\n{errors}",
        wrong.len(),
        &wrong[..wrong.len().min(8)]
    );
    println!("RESULT killers: {deaths} deaths, {kinds:?}, {unseen} in an agent");
    Ok(())
}

/// Whether the kernel hides a process from eBPF programs: only `/proc` shows it.
fn a_guest_hides_its_agent() -> bool {
    let dump = Lines::dump(&["-p", "-s", "0.5"]);
    let snapshot = dump.line(2);
    dump.end();
    living(&snapshot).any(|task| {
        let is_old = task["start_ns"].as_u64().unwrap() < 60_000_000_000;
        is_old && task["ns_pid"].is_null() && task["off_cpu_ns"].is_null()
    })
}

/// The last exit record of each pid.
fn by_pid(lines: &[String]) -> Result<BTreeMap<u64, Value>, Failed> {
    let mut records = BTreeMap::new();
    for line in lines {
        let record: Value = serde_json::from_str(line)?;
        records.insert(record["pid"].as_u64().ok_or("no pid")?, record);
    }
    Ok(records)
}

/// SIGURG as Go programs send it, a signal with a handler, and a SIGTERM of its own with a
/// handler: no record is made of them.
const FLOOD: &str = r#"
import os, signal, time
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.signal(signal.SIGTERM, lambda *_: None)
end = time.monotonic() + 2
count = 0
while time.monotonic() < end:
    for _ in range(100):
        os.kill(os.getpid(), signal.SIGURG)
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
    count += 300
print(count)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
os.kill(os.getpid(), signal.SIGTERM)
"#;

fn floods_change_nothing() -> Result<(), Failed> {
    let folder = Folder::new("signals");
    let file = folder.file("flood.svg");
    let exits = Lines::exits(&[]);
    let mut grid = procviz();
    grid.args(["grid", "--require-ebpf", "--duration", "5s", "-o"])
        .arg(&file);
    let mut grid = Running::new(&mut grid);
    std::thread::sleep(Duration::from_secs(2));
    let flood = python(FLOOD, &[]).stdout(Stdio::piped()).spawn()?;
    let pid = u64::from(flood.id());
    let sent: u64 = String::from_utf8(flood.wait_with_output()?.stdout)?
        .trim()
        .parse()?;
    assert!(sent > 20_000, "only {sent} signals");
    assert!(grid.0.wait()?.success());
    let picture = std::fs::read_to_string(file)?;
    let (_, after) = picture
        .split_once("kernel events seen ")
        .ok_or("the picture does not say how many events there were")?;
    let (seen, after) = after.split_once(", lost ").ok_or("no losses")?;
    let seen: u64 = seen.replace(',', "").parse()?;
    assert!(seen < sent / 4, "{seen} events, {sent} signals");
    assert!(after.starts_with("0 "), "lost {after:.20}");
    let (lines, _) = exits.end();
    let record = by_pid(&lines)?.remove(&pid).ok_or("no record")?;
    assert_eq!(record["killed_by"]["kind"], "itself", "{record}");
    assert_eq!(record["partial"], false, "{record}");
    Ok(())
}

fn a_recording_says_it() -> Result<(), Failed> {
    let folder = Folder::new("killers");
    let file = folder.file("k.pvz");
    let mut recorder = Lines::new(procviz().args(["record", "-s", "0.2", "-o"]).arg(&file));
    std::thread::sleep(Duration::from_secs(2));
    let script =
        "sleep 60 & victim=$!; sleep 0.4; sh -c 'kill -TERM $0; exit' $victim; wait; echo $victim";
    let made = output(Command::new("sh").args(["-c", script]));
    let victim: u64 = String::from_utf8(made.stdout)?.trim().parse()?;
    std::thread::sleep(Duration::from_secs(2));
    recorder.running.signal(nix::sys::signal::Signal::SIGINT);
    assert!(recorder.running.0.wait()?.success());
    let exits = output(procviz().args(["exits", "--json", "--from"]).arg(&file));
    assert!(exits.status.success(), "{}", stderr(&exits));
    let text = String::from_utf8(exits.stdout)?;
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let record = by_pid(&lines)?.remove(&victim).ok_or("no record")?;
    assert_eq!(record["killed_by"]["kind"], "process", "{record}");
    assert_eq!(record["killed_by"]["comm"], "sh", "{record}");
    assert_eq!(record["signal_name"], "SIGTERM", "{record}");
    Ok(())
}
