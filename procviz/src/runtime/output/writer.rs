//! Writes pictures on a thread of its own, so that a slow disk does not delay samples.

use std::{
    ffi::OsString,
    fs::File,
    io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write},
    os::fd::AsFd as _,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::JoinHandle,
};

use anyhow::{Context as _, anyhow};

use super::{Format, Part, Target, confine_writer, take_owner_identity};
use crate::{paint, runtime::text::escaped};

/// What the thread writes.
pub(crate) enum Job {
    /// The bytes of a whole file.
    File(Vec<u8>),
    /// One frame of an animation, as a PNG file.
    Frame(Vec<u8>),
    /// The animation of all frames so far.
    Animation { format: Format, delay_ms: u32 },
}

/// Frames of an unfinished animation, in a file without a name, so that the use of
/// memory does not grow with the number of frames.
struct Spool {
    file: File,
    sizes: Vec<usize>,
}

impl Spool {
    fn add(&mut self, frame: &[u8]) -> std::io::Result<()> {
        self.file.write_all(frame)?;
        self.sizes.push(frame.len());
        Ok(())
    }

    /// Writes the animation of all frames.
    fn write(&mut self, out: impl Write, format: Format, delay_ms: u32) -> anyhow::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut file = BufReader::with_capacity(1 << 16, &self.file);
        let mut frames = self.sizes.iter().map(|size| {
            let mut frame = vec![0; *size];
            file.read_exact(&mut frame)?;
            Ok(frame)
        });
        let count = self.sizes.len() as u32;
        match format {
            Format::Gif => paint::gif(out, &mut frames, delay_ms)?,
            _ => paint::apng(out, (&mut frames, count), delay_ms)?,
        }
        Ok(())
    }
}

/// Handle of the writer thread.
pub(crate) struct Writer {
    jobs: Option<SyncSender<(OsString, Job)>>,
    failed: Receiver<anyhow::Error>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, as the user who called sudo if that user owns the folder.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(crate) fn start(target: &Target) -> std::io::Result<Self> {
        let (jobs, receiver) = sync_channel::<(OsString, Job)>(8);
        let (errors, failed) = sync_channel(1);
        let (ready, is_ready) = sync_channel(1);
        let target = target.clone();
        let body = move || {
            let keep = take_owner_identity(&target.folder);
            confine_writer(&target.folder, keep);
            _ = ready.send(());
            let mut spool = None;
            for (name, job) in receiver {
                let outcome = work(&target, name, job, &mut spool);
                if let Err(error) = outcome {
                    // A full channel holds an earlier error, which is enough.
                    _ = errors.try_send(error);
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("procviz-writer".to_owned())
            .spawn(body)?;
        // The thread must change its identity now: later, seccomp refuses the system calls.
        _ = is_ready.recv();
        Ok(Self {
            jobs: Some(jobs),
            failed,
            thread: Some(thread),
        })
    }

    /// Hands a job over to the thread.
    ///
    /// # Errors
    ///
    /// The error of an earlier job.
    pub(crate) fn write(&self, name: OsString, job: Job) -> anyhow::Result<()> {
        self.check()?;
        let sent = self
            .jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send((name, job)).is_ok());
        if sent {
            Ok(())
        } else {
            Err(anyhow!("the writer thread stopped early"))
        }
    }

    /// Checks for errors of earlier jobs.
    ///
    /// # Errors
    ///
    /// The first error since the last call.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.failed.try_recv().map_or(Ok(()), Err)
    }

    /// Waits until all jobs are done.
    ///
    /// # Errors
    ///
    /// The first error since the last call of [`Self::check`].
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
        self.check()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Jobs that were handed over are still done, also after an error elsewhere.
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

fn work(
    target: &Target,
    name: OsString,
    job: Job,
    spool: &mut Option<Spool>,
) -> anyhow::Result<()> {
    let path = || escaped(target.path_of(&name));
    let failed = || format!("failed to write `{}`", path());
    match (job, spool) {
        (Job::File(bytes), _) => write(target, &name, |file| Ok(file.write_all(&bytes)?)),
        (Job::Frame(frame), Some(spool)) => spool.add(&frame).with_context(failed),
        (Job::Frame(frame), spool) => {
            let file = target.folder.create_spool();
            let file =
                file.with_context(|| format!("failed to create a temporary file for `{}`", path()));
            let sizes = Vec::new();
            let spool = spool.insert(Spool { file: file?, sizes });
            spool.add(&frame).with_context(failed)
        }
        (Job::Animation { format, delay_ms }, Some(spool)) => write(target, &name, |file| {
            let mut out = BufWriter::with_capacity(1 << 16, file);
            spool.write(&mut out, format, delay_ms)?;
            Ok(out.flush()?)
        }),
        (Job::Animation { .. }, None) => Ok(()),
    }
}

fn write(
    target: &Target,
    name: &OsString,
    fill: impl FnOnce(&mut File) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut file, part) = Part::create(&target.folder, name, (target.force, target.mode))?;
    fill(&mut file)
        .and_then(|()| Ok(rustix::fs::fdatasync(file.as_fd())?))
        .with_context(|| format!("failed to write `{}`", escaped(part.path())))?;
    part.place()
}
