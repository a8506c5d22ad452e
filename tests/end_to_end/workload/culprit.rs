//! Faults as they occur on machines, each of which a picture must name. A workload prints
//! that it is ready, and begins.

use std::{
    io::Write,
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    time::Duration,
};

use super::{burn_micros, fork, touch};

fn ready() {
    println!("ready");
    std::io::stdout().flush().unwrap();
}

fn forever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(1_000));
    }
}

fn die_with_the_parent() {
    // SAFETY: only sets an attribute of this process.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// Sleepers of nine users: the crowd in which a culprit hides.
pub(super) fn crowd(count: u32) {
    for child in 0..count {
        fork(|| {
            let uid = 2_001 + child % 9;
            // SAFETY: both calls concern this process, which has one thread.
            unsafe {
                assert_eq!(libc::setgid(uid), 0);
                assert_eq!(libc::setuid(uid), 0);
            }
            // A change of the user clears this.
            die_with_the_parent();
            forever()
        });
    }
    ready();
    forever();
}

/// `count` children that all do the same.
pub(super) fn each(count: usize, what: &str, folder: &str) {
    for child in 0..count {
        fork(|| {
            die_with_the_parent();
            match what {
                "grow" => grow(72 << 10),
                "creep" => grow(24 << 10),
                "append" => append(&format!("{folder}/file-{child}")),
                "churn" => brief_threads(10),
                "abort" => dying_children(libc::SIGABRT, 3_000 + 100 * child as u64),
                "waste" => busy_children(),
                "write" => write(&format!("{folder}/file-{child}")),
                "part" => part(8),
                "spin" => part(100),
                "hold" => touch(64 << 20),
                _ => panic!("{what}"),
            }
            forever()
        });
    }
    ready();
    forever();
}

/// Begins with 20 MiB, and takes this much more ten times a second.
fn grow(bytes: usize) {
    touch(20 << 20);
    loop {
        touch(bytes);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Writes 1 MiB each second past the page cache.
fn write(path: &str) {
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(libc::O_DIRECT)
        .open(path)
        .unwrap();
    let mut buffer = vec![1u8; (64 << 10) + 4_096];
    let start = buffer.as_ptr().align_offset(4_096);
    let block = &mut buffer[start..start + (64 << 10)];
    loop {
        for place in 0..16 {
            _ = std::os::unix::fs::FileExt::write_at(&file, block, place << 16);
            std::thread::sleep(Duration::from_millis(60));
        }
    }
}

/// Appends 0.5 MiB each second through the page cache.
fn append(path: &str) {
    let mut file = std::fs::File::create(path).unwrap();
    loop {
        file.write_all(&[1; 32 << 10]).unwrap();
        std::thread::sleep(Duration::from_millis(60));
    }
}

/// Uses this percentage of a core.
pub(super) fn part(percent: u64) {
    loop {
        burn_micros(percent * 200);
        if percent < 100 {
            std::thread::sleep(Duration::from_micros((100 - percent) * 200));
        }
    }
}

/// One process at a share of a core.
pub(super) fn some_cpu(percent: u64) {
    ready();
    part(percent);
}

/// One process that holds memory and does nothing.
pub(super) fn hold(mib: usize) {
    touch(mib << 20);
    ready();
    forever();
}

/// Creates threads at a steady rate, and never ends one.
pub(super) fn thread_leak(per_second: u64) {
    ready();
    loop {
        std::thread::Builder::new()
            .stack_size(16 * 1024)
            .spawn(|| forever())
            .unwrap();
        std::thread::sleep(Duration::from_micros(1_000_000 / per_second));
    }
}

/// Starts threads that end at once.
pub(super) fn thread_churn(per_second: u64) {
    ready();
    brief_threads(per_second);
}

fn brief_threads(per_second: u64) -> ! {
    loop {
        let thread = std::thread::Builder::new()
            .stack_size(16 * 1024)
            .spawn(|| burn_micros(50));
        thread.unwrap().join().unwrap();
        std::thread::sleep(Duration::from_micros(1_000_000 / per_second));
    }
}

/// A child that crashes every few seconds.
pub(super) fn slow_crash(millis: u64) {
    ready();
    dying_children(libc::SIGSEGV, millis);
}

/// Children that live for a moment and die of a signal, with so much time in between.
fn dying_children(signal: i32, millis: u64) -> ! {
    loop {
        let child = fork(|| {
            std::thread::sleep(Duration::from_millis(300));
            // SAFETY: ends this process with a signal, for which Rust can have a handler.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                libc::raise(signal);
            }
            1
        });
        // SAFETY: waits for the child.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
        std::thread::sleep(Duration::from_millis(millis));
    }
}

/// Children that use 20 ms of CPU each and exit, one after the other.
pub(super) fn dead_cpu() {
    ready();
    busy_children();
}

fn busy_children() -> ! {
    loop {
        let child = fork(|| {
            burn_micros(20_000);
            0
        });
        // SAFETY: waits for the child.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    }
}

/// A chain: each process uses the CPU for a moment, starts the next one and exits. It ends with
/// the input of the first process.
pub(super) fn chain(millis: u64, burnt: u64) {
    ready();
    loop {
        burn_micros(burnt * 1_000);
        std::thread::sleep(Duration::from_millis(millis));
        let mut input = libc::pollfd {
            fd: 0,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: `input` is one entry. A fork of this process, which has one thread, goes on.
        unsafe {
            if libc::poll(&raw mut input, 1, 0) != 0 || libc::fork() != 0 {
                libc::_exit(0);
            }
        }
    }
}

/// Uses a third of a core, or sleeps, under the name of a kernel thread.
pub(super) fn disguise(is_busy: bool) {
    // An argument with this name would be taken for the name of a script.
    super::simple::set_name(if is_busy {
        c"kworker/u9:3"
    } else {
        c"[kswapd0]"
    });
    ready();
    if is_busy {
        part(33);
    }
    forever();
}

/// Uses a CPU for 80 ms each so many milliseconds.
pub(super) fn spike_every(millis: u64) {
    ready();
    let begin = std::time::Instant::now();
    for number in 1.. {
        burn_micros(80_000);
        let next = begin + Duration::from_millis(millis * number);
        std::thread::sleep(next.saturating_duration_since(std::time::Instant::now()));
    }
}

/// Is busy for a second in every `millis`. The second burst is over when it is ready, so that
/// a picture of three seconds is between two bursts.
pub(super) fn burst_every(millis: u64) {
    for number in 1.. {
        burn_micros(1_000_000);
        if number == 2 {
            ready();
        }
        std::thread::sleep(Duration::from_millis(millis - 1_000));
    }
}

/// Children that run the same workload as programs with several names.
pub(super) fn program_each(names: &str, (what, how_much): (&str, &str), folder: &str) {
    let program = std::env::current_exe().unwrap();
    let start = |name: &str| {
        let link = format!("{folder}/{name}");
        _ = std::os::unix::fs::symlink(&program, &link);
        fork(|| {
            die_with_the_parent();
            let mut command = std::process::Command::new(&link);
            let command = command.args(["--workload", what, how_much]);
            let error = command.stdout(std::process::Stdio::null()).exec();
            panic!("{link}: {error}");
        });
    };
    names.split(',').for_each(start);
    ready();
    forever();
}

/// Was busy until a moment ago.
pub(super) fn burst() {
    burn_micros(2_000_000);
    std::thread::sleep(Duration::from_millis(1_500));
    ready();
    forever();
}
