use std::{io::Write, os::unix::process::CommandExt, time::Duration};

use super::{burn_micros, fork, touch};

/// Creates `count` children of all kinds and prints the result of wait4 for each: kind,
/// pid, status, CPU us, largest RSS KiB, threads.
pub(super) fn run(count: usize, folder: &str) {
    std::env::set_current_dir(folder).unwrap();
    // SAFETY: a plain call with valid arguments.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
    let mut out = std::io::stdout().lock();
    for round in 0..count {
        let kind = round % KINDS.len();
        let (name, make) = KINDS[kind];
        let pid = make(round);
        let mut left = if name == "orphan" { 2 } else { 1 };
        while left > 0 {
            left -= 1;
            let line = reap(name, pid);
            writeln!(out, "{line}").unwrap();
        }
    }
    out.flush().unwrap();
}

/// Kills groups of nine children at once, and prints the result of wait4 for each child.
pub(super) fn groups(count: usize) {
    let mut out = std::io::stdout().lock();
    for _ in 0..count {
        let mut group = 0;
        for _ in 0..9 {
            let pid = fork(|| {
                std::thread::sleep(Duration::from_secs(100));
                99
            });
            // SAFETY: `pid` is a child of this process; the first child leads the group.
            unsafe { libc::setpgid(pid, group) };
            group = if group == 0 { pid } else { group };
        }
        // SAFETY: the group has only children of this process.
        unsafe { libc::kill(-group, libc::SIGKILL) };
        for _ in 0..9 {
            writeln!(out, "{}", reap("killed", 0)).unwrap();
        }
    }
    out.flush().unwrap();
}

/// Waits for any child and returns its line.
fn reap(name: &str, child: i32) -> String {
    let mut status = 0;
    // SAFETY: zero bytes are a valid `rusage`, and both pointers are writable.
    let (pid, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let pid = libc::wait4(-1, &raw mut status, 0, &raw mut usage);
        (pid, usage)
    };
    assert!(pid > 0, "wait4: {}", std::io::Error::last_os_error());
    let micros = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
    let cpu = micros(usage.ru_utime) + micros(usage.ru_stime);
    let threads = match name {
        "group-killed" | "group-leader-first" => 9,
        "exec-by-thread" => 2,
        _ => 1,
    };
    let name = if name == "orphan" && pid == child {
        "orphan-parent"
    } else {
        name
    };
    format!("{name} {pid} {status} {cpu} {} {threads}", usage.ru_maxrss)
}

type Make = fn(usize) -> i32;

const KINDS: [(&str, Make); 14] = [
    ("code", |round| fork(|| (round % 200) as i32)),
    ("true", |_| spawn("/bin/true")),
    ("false", |_| spawn("/bin/false")),
    ("kill", |_| fork(|| die(libc::SIGKILL))),
    ("segv", |_| fork(|| die(libc::SIGSEGV))),
    ("core", |_| {
        fork(|| {
            limit_core();
            die(libc::SIGSEGV)
        })
    }),
    ("group-killed", |_| {
        group(|_| std::thread::sleep(Duration::from_secs(100)), true)
    }),
    ("group-leader-first", |_| {
        group(
            |index| {
                if index == 8 {
                    std::thread::sleep(Duration::from_millis(3));
                    // SAFETY: only exits the whole process.
                    unsafe { libc::_exit(7) }
                }
            },
            false,
        )
    }),
    ("exec-by-thread", |_| {
        fork(|| {
            std::thread::spawn(|| {
                std::process::Command::new("/bin/true")
                    .arg("by-thread")
                    .exec()
            });
            std::thread::sleep(Duration::from_secs(100));
            99
        })
    }),
    ("orphan", |_| {
        fork(|| {
            fork(|| {
                std::thread::sleep(Duration::from_millis(2));
                11
            });
            12
        })
    }),
    ("session", |_| {
        fork(|| {
            // SAFETY: the call has no arguments.
            unsafe { libc::setsid() };
            13
        })
    }),
    ("namespace", |_| in_namespace()),
    ("busy", |_| {
        fork(|| {
            burn_micros(3_000);
            touch(8 << 20);
            14
        })
    }),
    ("write", |round| {
        fork(|| {
            let file = std::fs::File::create(format!("written-{round}")).unwrap();
            (&file).write_all(&vec![1; 1 << 20]).unwrap();
            file.sync_all().unwrap();
            15
        })
    }),
];

fn spawn(program: &str) -> i32 {
    let mut child = std::process::Command::new(program);
    child.args(["an argument", ""]);
    child.spawn().unwrap().id() as i32
}

fn die(signal: i32) -> i32 {
    // SAFETY: only ends this process.
    unsafe { libc::raise(signal) };
    99
}

fn limit_core() {
    let limit = libc::rlimit {
        rlim_cur: 1 << 30,
        rlim_max: 1 << 30,
    };
    // SAFETY: `limit` is valid. If the kernel refuses the limit, no core is dumped, and
    // the wait status shows that.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const limit) };
}

/// A process with nine threads. Either it is killed as soon as all threads run, or its
/// leader exits first.
fn group(body: fn(usize), is_killed: bool) -> i32 {
    let (reader, writer) = nix::unistd::pipe().unwrap();
    let pid = fork(|| {
        for index in 1..9 {
            let spawned = std::thread::Builder::new()
                .stack_size(32 * 1024)
                .spawn(move || body(index));
            spawned.unwrap();
        }
        nix::unistd::write(&writer, b"x").unwrap();
        if is_killed {
            std::thread::sleep(Duration::from_secs(100));
        }
        // SAFETY: exits only the calling thread, which is the leader.
        unsafe { libc::syscall(libc::SYS_exit, 3) };
        99
    });
    // A thread can end the child before its leader writes: then this is the end of the pipe.
    drop(writer);
    nix::unistd::read(&reader, &mut [0]).unwrap();
    if is_killed {
        // SAFETY: `pid` is a child of this process.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
    pid
}

/// A child that is process 1 of its own pid namespace.
fn in_namespace() -> i32 {
    // SAFETY: the child of this clone behaves like a child of fork.
    unsafe {
        let flags = libc::CLONE_NEWPID | libc::SIGCHLD;
        let pid = libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0);
        if pid == 0 {
            libc::_exit(i32::from(libc::getpid() != 1) + 16);
        }
        assert!(pid > 0, "clone: {}", std::io::Error::last_os_error());
        pid as i32
    }
}
