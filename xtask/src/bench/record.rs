//! What a recording takes: bytes, and CPU time to make and to read it.

use std::io::Cursor;

use anyhow::Result;
use procviz::{
    model::{Comm, Found, Gone, Io, Memory, Reading, Sample, Sources, Stamp, State, TaskId},
    recording::{Block, Facts, Packer, Reader},
};

use super::{Row, own_cpu_ns};

const TASKS: u64 = 2_000;
/// Tasks that change in a sample: 2 %.
const CHANGE: u64 = 40;
const HZ: u64 = 10;
const SAMPLES: u64 = 600;
/// Processes that the sweep comes to in a sample.
const SWEPT: u64 = TASKS / 10 / HZ;

pub(super) fn run() -> Result<Vec<Row>> {
    let mut noise = Noise(1);
    let mut cpu = vec![0u64; TASKS as usize];
    let mut bytes = Block::file_header();
    bytes.extend_from_slice(&Block::facts(&Facts::default())?.bytes);
    let mut packer = Packer::new();
    let mut used = 0.0;
    let mut census = 0;
    for number in 0..=SAMPLES {
        let sample = sample(number, &mut cpu, &mut noise);
        let before = own_cpu_ns();
        let is_full = packer.add(&sample);
        if (is_full || number == 0)
            && let Some((block, _)) = packer.block()
        {
            bytes.extend_from_slice(&block?.bytes);
        }
        if number == 0 {
            census = bytes.len();
        } else {
            used += own_cpu_ns() - before;
        }
    }
    if let Some((block, _)) = packer.block() {
        bytes.extend_from_slice(&block?.bytes);
    }
    let each = (bytes.len() - census) as f64 / (TASKS * SAMPLES) as f64;
    let before = own_cpu_ns();
    let mut reader = Reader::new(Cursor::new(bytes))?;
    let mut read = 0u64;
    while reader.read()?.is_some() {
        read += 1;
    }
    anyhow::ensure!(
        read == SAMPLES + 1,
        "{read} samples were read: {:?}",
        reader.findings()
    );
    let reading = own_cpu_ns() - before;
    Ok(vec![
        Row::new(
            "recording, 2,000 tasks, 10 Hz, 2 % change",
            each,
            "bytes a task and sample",
        )
        .bar("<= 0.5"),
        Row::new("... its first look at everybody", census as f64, "bytes"),
        Row::new(
            "... CPU beyond sampling",
            used / SAMPLES as f64 * HZ as f64 / 1e9 * 100.0,
            "% of a core",
        )
        .bar("<= 0.1"),
        Row::new("... to read a minute of it", reading / 1e6, "ms"),
    ])
}

/// Numbers that do not pack, the same in every run (Knuth's MMIX).
struct Noise(u64);

impl Noise {
    fn next(&mut self, below: u64) -> u64 {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn id(task: u64) -> TaskId {
    TaskId {
        tid: 1_000 + task as u32,
        start_ns: 1_000_000_007 * (task + 1),
    }
}

fn sample(number: u64, cpu: &mut [u64], noise: &mut Noise) -> Sample {
    let mut sample = Sample::new(Sources::EbpfAndProc);
    sample.stamp = Stamp {
        boot_ns: 5_000_000_000_000 + number * 1_000_000_000 / HZ,
        interval_ns: 1_000_000_000 / HZ,
    };
    if number == 0 {
        sample.complete = true;
        sample.found.extend((0..TASKS).map(found));
        return sample;
    }
    for _ in 0..CHANGE {
        let task = noise.next(TASKS);
        cpu[task as usize] += noise.next(9_000_000);
        sample.readings.push(Reading {
            id: id(task),
            uid: Some(1_000),
            state: State::Sleeping,
            on_cpu: false,
            preempted: noise.next(10) == 0,
            in_iowait: false,
            cpu_ns: cpu[task as usize],
            run_delay_ns: Some(cpu[task as usize] / 7),
            wait_max_ns: Some(noise.next(100_000)),
            io: Some(Io {
                read: 0,
                write: task * 4_096,
            }),
        });
        sample.memories.push(memory(task, noise.next(1_000)));
    }
    let first = number * SWEPT % TASKS;
    let swept = first..first + SWEPT;
    sample.memories.extend(swept.map(|task| memory(task, 0)));
    sample
}

fn memory(task: u64, pages: u64) -> Memory {
    Memory {
        process: id(task),
        rss: (task * 37 + pages) * 4_096,
        vsize: task << 24,
        threads: 1,
    }
}

fn found(task: u64) -> Found {
    Found {
        id: id(task),
        process: id(task),
        ppid: 1,
        uid: Some(1_000),
        ns_pid: Some(1_000 + task as u32),
        kthread: false,
        comm: Comm::new(format!("worker-{}", task % 50).as_bytes()),
        state: State::Sleeping,
        on_cpu: false,
        in_iowait: false,
        cpu_ns: 0,
        run_delay_ns: Some(0),
        off_cpu_ns: Some(0),
        io: Some(Io::default()),
        memory: Some((task * 37 * 4_096, task << 24)),
        threads: 1,
        gone: Gone::default(),
        whole: None,
        cgroup: None,
        watched: true,
    }
}
