//! Measures a recording: its size, and the CPU time to make and to read it.

use std::{
    io::Cursor,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};
use procviz::{
    model::{
        Comm, Found, Gone, Io, Memory, MemoryParts, MemorySizes, Reading, Sample, Scope, Sources,
        Stamp, State, TaskId,
    },
    recording::{Block, Facts, Mark, Packer, Reader},
    tracker::{ActiveFindings, LastSeconds, Secrets, Tracker},
    trails::{Stretch, Trails},
};

use super::{Row, own_cpu_ns};

const TASKS: u64 = 2_000;
/// Number of tasks that change in a sample: 2 %.
const CHANGE: u64 = 40;
/// Number of these tasks that keep a core busy.
const BUSY: u64 = 3;
const HZ: u64 = 10;
const SAMPLES: u64 = 600;
/// Number of processes that the sweep reads in a sample.
const SWEPT: u64 = TASKS / 10 / HZ;

pub(super) fn run() -> Result<Vec<Row>> {
    let minute = Made::new(SAMPLES)?;
    let each = (minute.bytes.len() - minute.census) as f64 / (TASKS * SAMPLES) as f64;
    let before = own_cpu_ns();
    let mut reader = Reader::new(Cursor::new(minute.bytes))?;
    let mut read = 0u64;
    while reader.read()?.is_some() {
        read += 1;
    }
    anyhow::ensure!(
        read == SAMPLES + 1,
        "read {read} samples, expected {SAMPLES} + 1: {:?}",
        reader.integrity()
    );
    let reading = own_cpu_ns() - before;
    let mut rows = vec![
        Row::new(
            "recording, 2,000 tasks, 10 Hz, another 40 tasks change per sample",
            each,
            "bytes per task and sample",
        )
        .bar("<= 0.5"),
        Row::new("... the opening census", minute.census as f64, "bytes"),
        Row::new("... a keyframe", minute.keyframe as f64, "bytes"),
        Row::new(
            "... a block of trails (30 s)",
            minute.trails as f64,
            "bytes",
        ),
        Row::new(
            "... CPU time besides sampling",
            minute.used / SAMPLES as f64 * HZ as f64 / 1e9 * 100.0,
            "% of a core",
        )
        .bar("<= 0.1"),
        Row::new("... to read a minute", reading / 1e6, "ms"),
    ];
    rows.extend(moments()?);
    Ok(rows)
}

/// Cost of drawing a given time of a recording of one hour.
fn moments() -> Result<Vec<Row>> {
    super::live::build()?;
    let procviz = crate::ebpf::root()?.join("target/release/procviz");
    let folder = std::env::temp_dir().join(format!("procviz-bench-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let (file, picture) = (folder.join("hour.pvz"), folder.join("moment.png"));
    let hour = Made::new(HZ * 3_600)?;
    std::fs::write(&file, &hour.bytes)?;
    let mut costs = Vec::new();
    for ago in ["-1s", "-29s", "-20m", "-45m", "-3590s"] {
        for chart in ["grid", "bubble", "lines"] {
            let mut command = Command::new(&procviz);
            command.args([chart, "--force", "--from"]).arg(&file);
            command.arg("--at").arg(ago).arg("-o").arg(&picture);
            costs.push(cost(command)?);
        }
    }
    let dump = |until: &[&str]| {
        let mut dump = Command::new(&procviz);
        dump.arg("dump").args(until).arg("--from").arg(&file);
        cost(dump)
    };
    let dumps = [dump(&["--end", "-55m"])?, dump(&[])?];
    std::fs::remove_dir_all(&folder)?;
    let most = |of: fn(&Cost) -> f64| costs.iter().map(of).fold(0.0, f64::max);
    Ok(vec![
        Row::new("... one hour", hour.bytes.len() as f64 / 1e6, "MB"),
        Row::new(
            "... any time of the hour, drawn by any chart",
            most(|cost| cost.cpu_ms),
            "ms of CPU",
        )
        .bar("<= 200"),
        Row::new("... peak memory of that", most(|cost| cost.rss_mb), "MB").bar("<= 100"),
        Row::new(
            "... peak memory of a dump of the first five minutes",
            dumps[0].rss_mb,
            "MB",
        ),
        Row::new(
            "... peak memory of a dump of the hour",
            dumps[1].rss_mb,
            "MB",
        ),
    ])
}

/// CPU time and peak memory of a program.
pub(super) struct Cost {
    pub(super) cpu_ms: f64,
    pub(super) rss_mb: f64,
}

pub(super) fn cost(mut command: Command) -> Result<Cost> {
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let pid = i32::try_from(child.id())?;
    let mut status = 0;
    // SAFETY: zero bytes are a valid `rusage`, and both pointers are writable.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let ended = libc::wait4(pid, &raw mut status, 0, &raw mut usage);
        (ended == pid).then_some(usage)
    };
    let usage = usage.context("failed to wait for the program")?;
    anyhow::ensure!(status == 0, "{command:?} failed with {status}");
    let ms = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    Ok(Cost {
        cpu_ms: ms(usage.ru_utime) + ms(usage.ru_stime),
        rss_mb: usage.ru_maxrss as f64 / 1e3,
    })
}

/// A generated recording, and the size of its parts.
struct Made {
    bytes: Vec<u8>,
    /// Bytes up to the end of the opening census.
    census: usize,
    /// Bytes of a keyframe.
    keyframe: usize,
    /// Bytes of a block of trails (half a minute).
    trails: usize,
    /// CPU time to make the recording without sampling, ns.
    used: f64,
}

impl Made {
    fn new(samples: u64) -> Result<Self> {
        let mut machine = Machine::new();
        let mut made = Self {
            bytes: Block::file_header(),
            census: 0,
            keyframe: 0,
            trails: 0,
            used: 0.0,
        };
        let facts = Facts {
            cpus: 2,
            page_bytes: 4_096,
            has_marks: true,
            has_trails: true,
            ..Facts::default()
        };
        let mut trails = [Scope::Threads, Scope::Processes].map(Trails::new);
        let mut active_findings = ActiveFindings::default();
        let mut marks = Vec::new();
        made.bytes.extend_from_slice(&Block::facts(&facts)?.bytes);
        let mut packer = Packer::new();
        let mut tracker = Tracker::new(facts.machine(), Sources::EbpfAndProc);
        for number in 0..=samples {
            let sample = machine.sample(number);
            tracker.update(&sample);
            let before = own_cpu_ns();
            let is_full = packer.add(&sample);
            let changes = active_findings.update(tracker.snapshot());
            marks.extend(changes.iter().map(Mark::of));
            if (is_full || number == 0)
                && let Some((block, _)) = packer.block()
            {
                made.bytes.extend_from_slice(&block?.bytes);
                if !marks.is_empty() {
                    made.bytes.extend_from_slice(&Block::marks(&marks)?.bytes);
                    marks.clear();
                }
            }
            let over = trails.iter_mut();
            let over: Vec<Stretch> = over
                .filter_map(|own| own.observe(tracker.snapshot()))
                .collect();
            if !over.is_empty() {
                let block = Block::trails(&over)?;
                made.trails = block.bytes.len();
                made.bytes.extend_from_slice(&block.bytes);
            }
            if number > 0 && number.is_multiple_of(30 * HZ) {
                let keyframe = tracker.keyframe(Secrets::Kept, LastSeconds::LeftOut)?;
                let block = Block::keyframe(&keyframe)?;
                packer.begin_anew();
                made.keyframe = block.bytes.len();
                made.bytes.extend_from_slice(&block.bytes);
            }
            if number == 0 {
                made.census = made.bytes.len();
            } else {
                made.used += own_cpu_ns() - before;
            }
        }
        if let Some((block, _)) = packer.block() {
            made.bytes.extend_from_slice(&block?.bytes);
        }
        Ok(made)
    }
}

/// Pseudo-random numbers, which do not compress, the same in every run (Knuth's MMIX).
pub(super) struct Noise(pub(super) u64);

impl Noise {
    pub(super) fn next(&mut self, below: u64) -> u64 {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// The id of a task. Twenty tasks start together, as threads do; then there is a pause.
fn id(task: u64) -> TaskId {
    let noise = Noise(task).next(1 << 32);
    TaskId {
        tid: 1_000 + task as u32,
        start_ns: 1_000_000_007 * (task / 20 * 20 + 1) + task % 20 * 150_000 + noise % 150_000,
    }
}

/// A simulated machine: its tasks use CPU and write. On average, the memory of a task
/// changes each fourth time.
struct Machine {
    noise: Noise,
    cpu: Vec<u64>,
    pages: Vec<u64>,
}

impl Machine {
    fn new() -> Self {
        Self {
            noise: Noise(1),
            cpu: vec![0; TASKS as usize],
            pages: (0..TASKS).map(|task| task * 37).collect(),
        }
    }

    fn sample(&mut self, number: u64) -> Sample {
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
        for change in 0..CHANGE {
            // Some tasks keep a core busy, the others are chosen at random.
            let (task, most) = match change {
                0..BUSY => (change, 1_000_000_000 / HZ),
                _ => (self.noise.next(TASKS), 9_000_000),
            };
            let index = task as usize;
            self.cpu[index] += most - self.noise.next(most.min(9_000_000));
            let cpu_ns = self.cpu[index];
            sample.readings.push(Reading {
                id: id(task),
                uid: Some(1_000),
                state: State::Sleeping,
                on_cpu: false,
                preempted: self.noise.next(10) == 0,
                in_iowait: false,
                cpu_ns,
                run_delay_ns: Some(cpu_ns / 7),
                wait_max_ns: Some(self.noise.next(100_000)),
                io: Some(Io {
                    read: 0,
                    write: task * 4_096,
                }),
            });
            if self.noise.next(4) == 0 {
                self.pages[index] += self.noise.next(1_000);
            }
            sample.memories.push(self.memory(task));
        }
        let first = number * SWEPT % TASKS;
        let swept = first..first + SWEPT;
        sample.memories.extend(swept.map(|task| self.memory(task)));
        sample
    }

    fn memory(&self, task: u64) -> Memory {
        Memory {
            process: id(task),
            sizes: sizes(self.pages[task as usize] * 4_096, task << 24),
            written: None,
            threads: 1,
        }
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
        memory: Some(sizes(task * 37 * 4_096, task << 24)),
        is_rough: false,
        threads: 1,
        gone: Gone::default(),
        whole: None,
        cgroup: None,
        watched: true,
    }
}

/// Sizes of a process of which a quarter is pages of files.
pub(super) fn sizes(rss: u64, vsize: u64) -> MemorySizes {
    let parts = MemoryParts {
        anon: rss - rss / 4,
        file: rss / 4,
        ..MemoryParts::default()
    };
    MemorySizes {
        rss,
        vsize,
        parts: Some(parts),
    }
}
