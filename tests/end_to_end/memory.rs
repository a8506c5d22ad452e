//! Memory by its kind: whose it is, and who grows.

use std::{
    io::Write as _,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::Command,
    time::Duration,
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{
        Folder, Lines, Talker, Value, output, procviz, python, skip, started, stderr, task,
        workload,
    },
};

pub(crate) const TESTS: &[Test] = &[
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
        "memory_in_swap_has_an_owner",
        Needs::Events,
        memory_in_swap_has_an_owner,
    ),
    (
        "a_sleeper_whose_memory_is_swapped_is_shown",
        Needs::Events,
        a_sleeper_whose_memory_is_swapped_is_shown,
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
];

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

/// A size of `/proc/PID/status`.
pub(crate) fn bytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kibibytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes * 1024
}

fn kinds(program: &str, file: &std::path::Path) -> Result<(), Failed> {
    // One procviz is older than the process and sees it begin, the others find it.
    let older = Lines::dump(&["-p", "-s", "0.3"]);
    older.line(0);
    let process = started(&mut python(program, &[file.to_str().unwrap()]));
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid()))?;
    let kernel = |name: &str| bytes(&status, name);
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

/// A swap file that is in use while this exists.
pub(crate) struct Swap {
    file: std::path::PathBuf,
}

impl Swap {
    /// `None` where the file system of the folder can hold no swap.
    pub(crate) fn new(folder: &Folder, bytes: u64) -> Result<Option<Self>, Failed> {
        let file = folder.file("swap");
        let created = std::fs::File::create(&file)?;
        created.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        nix::fcntl::posix_fallocate(&created, 0, i64::try_from(bytes)?)?;
        let made = output(Command::new("mkswap").arg(&file));
        assert!(made.status.success(), "mkswap: {}", stderr(&made));
        let used = output(Command::new("swapon").arg(&file));
        Ok(used.status.success().then_some(Self { file }))
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        _ = output(Command::new("swapoff").arg(&self.file));
    }
}

/// A process whose pages were moved to swap keeps them as its memory.
fn memory_in_swap_has_an_owner() -> Result<(), Failed> {
    let folder = Folder::new("swap");
    let Some(swap) = Swap::new(&folder, 160 << 20)? else {
        return skip("no swap file can be used here");
    };
    let program = r#"
import mmap, sys
own = mmap.mmap(-1, 60 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, len(own), 4096): own[at:at + 8] = at.to_bytes(8, 'big')
print('ready', flush=True); sys.stdin.readline()
MADV_PAGEOUT = 21
own.madvise(MADV_PAGEOUT)
print('out', flush=True); sys.stdin.readline()
"#;
    let mut process = Talker::start(python(program, &[]))?;
    assert_eq!(process.hear()?, "ready\n");
    let pid = process.running.pid();
    let dump = Lines::dump(&["-p", "-s", "0.3"]);
    let mut first = dump.fresh();
    for _ in 0..10 {
        first = dump.fresh();
    }
    let before = task(&first, pid).ok_or("the process is not shown")?;
    assert_eq!(before["swap_bytes"], 0, "{before}");
    assert!(
        before["rss_anon_bytes"].as_u64() >= Some(60 << 20),
        "{before}"
    );
    process.say(b"go on\n")?;
    assert_eq!(process.hear()?, "out\n");
    let mut last = dump.fresh();
    for _ in 0..10 {
        last = dump.fresh();
    }
    dump.end();
    let after = task(&last, pid).ok_or("the process is not shown")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kernel = bytes(&status, "VmSwap:");
    assert!(kernel > 55 << 20, "the kernel swapped {kernel} bytes only");
    let ours = after["swap_bytes"].as_u64().ok_or("swap is unknown")?;
    assert!(ours.abs_diff(kernel) <= 1 << 20, "{ours} is not {kernel}");
    let lost =
        before["rss_anon_bytes"].as_u64().unwrap() - after["rss_anon_bytes"].as_u64().unwrap();
    assert!(lost.abs_diff(ours) <= 1 << 20, "{before} {after}");
    drop(process);
    drop(swap);
    Ok(())
}

/// Another process sends the memory of one that sleeps to the swap: the sleeper does not run, but
/// the kernel counts what it swaps, so its figures follow within ten seconds.
fn a_sleeper_whose_memory_is_swapped_is_shown() -> Result<(), Failed> {
    let folder = Folder::new("swapped");
    let Some(swap) = Swap::new(&folder, 160 << 20)? else {
        return skip("no swap file can be used here");
    };
    let sleeper = r#"
import ctypes, mmap, sys
own = mmap.mmap(-1, 60 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, len(own), 4096): own[at:at + 8] = at.to_bytes(8, 'big')
print(ctypes.addressof(ctypes.c_char.from_buffer(own)), flush=True); sys.stdin.readline()
"#;
    let mut process = Talker::start(python(sleeper, &[]))?;
    let address = process.hear()?;
    let pid = process.running.pid();
    let dump = Lines::dump(&["-p", "-s", "0.5"]);
    dump.line(10);
    let before = dump.fresh();
    let before = task(&before, pid).ok_or("the process is not shown")?;
    assert_eq!(before["swap_bytes"], 0, "{before}");
    let other = r#"
import ctypes, os, sys
class Range(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
pid, address = map(int, sys.argv[1:])
call = ctypes.CDLL(None, use_errno=True).syscall
pidfd, MADV_PAGEOUT = os.pidfd_open(pid), 21
call.restype = ctypes.c_long
done = call(440, pidfd, ctypes.byref(Range(address, 60 << 20)), ctypes.c_size_t(1), MADV_PAGEOUT, 0)
assert done == 60 << 20, os.strerror(ctypes.get_errno())
"#;
    let args = [pid.to_string(), address.trim().to_owned()];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    assert!(python(other, &args).status()?.success());
    let ran = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/schedstat"));
    let slept = ran(pid)?;
    // Ten seconds, and some more on a machine that is busy.
    let is_shown = (0..24).any(|_| {
        let last = dump.fresh();
        task(&last, pid).is_some_and(|task| task["swap_bytes"].as_u64() >= Some(55 << 20))
    });
    assert!(is_shown, "the swapped memory is not shown");
    assert_eq!(ran(pid)?, slept, "the process ran");
    dump.end();
    drop(process);
    drop(swap);
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
    let mut process = started(&mut python(&program, &[]));
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
    let writer = started(&mut python(program, &[&file]));
    let pid = writer.pid();
    let findings = findings_of("6s");
    drop(writer);
    std::fs::remove_file(&file)?;
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
