//! The core suite, which `cargo xtask vm` runs on each kernel: the programs load, every
//! death is reported or counted as lost, wrong figures are marked as partial, and every
//! way to create a thread is seen. Other machines run it, too.
//!
//! Each test prints a line `RESULT name: figures` for the table in docs/KERNELS.md.

use std::collections::{BTreeSet, HashMap};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    deaths::{Waited, check, waited},
    memory::{Swap, bytes},
    storm::lost,
    support::{
        Folder, Lines, Running, Value, living, output, procviz, skip, started, stderr, task,
        workload,
    },
};

pub(crate) const TESTS: &[Test] = &[
    ("programs_load", Needs::Events, programs_load),
    ("deaths", Needs::Events, deaths),
    (
        "groups_killed_at_once",
        Needs::Events,
        groups_killed_at_once,
    ),
    ("bursts", Needs::Events, bursts),
    ("threads_of_io_uring", Needs::Events, threads_of_io_uring),
];

/// Only in a virtual machine: these change the machine.
pub(crate) const IN_VM: &[Test] = &[
    ("cpus_come_and_go", Needs::Events, cpus_come_and_go),
    ("without_btf", Needs::Nothing, without_btf),
    (
        "memory_that_is_reclaimed_is_shown",
        Needs::Events,
        memory_that_is_reclaimed_is_shown,
    ),
];

/// Only on a kernel that is locked down.
pub(crate) const LOCKED: &[Test] = &[("lockdown_is_named", Needs::Nothing, lockdown_is_named)];

/// With lockdown there is `/proc` alone, and `doctor` and pictures say why.
fn lockdown_is_named() -> Result<(), Failed> {
    let output = output(procviz().arg("doctor"));
    let text = String::from_utf8(output.stdout)?;
    assert!(
        text.contains("no    a kernel without confidentiality lockdown"),
        "{text}"
    );
    assert!(text.contains("lockdown=integrity"), "{text}");
    let samples = crate::support::output(procviz().args(["dump", "--json", "--samples", "1"]));
    assert!(samples.status.success());
    let said = stderr(&samples);
    assert!(
        said.contains("lockdown") && said.lines().count() <= 2,
        "{said}"
    );
    println!("RESULT lockdown: named");
    Ok(())
}

fn programs_load() -> Result<(), Failed> {
    let output = output(procviz().arg("doctor"));
    let text = String::from_utf8(output.stdout)?;
    println!("RESULT loads: {}", text.lines().last().unwrap_or_default());
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("ok    the eBPF programs load and attach"),
        "{text}"
    );
    assert!(!text.contains("the kernel refused"), "{text}");
    Ok(())
}

/// What was said of children whose wait4 is known.
#[derive(Debug, Default)]
struct Score {
    made: usize,
    missing: usize,
    partial: usize,
    /// Figures that differ from those of wait4, in records that are not partial.
    wrong: Vec<String>,
    more_than_once: usize,
}

/// Compares the exit records with the results of wait4. A record that is marked as
/// partial can have any figures, but it is that of the child.
fn score(made: &[(u32, Waited)], lines: &[String]) -> Score {
    let mut records: HashMap<u64, Vec<Value>> = HashMap::new();
    for line in lines {
        let record: Value = serde_json::from_str(line).unwrap();
        let pid = record["pid"].as_u64().unwrap();
        // A kernel worker that ended just before can have had the id of a child.
        if record["ppid"] != 2 {
            records.entry(pid).or_default().push(record);
        }
    }
    let mut score = Score {
        made: made.len(),
        ..Score::default()
    };
    let mut expected: HashMap<u32, usize> = HashMap::new();
    for (pid, child) in made {
        let nth = expected.entry(*pid).or_default();
        match records.get(&u64::from(*pid)).and_then(|all| all.get(*nth)) {
            Some(record) if record["partial"] == true => score.partial += 1,
            Some(record) => score.wrong.extend(check(*pid, child, record)),
            None => score.missing += 1,
        }
        *nth += 1;
    }
    for (pid, count) in expected {
        let seen = records.get(&u64::from(pid)).map_or(0, Vec::len);
        score.more_than_once += seen.saturating_sub(count);
    }
    score
}

/// Whether the kernel skips a program that already runs on the same CPU: since 7.0.
fn kernel_skips_programs() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let major: u32 = release.split('.').next().unwrap().parse().unwrap();
    major >= 7
}

/// Runs a workload that prints the results of wait4, and compares.
fn judge(name: &str, args: &[&str]) -> Result<(), Failed> {
    let exits = Lines::exits(&[]);
    let made = output(workload(args).env("PROCVIZ_MARK", "1"));
    assert!(made.status.success(), "{}", stderr(&made));
    let made: Vec<(u32, Waited)> = String::from_utf8(made.stdout)?
        .lines()
        .map(waited)
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    let (lines, errors) = exits.end();
    let (score, lost) = (score(&made, &lines), lost(&errors));
    println!(
        "RESULT {name}: {} made, {} missing, {} partial, {} wrong, {lost} lost",
        score.made,
        score.missing,
        score.partial,
        score.wrong.len()
    );
    assert!(score.missing as u64 <= lost, "{score:#?}\n{errors}");
    assert!(score.wrong.is_empty(), "{:#?}", score.wrong);
    assert_eq!(score.more_than_once, 0);
    // Since 7.0 the kernel skips programs, and records around a skipped one are partial.
    let most = if kernel_skips_programs() {
        score.made / 10
    } else {
        0
    };
    assert!(score.partial <= most, "{score:#?}");
    Ok(())
}

fn deaths() -> Result<(), Failed> {
    let folder = Folder::new("kernel-deaths");
    judge("deaths", &["deaths", "420", folder.0.to_str().unwrap()])
}

fn groups_killed_at_once() -> Result<(), Failed> {
    judge("groups", &["groups", "60"])
}

/// Forks as fast as possible: made = seen + lost.
fn bursts() -> Result<(), Failed> {
    let folder = Folder::new("kernel-bursts");
    let exits = Lines::exits(&[]);
    let file = folder.file("made");
    let made = output(&mut workload(&["storm", "3", file.to_str().unwrap()]));
    assert!(made.status.success(), "{}", stderr(&made));
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    let (lines, errors) = exits.end();
    let (mut made, count) = crate::storm::what_was_made(&folder)?;
    let seen = crate::storm::subtract(&lines, &mut made, "\"comm\":\"end_to_end");
    let lost = lost(&errors);
    let unseen: i64 = made.values().filter(|left| **left > 0).sum();
    let twice: i64 = made.values().filter(|left| **left < 0).sum();
    let partial = lines
        .iter()
        .filter(|line| line.contains("\"partial\":true"));
    let partial = partial.count();
    println!(
        "RESULT bursts: {count} made, {seen} seen, {unseen} missing, {partial} partial, {lost} lost"
    );
    assert_eq!(twice, 0, "seen more often than created");
    assert!(unseen as u64 <= lost, "{unseen} unseen: {errors}");
    Ok(())
}

/// The kernel adds threads to a process that uses io_uring: one that polls the queue, and
/// workers. They are seen, whether they began before procviz or after it, with their CPU
/// time.
fn threads_of_io_uring() -> Result<(), Failed> {
    if std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled")
        .is_ok_and(|text| text.trim() == "2")
    {
        return skip("io_uring is switched off on this machine");
    }
    let start = || started(&mut workload(&["io-uring"]));
    let before = start();
    let dump = Lines::dump(&["-s", "0.5"]);
    dump.line(0);
    let after = start();
    dump.fresh();
    let snapshot = dump.fresh();
    for running in [&before, &after] {
        let pid = running.pid();
        let in_proc: BTreeSet<u64> = std::fs::read_dir(format!("/proc/{pid}/task"))?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        let shown: BTreeSet<u64> = living(&snapshot)
            .filter(|task| task["pid"] == pid)
            .filter_map(|task| task["tid"].as_u64())
            .collect();
        assert!(in_proc.len() >= 2, "io_uring made no thread: {in_proc:?}");
        assert_eq!(shown, in_proc);
        let poller = living(&snapshot).find(|task| {
            task["pid"] == pid
                && task["comm"]
                    .as_str()
                    .is_some_and(|comm| comm.starts_with("iou-sqp"))
        });
        let poller = poller.ok_or("the polling thread is not shown by its name")?;
        let cpu = poller["cpu_delta_ns"].as_u64().unwrap_or(0);
        assert!(
            cpu > 50_000_000,
            "the polling thread used {cpu} ns in 0.5 s: {poller}"
        );
    }
    dump.end();
    println!("RESULT io_uring: its threads are seen");
    Ok(())
}

/// A CPU goes and comes back while `dump` runs: nothing is lost, and no task used more
/// than the time that passed.
fn cpus_come_and_go() -> Result<(), Failed> {
    let switch = "/sys/devices/system/cpu/cpu1/online";
    let dump = Lines::dump(&["-s", "0.5"]);
    let exits = Lines::exits(&[]);
    dump.line(0);
    let _burner = Running::new(&mut workload(&["burn"]));
    for online in ["0", "1", "0", "1"] {
        std::fs::write(switch, online)?;
        let snapshot = dump.fresh();
        let interval = snapshot["interval_ns"].as_u64().unwrap();
        for task in living(&snapshot) {
            let used = task["cpu_delta_ns"].as_u64().unwrap_or(0);
            assert!(
                used <= interval + 20_000_000,
                "{used} ns in {interval} ns: {task}"
            );
        }
        let made = std::process::Command::new("sh")
            .args(["-c", "exit 5"])
            .status()?;
        assert_eq!(made.code(), Some(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let (lines, errors) = exits.end();
    let seen = lines.iter().filter(|line| line.contains("\"exit_code\":5"));
    let seen = seen.count();
    println!(
        "RESULT hotplug: {seen} of 4 exits seen, {} lost",
        lost(&errors)
    );
    assert!(seen as u64 + lost(&errors) >= 4, "{errors}");
    dump.end();
    Ok(())
}

/// The kernel takes memory from a cgroup whose process sleeps: its figures follow within ten
/// seconds.
fn memory_that_is_reclaimed_is_shown() -> Result<(), Failed> {
    const MIB: u64 = 1 << 20;
    let folder = Folder::new("reclaimed");
    let Some(swap) = Swap::new(&folder, 96 * MIB)? else {
        return skip("no swap file can be used here");
    };
    let root = std::path::Path::new("/sys/fs/cgroup");
    std::fs::write(root.join("cgroup.subtree_control"), "+memory")?;
    let group = root.join("procviz-reclaim");
    std::fs::create_dir(&group)?;
    // Memory belongs to the cgroup in which it was touched.
    let hold = workload(&["hold", "48"]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\""]);
    command
        .arg(&group)
        .arg(hold.get_program())
        .args(hold.get_args());
    let process = Running::new(&mut command);
    let kernel = |name| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid()));
        bytes(&status.unwrap(), name)
    };
    while kernel("RssAnon:") < 48 * MIB {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let dump = Lines::dump(&["-p", "-s", "0.5"]);
    let swapped = |snapshot: &Value| task(snapshot, process.pid())?["swap_bytes"].as_u64();
    for _ in 0..10 {
        dump.fresh();
    }
    let before = dump.fresh();
    assert_eq!(swapped(&before), Some(0), "{before}");
    let ran = || std::fs::read_to_string(format!("/proc/{}/schedstat", process.pid()));
    let slept = ran()?;
    // It fails where less could be reclaimed.
    _ = std::fs::write(group.join("memory.reclaim"), "40M");
    let kernel = kernel("VmSwap:");
    assert!(kernel > 20 * MIB, "the kernel swapped {kernel} bytes only");
    // Ten seconds, and some more on a machine that is busy.
    let samples = (1..=24).find(|_| swapped(&dump.fresh()) == Some(kernel));
    assert_eq!(ran()?, slept, "the process ran");
    let samples = samples.ok_or("the swapped memory is not shown")?;
    println!(
        "RESULT reclaim: {} MiB shown after {samples} samples of 0.5 s",
        kernel / MIB
    );
    dump.end();
    drop(process);
    _ = std::fs::remove_dir(&group);
    drop(swap);
    Ok(())
}

/// Without type information there is `/proc` alone, and `doctor` names what is missing.
fn without_btf() -> Result<(), Failed> {
    let folder = Folder::new("no-btf");
    let script = "mount --bind \"$0\" /sys/kernel/btf && exec \"$1\" doctor";
    let binary = procviz().get_program().to_owned();
    let mut command = std::process::Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", script])
        .arg(&folder.0)
        .arg(binary);
    let output = output(&mut command);
    let text = String::from_utf8(output.stdout)?;
    assert!(text.contains("no    BTF"), "{text}");
    assert!(text.contains("CONFIG_DEBUG_INFO_BTF"), "{text}");
    println!("RESULT without BTF: named");
    Ok(())
}
