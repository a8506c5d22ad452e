//! Plays recordings: reads one or a folder of them as if the machine were watched
//! live.

mod archive;
mod carried;
mod gaps;
mod limits;
mod machine;
mod marks;
pub(crate) mod moment;
mod notes;
mod progress;
mod range;
mod reading;
mod seek;
mod tree;

use std::{collections::BTreeMap, path::Path, time::Duration};

use self::{
    archive::{RecordingFile, archive, load_maps, overlaps},
    carried::Carried,
    limits::Limits,
    moment::Span,
    progress::Progress,
    range::Range,
    seek::restore,
    tree::Tree,
};
pub(crate) use self::{
    archive::{failed, reader, recordings, report_losses},
    machine::MachineReader,
    marks::change_of,
    notes::{Noted, place as note_place},
};
use crate::{
    cli::RangeArgs,
    model::{Host, Sample},
    recording::{Facts, Reader},
    runtime::{
        Failure,
        config::Schedule,
        warning::{Warning, warn},
    },
    tracker::{Keyframe, Tracker},
    trails::Past,
};

/// A longer period without samples is shown as a gap, and playing skips it, ns.
pub(crate) const LONG_NS: u64 = 20_000_000_000;

/// Plays recordings as fast as they are read.
pub(crate) struct Player {
    archive: Vec<RecordingFile>,
    /// Index of the file that is read.
    current: usize,
    reader: Reader,
    schedule: Schedule,
    range: Range,
    limits: Limits,
    /// A chart shows the time before the wanted moment, too.
    wants_past: bool,
    /// A picture shows this much time before the wanted moment, ns.
    look_back_ns: u64,
    /// A live view seeks in both directions.
    is_browsed: bool,
    /// Only these processes and their descendants are shown.
    tree: Option<Tree>,
    /// What trails say about the time before the next sample.
    past: Option<Past>,
    /// Reading has begun, at the place where the range begins.
    is_placed: bool,
    /// The next sample, read ahead so that each sample knows whether it is the last.
    ahead: Option<Ahead>,
    carried: Carried,
    /// Time of the sample before the first one that is shown, ns since boot.
    from_ns: Option<u64>,
    /// Time of the sample that was given out last, ns since boot.
    before_ns: u64,
    /// Number of samples that were shown.
    shown: u64,
    progress: Progress,
    /// Wall clock at boot, ns since 1970, as of the sample that was read last.
    read_boot_wall_ns: i128,
    /// The same, as of the sample that was given out last.
    boot_wall_ns: i128,
    /// Number of users' names that were given out.
    users: Option<usize>,
    /// Gaps of the file before the last keyframe that was restored.
    restored_gaps: usize,
    status: u8,
}

/// A sample that was read ahead.
struct Ahead {
    sample: Sample,
    /// A keyframe before the sample, and the number of gaps before the keyframe.
    keyframe: Option<(Keyframe, usize)>,
    /// The sample begins a file: the tracker begins anew, with this machine.
    begins: Option<Host>,
    /// Wall clock of the sample, ns since 1970.
    wall_ns: i128,
}

/// A sample that is given out.
pub(crate) struct Step {
    pub(crate) sample: Sample,
    pub(crate) is_last: bool,
    /// The sample is in the wanted range, and not one that leads to it.
    pub(crate) is_shown: bool,
}

impl Player {
    /// Opens a recording, or a folder of them; `-` is the standard input.
    ///
    /// # Errors
    ///
    /// When the path has no recording, procviz cannot read any of them, or the range has
    /// no samples.
    pub(crate) fn open(
        path: &Path,
        args: &RangeArgs,
        schedule: &Schedule,
    ) -> Result<Self, Failure> {
        if args.at.is_some() && (schedule.samples.is_some() || schedule.duration.is_some()) {
            return Err(Failure::usage(
                "`--at` shows one moment: leave out --samples and --duration, or use --begin"
                    .to_owned(),
            ));
        }
        let (mut archive, stream, status) = archive(path)?;
        if args.is_given() {
            load_maps(&mut archive)?;
        }
        let range = Range::new(args, &archive)?;
        let reader = match stream {
            Some(reader) => reader,
            None => archive[0].reader()?,
        };
        Ok(Self {
            read_boot_wall_ns: archive[0].facts.boot_wall_ns.into(),
            boot_wall_ns: archive[0].facts.boot_wall_ns.into(),
            archive,
            current: 0,
            reader,
            schedule: *schedule,
            range,
            limits: Limits::default(),
            wants_past: false,
            look_back_ns: 0,
            is_browsed: false,
            tree: None,
            past: None,
            is_placed: false,
            ahead: None,
            carried: Carried::default(),
            from_ns: None,
            before_ns: 0,
            shown: 0,
            progress: Progress::Begins,
            users: None,
            restored_gaps: 0,
            status,
        })
    }

    /// Also provides the time before the wanted moment: from the trails of the file,
    /// or by reading the file from its beginning.
    pub(crate) fn with_the_past(&mut self) {
        self.wants_past = true;
    }

    /// Also reads this much time before the wanted moment, ns.
    pub(crate) fn look_back(&mut self, look_back_ns: u64) {
        self.look_back_ns = look_back_ns;
    }

    /// Shows only these processes and their descendants. Reading then begins at the
    /// beginning of a file, because descendants are found by their forks.
    pub(crate) fn watch_only(&mut self, roots: &[u32]) {
        self.tree = Some(Tree::new(roots));
    }

    /// The time before the next sample, once after each seek to the middle of a file.
    pub(crate) fn take_past(&mut self) -> Option<Past> {
        self.past.take()
    }

    /// Shows the last sample only, and reads no more than that needs.
    pub(crate) fn only_the_last(&mut self) -> Result<(), Failure> {
        if self.range.is_moment {
            return Ok(());
        }
        self.range.is_moment = true;
        load_maps(&mut self.archive)
    }

    /// Wall clock of the next sample, ns since 1970; `None` after the last.
    pub(crate) fn next_wall_ns(&self) -> Option<i128> {
        self.ahead.as_ref().map(|ahead| ahead.wall_ns)
    }

    /// Whether any file has threads, and not processes only.
    pub(crate) fn has_threads(&self) -> bool {
        let mut facts = self.archive.iter().map(|recorded| &recorded.facts);
        facts.any(Facts::has_threads)
    }

    /// Names of the users of all files, as far as these are known.
    pub(crate) fn all_users(&self) -> BTreeMap<u32, String> {
        let all = self.archive.iter().map(|recorded| &recorded.facts.users);
        all.flatten()
            .map(|(uid, name)| (*uid, name.clone()))
            .collect()
    }

    /// Facts of the file that is read.
    pub(crate) fn facts(&self) -> &Facts {
        self.reader.facts()
    }

    /// Wall clock at boot, ns since 1970, as of the sample that was given out last.
    pub(crate) fn boot_wall_ns(&self) -> i128 {
        self.boot_wall_ns
    }

    /// Names of users, if there are new ones since the last call.
    pub(crate) fn new_users(&mut self) -> Option<&BTreeMap<u32, String>> {
        let names = &self.reader.facts().users;
        let is_new = self.users != Some(names.len());
        self.users = Some(names.len());
        is_new.then_some(names)
    }

    /// The next sample, with `tracker` in the state before it; `None` after the last.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or needs too much memory.
    pub(crate) fn next(
        &mut self,
        mut tracker: Option<&mut Tracker>,
    ) -> Result<Option<Step>, Failure> {
        if !self.is_placed {
            self.is_placed = true;
            self.place(tracker.as_deref_mut())?;
        }
        let Some(Ahead {
            mut sample,
            mut keyframe,
            begins,
            wall_ns,
        }) = self.ahead.take()
        else {
            return Ok(None);
        };
        if let Some(tracker) = &tracker {
            let unpacked = self.reader.unpacked();
            self.limits.check(tracker.snapshot(), unpacked)?;
        }
        if let Some(tree) = &mut self.tree {
            if begins.is_some() {
                tree.forget();
            }
            tree.mark(&mut sample);
            // A keyframe holds all tasks, not only those of the tree.
            keyframe = None;
        }
        if let Some(host) = begins {
            self.progress = Progress::Begins;
            if let Some(tracker) = &mut tracker {
                **tracker = tracker.anew(host);
            }
        }
        let own_interval_ns = sample.stamp.interval_ns;
        self.connect(&mut sample, keyframe, tracker);
        self.progress = self.progress.next();
        self.boot_wall_ns = wall_ns - i128::from(sample.stamp.boot_ns);
        let is_wanted = self.range.begin.is_none_or(|begin| wall_ns >= begin);
        let mut is_shown = is_wanted && self.progress == Progress::Runs;
        let is_enough = is_shown && self.count(&sample, own_interval_ns);
        self.before_ns = sample.stamp.boot_ns;
        // Exit records of another boot are not wanted.
        self.carried.clear();
        if !is_enough {
            self.ahead = self.read_ahead()?;
        }
        let is_last = self.ahead.is_none();
        is_shown &= is_last || !self.range.is_moment;
        Ok(Some(Step {
            sample,
            is_last,
            is_shown,
        }))
    }

    /// Restores the tracker from a keyframe after a gap, and sets in the sample how far
    /// back the state before it is known.
    fn connect(
        &mut self,
        sample: &mut Sample,
        keyframe: Option<(Keyframe, usize)>,
        tracker: Option<&mut Tracker>,
    ) {
        let mut known_ns = self.before_ns;
        if let (Some((keyframe, gaps)), Some(tracker)) = (keyframe, tracker)
            && (self.progress == Progress::Opened || gaps > self.restored_gaps)
            && restore(tracker, keyframe)
        {
            self.restored_gaps = gaps;
            known_ns = tracker.snapshot().stamp.boot_ns;
        }
        if self.progress.has_begun() {
            sample.follow(self.before_ns, known_ns);
        }
    }

    /// Counts a sample that is shown. Returns whether it is the last wanted one.
    fn count(&mut self, sample: &Sample, own_interval_ns: u64) -> bool {
        self.shown += 1;
        let from_ns = *self.from_ns.get_or_insert(self.before_ns);
        let since = Duration::from_nanos(sample.stamp.boot_ns.saturating_sub(from_ns));
        let schedule = Schedule {
            interval: Duration::from_nanos(own_interval_ns),
            ..self.schedule
        };
        schedule.is_over(self.shown, since)
    }

    /// Whether an event at a time (ns since boot) is in the wanted range. If one moment
    /// is wanted, all events before it are.
    pub(crate) fn is_asked_for(&self, time_ns: u64) -> bool {
        let wall_ns = self.boot_wall_ns + i128::from(time_ns);
        let range = &self.range;
        let is_late = range.end.is_some_and(|end| wall_ns > end);
        let is_early = range.begin.is_some_and(|begin| wall_ns < begin);
        range.is_moment || !(is_late || is_early)
    }

    /// Prints what the files that were read lack. Returns the exit status.
    pub(crate) fn status(&mut self) -> u8 {
        let span = self.range.span();
        self.print_losses(span)
    }

    /// As [`status`](Self::status), for a span of which only marks were read.
    pub(crate) fn status_of(&mut self, span: Span) -> u8 {
        for recorded in &mut self.archive {
            recorded.is_read |= recorded.span.is_some_and(|own| overlaps(own, span));
        }
        self.print_losses(span)
    }

    fn print_losses(&mut self, span: Span) -> u8 {
        self.archive[self.current].merge_integrity(self.reader.integrity());
        for pid in self.tree.iter().flat_map(Tree::unseen_roots) {
            warn(Warning::NoSuchTree { pid });
            self.status = self.status.max(1);
        }
        let statuses = self
            .archive
            .iter_mut()
            .map(|recorded| recorded.report_losses(span));
        statuses.fold(self.status, u8::max)
    }
}
