//! Causes problems as they occur on machines, each with one cause that a rule must name.
//! A workload prints that it is ready, waits a little, and begins.

use std::{io::Write, process::Command, time::Duration};

use super::{burn_micros, fork, touch};

fn ready() {
    println!("ready");
    std::io::stdout().flush().unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
}

fn forever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(1_000));
    }
}

/// Makes the kernel kill this process when its parent exits, so that no process of a
/// killed workload stays.
fn die_with_the_parent() {
    // SAFETY: only sets an attribute of this process.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// Allocates 1 GiB within some seconds.
pub(super) fn gibibyte() {
    ready();
    for _ in 0..64 {
        touch(16 << 20);
        std::thread::sleep(Duration::from_millis(80));
    }
    forever();
}

/// Starts many threads at once.
pub(super) fn threads(count: usize) {
    ready();
    for _ in 0..count {
        std::thread::Builder::new()
            .stack_size(16 * 1024)
            .spawn(|| forever())
            .unwrap();
    }
    forever();
}

/// Runs threads on one CPU that all need the CPU at the same time, every 2.5 s.
pub(super) fn stalls(count: usize) {
    // SAFETY: the CPU set is on the stack, and the call concerns this process.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
    let start = std::time::Instant::now();
    for _ in 0..count {
        std::thread::Builder::new()
            .stack_size(16 * 1024)
            .spawn(move || {
                for round in 1u64.. {
                    let due = Duration::from_millis(2_500 * round);
                    std::thread::sleep(due.saturating_sub(start.elapsed()));
                    burn_micros(6_000);
                }
            })
            .unwrap();
    }
    ready();
    forever();
}

/// Creates parents that wait in state D for vfork children that only sleep.
pub(super) fn vforks(count: usize) {
    println!("ready");
    std::io::stdout().flush().unwrap();
    for _ in 0..count {
        fork(|| {
            die_with_the_parent();
            wait_for_a_vfork();
            0
        });
    }
    forever();
}

/// Blocks in state D for a minute.
pub(super) fn wait_for_a_vfork() {
    // SAFETY: the child only sleeps and exits.
    unsafe {
        #[expect(deprecated, reason = "the parent must wait uninterruptibly")]
        if libc::vfork() == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::sleep(60);
            libc::_exit(0);
        }
    }
}

/// Every process forks, until there are `count` processes (a power of two).
pub(super) fn bomb(count: usize) {
    ready();
    for _ in 0..count.ilog2() {
        // SAFETY: this process has one thread; parent and child both continue.
        if unsafe { libc::fork() } == 0 {
            die_with_the_parent();
        }
    }
    std::thread::sleep(Duration::from_secs(20));
}

/// Starts many commands at the same time.
pub(super) fn burst(count: usize) {
    ready();
    std::thread::sleep(Duration::from_secs(2));
    let children: Vec<_> = (0..count)
        .map(|_| Command::new("sleep").arg("0.2").spawn().unwrap())
        .collect();
    for mut child in children {
        child.wait().unwrap();
    }
    forever();
}

/// Runs shells that start commands as fast as they can and leave them as orphans.
pub(super) fn orphans() {
    ready();
    loop {
        let script = "for i in 1 2 3 4 5 6 7 8 9 10; do (/bin/true &) ; done";
        Command::new("sh").args(["-c", script]).status().unwrap();
        // Orphans are adopted by this process if it is a subreaper, otherwise by init.
    }
}

/// Starts a child each second; the child crashes.
pub(super) fn restart() {
    println!("ready");
    std::io::stdout().flush().unwrap();
    loop {
        let pid = fork(|| {
            std::thread::sleep(Duration::from_millis(50));
            // SAFETY: only ends this process, as a crash does.
            unsafe { libc::abort() }
        });
        // SAFETY: `pid` is a child of this process.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Starts a child in a cgroup that allocates more memory than the cgroup allows.
pub(super) fn beyond_limit(folder: &str) {
    ready();
    let pid = fork(|| {
        die_with_the_parent();
        std::fs::write(
            format!("{folder}/cgroup.procs"),
            std::process::id().to_string(),
        )
        .unwrap();
        loop {
            touch(4 << 20);
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    // SAFETY: `pid` is a child of this process.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
    forever();
}
