//! Measures 100,000 threads with very large thread ids, of which 1,000 wake.

use std::{
    fs,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use procviz::{
    model::{Sample, Scope},
    source::{Sampler, host, kernel::Kernel},
    tracker::Tracker,
};

use super::{
    Row,
    live::{build, program},
    load::Load,
    peers::{TOP, children_ms},
    sample::with_events,
};
use crate::ebpf::say;

const PROCESSES: usize = 100;
/// Threads of a process, and how many of them wake.
const THREADS: &str = "1000";
const AWAKE: &str = "10";
/// The kernel's limits of thread ids and of threads, as far as they must be raised; a thread id
/// near the highest that there can be.
const LIMITS: [(&str, u64); 2] = [
    ("/proc/sys/kernel/pid_max", 4_194_304),
    ("/proc/sys/kernel/threads-max", 200_000),
];
const LAST_ID: (&str, u64) = ("/proc/sys/kernel/ns_last_pid", 4_000_000);

pub(super) fn run() -> Result<Vec<Row>> {
    if !std::path::Path::new(LAST_ID.0).exists() {
        say("this kernel cannot be told which thread id comes next: 100,000 threads are left out");
        return Ok(Vec::new());
    }
    build()?;
    let raised = Raised::all()?;
    let mut load = Load::none();
    say("100,000 threads, 1,000 active");
    for _ in 0..PROCESSES {
        load.run(&["mixed", THREADS, AWAKE])?;
    }
    let mut rows = first_sample()?;
    let events = with_events(1.0, 12)?;
    let what = "sample, events, 100,000 threads, 1,000 active";
    rows.push(Row::new(what, events.ms, "ms"));
    rows.push(Row::new("... reads per sample", events.reads, "reads"));
    if let Some(top) = TOP.ms_a_sample(1)? {
        rows.push(TOP.row(top));
        rows.push(TOP.times(top, "with events", events.ms).bar(">= 300"));
    }
    let picture = std::env::temp_dir().join(format!("procviz-bench-{}.png", std::process::id()));
    let path = picture.to_string_lossy().into_owned();
    let (ms, mib) = cost_of(&["grid", "-o", &path])?;
    rows.push(Row::new("a picture of them, program and 3 s", ms, "ms"));
    rows.push(Row::new("... peak memory", mib, "MB"));
    fs::remove_file(&picture)?;
    let recording = std::env::temp_dir().join(format!("procviz-bench-{}.pvz", std::process::id()));
    let path = recording.to_string_lossy().into_owned();
    let (ms, mib) = cost_of(&["record", "-o", &path, "-F", "1", "--duration", "60"])?;
    rows.push(Row::new(
        "a recording at 1 Hz for a minute",
        ms / 600.0,
        "% of a core",
    ));
    rows.push(Row::new("... peak memory", mib, "MB"));
    let bytes = fs::metadata(&recording)?.len() as f64;
    rows.push(Row::new("... its size", bytes / 1e6, "MB"));
    fs::remove_file(&recording)?;
    drop(load);
    drop(raised);
    Ok(rows)
}

/// From loading to the end of the first sample, which has all threads.
fn first_sample() -> Result<Vec<Row>> {
    let began = Instant::now();
    let host = host()?;
    let mut sampler = Sampler::with_events(&host, Kernel::load()?)?;
    let mut sample = Sample::new(sampler.sources());
    sampler.sample(&mut sample)?;
    let ms = began.elapsed().as_secs_f64() * 1e3;
    let mut tracker = Tracker::new(host, sampler.sources());
    tracker.update(&sample);
    let threads = tracker.snapshot().tasks(Scope::Threads);
    let ids: Vec<u32> = threads.map(|thread| thread.id().tid).collect();
    let largest = ids.iter().max().copied().unwrap_or(0);
    ensure!(ids.len() > 100_000, "{} threads were found", ids.len());
    ensure!(
        u64::from(largest) > LAST_ID.1,
        "the largest id is {largest}"
    );
    let what = "from loading to the end of the first sample, 100,000 threads, wall clock";
    Ok(vec![Row::new(what, ms, "ms")])
}

/// CPU time, ms, and peak memory, MB, of a run of procviz.
fn cost_of(words: &[&str]) -> Result<(f64, f64)> {
    let before = children_ms();
    let mut child = Command::new(program()?)
        .args(words)
        .stderr(Stdio::null())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        peak = kib.map_or(peak, |kib| peak.max(kib * 1024.0 / 1e6));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let status = child.wait()?;
    ensure!(status.success(), "procviz {words:?} failed: {status}");
    Ok((children_ms() - before, peak))
}

/// Limits that are raised; dropping sets them back.
struct Raised(Vec<(&'static str, String)>);

impl Raised {
    fn all() -> Result<Self> {
        let mut raised = Self(Vec::new());
        for (path, wanted) in LIMITS {
            let before = fs::read_to_string(path)?;
            if before.trim().parse::<u64>()? < wanted {
                raised.0.push((path, before));
                fs::write(path, wanted.to_string())
                    .with_context(|| format!("failed to raise `{path}`"))?;
            }
        }
        let (path, id) = LAST_ID;
        fs::write(path, id.to_string()).with_context(|| format!("failed to set `{path}`"))?;
        Ok(raised)
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        for (path, before) in &self.0 {
            _ = fs::write(path, before);
        }
    }
}
