//! Writes recordings on a thread of its own. A file only grows by complete blocks; what
//! could not be written is counted as lost.

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
    Place, RecordingOptions,
    folder::{Cleanup, free_name},
    job::{Begin, Job},
    lost::Lost,
    newest::Newest,
    open::Open,
    part::Part,
    queue::JobReceiver,
};
use crate::{
    recording::{Block, Facts},
    runtime::{
        output::{OutFolder, Part as OutPart, confine_writer, take_owner_identity},
        text::escaped,
        warning::{Warning, warn},
    },
};

/// Time between two calls of fdatasync(2).
const SYNC: Duration = Duration::from_secs(5);
/// Time between two attempts to create a file.
const AGAIN: Duration = Duration::from_secs(1);
/// Upper limit for blocks that wait for a file that cannot be created, bytes. Further
/// blocks are lost.
const MOST_WAITING: usize = 128 << 20;

/// What was written, for the message at the end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) bytes: u64,
    pub(super) samples: u64,
    pub(super) lost: u64,
    pub(super) files: u64,
}

/// The path of the folder now leads to another folder, and Landlock refuses writes to that
/// folder.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is another folder now, but procviz is confined to the original folder: start procviz again"
)]
struct Replaced(String);

/// A file that could not be created yet.
struct Pending {
    begin: Begin,
    /// Whether the file is complete: no more blocks are added.
    is_over: bool,
    tried: Instant,
}

/// The state of the writer thread.
pub(super) struct Disk {
    options: RecordingOptions,
    /// The folder of [`Place::Folder`]; `None` until it is open.
    folder: Option<OutFolder>,
    /// Whether the kernel refuses writes to all other folders.
    is_limited: bool,
    cleanup: Cleanup,
    open: Option<Open>,
    pending: Option<Pending>,
    lost: Lost,
    /// The end of the current file, which gives way to the gap block if the disk is full
    /// when the file is closed.
    newest: Option<Newest>,
    /// Size of the state of all tasks when the disk had no room for it, bytes.
    needed: usize,
    outcome: Outcome,
    /// What the sampling thread sees of this thread.
    shared: Arc<Shared>,
}

/// What the sampling thread sees of the writer thread.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Size of the current file, bytes.
    pub(super) size: AtomicU64,
    /// Blocks were lost, and there is room again: the writer thread waits for
    /// [`Job::FullState`].
    pub(super) wants_full_state: AtomicBool,
    /// Data of the recording is gone: its file was removed or could not get its name, or its
    /// folder was replaced.
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
    pub(super) fn new(options: RecordingOptions, facts: &Facts, shared: Arc<Shared>) -> Self {
        let cleanup = match &options.place {
            Place::File(..) => Cleanup::default(),
            Place::Folder(folder) => Cleanup::new(folder.limits, facts),
        };
        Self {
            options,
            folder: None,
            is_limited: false,
            cleanup,
            open: None,
            pending: None,
            lost: Lost::default(),
            newest: None,
            needed: 0,
            outcome: Outcome::default(),
            shared,
        }
    }

    /// Opens the folder and confines this thread to it. If the user who called sudo owns the
    /// folder, takes the file system identity of that user first.
    ///
    /// # Errors
    ///
    /// When the folder cannot be created or opened.
    pub(super) fn confine(&mut self) -> anyhow::Result<()> {
        let nearest = self.options.place.nearest().clone();
        let is_folder = matches!(self.options.place, Place::Folder(_));
        let keep = take_owner_identity(&nearest);
        let folder = match is_folder {
            true => self.open_folder()?,
            false => nearest,
        };
        self.is_limited = confine_writer(&folder, keep);
        Ok(())
    }

    /// Begins a file, and closes the current file.
    ///
    /// # Errors
    ///
    /// When the file cannot be created; the current file then stays open.
    pub(super) fn begin(&mut self, begin: &Begin) -> anyhow::Result<()> {
        let how = (self.options.force, self.options.mode);
        let mut open = match &self.options.place {
            Place::File(folder, name) => Open::create(folder, name.clone(), how)?,
            Place::Folder(_) => {
                let folder = self.open_folder()?;
                self.cleanup.make_room(&folder, 1, None);
                let name = free_name(&folder, begin)?;
                Open::create(&folder, name, how)?
            }
        };
        let written = open.append(begin.parts.iter().map(|(block, _)| block));
        if let Err(error) = written {
            open.remove();
            return Err(error)
                .with_context(|| format!("failed to write `{}`", escaped(open.path())));
        }
        let samples: u64 = begin.parts.iter().map(|(_, samples)| samples).sum();
        self.end();
        self.newest = None;
        self.outcome.samples += samples;
        self.outcome.files += 1;
        self.shared.size.store(open.good, Ordering::Relaxed);
        if let Some(why) = &begin.why {
            warn(Warning::TriggerFired {
                trigger: &why.words,
                path: &open.path(),
                samples,
            });
        }
        self.open = Some(open);
        Ok(())
    }

    /// Adds to the beginning of a new file what was lost in the previous file, except for
    /// the time that the new file covers itself.
    fn hand_over(&mut self, begin: &mut Begin) {
        let mut lost = std::mem::take(&mut self.lost);
        let mut parts = begin.parts.iter().filter(|(block, _)| block.has_samples());
        let first = parts.next().map(|(block, _)| block.begin_ns);
        // A ring also covers the time before the trigger. Without a ring, the new file
        // begins with a census, which covers only the present moment.
        if let Some(first) = first.filter(|_| begin.why.is_some()) {
            lost.end_before(first);
        }
        let blocks = lost.blocks().into_iter().map(|block| (block, 0));
        let at = begin.parts.len().min(1);
        begin.parts.splice(at..at, blocks);
    }

    /// Opens the folder. The first call creates it if it does not exist. Later, another folder
    /// can have the same path: then that folder is opened, unless this thread is confined to
    /// the original folder.
    ///
    /// # Errors
    ///
    /// When the folder cannot be created or opened, another procviz records to it, or
    /// [`Replaced`].
    fn open_folder(&mut self) -> anyhow::Result<OutFolder> {
        let Place::Folder(place) = &self.options.place else {
            return Err(anyhow!("a recording to one file has no folder of its own"));
        };
        // A folder that was moved away and back is still locked, by this file descriptor.
        if let Some(folder) = self.folder.as_ref().filter(|folder| folder.is_in_place()) {
            return Ok(folder.clone());
        }
        let folder = match self.folder {
            None => place.open(self.options.mode)?,
            Some(_) if self.is_limited && place.is_there() => {
                return Err(anyhow!(Replaced(escaped(place.path()))));
            }
            // The folder is not created again: it can be on a disk that is not mounted at
            // the moment.
            Some(_) => place.open_again()?,
        };
        Ok(self.folder.insert(folder).clone())
    }

    /// Checks that a file can be created.
    ///
    /// # Errors
    ///
    /// When a file cannot be created.
    pub(super) fn probe(&mut self) -> anyhow::Result<()> {
        let folder = self.open_folder()?;
        let name = format!("procviz-{}", std::process::id());
        OutPart::create(&folder, name, (false, self.options.mode)).map(|_| ())
    }

    /// Does all jobs until the queue is closed.
    pub(super) fn work(mut self, receiver: &JobReceiver) -> Outcome {
        loop {
            let job = match &self.pending {
                None => receiver.take().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => receiver.take_within(AGAIN),
            };
            match job {
                Ok(Job::Part(part)) => self.write(part),
                Ok(Job::FullState(parts)) => self.write_full_state(&parts),
                Ok(Job::Lost(lost)) => {
                    self.lost.absorb(lost);
                    self.request_full_state();
                }
                Ok(Job::Begin(begin)) => {
                    self.try_again(Duration::ZERO);
                    // A file that still waits to be created continues instead of the next
                    // file.
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
            warn(Warning::LastSamplesLost);
        }
        self.end();
        self.outcome
    }

    fn look_after_files(&mut self) {
        if let Some(open) = &mut self.open
            && open.synced.elapsed() >= SYNC
        {
            open.sync();
            if open.was_removed() {
                warn(Warning::RecordingRemoved { path: &open.path() });
                self.shared.is_gone.store(true, Ordering::Relaxed);
            }
            if let Some(folder) = &self.folder {
                let written = (open.name.as_os_str(), open.good);
                self.cleanup.make_room(folder, 0, Some(written));
            }
        }
    }

    /// Keeps the beginning of a file until the file can be created.
    fn wait(&mut self, begin: Begin, error: &anyhow::Error) {
        match error.is::<Replaced>() {
            true => self.give_up(error),
            false => warn(Warning::FileNotCreated { error }),
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

    /// Ends the recording: no file can be created any more.
    fn give_up(&self, error: &anyhow::Error) {
        if !self.shared.is_gone.swap(true, Ordering::Relaxed) {
            warn(Warning::FolderReplaced { error });
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
        // The next file can already be open while a complete file still waits.
        let next = self.open.take_if(|_| pending.is_over);
        let begun = self.begin(&pending.begin);
        if begun.is_ok() && pending.is_over {
            self.end();
        }
        if next.is_some() {
            self.open = next;
        }
        match begun {
            Ok(()) => warn(Warning::RecordingContinues),
            Err(error) => {
                if error.is::<Replaced>() {
                    self.give_up(&error);
                }
                pending.tried = Instant::now();
                self.pending = Some(pending);
            }
        }
    }

    /// Writes a block. After a loss, further samples are lost, too, until the state of all
    /// tasks is written: a reader could not use these samples without that state.
    fn write(&mut self, part: Part) {
        let pending = self.pending.as_mut();
        if let Some(pending) = pending.filter(|pending| !pending.is_over) {
            if self.lost.is_empty() && pending.bytes() < MOST_WAITING {
                pending.begin.parts.push(part);
            } else {
                self.outcome.lost += part.1;
                self.lost.add(part, "no file could be created");
            }
            return;
        }
        if !self.lost.is_empty() {
            self.outcome.lost += part.1;
            let why = std::mem::take(&mut self.lost.why);
            self.lost.add(part, &why);
            self.request_full_state();
            return;
        }
        let Some(open) = &mut self.open else { return };
        let is_first = self.lost.why.is_empty();
        let samples = part.1;
        let mut all = self.lost.take_kept();
        all.push(part);
        let newest = Newest::at_end_of(open, samples);
        let written = open.append(all.iter().map(|(block, _)| block));
        self.shared.size.store(open.good, Ordering::Relaxed);
        match written {
            Ok(()) => {
                self.lost = Lost::default();
                match open.is_gone {
                    true => self.outcome.lost += samples,
                    false => self.outcome.samples += samples,
                }
                self.newest = Newest::after(self.newest.take(), newest, all);
            }
            Err(error) => {
                if is_first {
                    warn(Warning::WriteFailed {
                        path: &open.path(),
                        error: &error,
                    });
                }
                self.outcome.lost += samples;
                let why = error.to_string();
                all.into_iter().for_each(|part| self.lost.add(part, &why));
            }
        }
    }

    /// Asks for the state of all tasks, if samples were lost and there seems to be room.
    fn request_full_state(&mut self) {
        let bytes = self.needed.max(self.lost.needs());
        let has_room = match (&self.pending, &mut self.open) {
            (Some(pending), _) if !pending.is_over => pending.bytes() < MOST_WAITING,
            (_, Some(open)) => open.has_room_for(bytes),
            (_, None) => false,
        };
        let wants_full_state = has_room && !self.lost.is_empty();
        self.shared
            .wants_full_state
            .store(wants_full_state, Ordering::Relaxed);
    }

    /// Writes what was lost, and the state of all tasks: a reader can continue after that.
    fn write_full_state(&mut self, all: &[Part]) {
        self.shared.wants_full_state.store(false, Ordering::Relaxed);
        // The state can arrive a second time, when it was requested twice.
        if self.lost.is_empty() {
            return;
        }
        let lost = self.lost.blocks();
        let pending = self.pending.as_mut();
        if let Some(pending) = pending.filter(|pending| !pending.is_over) {
            let lost = lost.into_iter().map(|block| (block, 0));
            pending.begin.parts.extend(lost.chain(all.iter().cloned()));
            self.lost = Lost::default();
            return;
        }
        let Some(open) = &mut self.open else { return };
        let all = all.iter().map(|(block, _)| block);
        let blocks: Vec<&Block> = lost.iter().chain(all).collect();
        self.needed = blocks.iter().map(|block| block.bytes.len()).sum();
        let written = open.append(blocks);
        self.shared.size.store(open.good, Ordering::Relaxed);
        if written.is_ok() {
            let lost = std::mem::take(&mut self.lost).samples;
            // The gap block before it must stay.
            self.newest = None;
            warn(Warning::RecordingContinuesAfterLoss { lost });
        }
    }

    /// Writes what was lost at the end of a file. Returns whether the file reports the loss.
    fn close_gap(&mut self, open: &mut Open) -> bool {
        // A full disk can still have room for the gap block alone.
        let all = open.append(&self.lost.blocks());
        if all.or_else(|_| open.append(&self.lost.gap())).is_ok() {
            return true;
        }
        // No room at all: the newest samples give way, so that the loss is not silent. The
        // first samples of a file stay.
        let Some(newest) = self.newest.take() else {
            return false;
        };
        let mut lost = self.lost.clone();
        lost.begin_earlier(newest.parts.clone());
        if open.take_back(newest.good, newest.entries).is_err() {
            return false;
        }
        let all = open.append(&lost.blocks());
        let is_reported = all.or_else(|_| open.append(&lost.gap())).is_ok();
        // Otherwise another program has taken the room, and can have left enough for the
        // samples.
        let parts = newest.parts.iter().map(|(block, _)| block);
        if is_reported || open.append(parts).is_err() {
            self.outcome.samples -= newest.samples;
            self.outcome.lost += newest.samples;
        }
        is_reported
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
            // Without samples, the file that was there before is kept.
            open.remove();
            return;
        }
        if self.close_gap(&mut open) {
            self.lost = Lost::default();
        }
        if let Ok(index) = Block::index(&open.entries) {
            _ = open.append([&index]);
        }
        open.sync();
        if !open.rename_to_final() {
            warn(Warning::NotReplaced { path: &open.path() });
            open.remove();
            self.shared.is_gone.store(true, Ordering::Relaxed);
        }
        self.outcome.bytes += open.good;
    }
}

#[cfg(test)]
mod tests;
