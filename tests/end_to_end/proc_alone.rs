//! Without kernel events, threads that have not run are not read again. What a process
//! does is shown with the next samples nevertheless, beside processes that only sleep.

use std::{collections::BTreeMap, os::unix::process::CommandExt as _, time::Duration};

use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use crate::{
    Needs, Test,
    support::{Lines, Stat, Talker, Value, living, numbers, procviz, python},
};

pub(crate) const TESTS: &[Test] = &[(
    "what_sleepers_do_next_is_shown_without_events",
    Needs::Events,
    what_sleepers_do_next,
)];

/// A process that does what a line says, and says when it has done it. Its threads sleep.
const SLEEPER: &str = r#"
import ctypes, os, sys, threading, time
libc = ctypes.CDLL(None)
os.setpgid(0, 0)
ends = []
def thread():
    end = threading.Event()
    ends.append(end)
    threading.Thread(target=end.wait, daemon=True).start()
def child(body):
    pid = os.fork()
    if pid == 0:
        libc.prctl(1, 9)
        body()
        os._exit(0)
    return pid
def orphan():
    child(lambda: (child(lambda: time.sleep(60)), time.sleep(2)))
def burn():
    end = time.thread_time() + 0.1
    while time.thread_time() < end: pass
def blocked():
    def wait():
        if libc.vfork() == 0:
            libc.sleep(6)
            libc._exit(0)
    threading.Thread(target=wait, daemon=True).start()
do = {
    "thread": thread,
    "end": lambda: ends.pop().set(),
    "child": lambda: child(lambda: time.sleep(60)),
    "zombie": lambda: child(lambda: None),
    "orphan": orphan,
    "reap": lambda: [os.waitpid(-1, os.WNOHANG) for _ in range(4)],
    "rename": lambda: libc.prctl(15, b"other name"),
    "burn": burn,
    "blocked": blocked,
}
for _ in range(3): thread()
print("ready")
for line in sys.stdin:
    do[line.strip()]()
    time.sleep(0.2)
    print("done")
"#;

#[derive(Debug, PartialEq)]
struct Facts {
    comm: String,
    state: String,
    ppid: u64,
    cpu_ticks: u64,
}

type Threads = BTreeMap<u64, Facts>;

fn what_sleepers_do_next() -> Result<(), Failed> {
    let mut sleeper = Talker::start(python(SLEEPER, &[]))?;
    sleeper.hear()?;
    let pid = sleeper.running.pid();
    let mut dump = procviz();
    dump.args(["dump", "--json", "-s", "0.3"]);
    let dump = Lines::new(dump.uid(65_534));
    assert_eq!(dump.line(4)["sources"], "proc");
    let steps = [
        "thread", "burn", "child", "end", "zombie", "orphan", "rename", "thread", "reap", "blocked",
    ];
    for step in steps {
        sleeper.say(format!("{step}\n").as_bytes())?;
        sleeper.hear()?;
        is_shown(&dump, pid, step);
    }
    // The parent of the orphan ends, and is then reaped: the orphan itself does not run.
    std::thread::sleep(Duration::from_secs(2));
    sleeper.say(b"reap\n")?;
    sleeper.hear()?;
    is_shown(&dump, pid, "the parent of the orphan is reaped");
    sleeper.running.signal(Signal::SIGSTOP);
    is_shown(&dump, pid, "stopped");
    sleeper.running.signal(Signal::SIGCONT);
    is_shown(&dump, pid, "continued");
    dump.end();
    Ok(())
}

/// What is shown is what `/proc` says. Only a tenth of the processes is read anew with
/// each sample: that alone would not show it within three samples.
fn is_shown(dump: &Lines, pid: u32, step: &str) {
    let mut seen = Vec::new();
    for _ in 0..3 {
        let snapshot = dump.fresh();
        let kernel = of_the_kernel(pid);
        let shown = shown(&snapshot, &kernel, pid);
        if shown == kernel {
            return;
        }
        seen.push((shown, kernel));
    }
    panic!("{step}: shown, and in /proc: {seen:#?}");
}

/// The threads of the process, of its children, and of the orphans that it left: of its
/// process group.
fn of_the_kernel(pid: u32) -> Threads {
    let mut threads = Threads::new();
    for process in numbers("/proc") {
        let leader = Stat::read(&format!("/proc/{process}/stat"));
        if leader.is_none_or(|leader| leader.field(5) != u64::from(pid)) {
            continue;
        }
        let folder = format!("/proc/{process}/task");
        for tid in numbers(&folder) {
            if let Some(stat) = Stat::read(&format!("{folder}/{tid}/stat")) {
                threads.insert(u64::from(tid), Facts::of(&stat));
            }
        }
    }
    threads
}

/// What is shown of `wanted`, and of all other threads of these processes.
fn shown(snapshot: &Value, wanted: &Threads, pid: u32) -> Threads {
    let of_them = |task: &&Value| {
        let tid = task["tid"].as_u64().unwrap();
        wanted.contains_key(&tid) || task["pid"] == pid
    };
    let facts = |task: &Value| {
        let word = |field: &str| task[field].as_str().unwrap().to_owned();
        let number = |field: &str| task[field].as_u64().unwrap();
        let facts = Facts {
            comm: word("comm"),
            state: word("state"),
            ppid: number("ppid"),
            cpu_ticks: number("cpu_ns") / 10_000_000,
        };
        (number("tid"), facts)
    };
    living(snapshot).filter(of_them).map(facts).collect()
}

impl Facts {
    fn of(stat: &Stat) -> Self {
        Self {
            comm: stat.comm.clone(),
            state: stat.state().to_owned(),
            ppid: stat.field(4),
            cpu_ticks: stat.field(14) + stat.field(15),
        }
    }
}
