//! How processes and kernel threads are called.

use std::{
    io::Write as _,
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Lines, Running, Value, procviz, skip, started, task},
};

pub(crate) const TESTS: &[Test] = &[
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
];

/// node, Python and Java call their main thread something else than their program.
fn a_process_is_called_like_its_program() -> Result<(), Failed> {
    let folder = Folder::new("renamed");
    let program = folder.file("mynode");
    std::os::unix::fs::symlink("/usr/bin/python3", &program)?;
    let script = "open('/proc/self/comm', 'w').write('MainThread')\nprint('ready'); input()";
    let start = || started(Command::new(&program).args(["-c", script]));
    let older = start();
    let exits = Lines::exits(&[]);
    let by_name = Lines::dump(&["-p", "-s", "0.3", "--command", "^mynode$"]);
    let by_comm = Lines::dump(&["-p", "-s", "0.3", "--command", "^MainThread$"]);
    by_name.line(0);
    by_comm.line(0);
    let younger = start();
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
    names_without_a_file()?;
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

/// A program that was started through `/proc/self/exe` is no `exe`: it is called as it calls
/// itself, or like its file.
fn names_without_a_file() -> Result<(), Failed> {
    let exits = Lines::exits(&[]);
    let script = "import os, sys\nif len(sys.argv) < 2: os.execv('/proc/self/exe', ['python3', '-c', sys.orig_argv[2], 'again'])\nopen('/proc/self/comm', 'w').write('crasher')";
    let mut crasher = Running::new(Command::new("python3").args(["-c", script]));
    let pid = crasher.pid();
    assert!(crasher.0.wait()?.success());
    std::thread::sleep(Duration::from_millis(1_500));
    let (lines, _) = exits.end();
    let record = lines
        .iter()
        .find(|line| line.contains(&format!("\"pid\":{pid},")));
    let record: Value = serde_json::from_str(record.ok_or("no exit record")?)?;
    assert_eq!(
        (&record["name"], &record["comm"]),
        (&"crasher".into(), &"crasher".into())
    );
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

/// The name of a kernel worker without its last work, which changes all the time: of
/// `kworker/1:0-events`, `kworker/1:0`.
fn without_work(name: &str) -> &str {
    let end = name.find(['-', '+']).filter(|_| name.contains(':'));
    name.get(..end.unwrap_or(name.len())).unwrap_or(name)
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
            let shown = task["name"].as_str().ok_or("no name")?;
            (compared, long) = (compared + 1, long + u32::from(shown.len() > 15));
            if without_work(shown) != without_work(name) {
                wrong.push(format!("{pid}: {shown} is {name}"));
            }
        }
        // A kernel thread can take another name between the two readings.
        if wrong.is_empty() {
            break;
        }
    }
    dump.end();
    if compared == 0 {
        return skip("this machine shows no kernel threads");
    }
    assert!(
        long > 0 && wrong.is_empty(),
        "{long} of {compared} are long; {wrong:?}"
    );
    Ok(())
}
