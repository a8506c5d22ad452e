//! Where samples come from: the machine, or recordings of it.

mod limits;
pub(crate) mod moment;
mod range;
mod shelf;
mod tree;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

pub(crate) use self::shelf::{failed, reader, recordings, tell};
use self::{
    limits::Limits,
    moment::Span,
    range::Range,
    shelf::{Volume, is_common, shelf},
    tree::Tree,
};
use crate::{
    cli::RangeArgs,
    export::time,
    model::{ExitRecord, Host, Sample, Sources},
    recording::{Facts, Gap, MOST_ENDED, Mark, Reader},
    runtime::{Failure, config::Schedule, stdout::say},
    tracker::{Keyframe, Tracker},
    trails::Past,
};

/// A longer time without samples is shown as a hole, and skipped by whoever plays, ns.
pub(crate) const LONG_NS: u64 = 20_000_000_000;

/// Recordings that are played as fast as they are read.
pub(crate) struct Player {
    shelf: Vec<Volume>,
    current: usize,
    reader: Reader,
    schedule: Schedule,
    range: Range,
    limits: Limits,
    /// Somebody wants to know what leads to what is shown.
    wants_past: bool,
    /// Somebody goes to and fro.
    is_browsed: bool,
    /// Whose descendants are shown, if not everybody.
    tree: Option<Tree>,
    /// What was before the samples that come.
    past: Option<Past>,
    is_placed: bool,
    /// Read, and not given out: whether there is another one is told with each.
    ahead: Option<Ahead>,
    /// Who ended, and has not been told of with a sample.
    ended: Vec<Arc<ExitRecord>>,
    /// The time since boot of the sample before the first one that was shown, ns.
    from_ns: Option<u64>,
    before_ns: u64,
    shown: u64,
    /// Samples of the machine's story so far.
    told: u64,
    /// Wall clock at boot as it stood when the last sample was read, and when one was given out.
    read_boot_wall_ns: i128,
    boot_wall_ns: i128,
    /// Names of users that were given out.
    users: Option<usize>,
    /// Holes of the file that a keyframe has mended.
    mended: usize,
    status: u8,
}

/// A sample with what stands before it.
struct Ahead {
    sample: Sample,
    keyframe: Option<(Keyframe, usize)>,
    /// Another machine, or another run: nothing that was known holds.
    begins: Option<Host>,
    wall_ns: i128,
}

/// A sample that is given out.
pub(crate) struct Step {
    pub(crate) sample: Sample,
    pub(crate) is_last: bool,
    /// It is one of those that were asked for, not of those that lead to them.
    pub(crate) is_shown: bool,
}

/// What the wall clock may differ by from sample to sample, ns.
const SLACK_NS: u64 = 1_000_000;
/// Blocks of samples that are read before a moment: charts look back a little.
const LEAD: usize = 4;

impl Player {
    /// Opens a recording, or a folder of them; `-` is the standard input.
    ///
    /// # Errors
    ///
    /// When there is none, or none can be read, or nothing was recorded when
    /// it was asked for.
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
        let (mut shelf, stream, status) = shelf(path)?;
        if args.is_given() {
            for volume in &mut shelf {
                volume.look()?;
            }
        }
        shelf.sort_by_key(|volume| volume.span);
        let range = Range::new(args, &shelf)?;
        let reader = match stream {
            Some(reader) => reader,
            None => shelf[0].reader()?,
        };
        Ok(Self {
            read_boot_wall_ns: shelf[0].facts.boot_wall_ns.into(),
            boot_wall_ns: shelf[0].facts.boot_wall_ns.into(),
            shelf,
            current: 0,
            reader,
            schedule: *schedule,
            range,
            limits: Limits::default(),
            wants_past: false,
            is_browsed: false,
            tree: None,
            past: None,
            is_placed: false,
            ahead: None,
            ended: Vec::new(),
            from_ns: None,
            before_ns: 0,
            shown: 0,
            told: 0,
            users: None,
            mended: 0,
            status,
        })
    }

    /// The chart shows how a moment came to be: what was before it is told of,
    /// or read from the front of its file.
    pub(crate) fn with_the_past(&mut self) {
        self.wants_past = true;
    }

    /// Only these processes and their descendants are watched. Who they are is
    /// known by reading from the front of a file.
    pub(crate) fn watch_only(&mut self, roots: &[u32]) {
        self.tree = Some(Tree::new(roots));
    }

    /// What was before the samples that come, once after each time that reading
    /// begins elsewhere than at the front.
    pub(crate) fn take_past(&mut self) -> Option<Past> {
        self.past.take()
    }

    /// Shows the last sample alone, and reads no more than that takes.
    pub(crate) fn only_the_last(&mut self) -> Result<(), Failure> {
        if self.range.is_moment {
            return Ok(());
        }
        self.range.is_moment = true;
        for volume in &mut self.shelf {
            volume.look()?;
        }
        self.shelf.sort_by_key(|volume| volume.span);
        Ok(())
    }

    /// Lets somebody go to and fro. Returns the first and the last moment of
    /// what was asked for, and the one to begin at, wall clock in ns since 1970.
    ///
    /// # Errors
    ///
    /// When it is a stream, or there are no samples.
    pub(crate) fn browse(&mut self) -> Result<(Span, i128), Failure> {
        for volume in &mut self.shelf {
            volume.look()?;
        }
        self.shelf.sort_by_key(|volume| volume.span);
        if self.shelf.iter().any(|volume| volume.map.is_none()) {
            return Err(Failure::usage(
                "a stream is drawn into files: name one with -o, or save it and open that"
                    .to_owned(),
            ));
        }
        let spans: Vec<Span> = self.shelf.iter().filter_map(|volume| volume.span).collect();
        let (Some((first, _)), Some(last)) =
            (spans.first(), spans.iter().map(|(_, last)| *last).max())
        else {
            return Err(anyhow::anyhow!("there are no samples in it").into());
        };
        let range = std::mem::take(&mut self.range);
        if range.is_moment {
            return Ok(((*first, last), range.end.unwrap_or(last)));
        }
        let (begin, end) = (range.begin.unwrap_or(*first), range.end.unwrap_or(last));
        self.range.end = range.end;
        Ok(((begin, end), begin))
    }

    /// Times of which there are no samples, wall clock in ns since 1970; known
    /// once it is browsed.
    pub(crate) fn holes(&self) -> Vec<Span> {
        let holes = self.shelf.iter().flat_map(Volume::holes);
        let spans: Vec<Span> = self.shelf.iter().filter_map(|volume| volume.span).collect();
        let between = spans.windows(2).map(|pair| (pair[0].1, pair[1].0));
        let long = between.filter(|(end, begin)| begin - end > i128::from(LONG_NS));
        holes.chain(long).collect()
    }

    /// The moment of the next sample; `None` behind the last.
    pub(crate) fn next_wall_ns(&self) -> Option<i128> {
        self.ahead.as_ref().map(|ahead| ahead.wall_ns)
    }

    /// Goes to where reading leads to a moment.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub(crate) fn seek(&mut self, wall_ns: i128, tracker: &mut Tracker) -> Result<(), Failure> {
        self.is_placed = true;
        self.is_browsed = true;
        self.go_to(wall_ns, Some(tracker))
    }

    /// Whether all of it tells what stood out.
    pub(crate) fn has_marks(&self) -> bool {
        self.shelf.iter().all(|volume| volume.facts.has_marks)
    }

    /// When something begins to stand out, by what the recordings say of it.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub(crate) fn marks(&mut self) -> Result<Vec<(i128, Host, Mark)>, Failure> {
        let mut all = Vec::new();
        for volume in &self.shelf {
            let Some(map) = &volume.map else { continue };
            let marks = map.marks(&mut volume.open()?);
            let (marks, damaged) = marks.map_err(|error| failed(&volume.name, &error.into()))?;
            for at in damaged {
                let name = &volume.name;
                say(&format!(
                    "procviz: `{name}`: damaged at byte {at}: what stood out then is not known"
                ));
                self.status = 3;
            }
            let host = volume.facts.machine();
            let boot = host.boot_wall_ns;
            all.extend(marks.into_iter().map(|mark| {
                let wall_ns = boot + i128::from(mark.time_ns);
                (wall_ns, host.clone(), mark)
            }));
        }
        all.sort_by_key(|(wall_ns, ..)| *wall_ns);
        Ok(all)
    }

    /// Whether any of it has threads.
    pub(crate) fn has_threads(&self) -> bool {
        let mut facts = self.shelf.iter().map(|volume| &volume.facts);
        facts.any(Facts::has_threads)
    }

    pub(crate) fn facts(&self) -> &Facts {
        self.reader.facts()
    }

    /// Wall clock at boot as it stood at the sample given out last, ns since 1970.
    pub(crate) fn boot_wall_ns(&self) -> i128 {
        self.boot_wall_ns
    }

    /// Names of users, when there are others than before.
    pub(crate) fn new_users(&mut self) -> Option<&BTreeMap<u32, String>> {
        let names = &self.reader.facts().users;
        let is_new = self.users != Some(names.len());
        self.users = Some(names.len());
        is_new.then_some(names)
    }

    /// The next sample, with `tracker` in the state that it goes on from.
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
            // It would show everybody.
            keyframe = None;
        }
        if let Some(host) = begins {
            self.told = 0;
            if let Some(tracker) = &mut tracker {
                let filter = tracker.filter().clone();
                **tracker = Tracker::with_filter(host, Sources::EbpfAndProc, filter);
            }
        }
        let mut known_ns = self.before_ns;
        if let (Some((keyframe, holes)), Some(tracker)) = (keyframe, tracker)
            && (self.told == 1 || holes > self.mended)
            && restore(tracker, keyframe)
        {
            self.mended = holes;
            known_ns = tracker.snapshot().stamp.boot_ns;
        }
        let own_interval_ns = sample.stamp.interval_ns;
        if self.told > 0 {
            sample.follow(self.before_ns, known_ns);
        }
        self.told += 1;
        self.boot_wall_ns = wall_ns - i128::from(sample.stamp.boot_ns);
        let now = sample.stamp.boot_ns;
        let is_wanted = self.range.begin.is_none_or(|begin| wall_ns >= begin);
        // The opening census has no interval to speak of.
        let mut is_shown = is_wanted && self.told > 1;
        let mut is_enough = false;
        if is_shown {
            self.shown += 1;
            let from = *self.from_ns.get_or_insert(self.before_ns);
            let since = Duration::from_nanos(now.saturating_sub(from));
            let interval = Duration::from_nanos(own_interval_ns);
            let schedule = Schedule {
                interval,
                ..self.schedule
            };
            is_enough = schedule.is_over(self.shown, since);
        }
        self.before_ns = now;
        // Nobody has asked for those of another boot.
        self.ended.clear();
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

    /// Goes to where reading has to begin.
    fn place(&mut self, tracker: Option<&mut Tracker>) -> Result<(), Failure> {
        let last = self.shelf.last().and_then(|volume| volume.span);
        let target = match self.range {
            Range {
                begin: Some(begin), ..
            } => Some(begin),
            Range {
                is_moment: true,
                end,
                ..
            } => end.or(last.map(|(_, last)| last)),
            Range { .. } => None,
        };
        match target {
            Some(target) => self.go_to(target, tracker),
            None => {
                self.ahead = self.read_ahead()?;
                Ok(())
            }
        }
    }

    /// Goes to the last keyframe from which a moment is reached as if all had
    /// been read, or to the beginning of its file.
    fn go_to(&mut self, target: i128, tracker: Option<&mut Tracker>) -> Result<(), Failure> {
        let is_filtered = tracker
            .as_deref()
            .is_some_and(|tracker| !tracker.filter().is_plain());
        let is_filtered = is_filtered || self.tree.is_some();
        let looks_back = if is_filtered {
            i128::from(Tracker::LOOKS_BACK_NS)
        } else {
            0
        };
        let goal = target - i128::from(Tracker::REGAINS_NS).max(looks_back);
        let holds = |volume: &Volume| volume.span.is_some_and(|(first, _)| first <= goal);
        let index = self.shelf.iter().rposition(holds).unwrap_or(0);
        let wants_past = self.wants_past && (self.range.is_moment || self.is_browsed);
        let past = match wants_past && !is_filtered {
            true => self.shelf[index].past(target)?,
            false => None,
        };
        let volume = &self.shelf[index];
        let wall = |boot_ns: u64| i128::from(volume.facts.boot_wall_ns) + i128::from(boot_ns);
        let known = past.as_ref().map(|past| wall(past.until_ns()));
        let goal = goal.min(known.unwrap_or(goal));
        let mut lead = 0;
        let mut entries = volume.map.iter().flat_map(|map| &map.entries).rev();
        let keyframe = entries.find(|entry| {
            lead += usize::from(entry.has_samples() && wall(entry.begin_ns) <= target);
            entry.is_keyframe() && wall(entry.end_ns) <= goal && lead >= LEAD
        });
        // What nobody tells of is to be read.
        let is_from_front = wants_past && past.is_none() && self.range.is_moment;
        let keyframe = keyframe.filter(|_| !is_from_front && self.tree.is_none());
        let keyframe = keyframe.map(|entry| entry.offset);
        self.past = None;
        self.ended.clear();
        self.tree.iter_mut().for_each(Tree::forget);
        if index != self.current || self.told > 0 {
            self.open_volume(index)?;
        }
        self.told = 0;
        if let Some(tracker) = tracker {
            if let Some(offset) = keyframe {
                if self.begin_at(offset, tracker)? {
                    self.past = past;
                    return Ok(());
                }
                // A keyframe of another version is of no use: all is read, then.
                self.open_volume(index)?;
            }
            let host = self.reader.facts().machine();
            let filter = tracker.filter().clone();
            *tracker = Tracker::with_filter(host, Sources::EbpfAndProc, filter);
        }
        self.ahead = self.read_ahead()?;
        Ok(())
    }

    /// Begins in the middle of a file; whether that can be.
    fn begin_at(&mut self, offset: u64, tracker: &mut Tracker) -> Result<bool, Failure> {
        let volume = &self.shelf[self.current];
        let (file, name) = (volume.open()?, volume.name.clone());
        let Some(map) = &volume.map else {
            return Ok(false);
        };
        self.reader
            .jump(file, map, offset)
            .map_err(|error| failed(&name, &error))?;
        let Some(mut ahead) = self.read_ahead()? else {
            return Ok(false);
        };
        let host = self.reader.facts().machine();
        let filter = tracker.filter().clone();
        *tracker = Tracker::with_filter(host, Sources::EbpfAndProc, filter);
        let Some((keyframe, holes)) = ahead.keyframe.take() else {
            return Ok(false);
        };
        if !restore(tracker, keyframe) {
            return Ok(false);
        }
        self.mended = holes;
        // It is in the middle of its story.
        self.told = 2;
        self.before_ns = tracker.snapshot().stamp.boot_ns;
        self.ahead = Some(ahead);
        Ok(true)
    }

    /// Reads a file from its front.
    fn open_volume(&mut self, index: usize) -> Result<(), Failure> {
        self.shelf[self.current].came_upon(self.reader.integrity());
        self.reader = self.shelf[index].reader()?;
        self.mended = 0;
        self.current = index;
        self.users = None;
        self.read_boot_wall_ns = self.shelf[index].facts.boot_wall_ns.into();
        Ok(())
    }

    /// Reads on, through all files.
    fn read_ahead(&mut self) -> Result<Option<Ahead>, Failure> {
        let mut begins = None;
        loop {
            self.shelf[self.current].is_read = true;
            let read = self.reader.read();
            let read = read.map_err(|error| failed(&self.shelf[self.current].name, &error))?;
            let keyframe = self.reader.take_keyframe();
            let Some(mut sample) = read else {
                let ended = self.reader.take_ended();
                self.carry(ended);
                let next = self.current + 1;
                if next >= self.shelf.len() {
                    return Ok(None);
                }
                let boot = self.reader.facts().boot_id.clone();
                self.open_volume(next)?;
                let facts = self.reader.facts();
                let is_same_boot = facts.boot_id == boot;
                let machine = facts.machine();
                let Some(mut first) = self
                    .reader
                    .read()
                    .map_err(|error| failed(&self.shelf[next].name, &error))?
                else {
                    continue;
                };
                if is_same_boot && first.stamp.boot_ns == self.before_ns && self.told > 0 {
                    // It repeats what was known, for those who begin there.
                    self.read_boot_wall_ns = first.boot_wall_ns.unwrap_or(self.read_boot_wall_ns);
                    self.carry(first.ended().cloned());
                    continue;
                }
                let is_later = |record: &Arc<ExitRecord>| record.time_ns <= first.stamp.boot_ns;
                if is_same_boot && self.ended.iter().all(is_later) {
                    first.precede(self.ended.drain(..));
                }
                let from = first.stamp.boot_ns.saturating_sub(first.stamp.interval_ns);
                if is_same_boot && self.told > 0 && from > self.before_ns {
                    first.hole_ns = Some((self.before_ns, from));
                }
                begins = Some(machine);
                return Ok(self.limit(first, None, begins, is_same_boot));
            };
            if sample.complete && sample.stamp.boot_ns == self.before_ns && self.told > 0 {
                // It repeats what was known, for those who begin there.
                self.carry(sample.ended().cloned());
                continue;
            }
            sample.precede(self.ended.drain(..));
            return Ok(self.limit(sample, keyframe, begins, true));
        }
    }

    /// Keeps who ended until there is a sample to tell of them with.
    fn carry(&mut self, ended: impl IntoIterator<Item = Arc<ExitRecord>>) {
        let room = MOST_ENDED.saturating_sub(self.ended.len());
        self.ended.extend(ended.into_iter().take(room));
    }

    /// A sample, if it does not lie behind the end.
    fn limit(
        &mut self,
        sample: Sample,
        keyframe: Option<(Keyframe, usize)>,
        begins: Option<Host>,
        is_same_boot: bool,
    ) -> Option<Ahead> {
        self.read_boot_wall_ns = sample.boot_wall_ns.unwrap_or(self.read_boot_wall_ns);
        let wall_ns = self.read_boot_wall_ns + i128::from(sample.stamp.boot_ns);
        let is_over = self.range.end.is_some_and(|end| wall_ns > end);
        if is_over && self.range.is_moment {
            self.tell_of_hole(&sample, wall_ns);
        }
        if is_over && self.told > 0 && is_same_boot {
            self.carry(sample.ended().cloned());
        }
        (!is_over || self.told == 0).then_some(Ahead {
            sample,
            keyframe,
            begins,
            wall_ns,
        })
    }

    /// Says so where the moment that was asked for lies in a hole, by the sample
    /// after it.
    fn tell_of_hole(&self, next: &Sample, next_wall_ns: i128) {
        // The wall clock may have been set right in between.
        let interval_ns = next.stamp.interval_ns.saturating_add(SLACK_NS);
        let began = next_wall_ns - i128::from(interval_ns);
        if self.told > 0 && self.range.end.is_some_and(|end| end < began) {
            let of = |boot_wall_ns, boot_ns| {
                let host = Host {
                    boot_wall_ns,
                    ..self.facts().machine()
                };
                time::local(&host, boot_ns)
            };
            say(&format!(
                "procviz: nothing was recorded then: shown is {}, what comes next is of {}",
                of(self.boot_wall_ns, self.before_ns),
                of(self.read_boot_wall_ns, next.stamp.boot_ns)
            ));
        }
    }

    /// Who ended after the sample that was given last, where no other one of its
    /// boot tells of them.
    pub(crate) fn take_ended(&mut self) -> Vec<Arc<ExitRecord>> {
        let mut sample = Sample::new(Sources::EbpfAndProc);
        sample.precede(std::mem::take(&mut self.ended));
        if let Some(tree) = &mut self.tree {
            tree.mark(&mut sample);
        }
        sample.ended().cloned().collect()
    }

    /// The gap with which all ends.
    pub(crate) fn gap_at_the_end(&self) -> Option<&Gap> {
        let gap = self.reader.integrity().gaps.last();
        gap.filter(|gap| gap.span_ns.0 > self.before_ns)
    }

    /// Whether something that happened then, by the time since boot, is asked
    /// for; of a moment, all that led to it is.
    pub(crate) fn is_asked_for(&self, time_ns: u64) -> bool {
        let wall_ns = self.boot_wall_ns + i128::from(time_ns);
        let range = &self.range;
        let is_late = range.end.is_some_and(|end| wall_ns > end);
        let is_early = range.begin.is_some_and(|begin| wall_ns < begin);
        range.is_moment || !(is_late || is_early)
    }

    /// Processes that ended within a hole of this boot, and of which nothing is
    /// known.
    pub(crate) fn unknown_deaths(&self, (begin, end): (u64, u64)) -> u64 {
        let own = self.reader.integrity().gaps.iter();
        let boot = &self.facts().boot_id;
        let volumes = self.shelf.iter().enumerate();
        let others =
            volumes.filter(|(index, it)| *index != self.current && it.facts.boot_id == *boot);
        let gaps = own.chain(others.flat_map(|(_, volume)| volume.gaps()));
        let within = gaps.filter(|gap| begin < gap.span_ns.1 && gap.span_ns.0 <= end);
        within.map(|gap| gap.deaths).sum()
    }

    /// Says what is missing of what was read; the status that this ends with.
    pub(crate) fn status(&mut self) -> u8 {
        let span = self.range.span();
        self.tell(span)
    }

    /// The same, where what the recordings say of a span was read in their stead.
    pub(crate) fn status_of(&mut self, span: Span) -> u8 {
        for volume in &mut self.shelf {
            volume.is_read |= volume.span.is_some_and(|own| is_common(own, span));
        }
        self.tell(span)
    }

    fn tell(&mut self, span: Span) -> u8 {
        self.shelf[self.current].came_upon(self.reader.integrity());
        for pid in self.tree.iter().flat_map(Tree::strangers) {
            say(&format!(
                "procviz: `--tree {pid}`: there was no such process in what was read"
            ));
            self.status = self.status.max(1);
        }
        let told = self.shelf.iter_mut().map(|volume| volume.tell(span));
        told.fold(self.status, u8::max)
    }
}

/// Whether it could be.
fn restore(tracker: &mut Tracker, keyframe: Keyframe) -> bool {
    let is_restored = tracker.restore(keyframe).is_ok();
    if is_restored && !tracker.filter().is_plain() {
        tracker.forget_what_filters_hide();
    }
    is_restored
}
