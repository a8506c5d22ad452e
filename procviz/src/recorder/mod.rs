//! Records samples to files: the thread that adds samples packs them into blocks, and
//! another thread writes the blocks.

mod disk;
mod firing;
mod folder;
mod job;
mod lost;
mod newest;
mod notes;
mod open;
mod options;
mod part;
mod queue;
mod ring;
mod sending;
pub(crate) mod trigger;

use std::{
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::anyhow;

use self::{
    disk::{Disk, Outcome, Shared},
    job::{Begin, Job},
    lost::Lost,
    part::Part,
    queue::{Queue, queue},
    ring::Ring,
};
pub(crate) use self::{
    folder::{Folder, Limits},
    notes::{add_notes, replace_notes},
    options::{Files, Filtered, Place, RecordingOptions, RunKind, facts},
    ring::RingPlan,
};
use crate::{
    model::{Event, ExitRecord, Sample, Scope, Sources, mount_only},
    recording::{Block, Facts, Gap, Mark, PROCESSES, Packer},
    runtime::{
        Failure,
        stderr::summary,
        text::noun,
        warning::{Warning, warn},
    },
    source::Users,
    tracker::{ActiveFindings, Change, Filter, LastSeconds, RuleSettings, Secrets, Tracker},
    trails::{Stretch, Trails},
};

/// Upper limit for the triggers that the facts of a file name; later triggers only make
/// the file longer.
const MOST_REASONS: usize = 10;
/// Time between two keyframes, ns.
const KEYFRAMES_NS: u64 = 30_000_000_000;
const SCOPES: [Scope; 2] = [Scope::Threads, Scope::Processes];

/// A recording that is being made.
pub(crate) struct Recorder {
    facts: Facts,
    packer: Packer,
    secrets: Secrets,
    /// Whether only processes are recorded: each process has one thread, with the sums over
    /// all its threads.
    is_reduced: bool,
    /// A tracker of all recorded tasks; `None` if the session's tracker shows the same
    /// tasks.
    own: Option<Tracker>,
    /// Time of the last keyframe, ns since boot; `None` before the first sample.
    keyframe_ns: Option<u64>,
    keyframes_ns: u64,
    boot_wall_ns: i128,
    rotation: Option<(Duration, Option<u64>)>,
    /// Time at which the file began, ns since boot; `None` before the first sample.
    file_ns: Option<u64>,
    ring: Option<Ring>,
    /// The trails of threads and of processes; empty for a ring, because a ring is short.
    trails: Vec<Trails>,
    active_findings: ActiveFindings,
    /// Changes of findings since the last block of marks.
    marks: Vec<Mark>,
    /// What was lost since the queue to the writer thread last had room. `lost_in_all` is
    /// the number of samples that were lost for this reason since the beginning.
    lost: Lost,
    lost_in_all: u64,
    shared: Arc<Shared>,
    jobs: Option<Queue>,
    outcome: Receiver<Outcome>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts a recording. Creates the file at once, so that it exists after a crash. A ring
    /// only checks that a file can be created.
    ///
    /// # Errors
    ///
    /// When the file cannot be created, or already exists.
    pub(crate) fn start(
        options: &RecordingOptions,
        files: Files,
        facts: Facts,
        filtered: Filtered,
    ) -> Result<Self, Failure> {
        let mut facts = facts;
        let is_reduced = options.scope == Scope::Processes && facts.has_threads();
        if is_reduced {
            PROCESSES.clone_into(&mut facts.tasks);
        }
        facts.has_trails = !matches!(files, Files::Ring(_));
        files.keeper().clone_into(&mut facts.keeper);
        let boot_wall_ns = i128::from(facts.boot_wall_ns);
        let first = Begin {
            wall_ns: jiff::Timestamp::now().as_nanosecond(),
            why: None,
            parts: vec![(Block::facts(&facts)?, 0)],
        };
        let (rotation, ring) = match files {
            Files::One => (None, None),
            Files::Rotated(after, bytes) => (Some((after, bytes)), None),
            Files::Ring(plan) => (None, Some(Ring::new(plan))),
        };
        let first = ring.is_none().then_some(first);
        let shared = Arc::new(Shared::default());
        let disk = Disk::new(options.clone(), &facts, Arc::clone(&shared));
        let Writing {
            jobs,
            outcome,
            thread,
        } = Writing::start(disk, first)?;
        let own = match filtered {
            Filtered::No if !is_reduced => None,
            _ => Some(own_tracker(&facts)),
        };
        let trails = match facts.has_trails {
            true => SCOPES.map(Trails::new).into(),
            false => Vec::new(),
        };
        Ok(Self {
            facts,
            packer: Packer::new(),
            secrets: if options.redacts {
                Secrets::LeftOut
            } else {
                Secrets::Kept
            },
            is_reduced,
            own,
            keyframe_ns: None,
            keyframes_ns: keyframes_ns(),
            boot_wall_ns,
            rotation,
            file_ns: None,
            ring,
            trails,
            active_findings: ActiveFindings::default(),
            marks: Vec::new(),
            lost: Lost::default(),
            lost_in_all: 0,
            shared,
            jobs: Some(jobs),
            outcome,
            thread: Some(thread),
        })
    }

    /// Sets thresholds of rules, and which findings are left out.
    #[must_use]
    pub(crate) fn with_rules(mut self, settings: &RuleSettings) -> Self {
        self.own = self.own.take().map(|own| own.with_rules(settings.clone()));
        self
    }

    /// Whether anything was recorded yet.
    pub(crate) fn has_begun(&self) -> bool {
        self.keyframe_ns.is_some()
    }

    /// Begins a part of a longer recording with the state of `tracker`.
    pub(crate) fn go_on_from(&mut self, tracker: &Tracker, users: &Users) {
        self.record_state(tracker, users);
        let own = self.own.take();
        self.follow_from(own.as_ref().unwrap_or(tracker));
        self.own = own;
    }

    /// Records a gap of the original recording: its period, ns since boot, and the number of
    /// exit records that the original recording has lost in it. `next` is the sample after
    /// the gap. `known` is the tracker, if the state at the end of the gap is known.
    pub(crate) fn add_gap(
        &mut self,
        ((begin, end), deaths): ((u64, u64), u64),
        next: &Sample,
        (known, users): (Option<&Tracker>, &Users),
    ) {
        self.flush();
        let interval_ns = next.stamp.boot_ns.saturating_sub(end).max(1);
        let gap = Gap {
            span_ns: (begin, end),
            samples: end.saturating_sub(begin) / interval_ns,
            // The other exit records of the gap come with the next sample.
            deaths,
            why: "the original recording does not cover this period".to_owned(),
        };
        if let Ok(gap) = Block::gap(&gap) {
            self.put((gap, 0));
        }
        if let Some(tracker) = known {
            self.record_state(tracker, users);
        }
    }

    /// Records a gap at the end of the original recording, and the exit records in it.
    pub(crate) fn end_within(&mut self, gap: Option<&Gap>, ended: &[Arc<ExitRecord>]) {
        let Some(gap) = gap else { return };
        self.flush();
        let deaths = (!ended.is_empty()).then(|| Block::deaths(gap.span_ns, ended));
        for block in [Block::gap(gap)].into_iter().chain(deaths).flatten() {
            self.put((block, 0));
        }
    }

    fn record_state(&mut self, tracker: &Tracker, users: &Users) {
        let census = tracker.census();
        self.know(&census, users);
        let mut own = self.own.take();
        match &mut own {
            // The state that rules keep about threads does not fit a tracker of processes.
            Some(own) if self.is_reduced => own.update(&tracker.reduce_to_processes(&census)),
            Some(own) => {
                if let Ok(keyframe) = tracker.keyframe(Secrets::Kept, LastSeconds::Kept) {
                    _ = own.restore(keyframe);
                }
            }
            None => {}
        }
        let all = own.as_ref().filter(|_| self.is_reduced);
        for part in self.all_known(all.unwrap_or(tracker)) {
            self.put(part);
        }
        self.own = own;
    }

    /// Adds a sample that `tracker` already has merged. A slow disk does not delay the
    /// caller.
    pub(crate) fn add(&mut self, sample: &Sample, users: &Users, tracker: &Tracker) {
        let reduced = self.is_reduced.then(|| tracker.reduce_to_processes(sample));
        let sample = reduced.as_ref().unwrap_or(sample);
        if let Some(own) = &mut self.own {
            own.update(sample);
        }
        let kept = sample.gap_ns.map(|(_, end)| as_it_was_kept(sample, end));
        let sample = kept.as_ref().unwrap_or(sample);
        let is_full = match self.secrets {
            Secrets::LeftOut => self.packer.add(&redacted(sample)),
            Secrets::Kept => self.packer.add(sample),
        };
        self.boot_wall_ns = sample.boot_wall_ns.unwrap_or(self.boot_wall_ns);
        if self
            .facts
            .note_clock(sample.stamp.boot_ns, self.boot_wall_ns)
        {
            self.flush();
            self.put_facts();
        }
        self.know(sample, users);
        if is_full {
            self.flush();
        }
        let own = self.own.take();
        let all = own.as_ref().unwrap_or(tracker);
        self.mark(all, is_full);
        self.follow(all);
        self.watch_ring(sample, all);
        let now = sample.stamp.boot_ns;
        let last = *self.keyframe_ns.get_or_insert(now);
        self.file_ns.get_or_insert(now);
        if is_full {
            self.go_on(all);
            if self.wants_file(now, sample.stamp.interval_ns) {
                self.next_file(now, all);
            } else if self.ring.is_none() && now.saturating_sub(last) >= self.keyframes_ns {
                self.keyframe_ns = Some(now);
                let keyframe = self.keyframe(all, LastSeconds::LeftOut);
                keyframe.into_iter().for_each(|part| self.put(part));
            }
        }
        // If a ring often begins and ends files, no block ever becomes full: so the
        // chunk does not depend on `is_full`.
        if self.ring.as_ref().is_some_and(|ring| ring.wants_chunk(now)) {
            self.next_chunk(now, all);
        }
        self.own = own;
    }

    /// Records which findings begin and end.
    fn mark(&mut self, tracker: &Tracker, is_full: bool) {
        let changes = self.active_findings.update(tracker.snapshot());
        self.marks.extend(changes.iter().map(Mark::of));
        if is_full {
            self.put_marks();
        }
    }

    /// Records the new points of the trails when a stretch is complete.
    fn follow(&mut self, tracker: &Tracker) {
        let snapshot = tracker.snapshot();
        let trails = self.trails.iter_mut();
        let over: Vec<Stretch> = trails
            .filter_map(|trails| trails.observe(snapshot))
            .map(|stretch| match self.secrets {
                Secrets::LeftOut => stretch.without_args(),
                Secrets::Kept => stretch,
            })
            .collect();
        if over.is_empty() {
            return;
        }
        match Block::trails(&over) {
            Ok(block) => self.put((block, 0)),
            // A reader notices that the stretch is missing, and reads the samples instead.
            Err(error) => warn(Warning::TrailsNotRecorded {
                error: error.to_string(),
            }),
        }
    }

    /// Begins new trails: the trails in a file do not begin before the file.
    fn follow_from(&mut self, tracker: &Tracker) {
        for trails in &mut self.trails {
            *trails = Trails::from_census(trails.scope(), tracker.snapshot());
        }
    }

    fn put_marks(&mut self) {
        if self.marks.is_empty() {
            return;
        }
        let block = Block::marks(&self.marks);
        self.marks.clear();
        if let Ok(block) = block {
            self.put((block, 0));
        }
    }

    /// Adds the names of the users in a sample to the facts.
    fn know(&mut self, sample: &Sample, users: &Users) {
        let found = sample.found.iter().filter_map(|found| found.uid);
        let read = sample.readings.iter().filter_map(|reading| reading.uid);
        let events = sample.events.iter().filter_map(|event| match event {
            Event::Fork(fork) => Some(fork.uid),
            Event::Exec(exec) => Some(exec.uid),
            Event::ProcessEnd(record) => Some(record.uid),
            _ => None,
        });
        let mut is_new = false;
        for uid in found.chain(read).chain(events) {
            if let Some(name) = users
                .known(uid)
                .filter(|_| !self.facts.users.contains_key(&uid))
            {
                self.facts.users.insert(uid, name.to_string());
                is_new = true;
            }
        }
        if is_new {
            self.put_facts();
        }
    }

    fn put_facts(&mut self) {
        // Each file of a ring begins with the facts.
        let is_kept = self.ring.as_ref().is_none_or(Ring::is_writing);
        if let Ok(facts) = Block::facts(&self.facts)
            && is_kept
        {
            self.send(Job::Part((facts, 0)));
        }
    }

    /// A census of all tasks, the findings that hold, and a keyframe: a file can begin with
    /// these.
    fn all_known(&mut self, tracker: &Tracker) -> Vec<Part> {
        self.flush();
        self.keyframe_ns = Some(tracker.snapshot().stamp.boot_ns);
        let census = tracker.census();
        let mut packer = Packer::new();
        match self.secrets {
            Secrets::LeftOut => packer.add(&redacted(&census)),
            Secrets::Kept => packer.add(&census),
        };
        let block = packer.block().and_then(|(block, _)| block.ok());
        self.packer.wait_for_names(packer);
        // The census does not come from the machine, so it is not counted as a sample.
        let census = block.map(|block| (block, 0));
        let keyframe = self.keyframe(tracker, LastSeconds::Kept);
        // A finding that began in an earlier file must be found in this file, too.
        let held = self.active_findings.all();
        let held: Vec<Mark> = held
            .map(|(finding, time_ns)| Mark::new(Change::Holds, finding, time_ns))
            .collect();
        let held = (!held.is_empty()).then(|| Block::marks(&held).ok());
        let held = held.flatten().map(|block| (block, 0));
        census.into_iter().chain(held).chain(keyframe).collect()
    }

    /// A keyframe, so that reading can begin here; `None` if it is too large: then reading
    /// begins at an earlier keyframe.
    fn keyframe(&mut self, tracker: &Tracker, last_seconds: LastSeconds) -> Option<Part> {
        let keyframe = tracker.keyframe(self.secrets, last_seconds).ok()?;
        let block = Block::keyframe(&keyframe).ok()?;
        self.packer.begin_anew();
        Some((block, 0))
    }

    fn wants_file(&self, now: u64, interval_ns: u64) -> bool {
        let Some((after, bytes)) = self.rotation else {
            return false;
        };
        let began = self.file_ns.unwrap_or(now);
        let is_large = bytes.is_some_and(|most| self.shared.size.load(Ordering::Relaxed) >= most);
        // Then the next sample belongs to the next file.
        Duration::from_nanos(now.saturating_sub(began) + interval_ns) >= after || is_large
    }

    fn next_file(&mut self, now: u64, tracker: &Tracker) {
        self.file_ns = Some(now);
        let Ok(facts) = Block::facts(&self.facts) else {
            return;
        };
        let mut parts = vec![(facts, 0)];
        parts.extend(self.all_known(tracker));
        self.follow_from(tracker);
        self.send(Job::Begin(Begin {
            wall_ns: self.boot_wall_ns + i128::from(now),
            why: None,
            parts,
        }));
    }

    /// Whether a file of the recording was removed, or its folder was replaced.
    pub(crate) fn is_gone(&self) -> bool {
        self.shared.is_gone.load(Ordering::Relaxed)
    }

    /// Writes the rest, and prints what was recorded. Returns false if data is gone (see
    /// `is_gone`), all samples were lost, or the writer thread has crashed.
    pub(crate) fn finish(mut self) -> bool {
        self.flush();
        let ended = self.active_findings.finish();
        self.marks.extend(ended.iter().map(Mark::of));
        self.put_marks();
        let lost = self.lost_in_all;
        if let Some(jobs) = &self.jobs {
            _ = jobs.push(Job::Lost(std::mem::take(&mut self.lost)));
        }
        drop(self.jobs.take());
        let mut is_there = !self.is_gone();
        match self.outcome.recv() {
            Ok(outcome) => {
                self.print_summary(&outcome, lost);
                let has_lost_all = outcome.samples == 0 && outcome.lost + lost > 0;
                is_there &= !has_lost_all;
            }
            Err(_) => is_there = false,
        }
        is_there && !self.is_gone()
    }

    fn print_summary(&self, outcome: &Outcome, lost: u64) {
        let lost = outcome.lost + lost;
        let files = match (outcome.files, self.ring.is_some()) {
            (0, _) if lost == 0 => {
                warn(Warning::NoTriggerFired);
                return;
            }
            (0 | 1, false) => String::new(),
            (1, true) => " in 1 file".to_owned(),
            (files, _) => format!(" in {files} files"),
        };
        let lost = match lost {
            0 => String::new(),
            1 => "; 1 sample was lost".to_owned(),
            lost => format!("; {lost} samples were lost"),
        };
        summary(format!(
            "recorded {} {}, {}{files}{lost}",
            outcome.samples,
            noun(outcome.samples, "sample", "samples"),
            crate::model::bytes_text(outcome.bytes)
        ));
    }
}

/// The thread that writes, from the recorder's side.
struct Writing {
    jobs: Queue,
    outcome: Receiver<Outcome>,
    thread: JoinHandle<()>,
}

impl Writing {
    /// Starts the thread, and waits until it has begun the first file, or has found
    /// that a file can be created.
    fn start(mut disk: Disk, first: Option<Begin>) -> Result<Self, Failure> {
        let (jobs, receiver) = queue();
        let (send_begun, begun) = sync_channel(1);
        let (done, outcome) = sync_channel(1);
        let body = move || {
            let begun = disk.confine().and_then(|()| match first {
                Some(first) => disk.begin(&first),
                None => disk.probe(),
            });
            let is_good = begun.is_ok();
            _ = send_begun.send(begun);
            if is_good {
                _ = done.send(disk.work(&receiver));
            }
        };
        let thread = std::thread::Builder::new()
            .name("procviz-writer".to_owned())
            .spawn(body)?;
        begun
            .recv()
            .map_err(|_| anyhow!("the writer thread of the recording ended unexpectedly"))??;
        Ok(Self {
            jobs,
            outcome,
            thread,
        })
    }
}

/// A tracker for a recording whose samples differ from those that are shown.
fn own_tracker(facts: &Facts) -> Tracker {
    let filter = Filter {
        descendants: facts.only_watched,
        ..Filter::default()
    };
    Tracker::with_filter(facts.machine(), Sources::EbpfAndProc, filter)
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Also after an error elsewhere, wait until the writer thread has written all that
        // it got, and has removed a file without samples.
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// Time between two keyframes, ns. Tests set the variable to get more keyframes.
fn keyframes_ns() -> u64 {
    let value = std::env::var("PROCVIZ_TEST_KEYFRAMES_NS").ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(KEYFRAMES_NS)
}

/// A sample after a gap that ended at `end`, with the interval that it has in the original
/// recording.
fn as_it_was_kept(sample: &Sample, end: u64) -> Sample {
    let mut sample = sample.clone();
    sample.gap_ns = None;
    sample.stamp.interval_ns = sample.stamp.boot_ns.saturating_sub(end);
    sample
}

/// A copy of a sample without the arguments of processes.
fn redacted(sample: &Sample) -> Sample {
    let mut sample = sample.clone();
    for event in &mut sample.events {
        match event {
            Event::Fork(fork) => (fork.args, fork.name) = (None, None),
            Event::Exec(exec) => exec.args = None,
            Event::ProcessEnd(record) => {
                *record = Arc::new(ExitRecord {
                    args: None,
                    name: None,
                    ..(**record).clone()
                });
            }
            // A name can be an argument.
            Event::Args(..) | Event::Name(..) => *event = Event::Nothing,
            Event::OpenOn(_, on) => *on = mount_only(on),
            _ => {}
        }
    }
    sample
}
