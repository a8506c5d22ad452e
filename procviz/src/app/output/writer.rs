//! The thread that writes pictures, so that a slow disk delays no sample.

use std::{
    ffi::OsString,
    io::Write as _,
    os::fd::AsFd as _,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::JoinHandle,
};

use anyhow::{Context as _, anyhow};

use super::{Format, Part, Target, become_owner};
use crate::{app::stdout::shown, paint, source::keep_only};

/// What is to be written.
pub(in crate::app) enum Job {
    /// A file as it is.
    File(Vec<u8>),
    /// An animation of frames that are PNG files.
    Animation {
        format: Format,
        frames: Vec<Vec<u8>>,
        delay_ms: u32,
    },
}

impl Job {
    fn bytes(self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::File(bytes) => Ok(bytes),
            Self::Animation {
                format: Format::Gif,
                frames,
                delay_ms,
            } => Ok(paint::gif(&frames, delay_ms)?),
            Self::Animation {
                frames, delay_ms, ..
            } => Ok(paint::apng(&frames, delay_ms)?),
        }
    }
}

/// The thread.
pub(in crate::app) struct Writer {
    jobs: Option<SyncSender<(OsString, Job)>>,
    failed: Receiver<anyhow::Error>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts it, as the user who called sudo where that user owns the folder.
    ///
    /// # Errors
    ///
    /// When no thread can be had.
    pub(in crate::app) fn start(target: &Target) -> std::io::Result<Self> {
        let (jobs, todo) = sync_channel::<(OsString, Job)>(8);
        let (tell, failed) = sync_channel(1);
        let target = target.clone();
        let body = move || {
            keep_only(become_owner(&target.folder));
            for (name, job) in todo {
                let outcome = job.bytes().and_then(|bytes| write(&target, name, &bytes));
                if let Err(error) = outcome {
                    // Whoever does not listen still has the first one to hear.
                    _ = tell.try_send(error);
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("procviz-writer".to_owned())
            .spawn(body)?;
        Ok(Self {
            jobs: Some(jobs),
            failed,
            thread: Some(thread),
        })
    }

    /// Hands a file over.
    ///
    /// # Errors
    ///
    /// What went wrong with an earlier one.
    pub(in crate::app) fn write(&self, name: OsString, job: Job) -> anyhow::Result<()> {
        self.check()?;
        let sent = self
            .jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send((name, job)).is_ok());
        if sent {
            Ok(())
        } else {
            Err(anyhow!("the writing thread ended early"))
        }
    }

    /// Whether all went well so far.
    ///
    /// # Errors
    ///
    /// What went wrong since the last time that somebody asked.
    pub(in crate::app) fn check(&self) -> anyhow::Result<()> {
        self.failed.try_recv().map_or(Ok(()), Err)
    }

    /// Waits until all is written.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub(in crate::app) fn finish(mut self) -> anyhow::Result<()> {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
        self.check()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // What was handed over is written, also when something else went wrong.
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

fn write(target: &Target, name: OsString, bytes: &[u8]) -> anyhow::Result<()> {
    let (mut file, part) = Part::create(&target.folder, name, (target.force, target.mode))?;
    file.write_all(bytes)
        .and_then(|()| Ok(rustix::fs::fdatasync(file.as_fd())?))
        .with_context(|| format!("failed to write `{}`", shown(part.path())))?;
    part.place()
}
