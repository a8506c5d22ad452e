use std::{
    io::{BufRead, Write},
    os::unix::fs::FileExt,
    sync::{Arc, Barrier},
    time::Duration,
};

use super::{burn_micros, touch};

/// Runs threads that do a known amount of work for each input line: thread `i` burns
/// i x 10 us and writes or reads i blocks; thread 1 maps memory. Then all threads sleep.
/// The lines `uid N` and `name X` change the process itself.
pub(super) fn run(threads: usize, folder: &str) {
    let barrier = Arc::new(Barrier::new(threads));
    let done = Arc::new(Barrier::new(threads));
    for index in 1..threads {
        let (barrier, done, folder) = (Arc::clone(&barrier), Arc::clone(&done), folder.to_owned());
        let body = move || loop {
            barrier.wait();
            work(index, &folder);
            done.wait();
        };
        std::thread::Builder::new()
            .stack_size(64 * 1024)
            .spawn(body)
            .unwrap();
    }
    say("ready");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match line.split_once(' ') {
            Some(("uid", uid)) => {
                nix::unistd::setuid(nix::unistd::Uid::from_raw(uid.parse().unwrap())).unwrap()
            }
            Some(("name", name)) => {
                let name = std::ffi::CString::new(name).unwrap();
                // SAFETY: `name` ends with a zero byte.
                unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
            }
            _ => {
                barrier.wait();
                done.wait();
            }
        }
        // By then, the other threads sleep at the barrier.
        std::thread::sleep(Duration::from_millis(20));
        say("done");
    }
}

fn work(index: usize, folder: &str) {
    burn_micros(index as u64 * 10);
    if index == 1 {
        touch(8 << 20);
    }
    let path = format!("{folder}/{}-{index}", std::process::id());
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .unwrap();
    file.write_all_at(&vec![7; index * 4096], 0).unwrap();
    if index.is_multiple_of(2) {
        file.sync_all().unwrap();
        let mut back = vec![0; index * 4096];
        file.read_exact_at(&mut back, 0).unwrap();
    }
}

fn say(word: &str) {
    println!("{word}");
    std::io::stdout().flush().unwrap();
}
