//! Makes threads and processes in each way that the kernel knows here, and compares the list
//! of tasks with `/proc`, and exit records with wait4(2).

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Lines, Running, Talker, Value, workload},
};

pub(crate) const TESTS: &[Test] = &[(
    "every_way_to_make_a_thread",
    Needs::Events,
    every_way_to_make_a_thread,
)];

/// Makes processes and threads, prints `ready`, waits for a line, ends the processes, and
/// prints what wait4 said of each.
const WAYS: &str = r#"
import ctypes, json, os, signal, subprocess, sys, threading, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # orphans become children of this process
def child(code):
    pid = os.fork()
    if pid == 0:
        code()
        os._exit(9)
    return pid
def wait():
    time.sleep(120)
def threads():
    for _ in range(3):
        threading.Thread(target=wait, daemon=True).start()
    wait()
def exec_from_a_thread():
    exec_it = lambda: os.execv('/bin/sleep', ['sleep', '120'])
    threading.Thread(target=exec_it).start()
    wait()
def leave_an_orphan():
    if os.fork() == 0:
        wait()
    os._exit(4)
def exits_with(code):
    def run():
        os.read(hold, 1)
        os._exit(code)
    return run
hold, release = os.pipe()
known = {}
known['fork'] = child(wait)
known['status'] = child(lambda: (os.close(release), exits_with(7)()))
known['threads'] = child(threads)
known['exec from a thread'] = child(exec_from_a_thread)
known['orphan'] = child(leave_an_orphan)
known['vfork'] = subprocess.Popen(['sleep', '120'], close_fds=False).pid
threads_of_parent = threading.Thread(target=wait, daemon=True); threads_of_parent.start()
time.sleep(0.5)
print('ready', flush=True)
sys.stdin.readline()
os.close(release)
time.sleep(0.2)
children = open(f'/proc/self/task/{os.getpid()}/children').read().split()
for pid in children:
    os.kill(int(pid), signal.SIGKILL)
ended = []
while True:
    try: pid, status, usage = os.wait4(-1, 0)
    except ChildProcessError: break
    ended.append([pid, status, usage.ru_maxrss])
print(json.dumps(ended), flush=True)
sys.stdin.readline()
"#;

fn every_way_to_make_a_thread() -> Result<(), Failed> {
    let exits = Lines::exits(&[]);
    let older = Lines::dump(&["-s", "0.3"]);
    older.line(0);
    let mut python = Command::new("python3");
    python.args(["-u", "-c", WAYS]);
    let mut ways = Talker::start(python)?;
    let disabled = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
    let mut uring = match disabled.is_ok_and(|text| text.trim() != "0") {
        true => None,
        false => Some(Talker::start(workload(&["io-uring"]))?),
    };
    assert_eq!(ways.hear()?, "ready\n");
    if let Some(uring) = &mut uring {
        assert_eq!(uring.hear()?, "ready\n");
    }
    // A process that the kernel starts by itself: the receiver of a core dump.
    let helper = Helper::start()?;
    // A kernel thread: the journal of a file system.
    let journal = Journal::start()?;
    compare(&older, "older than the tasks")?;
    let younger = Lines::dump(&["-s", "0.3"]);
    younger.line(0);
    compare(&younger, "younger than the tasks")?;
    drop(helper);
    drop(journal);
    ways.say(b"end\n")?;
    let ended: Vec<(u32, u32, u64)> = serde_json::from_str(&ways.hear()?)?;
    assert!(ended.len() >= 7, "{ended:?}");
    std::thread::sleep(Duration::from_millis(1_500));
    compare(&older, "after the end")?;
    older.end();
    younger.end();
    let (lines, _) = exits.end();
    let records: BTreeMap<u64, Value> = lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|record| Some((record["pid"].as_u64()?, record)))
        .collect();
    for (pid, status, max_rss_kib) in ended {
        let record = records
            .get(&pid.into())
            .ok_or(format!("no record of {pid}"))?;
        let signal = record["signal"].as_u64().unwrap_or(0);
        let code = record["exit_code"].as_u64().unwrap_or(0);
        assert_eq!((code << 8) | signal, u64::from(status & 0xff7f), "{record}");
        assert_eq!(
            record["max_rss_bytes"].as_u64(),
            Some(max_rss_kib * 1_024),
            "{record}"
        );
    }
    Ok(())
}

/// The core dump of a process goes to a helper that the kernel starts.
struct Helper {
    pattern: String,
    crashed: Running,
}

impl Helper {
    fn start() -> Result<Self, Failed> {
        let file = "/proc/sys/kernel/core_pattern";
        let pattern = std::fs::read_to_string(file)?;
        std::fs::write(file, "|/bin/sleep 20")?;
        let script = "ulimit -c unlimited; kill -SEGV $$";
        let crashed = Running::new(Command::new("sh").args(["-c", script]));
        let helper = Self { pattern, crashed };
        let until = Instant::now() + Duration::from_secs(10);
        while Self::pid().is_none() {
            if Instant::now() > until {
                return Err("the kernel started no helper for the core dump".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(helper)
    }

    /// The helper: a `sleep 20` whose parent is a kernel thread.
    fn pid() -> Option<u32> {
        processes().into_iter().find(|pid| {
            let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}"));
            read("cmdline").is_ok_and(|line| line == "/bin/sleep\0".to_owned() + "20\0")
        })
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        _ = std::fs::write("/proc/sys/kernel/core_pattern", self.pattern.trim_end());
        if let Some(pid) = Self::pid() {
            _ = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(pid.cast_signed()),
                nix::sys::signal::Signal::SIGKILL,
            );
        }
        _ = self.crashed.0.wait();
    }
}

/// A mounted ext4 file system, for whose journal the kernel has a thread.
pub(crate) struct Journal(Folder);

impl Journal {
    /// `None` where file systems cannot be mounted from a file.
    pub(crate) fn start() -> Result<Option<Self>, Failed> {
        let folder = Folder::new("journal");
        let (image, mounted) = (folder.file("image"), folder.file("mounted"));
        std::fs::File::create(&image)?.set_len(16 << 20)?;
        std::fs::create_dir(&mounted)?;
        let ran = |command: &mut Command| {
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        let made = ran(Command::new("mkfs.ext4").arg("-q").arg(&image));
        let mount = ["-t", "ext4", "-o", "loop"];
        if !made || !ran(Command::new("mount").args(mount).args([&image, &mounted])) {
            return Ok(None);
        }
        let journal = Self(folder);
        let names = processes().into_iter().filter_map(|pid| {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            name.starts_with("jbd2/loop").then_some(name)
        });
        assert!(names.count() > 0, "the journal has no kernel thread");
        Ok(Some(journal))
    }

    /// A path on it.
    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.file("mounted").join(name)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        _ = Command::new("umount").arg(self.0.file("mounted")).status();
    }
}

fn processes() -> Vec<u32> {
    numbers("/proc")
}

fn numbers(folder: &str) -> Vec<u32> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// All threads that `/proc` shows, with their start times.
fn threads_in_proc() -> BTreeSet<(u32, u64)> {
    let mut all = BTreeSet::new();
    for pid in processes() {
        for tid in numbers(&format!("/proc/{pid}/task")) {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/stat"));
            let start = stat.ok().and_then(|stat| {
                let after = stat.rsplit(')').next()?;
                after.split_whitespace().nth(19)?.parse().ok()
            });
            all.extend(start.map(|start| (tid, start)));
        }
    }
    all
}

/// Compares a snapshot with `/proc`: a thread that `/proc` shows before and after it is in
/// it, and a thread that is in it was in `/proc` before or after.
fn compare(dump: &Lines, when: &str) -> Result<(), Failed> {
    let before = threads_in_proc();
    dump.fresh();
    let snapshot = dump.fresh();
    let after = threads_in_proc();
    let tasks = snapshot["tasks"].as_array().ok_or("no tasks")?;
    let living = tasks
        .iter()
        .filter(|task| task["exit"].is_null() || task["state"] == "Z");
    // Start times in `/proc` have steps of 10 ms.
    let shown: BTreeSet<(u32, u64)> = living
        .filter_map(|task| {
            let start = task["start_ns"].as_u64()? / 10_000_000;
            Some((u32::try_from(task["tid"].as_u64()?).ok()?, start))
        })
        .collect();
    let missing: Vec<_> = before
        .intersection(&after)
        .filter(|id| !shown.contains(id))
        .collect();
    assert!(missing.is_empty(), "{when}: {missing:?} are in /proc alone");
    // A thread can begin and end between the two readings of `/proc`.
    let unknown: Vec<_> = shown
        .iter()
        .filter(|id| !before.contains(id) && !after.contains(id))
        .collect();
    assert!(unknown.len() <= 3, "{when}: {unknown:?} are not in /proc");
    assert!(before.len() > 50, "{} threads", before.len());
    Ok(())
}
