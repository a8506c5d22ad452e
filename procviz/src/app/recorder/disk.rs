//! The thread that writes recordings: a file as far as it is good, and what
//! was lost where it could not be written.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rustix::fs::{Mode, OFlags, open, unlink};

use super::{
    super::{output, stdout::say},
    Keeping, Place,
};
use crate::{
    model::Untrusted,
    recording::{Block, Entry},
};

/// How often the disk is asked to have it all.
const SYNC: Duration = Duration::from_secs(5);
/// How often it is tried to make a file that could not be made.
const AGAIN: Duration = Duration::from_secs(1);
/// What waits for a file that cannot be made; beyond this it is lost.
const MOST_WAITING: usize = 128 << 20;

/// A block, and how many samples are in it.
pub(super) type Part = (Block, u64);

/// What is asked of the thread.
pub(super) enum Job {
    /// Goes to the end of the file.
    Part(Part),
    /// Ends the file, if there is one, and begins the next.
    Begin(Begin),
    /// Ends the file.
    End,
}

/// A file that is to be begun.
pub(super) struct Begin {
    /// Wall clock, ns since 1970: of the name.
    pub(super) wall_ns: i128,
    /// Why; of the name, too.
    pub(super) why: Option<Why>,
    /// What stands in it first.
    pub(super) parts: Vec<Part>,
}

/// What has made somebody write.
#[derive(Clone, Debug)]
pub(super) struct Why {
    pub(super) trigger: String,
    pub(super) words: String,
}

/// What is lost until something can be written again.
#[derive(Clone, Debug, Default)]
pub(super) struct Lost {
    pub(super) samples: u64,
    span_ns: Option<(u64, u64)>,
    why: String,
}

impl Lost {
    pub(super) fn add(&mut self, (block, samples): &Part, why: &str) {
        self.samples += samples;
        let begin = self.span_ns.map_or(block.begin_ns, |(begin, _)| begin);
        self.span_ns = Some((begin, block.end_ns));
        self.why = why.to_owned();
    }

    pub(super) fn block(&self) -> Option<Block> {
        let span = self.span_ns?;
        Block::gap(span, self.samples, &self.why).ok()
    }
}

/// What has been done at the end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) bytes: u64,
    pub(super) samples: u64,
    pub(super) lost: u64,
    pub(super) files: u64,
}

/// A file that is written.
struct Open {
    path: PathBuf,
    file: File,
    entries: Vec<Entry>,
    good: u64,
    synced: Instant,
    /// Somebody has removed it: what is written is read by nobody.
    is_gone: bool,
}

impl Open {
    /// Creates it, under its own name at once, so that it is there after a crash.
    fn create(path: &Path, keeping: &Keeping) -> anyhow::Result<Self> {
        output::check_free(path, keeping.force)?;
        if keeping.force && path.exists() {
            unlink(path).with_context(|| format!("failed to replace `{}`", shown(path)))?;
        }
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(keeping.mode);
        let file = open(path, flags, mode)
            .with_context(|| format!("failed to create `{}`", shown(path)))?;
        let mut open = Self {
            path: path.to_owned(),
            file: file.into(),
            entries: Vec::new(),
            good: 0,
            synced: Instant::now(),
            is_gone: false,
        };
        let header = Block::file_header();
        // The umask is about files that nobody said anything of.
        let written = rustix::fs::fchmod(&open.file, mode)
            .map_err(std::io::Error::from)
            .and_then(|()| open.file.write_all(&header));
        if let Err(error) = written {
            _ = unlink(path);
            return Err(error).with_context(|| format!("failed to write `{}`", shown(path)));
        }
        open.good = header.len() as u64;
        Ok(open)
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

    /// Whether it has no name any more, and had one at the last look.
    fn has_gone(&mut self) -> bool {
        let is_gone = rustix::fs::fstat(&self.file).is_ok_and(|stat| stat.st_nlink == 0);
        is_gone && !std::mem::replace(&mut self.is_gone, is_gone)
    }
}

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
    open: Option<Open>,
    pending: Option<Pending>,
    lost: Lost,
    outcome: Outcome,
    /// Bytes of the file that is written.
    size: Arc<AtomicU64>,
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
    pub(super) fn new(keeping: Keeping, size: Arc<AtomicU64>) -> Self {
        Self {
            keeping,
            open: None,
            pending: None,
            lost: Lost::default(),
            outcome: Outcome::default(),
            size,
        }
    }

    /// Begins a file.
    ///
    /// # Errors
    ///
    /// When it cannot be made; then nothing has changed.
    pub(super) fn begin(&mut self, begin: &Begin) -> anyhow::Result<()> {
        let mut open = match &self.keeping.place {
            Place::File(path) => Open::create(path, &self.keeping)?,
            Place::Folder(folder) => {
                folder.make_room(1, None);
                let path = folder.free_name(begin)?;
                Open::create(&path, &self.keeping)?
            }
        };
        let mut samples = 0;
        for (block, count) in &begin.parts {
            let written = open.append(block);
            if let Err(error) = written {
                _ = unlink(&open.path);
                return Err(error)
                    .with_context(|| format!("failed to write `{}`", shown(&open.path)));
            }
            samples += count;
        }
        self.end();
        self.outcome.samples += samples;
        self.outcome.files += 1;
        self.size.store(open.good, Ordering::Relaxed);
        if let Some(why) = &begin.why {
            let words = Untrusted::new(why.words.as_bytes()).terminal();
            say(&format!(
                "procviz: {words}: {samples} samples are in `{}`, which goes on",
                shown(&open.path)
            ));
        }
        self.open = Some(open);
        Ok(())
    }

    /// Makes the folder, where there is none.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub(super) fn make_folder(&self) -> anyhow::Result<()> {
        match &self.keeping.place {
            Place::File(_) => Ok(()),
            Place::Folder(folder) => folder.make(self.keeping.mode),
        }
    }

    /// Looks whether a file could be made.
    ///
    /// # Errors
    ///
    /// When it could not.
    pub(super) fn probe(&self) -> anyhow::Result<()> {
        if let Place::Folder(folder) = &self.keeping.place {
            let path = folder
                .path
                .join(format!(".procviz-{}.part", std::process::id()));
            Open::create(&path, &self.keeping)?;
            unlink(&path)?;
        }
        Ok(())
    }

    /// Does all that is asked.
    pub(super) fn work(mut self, todo: Receiver<Job>) -> Outcome {
        loop {
            let job = match &self.pending {
                None => todo.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => todo.recv_timeout(AGAIN),
            };
            match job {
                Ok(Job::Part(part)) => self.write(part),
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
                    Place::File(_) => "what is recorded from now on is lost",
                    Place::Folder(_) => "what is recorded until the next file is lost",
                };
                say(&format!(
                    "procviz: `{}` has been removed: {what}; sampling goes on",
                    shown(&open.path)
                ));
            }
            if let Place::Folder(folder) = &self.keeping.place {
                folder.make_room(0, Some((&open.path, open.good)));
            }
        }
    }

    /// Keeps what is to be written until it can be.
    fn wait(&mut self, begin: Begin, error: &anyhow::Error) {
        say(&format!("procviz: {error:#}; it is tried again"));
        self.end();
        if let Some(earlier) = self.pending.replace(Pending {
            begin,
            is_over: false,
            tried: Instant::now(),
        }) {
            self.outcome.lost += earlier.samples();
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
        if self.begin(&pending.begin).is_err() {
            pending.tried = Instant::now();
            self.pending = Some(pending);
            return;
        }
        say("procviz: recording goes on");
        if pending.is_over {
            self.end();
        }
    }

    /// Writes a block, after word of what was lost before it.
    fn write(&mut self, part: Part) {
        if let Some(pending) = &mut self.pending {
            if pending.bytes() < MOST_WAITING {
                pending.begin.parts.push(part);
            } else {
                self.lost.add(&part, "no file could be made");
                self.outcome.lost += part.1;
            }
            return;
        }
        let Some(open) = &mut self.open else { return };
        let gap = self.lost.block();
        let written = gap
            .map_or(Ok(()), |gap| open.append(&gap))
            .and_then(|()| open.append(&part.0));
        self.size.store(open.good, Ordering::Relaxed);
        match written {
            Ok(()) => {
                if self.lost.samples > 0 {
                    let lost = self.lost.samples;
                    say(&format!(
                        "procviz: recording goes on, {lost} samples were lost"
                    ));
                }
                self.lost = Lost::default();
                if open.is_gone {
                    self.outcome.lost += part.1;
                } else {
                    self.outcome.samples += part.1;
                }
            }
            Err(error) => {
                if self.lost.block().is_none() {
                    say(&format!(
                        "procviz: `{}`: {error}; sampling goes on",
                        shown(&open.path)
                    ));
                }
                self.lost.add(&part, &error.to_string());
                self.outcome.lost += part.1;
            }
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
        if let Some(gap) = self.lost.block()
            && open.append(&gap).is_ok()
        {
            self.lost = Lost::default();
        }
        if let Ok(index) = Block::index(&open.entries) {
            _ = open.append(&index);
        }
        open.sync();
        self.outcome.bytes += open.good;
    }
}

pub(super) fn shown(path: &Path) -> String {
    Untrusted::new(path.as_os_str().as_encoded_bytes()).terminal()
}
