use std::{io::Write, os::unix::fs::OpenOptionsExt, time::Duration};

use super::{burn_micros, fork, touch};

fn forever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(1_000));
    }
}

fn ready() {
    println!("ready");
    std::io::stdout().flush().unwrap();
}

pub(super) fn burn() {
    ready();
    loop {
        std::hint::spin_loop();
    }
}

/// Uses 1 ms of CPU time in each 10 ms.
pub(super) fn burn_part() {
    ready();
    let mut next = std::time::Instant::now();
    loop {
        burn_micros(1_000);
        next += Duration::from_millis(10);
        std::thread::sleep(next.saturating_duration_since(std::time::Instant::now()));
    }
}

pub(super) fn sleep(threads: usize) {
    for _ in 1..threads {
        std::thread::Builder::new()
            .stack_size(16 * 1024)
            .spawn(|| forever())
            .unwrap();
    }
    ready();
    forever();
}

/// Runs threads that end one after the other, each this many milliseconds after the one before.
pub(super) fn threads_end(threads: u32, every_ms: u64) {
    let every = Duration::from_millis(every_ms);
    let all: Vec<_> = (1..=threads)
        .map(|number| std::thread::spawn(move || std::thread::sleep(every * number)))
        .collect();
    for thread in all {
        thread.join().unwrap();
    }
    std::thread::sleep(every);
}

/// Runs threads that wake ten times a second.
pub(super) fn wake(threads: usize) {
    let body = || loop {
        burn_micros(20);
        std::thread::sleep(Duration::from_millis(100));
    };
    for _ in 1..threads {
        std::thread::Builder::new()
            .stack_size(16 * 1024)
            .spawn(body)
            .unwrap();
    }
    ready();
    body();
}

/// Starts a thread every 2 s, which exits while the rest of its process sleeps: the exited
/// thread is the last one that had a CPU.
pub(super) fn brief_threads() {
    ready();
    loop {
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            burn_micros(20);
        });
        std::thread::sleep(Duration::from_millis(2000));
    }
}

/// Writes with direct IO, and uses CPU between the writes.
pub(super) fn write(file: &str) {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(libc::O_DIRECT)
        .open(file)
        .unwrap();
    let block = aligned_block(4096);
    ready();
    loop {
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(0)).unwrap();
        file.write_all(block).unwrap();
        burn_micros(5_000);
    }
}

/// Memory with the alignment that direct IO requires.
fn aligned_block(bytes: usize) -> &'static mut [u8] {
    let layout = std::alloc::Layout::from_size_align(bytes, 4096).unwrap();
    // SAFETY: the size of the layout is not zero, and the block is never freed.
    unsafe { std::slice::from_raw_parts_mut(std::alloc::alloc_zeroed(layout), bytes) }
}

/// Writes a file of 64 MiB again and again, 1 MiB at a time and at most 100 MiB/s, with
/// direct IO or through the page cache.
pub(super) fn write_much(file: &str, is_direct: bool) {
    const BLOCK: usize = 1 << 20;
    let open = || {
        std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .custom_flags(if is_direct { libc::O_DIRECT } else { 0 })
            .open(file)
            .unwrap()
    };
    let block = aligned_block(BLOCK);
    ready();
    loop {
        let mut file = open();
        for _ in 0..64 {
            file.write_all(block).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// Reads with direct IO, one block after the other.
pub(super) fn read(file: &str) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECT)
        .open(file)
        .unwrap();
    let block = aligned_block(4096);
    ready();
    for at in (0..256).cycle() {
        file.read_exact_at(block, at * 4096).unwrap();
    }
}

/// Waits in state D for a vfork child, which uses the memory of this process.
pub(super) fn vfork() {
    ready();
    // SAFETY: the child only sleeps and exits.
    unsafe {
        #[expect(deprecated, reason = "the parent must wait uninterruptibly")]
        let pid = libc::vfork();
        if pid == 0 {
            libc::sleep(1_000);
            libc::_exit(0);
        }
    }
    forever();
}

/// Creates zombies, and reaps them when a line comes.
pub(super) fn zombies(count: usize) {
    let children: Vec<_> = (0..count).map(|_| fork(|| 0)).collect();
    std::thread::sleep(Duration::from_millis(200));
    ready();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    for pid in children {
        // SAFETY: the status pointer can be null.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
    }
    ready();
    forever();
}

/// Forks children and kills every third child.
pub(super) fn churn(seconds: u64) {
    let end = std::time::Instant::now() + Duration::from_secs(seconds);
    let mut round = 0u64;
    while std::time::Instant::now() < end {
        round += 1;
        let pid = fork(|| {
            if round.is_multiple_of(3) {
                // SAFETY: only waits for a signal.
                unsafe { libc::pause() };
            }
            if round.is_multiple_of(5) {
                std::thread::spawn(|| burn_micros(50)).join().unwrap();
            }
            (round % 200) as i32
        });
        // SAFETY: `pid` is a child of this process.
        unsafe {
            if round.is_multiple_of(3) {
                libc::kill(pid, libc::SIGKILL);
            }
            libc::waitpid(pid, std::ptr::null_mut(), 0);
        }
    }
    ready();
    forever();
}

/// Sets a hostile name, given in hexadecimal digits, and sleeps.
pub(super) fn named(name: &str) {
    set_name(&from_hex(name));
    ready();
    forever();
}

/// Sets a hostile name, and starts a child again and again that uses 20 ms of CPU time and
/// crashes.
pub(super) fn named_crashes(name: &str) {
    set_name(&from_hex(name));
    ready();
    loop {
        let pid = fork(|| {
            burn_micros(20_000);
            std::thread::sleep(Duration::from_millis(80));
            // SAFETY: only ends this process.
            unsafe { libc::raise(libc::SIGABRT) };
            0
        });
        // SAFETY: `pid` is a child of this process.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn from_hex(name: &str) -> std::ffi::CString {
    let bytes: Vec<u8> = (0..name.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&name[at..at + 2], 16).unwrap())
        .collect();
    std::ffi::CString::new(bytes).unwrap()
}

pub(super) fn set_name(name: &std::ffi::CStr) {
    // SAFETY: `name` ends with a zero byte.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Starts a child that crashes, again and again.
pub(super) fn crash_loop() {
    set_name(c"supervisor");
    ready();
    loop {
        let pid = fork(|| {
            set_name(c"crasher");
            std::thread::sleep(Duration::from_millis(100));
            // SAFETY: only ends this process.
            unsafe { libc::raise(libc::SIGABRT) };
            0
        });
        // SAFETY: `pid` is a child of this process.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Forks about 200 times a second.
pub(super) fn fork_loop() {
    set_name(c"fork-loop");
    ready();
    loop {
        let pid = fork(|| 0);
        // SAFETY: `pid` is a child of this process.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Grows its resident set by 40 MiB per second.
pub(super) fn grow() {
    set_name(c"grower");
    ready();
    loop {
        touch(4 << 20);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Touches 32 MiB. Then the leader exits, and another thread lives on.
pub(super) fn leaderless() {
    super::touch(32 << 20);
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    });
    // SAFETY: exits only the calling thread, which is the leader.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
}

/// Touches 120 MiB, runs `true` and a program that touches 200 MiB, and prints their pids.
pub(super) fn big_parent() {
    super::touch(120 << 20);
    let own = std::env::current_exe().unwrap();
    let mut toucher = std::process::Command::new(own);
    toucher.args(["--workload", "touch", "200"]);
    for mut command in [std::process::Command::new("/bin/true"), toucher] {
        let mut child = command.spawn().unwrap();
        println!("{}", child.id());
        assert!(child.wait().unwrap().success());
    }
}
