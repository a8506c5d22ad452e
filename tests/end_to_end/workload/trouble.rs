//! What goes wrong on machines, each with one cause that a rule should name.
//! A load says that it is ready, waits a little, and begins.

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

/// So that nothing is left of a load that is killed.
fn die_with_the_parent() {
    // SAFETY: sets a flag of this process.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// Takes 1 GiB within some seconds.
pub(super) fn gibibyte() {
    ready();
    for _ in 0..64 {
        touch(16 << 20);
        std::thread::sleep(Duration::from_millis(80));
    }
    forever();
}

/// Adds threads at once.
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

/// Threads on one CPU that all want it at the same moment, again and again.
pub(super) fn stalls(count: usize) {
    // SAFETY: a set on the stack that names CPU 0, for this process.
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

/// Parents that wait in D for children that only sleep.
pub(super) fn vforks(count: usize) {
    println!("ready");
    std::io::stdout().flush().unwrap();
    for _ in 0..count {
        fork(|| {
            die_with_the_parent();
            // SAFETY: the child only sleeps and ends.
            unsafe {
                #[expect(
                    deprecated,
                    reason = "its parent waits uninterruptibly, which is what is wanted"
                )]
                if libc::vfork() == 0 {
                    libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                    libc::sleep(60);
                    libc::_exit(0);
                }
            }
            0
        });
    }
    forever();
}

/// Every process makes another, until there are so many (a power of two).
pub(super) fn bomb(count: usize) {
    ready();
    for _ in 0..count.ilog2() {
        // SAFETY: there is one thread, and both sides go on.
        if unsafe { libc::fork() } == 0 {
            die_with_the_parent();
        }
    }
    std::thread::sleep(Duration::from_secs(20));
}

/// Many commands at one instant.
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

/// Shells that start commands as fast as they can and leave them behind.
pub(super) fn orphans() {
    ready();
    loop {
        let script = "for i in 1 2 3 4 5 6 7 8 9 10; do (/bin/true &) ; done";
        Command::new("sh").args(["-c", script]).status().unwrap();
        // Adopted by this process when it is a subreaper, else by init.
    }
}

/// A shell that starts a crashing child again each second.
pub(super) fn restart() {
    println!("ready");
    std::io::stdout().flush().unwrap();
    loop {
        let pid = fork(|| {
            std::thread::sleep(Duration::from_millis(50));
            // SAFETY: ends this process as a crash does.
            unsafe { libc::abort() }
        });
        // SAFETY: waits for the child just made.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// A child in a cgroup takes more memory than that allows.
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
    // SAFETY: waits for the child just made.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
    forever();
}
