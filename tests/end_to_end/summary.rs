//! Compares the summary after a command with what the command knows about itself.

use std::process::Command;

use libtest_mimic::Failed;
use serde_json::Value;

use crate::{
    Needs, Test,
    support::{Folder, output, procviz, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    ("of_a_run", Needs::Events, of_a_run),
    (
        "without_kernel_events",
        Needs::Nothing,
        without_kernel_events,
    ),
    ("only_if_wanted", Needs::Nothing, only_if_wanted),
];

/// Three children that compute, one that is killed, one that writes 8 MiB past the page cache
/// and one that cannot; then a line with what wait4(2) has counted: CPU seconds of all
/// children, and of the process itself.
const RUN: &str = r#"
import os, resource, subprocess, sys, threading
for _ in range(3):
    subprocess.run([sys.executable, "-c", "sum(range(6_000_000)); x = bytearray(64 << 20)"])
subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"])
subprocess.run(["dd", "if=/dev/zero", "of=" + sys.argv[1], "bs=1M", "count=8", "oflag=direct"],
    stderr=subprocess.DEVNULL)
subprocess.run(["dd", "if=/absent/file", "of=/dev/null"], stderr=subprocess.DEVNULL)
for _ in range(4):
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
all = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
print(*[each.ru_utime + each.ru_stime for each in all], all[0].ru_maxrss * 1024)
sys.exit(7)
"#;

/// The program that `python3` starts: a wrapper would start processes of its own.
fn python() -> Result<String, Failed> {
    let script = "import sys; print(sys.executable)";
    let found = Command::new("python3").args(["-c", script]).output()?;
    let path = String::from_utf8(found.stdout)?;
    Ok(std::fs::canonicalize(path.trim())?.display().to_string())
}

fn of_a_run() -> Result<(), Failed> {
    let folder = Folder::new("summary");
    let python = python()?;
    let run = |form: &str, name: &str| {
        output(
            procviz()
                .args(["record", "--require-ebpf", "--summary", form, "-o"])
                .arg(folder.file(name))
                .args(["--", &python, "-c", RUN])
                .arg(folder.file("written")),
        )
    };
    let result = run("json", "a.pvz");
    assert_eq!(result.status.code(), Some(7), "{}", stderr(&result));
    let told = String::from_utf8(result.stdout.clone())?;
    let told: Vec<f64> = told
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    let said = stderr(&result);
    let line = said
        .lines()
        .find(|line| line.starts_with('{'))
        .ok_or(said.as_str())?;
    let summary: Value = serde_json::from_str(line)?;
    let number = |name: &str| summary[name].as_f64().unwrap();
    // Within 1 % and the time that the command itself still ran after it had counted.
    let cpu = number("cpu_ns") / 1e9;
    let expected = told[0] + told[1];
    assert!(
        (cpu - expected).abs() < expected / 100.0 + 0.03,
        "{cpu} {expected}: {line}"
    );
    let parts = number("user_ns") + number("system_ns");
    assert!((parts / 1e9 - cpu).abs() < 0.001, "{line}");
    let wall = number("wall_ns") / 1e9;
    assert!(
        (number("cpu_cores") - cpu / wall).abs() < 1e-6 && cpu < wall * 2.0,
        "{line}"
    );
    assert_eq!(number("processes"), 7.0, "{line}");
    assert_eq!((number("threads"), number("running")), (4.0, 0.0), "{line}");
    assert_eq!(
        (&summary["exit_code"], &summary["complete"]),
        (&7.into(), &true.into())
    );
    let written = number("write_bytes");
    assert!((8e6..9.5e6).contains(&written), "{line}");
    let largest = summary["largest"]["max_rss_bytes"].as_f64().unwrap();
    assert!(
        largest >= told[2] && number("together_rss_bytes") >= largest,
        "{line} {told:?}"
    );
    let failures = summary["failures"].as_array().unwrap();
    let failure = |wanted: &dyn Fn(&Value) -> bool| failures.iter().filter(|of| wanted(of)).count();
    assert_eq!(failures.len(), 3, "{line}");
    assert_eq!(
        failure(&|of| of["signal_name"] == "SIGSEGV" && of["count"] == 1),
        1,
        "{line}"
    );
    assert_eq!(
        failure(&|of| of["comm"] == "dd" && of["exit_code"] == 1),
        1,
        "{line}"
    );
    assert_eq!(failure(&|of| of["exit_code"] == 7), 1, "{line}");
    let costliest = &summary["commands"][0];
    assert_eq!(costliest["count"], 5, "{line}");
    // The same as text.
    let result = run("text", "b.pvz");
    let said = stderr(&result);
    for words in [
        "exit 7 after ",
        "  CPU  ",
        "cores on average",
        "7 processes",
        "4 more threads",
        "(SIGSEGV)",
        "dd (exit 1)",
        "×5: ",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("unknown"), "{said}");
    Ok(())
}

fn without_kernel_events() -> Result<(), Failed> {
    let folder = Folder::new("summary-proc");
    std::os::unix::fs::chown(&folder.0, Some(65_534), None)?;
    let procviz = procviz();
    let mut command = Command::new("setpriv");
    let result = output(
        command
            .args(["--reuid", "65534", "--clear-groups"])
            .arg(procviz.get_program())
            .args(["record", "-o"])
            .arg(folder.file("run.pvz"))
            .args(["--", "sh", "-c", "sleep 0.5; kill -TERM $$"]),
    );
    assert_eq!(result.status.code(), Some(143), "{}", stderr(&result));
    let said = stderr(&result);
    for words in [
        ": SIGTERM after ",
        "no kernel events: the figures are lower limits",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("0 B in "), "{said}");
    Ok(())
}

fn only_if_wanted() -> Result<(), Failed> {
    let folder = Folder::new("summary-none");
    let run = |args: &[&str], name: &str, command: &[&str]| {
        let mut run = procviz();
        run.arg("grid").args(args).arg("-o").arg(folder.file(name));
        output(run.args(command))
    };
    let result = run(&["--summary", "none"], "a.svg", &["--", "true"]);
    assert!(
        result.status.success() && !stderr(&result).contains("CPU"),
        "{}",
        stderr(&result)
    );
    let result = run(&["--summary", "json"], "b.svg", &[]);
    assert_eq!(result.status.code(), Some(2), "{}", stderr(&result));
    assert!(stderr(&result).contains("COMMAND"), "{}", stderr(&result));
    Ok(())
}
