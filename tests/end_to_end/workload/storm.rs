use std::{io::Write, time::Duration};

use super::fork;

/// Runs two processes that fork as fast as they can. Each writes the pid and the status of
/// its reaped children to a file, as 32-bit numbers.
pub(super) fn run(seconds: u64, file: &str) {
    let workers: Vec<_> = (0..2)
        .map(|worker| fork(|| work(worker, seconds, file)))
        .collect();
    for pid in workers {
        let mut status = 0;
        // SAFETY: `pid` is a child of this process.
        unsafe { libc::waitpid(pid, &raw mut status, 0) };
        assert_eq!(status, 0);
    }
}

fn work(worker: i32, seconds: u64, file: &str) -> i32 {
    let end = std::time::Instant::now() + Duration::from_secs(seconds);
    let mut made: Vec<u8> = Vec::with_capacity(16 << 20);
    let mut round = 0u32;
    while !round.is_multiple_of(64) || std::time::Instant::now() < end {
        round += 1;
        let code = (round % 200) as i32;
        let mut status = 0;
        // SAFETY: the child of vfork exits at once and changes no memory.
        let pid = unsafe {
            #[expect(deprecated, reason = "the fastest way to create a process")]
            let pid = libc::vfork();
            if pid == 0 {
                libc::_exit(code);
            }
            libc::waitpid(pid, &raw mut status, 0);
            pid
        };
        made.extend_from_slice(&pid.to_ne_bytes());
        made.extend_from_slice(&status.to_ne_bytes());
    }
    std::fs::File::create(format!("{file}.{worker}"))
        .unwrap()
        .write_all(&made)
        .unwrap();
    0
}
