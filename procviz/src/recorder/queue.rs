//! Queues jobs for the writer thread, up to a limit in bytes. A disk can block this thread
//! for minutes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvError, RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use super::job::Job;

/// Upper limit for the jobs in the queue, bytes: enough for 15 min of 2,000 tasks if 40 of
/// these tasks are active ten times per second.
const MOST_BYTES: usize = 16 << 20;

/// Bytes in the queue: of jobs that begin a file, which can hold a whole ring, and of all
/// other jobs.
type Waiting = [AtomicUsize; 2];

/// The end of the queue for the sampling thread.
pub(super) struct Queue {
    jobs: Sender<Job>,
    waiting: Arc<Waiting>,
    most: usize,
}

/// The end of the queue for the writer thread.
pub(super) struct JobReceiver {
    jobs: Receiver<Job>,
    waiting: Arc<Waiting>,
}

/// Creates an empty queue.
pub(super) fn queue() -> (Queue, JobReceiver) {
    let (give, take) = channel();
    let waiting = Arc::new(Waiting::default());
    let queue = Queue {
        jobs: give,
        waiting: Arc::clone(&waiting),
        most: most_bytes(),
    };
    let receiver = JobReceiver {
        jobs: take,
        waiting,
    };
    (queue, receiver)
}

impl Queue {
    /// Adds a job; never blocks.
    ///
    /// # Errors
    ///
    /// Returns the job when the queue is full, or the writer thread has ended.
    pub(super) fn offer(&self, job: Job) -> Result<(), Job> {
        if self.waiting[kind(&job)].load(Ordering::Relaxed) >= self.most {
            return Err(job);
        }
        self.push(job)
    }

    /// Adds a job, even if the queue is full.
    ///
    /// # Errors
    ///
    /// Returns the job when the writer thread has ended.
    pub(super) fn push(&self, job: Job) -> Result<(), Job> {
        self.waiting[kind(&job)].fetch_add(job.bytes(), Ordering::Relaxed);
        // If the writer thread has ended, the number of bytes no longer matters.
        self.jobs.send(job).map_err(|unsent| unsent.0)
    }
}

impl JobReceiver {
    /// Waits for the next job.
    ///
    /// # Errors
    ///
    /// When the sampling thread has closed the queue.
    pub(super) fn take(&self) -> Result<Job, RecvError> {
        self.jobs.recv().inspect(|job| self.taken(job))
    }

    /// Waits for the next job, but no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// When no job came within that time, or the sampling thread has closed the queue.
    pub(super) fn take_within(&self, timeout: Duration) -> Result<Job, RecvTimeoutError> {
        self.jobs
            .recv_timeout(timeout)
            .inspect(|job| self.taken(job))
    }

    fn taken(&self, job: &Job) {
        self.waiting[kind(job)].fetch_sub(job.bytes(), Ordering::Relaxed);
    }
}

fn kind(job: &Job) -> usize {
    usize::from(!matches!(job, Job::Begin(_)))
}

/// Upper limit for the jobs in the queue, bytes. Tests set the variable to get a small
/// queue.
fn most_bytes() -> usize {
    let value = std::env::var("PROCVIZ_TEST_QUEUE_BYTES").ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(MOST_BYTES)
}
