//! The thread that writes recordings: a file as far as it is good, and what
//! was lost where it could not be written.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::RecvTimeoutError,
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow};

use super::{
    Keeping, Place,
    folder::{Tidy, free_name},
    job::{Begin, Job},
    lost::Lost,
    open::Open,
    part::Part,
    queue::Todo,
};
use crate::{
    model::Untrusted,
    recording::{Block, Facts},
    runtime::{
        output::{OutFolder, Part as OutPart, confine_writer, take_owner_identity},
        stdout::{say, shown},
    },
};

/// How often the disk is asked to have it all.
const SYNC: Duration = Duration::from_secs(5);
/// How often it is tried to make a file that could not be made.
const AGAIN: Duration = Duration::from_secs(1);
/// What waits for a file that cannot be made; beyond this it is lost.
const MOST_WAITING: usize = 128 << 20;

/// What has been done at the end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) bytes: u64,
    pub(super) samples: u64,
    pub(super) lost: u64,
    pub(super) files: u64,
}

/// The path of the folder leads to another folder now, into which a confined
/// thread may not write.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is another folder now, and procviz may write into the first one alone: start it again"
)]
struct Replaced(String);

/// A file that could not be made yet.
struct Pending {
    begin: Begin,
    /// Nothing is to be added.
    is_over: bool,
    tried: Instant,
}

/// Where recordings go.
pub(super) struct Disk {
    keeping: Keeping,
    /// The folder of [`Place::Folder`], once it is open.
    folder: Option<OutFolder>,
    /// Whether the kernel refuses to write into any other folder.
    is_limited: bool,
    tidy: Tidy,
    open: Option<Open>,
    pending: Option<Pending>,
    lost: Lost,
    /// Bytes of everybody, when there was no room for them.
    needed: usize,
    outcome: Outcome,
    /// What others see of this.
    shared: Arc<Shared>,
}

/// What whoever samples sees of the file.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Its bytes.
    pub(super) size: AtomicU64,
    /// Something was lost, and there is room again: [`Job::Anew`] is waited for.
    pub(super) wants_all: AtomicBool,
    /// The file that is written has been removed.
    pub(super) is_gone: AtomicBool,
}

impl Pending {
    fn samples(&self) -> u64 {
        self.begin.parts.iter().map(|(_, samples)| samples).sum()
    }

    fn bytes(&self) -> usize {
        let parts = self.begin.parts.iter();
        parts.map(|(block, _)| block.bytes.len()).sum()
    }
}

impl Disk {
    pub(super) fn new(keeping: Keeping, facts: &Facts, shared: Arc<Shared>) -> Self {
        let tidy = match &keeping.place {
            Place::File(..) => Tidy::default(),
            Place::Folder(folder) => Tidy::new(folder.limits, facts),
        };
        Self {
            keeping,
            folder: None,
            is_limited: false,
            tidy,
            open: None,
            pending: None,
            lost: Lost::default(),
            needed: 0,
            outcome: Outcome::default(),
            shared,
        }
    }

    /// Opens the folder, as whoever owns it, and confines this thread to it.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub(super) fn confine(&mut self) -> anyhow::Result<()> {
        let nearest = self.keeping.place.nearest().clone();
        let is_folder = matches!(self.keeping.place, Place::Folder(_));
        let keep = take_owner_identity(&nearest);
        let folder = match is_folder {
            true => self.open_folder()?,
            false => nearest,
        };
        self.is_limited = confine_writer(&folder, keep);
        Ok(())
    }

    /// Begins a file.
    ///
    /// # Errors
    ///
    /// When it cannot be made; then nothing has changed.
    pub(super) fn begin(&mut self, begin: &Begin) -> anyhow::Result<()> {
        let how = (self.keeping.force, self.keeping.mode);
        let mut open = match &self.keeping.place {
            Place::File(folder, name) => Open::create(folder, name.clone(), how)?,
            Place::Folder(_) => {
                let folder = self.open_folder()?;
                self.tidy.make_room(&folder, 1, None);
                let name = free_name(&folder, begin)?;
                Open::create(&folder, name, how)?
            }
        };
        let written = open.append(begin.parts.iter().map(|(block, _)| block));
        if let Err(error) = written {
            open.remove();
            return Err(error).with_context(|| format!("failed to write `{}`", shown(open.path())));
        }
        let samples: u64 = begin.parts.iter().map(|(_, samples)| samples).sum();
        self.end();
        self.outcome.samples += samples;
        self.outcome.files += 1;
        self.shared.size.store(open.good, Ordering::Relaxed);
        if let Some(why) = &begin.why {
            let words = Untrusted::new(why.words.as_bytes()).terminal();
            say(&format!(
                "procviz: {words}: {samples} samples are in `{}`, which goes on",
                shown(open.path())
            ));
        }
        self.open = Some(open);
        Ok(())
    }

    /// Gives a file that is to be begun word of what the one before had no room
    /// for, as far as it does not hold that itself.
    fn hand_over(&mut self, begin: &mut Begin) {
        let mut lost = std::mem::take(&mut self.lost);
        let mut parts = begin.parts.iter().filter(|(block, _)| block.has_samples());
        let first = parts.next().map(|(block, _)| block.begin_ns);
        // A ring holds what goes before; a census is of the moment alone.
        if let Some(first) = first.filter(|_| begin.why.is_some()) {
            lost.end_before(first);
        }
        let told = lost.blocks().into_iter().map(|block| (block, 0));
        let at = begin.parts.len().min(1);
        begin.parts.splice(at..at, told);
    }

    /// Opens the folder; the first time it is created where there is none. Later
    /// another folder may have its path: that one is opened, unless this thread
    /// may write into the first one alone.
    ///
    /// # Errors
    ///
    /// When it cannot be made, another procviz records there, or [`Replaced`].
    fn open_folder(&mut self) -> anyhow::Result<OutFolder> {
        let Place::Folder(place) = &self.keeping.place else {
            return Err(anyhow!("a recording in one file has no folder of its own"));
        };
        // One that has come back is still locked, by this descriptor.
        if let Some(folder) = self.folder.as_ref().filter(|folder| folder.is_in_place()) {
            return Ok(folder.clone());
        }
        let folder = match self.folder {
            None => place.open(self.keeping.mode)?,
            Some(_) if self.is_limited && place.is_there() => {
                return Err(anyhow!(Replaced(shown(place.path()))));
            }
            // It may lie on a disk that is gone for a while: it is not made anew.
            Some(_) => place.open_again()?,
        };
        Ok(self.folder.insert(folder).clone())
    }

    /// Looks whether a file could be made.
    ///
    /// # Errors
    ///
    /// When it could not.
    pub(super) fn probe(&mut self) -> anyhow::Result<()> {
        let folder = self.open_folder()?;
        let name = format!("procviz-{}", std::process::id());
        OutPart::create(&folder, name, (false, self.keeping.mode)).map(|_| ())
    }

    /// Does all that is asked.
    pub(super) fn work(mut self, todo: &Todo) -> Outcome {
        loop {
            let job = match &self.pending {
                None => todo.take().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => todo.take_within(AGAIN),
            };
            match job {
                Ok(Job::Part(part)) => self.write(part),
                Ok(Job::Anew(parts)) => self.write_anew(&parts),
                Ok(Job::Lost(lost)) => {
                    self.lost.absorb(lost);
                    self.ask_for_all();
                }
                Ok(Job::Begin(begin)) => {
                    self.try_again(Duration::ZERO);
                    // A file that waits goes on in the stead of the next one.
                    let goes_on = self
                        .pending
                        .as_ref()
                        .is_some_and(|pending| !pending.is_over);
                    if goes_on && begin.why.is_none() {
                        continue;
                    }
                    let mut begin = begin;
                    self.hand_over(&mut begin);
                    if let Err(error) = self.begin(&begin) {
                        self.wait(begin, &error);
                    }
                }
                Ok(Job::End) => self.end(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.try_again(AGAIN);
            self.look_after_files();
        }
        self.try_again(Duration::ZERO);
        if let Some(pending) = self.pending.take() {
            self.outcome.lost += pending.samples();
            say("procviz: what was to be recorded last is lost: no file could be made");
        }
        self.end();
        self.outcome
    }

    fn look_after_files(&mut self) {
        if let Some(open) = &mut self.open
            && open.synced.elapsed() >= SYNC
        {
            open.sync();
            if open.has_gone() {
                let what = match self.keeping.place {
                    Place::File(..) => "what is recorded from now on is lost",
                    Place::Folder(_) => "what is recorded until the next file is lost",
                };
                say(&format!(
                    "procviz: `{}` has been removed: {what}",
                    shown(open.path())
                ));
                self.shared.is_gone.store(true, Ordering::Relaxed);
            }
            if let Some(folder) = &self.folder {
                let written = (open.name.as_os_str(), open.good);
                self.tidy.make_room(folder, 0, Some(written));
            }
        }
    }

    /// Keeps what is to be written until it can be.
    fn wait(&mut self, begin: Begin, error: &anyhow::Error) {
        match error.is::<Replaced>() {
            true => self.give_up(error),
            false => say(&format!("procviz: {error:#}; it is tried again")),
        }
        self.end();
        if let Some(earlier) = self.pending.replace(Pending {
            begin,
            is_over: false,
            tried: Instant::now(),
        }) {
            self.outcome.lost += earlier.samples();
        }
    }

    /// Ends the recording: no file can be made any more.
    fn give_up(&self, error: &anyhow::Error) {
        if !self.shared.is_gone.swap(true, Ordering::Relaxed) {
            say(&format!("procviz: {error:#}"));
        }
    }

    fn try_again(&mut self, after: Duration) {
        let Some(mut pending) = self.pending.take() else {
            return;
        };
        if pending.tried.elapsed() < after {
            self.pending = Some(pending);
            return;
        }
        // One that is over may be behind the next one.
        let next = self.open.take_if(|_| pending.is_over);
        let begun = self.begin(&pending.begin);
        if begun.is_ok() && pending.is_over {
            self.end();
        }
        if next.is_some() {
            self.open = next;
        }
        match begun {
            Ok(()) => say("procviz: recording goes on"),
            Err(error) => {
                if error.is::<Replaced>() {
                    self.give_up(&error);
                }
                pending.tried = Instant::now();
                self.pending = Some(pending);
            }
        }
    }

    /// Writes a block. After something was lost, samples of which nobody knows
    /// what led to them are lost, too.
    fn write(&mut self, part: Part) {
        let pending = self.pending.as_mut();
        if let Some(pending) = pending.filter(|pending| !pending.is_over) {
            if self.lost.is_empty() && pending.bytes() < MOST_WAITING {
                pending.begin.parts.push(part);
            } else {
                self.outcome.lost += part.1;
                self.lost.add(part, "no file could be made");
            }
            return;
        }
        if !self.lost.is_empty() {
            self.outcome.lost += part.1;
            let why = std::mem::take(&mut self.lost.why);
            self.lost.add(part, &why);
            self.ask_for_all();
            return;
        }
        let Some(open) = &mut self.open else { return };
        let is_first = self.lost.why.is_empty();
        let samples = part.1;
        let mut all = self.lost.take_kept();
        all.push(part);
        let written = open.append(all.iter().map(|(block, _)| block));
        self.shared.size.store(open.good, Ordering::Relaxed);
        match written {
            Ok(()) => {
                self.lost = Lost::default();
                match open.is_gone {
                    true => self.outcome.lost += samples,
                    false => self.outcome.samples += samples,
                }
            }
            Err(error) => {
                if is_first {
                    say(&format!(
                        "procviz: `{}`: {error}; sampling goes on",
                        shown(open.path())
                    ));
                }
                self.outcome.lost += samples;
                let why = error.to_string();
                all.into_iter().for_each(|part| self.lost.add(part, &why));
            }
        }
    }

    /// Asks for everybody, if something was lost and there seems to be room.
    fn ask_for_all(&mut self) {
        let bytes = self.needed.max(self.lost.needs());
        let has_room = match (&self.pending, &mut self.open) {
            (Some(pending), _) if !pending.is_over => pending.bytes() < MOST_WAITING,
            (_, Some(open)) => open.has_room_for(bytes),
            (_, None) => false,
        };
        let wants_all = has_room && !self.lost.is_empty();
        self.shared.wants_all.store(wants_all, Ordering::Relaxed);
    }

    /// Writes what was lost, and everybody: after that nobody misses it.
    fn write_anew(&mut self, all: &[Part]) {
        self.shared.wants_all.store(false, Ordering::Relaxed);
        // It may have been asked for twice.
        if self.lost.is_empty() {
            return;
        }
        let told = self.lost.blocks();
        let pending = self.pending.as_mut();
        if let Some(pending) = pending.filter(|pending| !pending.is_over) {
            let told = told.into_iter().map(|block| (block, 0));
            pending.begin.parts.extend(told.chain(all.iter().cloned()));
            self.lost = Lost::default();
            return;
        }
        let Some(open) = &mut self.open else { return };
        let all = all.iter().map(|(block, _)| block);
        let blocks: Vec<&Block> = told.iter().chain(all).collect();
        self.needed = blocks.iter().map(|block| block.bytes.len()).sum();
        let written = open.append(blocks);
        self.shared.size.store(open.good, Ordering::Relaxed);
        if written.is_ok() {
            let lost = std::mem::take(&mut self.lost).samples;
            say(&format!(
                "procviz: recording goes on, {lost} samples were lost"
            ));
        }
    }

    /// Closes the file.
    fn end(&mut self) {
        if let Some(pending) = &mut self.pending {
            pending.is_over = true;
        }
        let Some(mut open) = self.open.take() else {
            return;
        };
        if !open.has_samples() {
            // Nothing came of it: what was there before stays.
            open.remove();
            return;
        }
        let all = open.append(&self.lost.blocks());
        // Word of it has room where no more has.
        if all.or_else(|_| open.append(&self.lost.gap())).is_ok() {
            self.lost = Lost::default();
        }
        if let Ok(index) = Block::index(&open.entries) {
            _ = open.append([&index]);
        }
        open.sync();
        if !open.take_place() {
            say(&format!(
                "procviz: `{}` could not be replaced: what was recorded is lost",
                shown(open.path())
            ));
            open.remove();
            self.shared.is_gone.store(true, Ordering::Relaxed);
        }
        self.outcome.bytes += open.good;
    }
}
