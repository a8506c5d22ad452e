//! Counts the allocations of steady ticks: the number must not grow with the number of
//! tasks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a failed check must stop the test and print the values"
)]

#[path = "end_to_end/skip.rs"]
mod skip;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use procviz::{
    model::{
        Comm, Found, Gone, Host, Io, Memory, MemorySizes, Reading, Sample, Sources, Stamp, State,
        TaskId,
    },
    tracker::Tracker,
};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: the caller guarantees the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller guarantees the same contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TASKS: u32 = 5_000;
const ACTIVE: u32 = 1_000;

fn main() {
    tracker_allocates_nothing_per_task();
    sampler_allocates_nothing_per_task();
    println!("2 passed, 0 failed");
}

fn id(tid: u32) -> TaskId {
    TaskId {
        tid,
        start_ns: u64::from(tid) * 1_000,
    }
}

/// A tick with 1,000 readings makes fewer than 50 allocations.
fn tracker_allocates_nothing_per_task() {
    let host = Host::new("test", 2);
    let mut tracker = Tracker::new(host, Sources::EbpfAndProc);
    let mut sample = Sample::new(Sources::EbpfAndProc);
    sample.stamp = Stamp {
        boot_ns: 1_000_000_000,
        interval_ns: 0,
    };
    sample.found.extend((1..=TASKS).map(found));
    sample.complete = true;
    tracker.update(&sample);
    let mut tick = |active: u32, round: u64| {
        sample.clear();
        sample.stamp = Stamp {
            boot_ns: 1_000_000_000 + round * 100_000_000,
            interval_ns: 100_000_000,
        };
        sample
            .readings
            .extend((1..=active).map(|tid| reading(tid, round)));
        sample.memories.extend((1..=active).map(|tid| Memory {
            process: id(tid),
            sizes: MemorySizes::new(4096, 8192),
            threads: 1,
            written: None,
        }));
        let before = COUNT.load(Relaxed);
        tracker.update(&sample);
        COUNT.load(Relaxed) - before
    };
    // First let the histories grow to their full length of 12 s.
    for round in 1..200 {
        tick(ACTIVE, round);
    }
    let steady: Vec<u64> = (200..240).map(|round| tick(ACTIVE, round)).collect();
    let most = steady.iter().max().copied().unwrap_or(0);
    assert!(
        most < u64::from(ACTIVE) / 20,
        "{most} allocations in one tick with {ACTIVE} readings"
    );
}

/// The real sampler on this machine, with kernel events; skipped without them.
fn sampler_allocates_nothing_per_task() {
    let host = procviz::source::host().unwrap();
    let sampler = match procviz::source::kernel::Kernel::load() {
        Ok(kernel) => procviz::source::Sampler::with_events(&host, kernel),
        Err(error) => {
            skip::skip(&format!("the sampler: {error}")).unwrap();
            return;
        }
    };
    let mut sampler = sampler.unwrap();
    let sleepers: Vec<_> = (0..300)
        .map(|_| {
            std::thread::Builder::new()
                .stack_size(64 * 1024)
                .spawn(waker)
                .unwrap()
        })
        .collect();
    let mut sample = Sample::new(sampler.sources());
    let mut tick = || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        sample.clear();
        let before = COUNT.load(Relaxed);
        sampler.sample(&mut sample).unwrap();
        let count = COUNT.load(Relaxed) - before;
        sampler.handed_over(sample.stamp);
        (count, sample.readings.len() as u64)
    };
    for _ in 0..20 {
        tick();
    }
    let ticks: Vec<(u64, u64)> = (0..10).map(|_| tick()).collect();
    let (allocations, readings) = ticks
        .iter()
        .fold((0, 0), |sum, tick| (sum.0 + tick.0, sum.1 + tick.1));
    assert!(readings > 2_000, "only {readings} readings in 10 ticks");
    // The remaining allocations are for files about the whole machine: a fixed number
    // per tick.
    assert!(
        allocations / 10 < 400 && allocations < readings,
        "{allocations} allocations for {readings} readings: {ticks:?}"
    );
    drop(sleepers);
}

/// Wakes ten times a second until the program exits.
fn waker() {
    loop {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

fn found(tid: u32) -> Found {
    Found {
        id: id(tid),
        process: id(tid),
        ppid: 1,
        uid: Some(0),
        ns_pid: Some(tid),
        kthread: false,
        comm: Comm::new(b"task"),
        state: State::Sleeping,
        on_cpu: false,
        in_iowait: false,
        cpu_ns: 0,
        run_delay_ns: Some(0),
        off_cpu_ns: Some(0),
        io: Some(Io::default()),
        memory: Some(MemorySizes::new(4096, 8192)),
        is_rough: false,
        threads: 1,
        gone: Gone::default(),
        whole: None,
        cgroup: None,
        watched: true,
    }
}

fn reading(tid: u32, round: u64) -> Reading {
    Reading {
        id: id(tid),
        uid: Some(0),
        state: State::Sleeping,
        on_cpu: false,
        preempted: false,
        in_iowait: false,
        cpu_ns: round * 1_000,
        run_delay_ns: Some(round),
        wait_max_ns: Some(1),
        io: Some(Io::default()),
    }
}
