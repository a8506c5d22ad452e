//! Keeps samples in a file as they come: blocks are packed by whoever samples
//! are given by, and written on a thread of their own.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow};
use rustix::fs::{Mode, OFlags, open, unlink};

use super::{Failure, output, stdout::say};
use crate::{
    model::{Event, ExitRecord, Host, Sample, Sources},
    recording::{Block, Entry, Facts, Packer},
    source::{Users, boot_id, keep_only, kernel_release},
    tracker::{Filter, LastSeconds, Secrets, Tracker},
};

/// Blocks that wait for a slow disk; what comes when there are more is lost and counted.
const QUEUE: usize = 32;
/// How often the disk is asked to have it all.
const SYNC: Duration = Duration::from_secs(5);
/// Reading may begin each so many ns.
const KEYFRAMES_NS: u64 = 30_000_000_000;

/// Where a recording goes, and what is left out of it.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    pub(super) path: PathBuf,
    pub(super) force: bool,
    /// Permissions of the file.
    pub(super) mode: u32,
    /// Whether arguments, which may hold secrets, are left out.
    pub(super) redacts: bool,
}

/// The facts of this machine.
pub(super) fn facts(host: &Host) -> Facts {
    Facts {
        host: host.name.clone(),
        kernel: kernel_release(),
        boot_id: boot_id(),
        time_zone: jiff::tz::TimeZone::system()
            .iana_name()
            .unwrap_or_default()
            .to_owned(),
        cpus: host.cpus,
        page_bytes: host.page_bytes,
        tick_ns: host.tick_ns,
        boot_wall_ns: host.boot_wall_ns as i64,
        procviz: env!("CARGO_PKG_VERSION").to_owned(),
        tasks: "threads".to_owned(),
        ..Facts::default()
    }
}

impl Keeping {
    /// A file for its owner alone, with all there is.
    pub(super) fn all(path: &Path, force: bool) -> Self {
        Self {
            path: path.to_owned(),
            force,
            mode: 0o600,
            redacts: false,
        }
    }
}

/// What is lost until something can be written again.
#[derive(Clone, Debug, Default)]
struct Lost {
    samples: u64,
    span_ns: Option<(u64, u64)>,
    why: String,
}

impl Lost {
    fn add(&mut self, block: &Block, samples: u64, why: &str) {
        self.samples += samples;
        let begin = self.span_ns.map_or(block.begin_ns, |(begin, _)| begin);
        self.span_ns = Some((begin, block.end_ns));
        self.why = why.to_owned();
    }

    fn block(&self) -> Option<std::io::Result<Block>> {
        let span = self.span_ns?;
        Some(Block::gap(span, self.samples, &self.why))
    }
}

/// Whether whom the session shows is not all that its recording is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filtered {
    No,
    Yes,
}

/// Whether somebody may filter while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Once,
    Live,
}

impl Filtered {
    pub(super) fn of(filter: &Filter, shown: Shown) -> Self {
        match shown {
            Shown::Once if filter.is_plain() => Self::No,
            Shown::Once | Shown::Live => Self::Yes,
        }
    }
}

/// A block, and how many samples are in it.
type Job = (Block, u64);

/// A recording that is made.
pub(super) struct Recorder {
    facts: Facts,
    packer: Packer,
    secrets: Secrets,
    /// Knows everybody, where who is shown is filtered.
    own: Option<Tracker>,
    /// The time since boot of the last keyframe, ns.
    keyframe_ns: Option<u64>,
    keyframes_ns: u64,
    /// What the writing thread had no room for.
    lost: Lost,
    jobs: Option<SyncSender<Job>>,
    outcome: Receiver<Outcome>,
    thread: Option<JoinHandle<()>>,
}

/// What the writing thread has done at its end.
struct Outcome {
    bytes: u64,
    samples: u64,
    lost: u64,
}

impl Recorder {
    /// Creates the file at once, so that it is there after a crash.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or something is there.
    pub(super) fn start(
        keeping: &Keeping,
        facts: Facts,
        filtered: Filtered,
    ) -> Result<Self, Failure> {
        let first = Block::facts(&facts)?;
        let (jobs, todo) = sync_channel::<Job>(QUEUE);
        let (tell, told) = sync_channel(1);
        let (done, outcome) = sync_channel(1);
        let of_thread = keeping.clone();
        let body = move || {
            keep_only(output::become_owner(output::folder_of(&of_thread.path)));
            let disk = Disk::create(&of_thread, &first);
            let disk = match disk {
                Ok(disk) => {
                    _ = tell.send(Ok(()));
                    disk
                }
                Err(error) => {
                    _ = tell.send(Err(error));
                    return;
                }
            };
            _ = done.send(disk.write_all(todo));
        };
        let thread = std::thread::Builder::new()
            .name("procviz-writer".to_owned())
            .spawn(body)?;
        told.recv()
            .map_err(|_| anyhow!("the writing thread ended early"))??;
        let own = match filtered {
            Filtered::No => None,
            Filtered::Yes => {
                let filter = Filter {
                    descendants: facts.only_watched,
                    ..Filter::default()
                };
                Some(Tracker::with_filter(
                    facts.machine(),
                    Sources::EbpfAndProc,
                    filter,
                ))
            }
        };
        Ok(Self {
            facts,
            packer: Packer::new(),
            secrets: if keeping.redacts {
                Secrets::LeftOut
            } else {
                Secrets::Kept
            },
            own,
            keyframe_ns: None,
            keyframes_ns: keyframes_ns(),
            lost: Lost::default(),
            jobs: Some(jobs),
            outcome,
            thread: Some(thread),
        })
    }

    /// Whether there is anything in it.
    pub(super) fn has_begun(&self) -> bool {
        self.keyframe_ns.is_some()
    }

    /// Begins a piece of a longer story with all that is known.
    pub(super) fn go_on_from(&mut self, tracker: &Tracker, users: &Users) {
        self.add(&tracker.census(), users, tracker);
        self.flush();
        self.keyframe(tracker, LastSeconds::Kept);
        if let Some(own) = &mut self.own
            && let Ok(keyframe) = tracker.keyframe(Secrets::Kept, LastSeconds::Kept)
        {
            _ = own.restore(keyframe);
        }
    }

    /// Takes in a sample that `tracker` has taken in. A disk that does not
    /// keep up delays nothing.
    pub(super) fn add(&mut self, sample: &Sample, users: &Users, tracker: &Tracker) {
        if let Some(own) = &mut self.own {
            own.update(sample);
        }
        let is_full = match self.secrets {
            Secrets::LeftOut => self.packer.add(&redacted(sample)),
            Secrets::Kept => self.packer.add(sample),
        };
        let found = sample.found.iter().filter_map(|found| found.uid);
        let read = sample.readings.iter().filter_map(|reading| reading.uid);
        let told = sample.events.iter().filter_map(|event| match event {
            Event::Fork(fork) => Some(fork.uid),
            Event::Exec(exec) => Some(exec.uid),
            Event::ProcessEnd(record) => Some(record.uid),
            _ => None,
        });
        let mut is_new = false;
        for uid in found.chain(read).chain(told) {
            if let Some(name) = users
                .known(uid)
                .filter(|_| !self.facts.users.contains_key(&uid))
            {
                self.facts.users.insert(uid, name.to_string());
                is_new = true;
            }
        }
        if is_new && let Ok(facts) = Block::facts(&self.facts) {
            self.send((facts, 0));
        }
        if is_full {
            self.flush();
        }
        let now = sample.stamp.boot_ns;
        let last = *self.keyframe_ns.get_or_insert(now);
        if is_full && now.saturating_sub(last) >= self.keyframes_ns {
            match self.own.take() {
                Some(own) => {
                    self.keyframe(&own, LastSeconds::LeftOut);
                    self.own = Some(own);
                }
                None => self.keyframe(tracker, LastSeconds::LeftOut),
            }
        }
    }

    /// Lets reading begin here.
    fn keyframe(&mut self, tracker: &Tracker, last_seconds: LastSeconds) {
        self.keyframe_ns = Some(tracker.snapshot().stamp.boot_ns);
        let keyframe = tracker.keyframe(self.secrets, last_seconds);
        // One that is too large is not made: reading then begins further ahead.
        let block = keyframe
            .ok()
            .and_then(|keyframe| Block::keyframe(&keyframe).ok());
        if let Some(block) = block {
            self.packer.begin_anew();
            self.send((block, 0));
        }
    }

    fn flush(&mut self) {
        match self.packer.block() {
            None => {}
            Some((Ok(block), samples)) => self.send((block, samples)),
            Some((Err(error), _)) => say(&format!("procviz: not recorded: {error}")),
        }
    }

    fn send(&mut self, job: Job) {
        let Some(jobs) = &self.jobs else { return };
        if let Some(Ok(gap)) = self.lost.block() {
            match jobs.try_send((gap, 0)) {
                Ok(()) => self.lost = Lost::default(),
                Err(_) => {
                    self.lost.add(&job.0, job.1, "the disk did not keep up");
                    return;
                }
            }
        }
        if let Err(TrySendError::Full((block, samples))) = jobs.try_send(job) {
            self.lost.add(&block, samples, "the disk did not keep up");
        }
    }

    /// Writes the rest, and says what there is.
    pub(super) fn finish(mut self) {
        self.flush();
        let waiting = self.lost.samples;
        if let (Some(jobs), Some(Ok(gap))) = (&self.jobs, self.lost.block()) {
            _ = jobs.send((gap, 0));
        }
        drop(self.jobs.take());
        if let Ok(outcome) = self.outcome.recv() {
            let lost = outcome.lost + waiting;
            let lost = if lost > 0 {
                format!(", {lost} lost, as its gaps tell")
            } else {
                String::new()
            };
            say(&format!(
                "procviz: recorded {} samples in {}{lost}",
                outcome.samples,
                crate::model::bytes_text(outcome.bytes)
            ));
        }
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// Tests have more of them than anybody needs.
fn keyframes_ns() -> u64 {
    let told = std::env::var("PROCVIZ_TEST_KEYFRAMES_NS").ok();
    told.and_then(|told| told.parse().ok())
        .unwrap_or(KEYFRAMES_NS)
}

/// A sample without arguments.
fn redacted(sample: &Sample) -> Sample {
    let mut sample = sample.clone();
    for event in &mut sample.events {
        match event {
            Event::Fork(fork) => fork.args = None,
            Event::Exec(exec) => exec.args = None,
            Event::ProcessEnd(record) => {
                *record = Arc::new(ExitRecord {
                    args: None,
                    ..(**record).clone()
                });
            }
            Event::Args(..) => *event = Event::Nothing,
            _ => {}
        }
    }
    sample
}

/// The file, as far as it is good.
struct Disk {
    path: PathBuf,
    file: File,
    entries: Vec<Entry>,
    good: u64,
    samples: u64,
    lost: Lost,
    lost_in_all: u64,
    synced: Instant,
}

impl Disk {
    fn create(keeping: &Keeping, facts: &Block) -> anyhow::Result<Self> {
        let path = &keeping.path;
        output::check_free(path, keeping.force)?;
        if keeping.force && path.exists() {
            unlink(path).with_context(|| format!("failed to replace `{}`", path.display()))?;
        }
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = open(path, flags, Mode::from_raw_mode(keeping.mode))
            .with_context(|| format!("failed to create `{}`", path.display()))?;
        // The umask is about files that nobody said anything of.
        rustix::fs::fchmod(&file, Mode::from_raw_mode(keeping.mode))
            .with_context(|| format!("failed to set the mode of `{}`", path.display()))?;
        let mut disk = Self {
            path: path.clone(),
            file: file.into(),
            entries: Vec::new(),
            good: 0,
            samples: 0,
            lost: Lost::default(),
            lost_in_all: 0,
            synced: Instant::now(),
        };
        let header = Block::file_header();
        disk.file
            .write_all(&header)
            .with_context(|| format!("failed to write `{}`", path.display()))?;
        disk.good = header.len() as u64;
        disk.append(facts)
            .with_context(|| format!("failed to write `{}`", path.display()))?;
        Ok(disk)
    }

    fn write_all(mut self, todo: Receiver<Job>) -> Outcome {
        for (block, samples) in todo {
            self.write(&block, samples);
            if self.synced.elapsed() >= SYNC {
                self.sync();
            }
        }
        if let Some(Ok(gap)) = self.lost.block() {
            _ = self.append(&gap);
        }
        if let Ok(index) = Block::index(&self.entries) {
            _ = self.append(&index);
        }
        self.sync();
        Outcome {
            bytes: self.good,
            samples: self.samples,
            lost: self.lost_in_all,
        }
    }

    /// Writes a block, after word of what was lost before it.
    fn write(&mut self, block: &Block, samples: u64) {
        let gap = self.lost.block().and_then(Result::ok);
        let written = gap
            .map_or(Ok(()), |gap| self.append(&gap))
            .and_then(|()| self.append(block));
        match written {
            Ok(()) => {
                if self.lost.samples > 0 {
                    let lost = self.lost.samples;
                    say(&format!(
                        "procviz: recording goes on, {lost} samples were lost"
                    ));
                }
                self.lost = Lost::default();
                self.samples += samples;
            }
            Err(error) => {
                if self.lost.span_ns.is_none() {
                    say(&format!(
                        "procviz: `{}`: {error}; sampling goes on",
                        self.path.display()
                    ));
                }
                self.lost.add(block, samples, &error.to_string());
                self.lost_in_all += samples;
            }
        }
    }

    /// Appends a block, or leaves the file as it was.
    fn append(&mut self, block: &Block) -> std::io::Result<()> {
        let outcome = self.file.write_all(&block.bytes);
        if outcome.is_err() {
            self.file.set_len(self.good)?;
            self.file.seek(SeekFrom::Start(self.good))?;
            return outcome;
        }
        self.entries.push(block.entry(self.good));
        self.good += block.bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) {
        // A disk that cannot says so when it is written to.
        _ = rustix::fs::fdatasync(self.file.as_fd());
        self.synced = Instant::now();
    }
}
