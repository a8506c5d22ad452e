//! Runs workloads with known results. Each runs in a process of its own with a single
//! thread, started as `end_to_end --workload NAME ARGUMENTS`.

mod actor;
mod culprit;
mod deaths;
mod simple;
mod storm;
mod trouble;
mod uring;

pub(crate) fn run(args: &[String]) {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["actor", threads, folder] => actor::run(threads.parse().unwrap(), folder),
        ["deaths", count, folder] => deaths::run(count.parse().unwrap(), folder),
        ["groups", count] => deaths::groups(count.parse().unwrap()),
        ["big-parent"] => simple::big_parent(),
        ["touch", mib] => touch(mib.parse::<usize>().unwrap() << 20),
        ["leaderless"] => simple::leaderless(),
        ["io-uring"] => uring::run(),
        ["storm", seconds, file] => storm::run(seconds.parse().unwrap(), file),
        ["burn"] => simple::burn(),
        ["burn-part"] => simple::burn_part(),
        ["threads-end", threads, every_ms] => {
            simple::threads_end(threads.parse().unwrap(), every_ms.parse().unwrap());
        }
        ["sleep", threads] => simple::sleep(threads.parse().unwrap()),
        ["wake", threads] => simple::wake(threads.parse().unwrap()),
        ["brief-threads"] => simple::brief_threads(),
        ["read", file] => simple::read(file),
        ["write", file] => simple::write(file),
        ["write-much", file] => simple::write_much(file, true),
        ["write-cached", file] => simple::write_much(file, false),
        ["vfork"] => simple::vfork(),
        ["zombies", count] => simple::zombies(count.parse().unwrap()),
        ["churn", seconds] => simple::churn(seconds.parse().unwrap()),
        ["named", name, ..] => simple::named(name),
        ["named-crashes", name, ..] => simple::named_crashes(name),
        ["crash-loop"] => simple::crash_loop(),
        ["fork-loop"] => simple::fork_loop(),
        ["grow"] => simple::grow(),
        ["gibibyte"] => trouble::gibibyte(),
        ["threads", count] => trouble::threads(count.parse().unwrap()),
        ["stalls", count] => trouble::stalls(count.parse().unwrap()),
        ["vforks", count] => trouble::vforks(count.parse().unwrap()),
        ["bomb", count] => trouble::bomb(count.parse().unwrap()),
        ["burst", count] => trouble::burst(count.parse().unwrap()),
        ["orphans"] => trouble::orphans(),
        ["restart"] => trouble::restart(),
        ["crowd", count] => culprit::crowd(count.parse().unwrap()),
        ["each", count, what, folder] => culprit::each(count.parse().unwrap(), what, folder),
        ["some-cpu", percent] => culprit::some_cpu(percent.parse().unwrap()),
        ["hold", mib] => culprit::hold(mib.parse().unwrap()),
        ["thread-leak", rate] => culprit::thread_leak(rate.parse().unwrap()),
        ["thread-churn", rate] => culprit::thread_churn(rate.parse().unwrap()),
        ["slow-crash", millis] => culprit::slow_crash(millis.parse().unwrap()),
        ["chain", millis, burnt] => {
            culprit::chain(millis.parse().unwrap(), burnt.parse().unwrap());
        }
        ["disguise", how] => culprit::disguise(*how == "busy"),
        ["burst-before"] => culprit::burst(),
        ["spike-every", millis] => culprit::spike_every(millis.parse().unwrap()),
        ["burst-every", millis] => culprit::burst_every(millis.parse().unwrap()),
        ["program-each", names, what, how_much, folder] => {
            culprit::program_each(names, (what, how_much), folder);
        }
        ["dead-cpu"] => culprit::dead_cpu(),
        ["beyond-limit", folder] => trouble::beyond_limit(folder),
        _ => panic!("unknown workload: {words:?}"),
    }
}

/// Forks. The child runs `child` and exits with the returned code.
pub(super) fn fork(child: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the workload has one thread, so the child can call any function.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", std::io::Error::last_os_error()),
        0 => {
            let code = child();
            // SAFETY: exits the child without running the exit handlers of the parent.
            unsafe { libc::_exit(code) }
        }
        pid => pid,
    }
}

/// Uses `micros` of CPU time.
pub(super) fn burn_micros(micros: u64) {
    let start = thread_cpu_ns();
    while thread_cpu_ns() - start < micros * 1_000 {
        std::hint::spin_loop();
    }
}

pub(super) fn thread_cpu_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Maps and touches memory, and never frees it.
pub(super) fn touch(bytes: usize) {
    let memory = vec![1u8; bytes];
    std::hint::black_box(&memory);
    std::mem::forget(memory);
}
