//! Measures an investigation of the past: a folder with recordings of a week, in which
//! everything was slow during one night.

use std::{fs, path::Path, process::Command, sync::Arc};

use anyhow::{Result, ensure};
use procviz::{
    model::{
        Comm, Event, Exec, ExitRecord, Fork, Found, Gone, Io, MachineFigures, Memory, Pressure,
        Reading, Sample, Sources, Stamp, State, Status, TaskId, ThreadEnd,
    },
    recording::{Block, Facts, Mark, Packer},
    tracker::{ActiveFindings, Change, LastSeconds, Secrets, Tracker},
};

use super::{
    Row,
    record::{Noise, cost, sizes},
};

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600;
const HOURS: u64 = 7 * 24;
/// Monday 2026-11-16, 00:00 in Berlin, seconds since 1970.
const MONDAY: i64 = 1_794_783_600;
/// Uptime of the machine at that time, s.
const UPTIME: u64 = 900_000;
/// Start of the trouble: Thursday, 03:11:40, s since Monday 00:00.
const TROUBLE: u64 = 3 * 24 * HOUR + 3 * HOUR + 11 * 60 + 40;
/// Duration of the trouble, s: until 03:16.
const LASTS: u64 = 260;
const BACKENDS: u64 = 60;
const CRON: u64 = 130;
const SCRIPT: u32 = 48_211;
const DUMP: u32 = 48_213;

/// Makes the recordings, and runs the commands with which a user investigates that night.
pub(super) fn run() -> Result<Vec<Row>> {
    super::live::build()?;
    let procviz = super::live::program()?;
    let folder = std::env::temp_dir().join(format!("procviz-week-{}", std::process::id()));
    make(&folder)?;
    let bytes: u64 = fs::read_dir(&folder)?
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|meta| meta.len())
        .sum();
    let asked = |args: &[&str]| {
        let mut command = Command::new(&procviz);
        command.args(args).arg("--from").arg(&folder);
        cost(command)
    };
    let picture = folder.join("x.png").display().to_string();
    let at = "2026-11-19T03:12:30+01:00";
    let rows = [
        ("findings", asked(&["findings"])?),
        (
            "a picture of a given time",
            asked(&["grid", "--at", at, "-o", &picture])?,
        ),
        (
            "exits within five minutes",
            asked(&[
                "exits",
                "--begin",
                "2026-11-19T03:11:00+01:00",
                "--end",
                "2026-11-19T03:16:00+01:00",
            ])?,
        ),
    ];
    fs::remove_dir_all(&folder)?;
    let mut all = vec![Row::new(
        "a week at 1 Hz, 400 tasks, one file per hour",
        bytes as f64 / 1e6,
        "MB",
    )];
    all.extend(rows.into_iter().map(|(what, cost)| {
        Row::new(format!("... {what}"), cost.cpu_ms, "ms of CPU").bar("<= 2000")
    }));
    Ok(all)
}

/// Writes the recordings of the week into a new folder, one file per hour.
pub(crate) fn make(folder: &Path) -> Result<()> {
    fs::create_dir(folder)?;
    let users = [
        (0, "root"),
        (33, "www-data"),
        (110, "postgres"),
        (1_001, "app"),
    ];
    let facts = Facts {
        host: "db7".to_owned(),
        kernel: "6.12.48".to_owned(),
        boot_id: "5a0f2f4e-4a3e-4b57-9d43-6f2f0c7a1e11".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        cpus: 8,
        page_bytes: 4_096,
        tick_ns: 10_000_000,
        boot_wall_ns: (MONDAY - UPTIME as i64) * SECOND as i64,
        procviz: env!("CARGO_PKG_VERSION").to_owned(),
        tasks: "threads".to_owned(),
        has_marks: true,
        users: users.map(|(uid, name)| (uid, name.to_owned())).into(),
        ..Facts::default()
    };
    let mut tracker = Tracker::new(facts.machine(), Sources::EbpfAndProc);
    let mut machine = Machine::new();
    let mut active_findings = ActiveFindings::default();
    for hour in 0..HOURS {
        let mut file = Writing::new(&facts)?;
        if hour > 0 {
            let mut packer = Packer::new();
            packer.add(&tracker.census());
            file.pack(&mut packer)?;
            file.block(&Block::keyframe(
                &tracker.keyframe(Secrets::Kept, LastSeconds::Kept)?,
            )?);
            let held = active_findings.all();
            let held: Vec<Mark> = held
                .map(|(finding, time_ns)| Mark::new(Change::Holds, finding, time_ns))
                .collect();
            if !held.is_empty() {
                file.block(&Block::marks(&held)?);
            }
        }
        let mut packer = Packer::new();
        for second in hour * HOUR..(hour + 1) * HOUR {
            let sample = machine.sample(second);
            tracker.update(&sample);
            if packer.add(&sample) {
                file.pack(&mut packer)?;
            }
            let changes = active_findings.update(tracker.snapshot());
            let marks: Vec<Mark> = changes.iter().map(Mark::of).collect();
            if !marks.is_empty() {
                file.pack(&mut packer)?;
                file.block(&Block::marks(&marks)?);
            }
            if second % 30 == 29 {
                file.pack(&mut packer)?;
                file.block(&Block::keyframe(
                    &tracker.keyframe(Secrets::Kept, LastSeconds::LeftOut)?,
                )?);
                packer.begin_anew();
            }
        }
        file.pack(&mut packer)?;
        fs::write(
            folder.join(format!("procviz-{hour:03}.pvz")),
            file.finish()?,
        )?;
    }
    Ok(())
}

/// A recording that is being written.
struct Writing {
    bytes: Vec<u8>,
    entries: Vec<procviz::recording::Entry>,
}

impl Writing {
    fn new(facts: &Facts) -> Result<Self> {
        let mut writing = Self {
            bytes: Block::file_header(),
            entries: Vec::new(),
        };
        writing.block(&Block::facts(facts)?);
        Ok(writing)
    }

    fn block(&mut self, block: &Block) {
        self.entries.push(block.entry(self.bytes.len() as u64));
        self.bytes.extend_from_slice(&block.bytes);
    }

    fn pack(&mut self, packer: &mut Packer) -> Result<()> {
        if let Some((block, _)) = packer.block() {
            self.block(&block?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<u8>> {
        let index = Block::index(&self.entries)?;
        self.bytes.extend_from_slice(&index.bytes);
        Ok(self.bytes)
    }
}

/// A simulated machine with a database. In one night, a dump of the database overloads the
/// disk.
struct Machine {
    noise: Noise,
    cpu: Vec<u64>,
    short: u32,
    dumped: u64,
    dump: Option<TaskId>,
    script: Option<TaskId>,
}

const TASKS: u64 = 400;

/// Name, user id and resident set (MiB) of a task.
fn who(task: u64) -> (&'static str, u32, u64) {
    match task {
        0 => ("systemd", 0, 12),
        1..100 => ("kworker/u16:1", 0, 0),
        100..130 => ("sshd", 0, 8),
        CRON => ("cron", 0, 3),
        131..150 => ("nginx", 33, 40),
        150 => ("postgres", 110, 900),
        151..=210 => ("postgres", 110, 120),
        _ => ("java", 1_001, 300),
    }
}

fn id(task: u64) -> TaskId {
    TaskId {
        tid: 1 + task as u32,
        start_ns: 1_000_000_007 * (task + 1),
    }
}

fn boot_ns(second: u64) -> u64 {
    (UPTIME + second) * SECOND
}

impl Machine {
    fn new() -> Self {
        Self {
            noise: Noise(7),
            cpu: vec![0; TASKS as usize],
            short: 50_000,
            dumped: 0,
            dump: None,
            script: None,
        }
    }

    fn sample(&mut self, second: u64) -> Sample {
        let mut sample = Sample::new(Sources::EbpfAndProc);
        sample.stamp = Stamp {
            boot_ns: boot_ns(second),
            interval_ns: SECOND,
        };
        let since = second.checked_sub(TROUBLE).filter(|since| *since < LASTS);
        sample.machine = self.figures(since);
        if second == 0 {
            sample.complete = true;
            sample.found.extend((0..TASKS).map(found));
            return sample;
        }
        for _ in 0..20 {
            let task = 131 + self.noise.next(TASKS - 131);
            let is_stuck = since.is_some() && (151..151 + BACKENDS).contains(&task);
            if is_stuck {
                continue;
            }
            let used = self.noise.next(12_000_000);
            sample
                .readings
                .push(self.reading(task, used, State::Sleeping));
        }
        // At noon a report runs for a minute.
        if second % (24 * HOUR) / 60 == 12 * 60 {
            sample
                .readings
                .push(self.reading(300, SECOND - 2_000_000, State::Running));
        }
        self.short_lives(second, &mut sample);
        if let Some(since) = since {
            self.trouble(since, &mut sample);
        } else if self.dump.is_some() {
            self.end_of_trouble(second, &mut sample);
        }
        sample.events_seen = second * 8;
        sample
    }

    fn figures(&mut self, since: Option<u64>) -> MachineFigures {
        let slow = since.is_some();
        let load = since.map_or(0.8, |since| (0.8 + since as f64 / 3.0).min(46.0));
        MachineFigures {
            cpu_busy_ns: Some(SECOND / 2 + self.noise.next(SECOND / 4)),
            steal_ns: Some(0),
            iowait_ns: Some(if slow { 4 * SECOND } else { 20_000_000 }),
            load1: Some(load),
            running: Some(1 + self.noise.next(3)),
            blocked: Some(if slow { 45 } else { 0 }),
            mem_total_bytes: Some(32 << 30),
            mem_available_bytes: Some(11 << 30),
            swap_used_bytes: Some(0),
            shmem_bytes: Some(1 << 30),
            psi_cpu_some_us: Some(0),
            psi_memory: Some(Pressure::default()),
            psi_io: Some(Pressure {
                some_us: if slow { 960_000 } else { 900 },
                full_us: if slow { 710_000 } else { 0 },
            }),
            forks: Some(2),
            deaths: Some(2),
        }
    }

    fn reading(&mut self, task: u64, used: u64, state: State) -> Reading {
        self.cpu[task as usize] += used;
        let cpu_ns = self.cpu[task as usize];
        Reading {
            id: id(task),
            uid: Some(who(task).1),
            state,
            on_cpu: state == State::Running,
            preempted: false,
            in_iowait: state == State::Blocked,
            cpu_ns,
            run_delay_ns: Some(cpu_ns / 50),
            wait_max_ns: Some(self.noise.next(90_000)),
            io: None,
        }
    }

    /// Two short-lived processes per second, as a monitoring agent starts them.
    fn short_lives(&mut self, second: u64, sample: &mut Sample) {
        for name in ["sh", "df"] {
            self.short = if self.short > 4_000_000 {
                50_000
            } else {
                self.short + 1
            };
            let life = TaskId {
                tid: self.short,
                start_ns: boot_ns(second) - 400_000_000,
            };
            sample.events.push(fork(life, id(400 - 1), 1_001));
            sample.events.push(exec(life, 1_001, name, &[name]));
            sample
                .events
                .extend(end(life, boot_ns(second) - 390_000_000, name, 0));
        }
    }

    fn trouble(&mut self, since: u64, sample: &mut Sample) {
        let (script, dump) = (
            TaskId {
                tid: SCRIPT,
                start_ns: boot_ns(TROUBLE) - 800_000_000,
            },
            TaskId {
                tid: DUMP,
                start_ns: boot_ns(TROUBLE) - 700_000_000,
            },
        );
        if since == 0 {
            (self.script, self.dump) = (Some(script), Some(dump));
            sample.events.push(fork(script, id(CRON), 0));
            sample.events.push(exec(
                script,
                0,
                "backup.sh",
                &["/bin/sh", "/opt/backup.sh", "--all"],
            ));
            sample.events.push(fork(dump, script, 110));
            sample.events.push(exec(
                dump,
                110,
                "pg_dump",
                &["pg_dump", "--jobs=1", "--format=directory", "orders"],
            ));
        }
        if since == 0 {
            // The script waits for the dump.
            sample.readings.push(Reading {
                id: script,
                uid: Some(0),
                state: State::Sleeping,
                on_cpu: false,
                preempted: false,
                in_iowait: false,
                cpu_ns: 3_000_000,
                run_delay_ns: Some(0),
                wait_max_ns: Some(0),
                io: Some(Io::default()),
            });
            sample.memories.push(Memory {
                process: script,
                sizes: sizes(2 << 20, 5 << 20),
                written: None,
                threads: 1,
            });
        }
        self.dumped += (170 << 20) + self.noise.next(20 << 20);
        sample.readings.push(Reading {
            id: dump,
            uid: Some(110),
            state: State::Blocked,
            on_cpu: false,
            preempted: false,
            in_iowait: true,
            cpu_ns: since * SECOND / 8,
            run_delay_ns: Some(0),
            wait_max_ns: Some(0),
            io: Some(Io {
                read: self.dumped,
                write: self.dumped / 4,
            }),
        });
        sample.memories.push(Memory {
            process: dump,
            sizes: sizes(80 << 20, 400 << 20),
            written: None,
            threads: 1,
        });
        // The backends wait for the disk one after the other, half a minute each.
        for task in 151..151 + BACKENDS {
            if (since + task * 7) % 30 == 1 && since > 8 {
                sample
                    .readings
                    .push(self.reading(task, 300_000, State::Blocked));
            }
        }
    }

    fn end_of_trouble(&mut self, second: u64, sample: &mut Sample) {
        let (read, write) = (self.dumped, self.dumped / 4);
        let ends = [
            (self.dump.take(), "pg_dump", (SCRIPT, 110), (read, write)),
            (self.script.take(), "backup.sh", (id(CRON).tid, 0), (0, 0)),
        ];
        for (task, name, (ppid, uid), io) in ends {
            let Some(task) = task else { continue };
            let mut events = end(task, boot_ns(second) - SECOND / 2, name, 0);
            for event in &mut events {
                let Event::ProcessEnd(record) = event else {
                    continue;
                };
                let record = Arc::make_mut(record);
                (record.ppid, record.uid, record.origin) = (ppid, uid, id(CRON));
                (record.read_bytes, record.write_bytes) = (Some(io.0), Some(io.1));
                if uid == 110 {
                    record.cpu_ns = Some(LASTS * SECOND / 8);
                    record.user_ns = Some(LASTS * SECOND / 16);
                    record.system_ns = Some(LASTS * SECOND / 16);
                    record.max_rss_bytes = Some(80 << 20);
                    record.args = args(&["pg_dump", "--jobs=1", "--format=directory", "orders"]);
                }
            }
            sample.events.extend(events);
        }
        for task in 151..151 + BACKENDS {
            sample
                .readings
                .push(self.reading(task, 300_000, State::Sleeping));
        }
    }
}

fn args(words: &[&str]) -> Option<Arc<[u8]>> {
    let bytes: Vec<u8> = words
        .iter()
        .flat_map(|word| word.bytes().chain([0]))
        .collect();
    Some(bytes.into())
}

fn fork(of: TaskId, parent: TaskId, uid: u32) -> Event {
    Event::Fork(Fork {
        id: of,
        process: of,
        parent,
        ppid: parent.tid,
        origin: parent,
        uid,
        ns_pid: of.tid,
        kthread: false,
        comm: Comm::new(b"sh"),
        name: None,
        args: None,
        cgroup: None,
        watched: true,
    })
}

fn exec(of: TaskId, uid: u32, name: &str, words: &[&str]) -> Event {
    Event::Exec(Exec {
        process: of,
        old_tid: of.tid,
        uid,
        comm: Comm::new(name.as_bytes()),
        args: args(words),
        cgroup: None,
    })
}

fn end(of: TaskId, time_ns: u64, name: &str, code: u32) -> [Event; 2] {
    let comm = Comm::new(name.as_bytes());
    let status = Status(code << 8);
    let cpu_ns = Some(900_000);
    [
        Event::ThreadEnd(ThreadEnd {
            id: of,
            process: of,
            time_ns,
            status,
            cpu_ns,
            run_delay_ns: Some(0),
            io: Some((0, 0)),
            zombie: false,
            superseded: false,
            comm,
        }),
        Event::ProcessEnd(Arc::new(ExitRecord {
            process: of,
            thread: None,
            time_ns,
            ns_pid: Some(of.tid),
            ppid: 400,
            origin: id(399),
            uid: 1_001,
            comm,
            name: None,
            args: args(&[name]),
            args_bytes: Some(12),
            status,
            oom: false,
            killed_by: None,
            terminated_by: None,
            cpu_ns,
            user_ns: Some(500_000),
            system_ns: Some(400_000),
            max_rss_bytes: Some(3 << 20),
            max_rss_inherited: Some(false),
            read_bytes: Some(0),
            write_bytes: Some(0),
            cancelled_write_bytes: Some(0),
            minor_faults: Some(120),
            major_faults: Some(0),
            cgroup: None,
            zombie: false,
            watched: true,
            partial: false,
        })),
    ]
}

fn found(task: u64) -> Found {
    let (name, uid, mib) = who(task);
    Found {
        id: id(task),
        process: id(task),
        ppid: u32::from(task > 0),
        uid: Some(uid),
        ns_pid: Some(1 + task as u32),
        kthread: (1..100).contains(&task),
        comm: Comm::new(name.as_bytes()),
        state: State::Sleeping,
        on_cpu: false,
        in_iowait: false,
        cpu_ns: 0,
        run_delay_ns: Some(0),
        off_cpu_ns: Some(0),
        io: Some(Io::default()),
        memory: Some(sizes(mib << 20, mib << 22)),
        is_rough: false,
        threads: 1,
        gone: Gone::default(),
        whole: None,
        cgroup: None,
        watched: true,
    }
}

/// Makes the recordings of the week in a given folder, to try procviz with them.
pub(crate) fn make_at(folder: &str) -> Result<()> {
    ensure!(!Path::new(folder).exists(), "`{folder}` already exists");
    make(Path::new(folder))
}
