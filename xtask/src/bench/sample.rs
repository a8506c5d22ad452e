//! Measures a sample with kernel events and from `/proc` alone, and one of `top -b -H`.

use std::time::Duration;

use anyhow::Result;
use procviz::{
    model::Sample,
    source::{Sampler, host, kernel::Kernel},
    tracker::Tracker,
};

use super::{
    Row,
    load::Load,
    median, own_cpu_ns,
    peers::{OTHERS, TOP},
};
use crate::ebpf::say;

/// CPU time (ms) and read calls of a sample.
pub(super) struct Cost {
    pub(super) ms: f64,
    pub(super) reads: f64,
}

pub(super) fn run() -> Result<Vec<Row>> {
    let mut rows = vec![
        Row::new(
            "from loading to the end of the first sample, wall clock",
            start_ms()?,
            "ms",
        )
        .bar("<= 150"),
    ];
    let few = growth(2_000)?;
    let many = growth(20_000)?;
    rows.push(
        Row::new(
            "sample, events, 2,000 sleeping + 20 active threads",
            few.ms,
            "ms",
        )
        .bar("<= 0.35"),
    );
    rows.push(Row::new(
        "sample, events, 20,000 sleeping + 20 active threads",
        many.ms,
        "ms",
    ));
    rows.push(
        Row::new(
            "growth from 2,000 to 20,000 sleeping threads",
            many.ms / few.ms,
            "x",
        )
        .bar("<= 1.15"),
    );
    say("20,000 threads, 200 active");
    let mut load = Load::none();
    load.add_mixed(20_000, 200)?;
    let events = with_events(1.0, 12)?;
    let proc_only = proc_only(6)?;
    rows.push(
        Row::new(
            "sample, events, 20,000 threads, 200 active",
            events.ms,
            "ms",
        )
        .bar("<= 1.2"),
    );
    rows.push(Row::new("... reads per sample", events.reads, "reads").bar("<= 12"));
    // A hundred samples of a millisecond each would be a tenth of a second.
    let often = with_events(0.01, 400)?;
    rows.push(
        Row::new(
            "100 samples a second of them, sampling and rules",
            often.ms * 10.0,
            "% of a core",
        )
        .bar("<= 10"),
    );
    rows.push(
        Row::new(
            "sample, /proc alone, 20,000 threads, 200 active",
            proc_only.ms,
            "ms",
        )
        .bar("<= 90"),
    );
    rows.push(Row::new("... reads per sample", proc_only.reads, "reads"));
    if let Some(top) = TOP.ms_a_sample(3)? {
        rows.push(TOP.row(top));
        rows.push(TOP.times(top, "with events", events.ms).bar(">= 300"));
        rows.push(TOP.times(top, "from /proc alone", proc_only.ms).bar(">= 4"));
    }
    for peer in &OTHERS {
        if let Some(ms) = peer.ms_a_sample(3)? {
            rows.push(peer.row(ms));
            rows.push(peer.times(ms, "with events", events.ms));
        }
    }
    Ok(rows)
}

/// Wall clock time to load, attach and take the census, ms; median of three runs.
fn start_ms() -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..3 {
        let began = std::time::Instant::now();
        let mut sampler = Sampler::with_events(&host()?, Kernel::load()?)?;
        sampler.sample(&mut Sample::new(sampler.sources()))?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(times))
}

/// Cost of a sample with 20 active threads and many sleeping threads.
fn growth(sleeping: usize) -> Result<Cost> {
    say(&format!("{sleeping} sleeping threads, 20 active"));
    let mut load = Load::none();
    load.add("sleep", sleeping)?;
    load.add("wake", 20)?;
    with_events(1.0, 12)
}

/// Average over a whole sweep; median of three rounds.
pub(super) fn with_events(interval: f64, ticks: u32) -> Result<Cost> {
    let host = host()?;
    let mut sampler = Sampler::with_events(&host, Kernel::load()?)?;
    let mut tracker = Tracker::new(host, sampler.sources());
    rounds(&mut sampler, &mut tracker, interval, ticks)
}

fn proc_only(ticks: u32) -> Result<Cost> {
    let host = host()?;
    let mut sampler = Sampler::proc_only(&host)?;
    let mut tracker = Tracker::new(host, sampler.sources());
    rounds(&mut sampler, &mut tracker, 1.0, ticks)
}

fn rounds(sampler: &mut Sampler, tracker: &mut Tracker, interval: f64, ticks: u32) -> Result<Cost> {
    let mut sample = Sample::new(sampler.sources());
    let mut tick = |sampler: &mut Sampler| -> Result<()> {
        sample.clear();
        sampler.sample(&mut sample)?;
        sampler.handed_over(sample.stamp);
        tracker.update(&sample);
        std::thread::sleep(Duration::from_secs_f64(interval));
        Ok(())
    };
    // Skip the census, and the files that are read once after it.
    for _ in 0..12 {
        tick(sampler)?;
    }
    let (mut times, mut reads) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let before = (own_cpu_ns(), own_reads()?);
        for _ in 0..ticks {
            tick(sampler)?;
        }
        times.push((own_cpu_ns() - before.0) / f64::from(ticks) / 1e6);
        reads.push((own_reads()? - before.1) / f64::from(ticks));
    }
    Ok(Cost {
        ms: median(times),
        reads: median(reads),
    })
}

/// Number of read system calls of this process: `syscr` of `/proc/self/io`.
fn own_reads() -> Result<f64> {
    let io = std::fs::read_to_string("/proc/self/io")?;
    let line = io.lines().find_map(|line| line.strip_prefix("syscr: "));
    Ok(line.unwrap_or("0").parse()?)
}
