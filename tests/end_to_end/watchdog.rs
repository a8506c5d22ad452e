//! Stops tests that hang and prints what they wait for: a run that never ends gives no
//! information.

use std::{
    fmt::Write as _,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Timeout for a test. The longest test takes a quarter of this time.
const LONGEST: Duration = Duration::from_secs(600);
/// Time in which a test must fail after all its processes were killed.
const GRACE: Duration = Duration::from_secs(60);

static CURRENT: Mutex<Option<(String, Instant)>> = Mutex::new(None);
static HAS_BITTEN: AtomicBool = AtomicBool::new(false);

/// Starts the thread of the watchdog.
#[expect(clippy::exit, reason = "nothing else stops a test that hangs")]
pub(crate) fn start() {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let current = CURRENT.lock().unwrap().clone();
            let Some((name, since)) = current else {
                continue;
            };
            if since.elapsed() > LONGEST + GRACE {
                println!("{name} cannot be stopped: the whole run stops");
                std::process::exit(101);
            }
            if since.elapsed() > LONGEST && !HAS_BITTEN.swap(true, Ordering::SeqCst) {
                kill_hung_test(&name);
            }
        }
    });
}

/// Runs a test that the watchdog observes.
pub(crate) fn watched<T>(name: &str, test: impl FnOnce() -> T) -> T {
    HAS_BITTEN.store(false, Ordering::SeqCst);
    *CURRENT.lock().unwrap() = Some((name.to_owned(), Instant::now()));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
    *CURRENT.lock().unwrap() = None;
    match result {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Whether the watchdog has stopped the current test because it hung.
pub(crate) fn has_timed_out() -> bool {
    HAS_BITTEN.load(Ordering::SeqCst)
}

/// Prints what the test's processes wait for and kills them, so that the test fails.
fn kill_hung_test(name: &str) {
    let mut said = format!("{name} has not ended within {LONGEST:?}; its processes:\n");
    let started = started_here();
    for process in &started {
        let args = process.cmdline().unwrap_or_default().join(" ");
        _ = writeln!(said, "{} {args:.200}", process.pid);
        for task in process.tasks().into_iter().flatten().flatten() {
            let folder = format!("/proc/{}/task/{}", process.pid, task.tid);
            let read = |file: &str| std::fs::read_to_string(format!("{folder}/{file}"));
            let state = task.stat().map_or('?', |stat| stat.state);
            let call = read("syscall").unwrap_or_default();
            let place = read("wchan").unwrap_or_default();
            let stack = read("stack").unwrap_or_default();
            let stack = stack.lines().collect::<Vec<_>>().join(" ");
            _ = writeln!(
                said,
                "  {} {state} in {place}, call {} {stack}",
                task.tid,
                call.trim_end()
            );
        }
    }
    println!("{said}");
    for process in started {
        _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
    }
}

/// The descendants of this process.
fn started_here() -> Vec<procfs::process::Process> {
    let all: Vec<_> = procfs::process::all_processes()
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|process| {
            let parent = process.stat().ok()?.ppid;
            Some((process, parent))
        })
        .collect();
    let mut known = vec![std::process::id() as i32];
    let mut index = 0;
    while index < known.len() {
        let parent = known[index];
        let children = all.iter().filter(|(_, of)| *of == parent);
        known.extend(children.map(|(process, _)| process.pid));
        index += 1;
    }
    let is_known = |process: &procfs::process::Process| known[1..].contains(&process.pid);
    let found = all.into_iter().map(|(process, _)| process);
    found.filter(is_known).collect()
}
