//! Runs the workloads of the benchmark, such as processes of 20 threads that sleep or
//! wake.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

const THREADS: usize = 20;

/// Child processes. Dropping the value kills the processes.
pub(super) struct Load(Vec<Child>);

impl Load {
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// Starts any workload.
    pub(super) fn run(&mut self, words: &[&str]) -> Result<()> {
        self.0.push(spawn(words)?);
        Ok(())
    }

    /// Starts threads; `kind` is `sleep` or `wake`.
    pub(super) fn add(&mut self, kind: &str, threads: usize) -> Result<()> {
        let mut left = threads;
        while left > 0 {
            let here = left.min(THREADS);
            self.0.push(spawn(&[kind, &here.to_string()])?);
            left -= here;
        }
        Ok(())
    }

    /// Starts threads; `awake` of them wake and the others sleep. The activity is spread
    /// over many processes, as on a real machine.
    pub(super) fn add_mixed(&mut self, threads: usize, awake: usize) -> Result<()> {
        let processes = threads.div_ceil(THREADS);
        for index in 0..processes {
            let share = awake * (index + 1) / processes - awake * index / processes;
            self.0
                .push(spawn(&["mixed", &THREADS.to_string(), &share.to_string()])?);
        }
        Ok(())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            _ = child.kill();
            _ = child.wait();
        }
    }
}

/// Starts this program as a workload and waits until it runs.
pub(super) fn spawn(args: &[&str]) -> Result<Child> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("load")
        .args(args)
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().context("no stdout")?;
    BufReader::new(stdout).read_line(&mut String::new())?;
    Ok(child)
}

/// Runs `xtask load ...`.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    match words {
        ["sleep", threads] => {
            start(threads.parse()?, 0)?;
            sleep_forever()
        }
        ["wake", threads] => {
            let threads = threads.parse()?;
            start(threads, threads)?;
            sleep_forever()
        }
        ["mixed", threads, awake] => {
            start(threads.parse()?, awake.parse()?)?;
            sleep_forever()
        }
        ["spin", threads] => {
            for _ in 1..threads.parse::<usize>()?.max(1) {
                std::thread::spawn(spin);
            }
            ready()?;
            spin()
        }
        ["hold", mib] => hold(mib.parse()?),
        ["in", group, rest @ ..] => {
            std::fs::write(group, std::process::id().to_string())?;
            run(rest)
        }
        ["storm", seconds] => storm(seconds.parse()?),
        ["ping", rounds] => super::switch::ping(rounds.parse()?),
        ["signal", kind, rounds] => super::signal::send(kind, rounds.parse()?),
        other => bail!("unknown workload: {other:?}"),
    }
}

fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// Holds memory that is really in use.
fn hold(mib: usize) -> Result<()> {
    // Not zeros: the kernel gives zeroed pages only when they are touched.
    let held = vec![1u8; mib << 20];
    ready()?;
    sleep_forever_here();
    drop(held);
    Ok(())
}

fn start(threads: usize, awake: usize) -> Result<()> {
    for index in 1..threads.max(1) {
        let body = move || {
            if index <= awake {
                wake()
            } else {
                sleep_forever_here()
            }
        };
        std::thread::Builder::new()
            .stack_size(16 * 1024)
            .spawn(body)?;
    }
    ready()
}

pub(super) fn ready() -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    Ok(out.flush()?)
}

fn wake() {
    loop {
        let start = Instant::now();
        while start.elapsed() < Duration::from_micros(50) {
            std::hint::spin_loop();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn sleep_forever() -> Result<()> {
    sleep_forever_here();
    Ok(())
}

fn sleep_forever_here() {
    loop {
        std::thread::sleep(Duration::from_secs(1_000));
    }
}

/// Forks as fast as it can and writes the number of forks to a file in `/tmp`.
fn storm(seconds: f64) -> Result<()> {
    ready()?;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut count = 0u64;
    while !count.is_multiple_of(64) || Instant::now() < end {
        count += 1;
        vfork_and_wait()?;
    }
    std::fs::write(
        format!("/tmp/procviz-bench-storm-{}", std::process::id()),
        count.to_string(),
    )?;
    Ok(())
}

fn vfork_and_wait() -> Result<()> {
    // SAFETY: the child of vfork exits at once and changes no memory.
    unsafe {
        #[expect(deprecated, reason = "the fastest way to create a process")]
        let pid = libc::vfork();
        if pid == 0 {
            libc::_exit(3);
        }
        if pid < 0 {
            bail!("vfork: {}", std::io::Error::last_os_error());
        }
        libc::waitpid(pid, std::ptr::null_mut(), 0);
    }
    Ok(())
}
