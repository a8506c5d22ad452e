//! What waits for the writing thread, which a disk may hold up for minutes:
//! so many bytes of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvError, RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use super::job::Job;

/// No more is taken once so much waits: a quarter of an hour of 2,000 tasks
/// of which 40 do something ten times a second.
const MOST_BYTES: usize = 16 << 20;

/// Bytes that wait: of files that are to be begun, which may hold a whole ring,
/// and of what goes into them.
type Waiting = [AtomicUsize; 2];

/// The end of whoever samples.
pub(super) struct Queue {
    jobs: Sender<Job>,
    waiting: Arc<Waiting>,
    most: usize,
}

/// The end of whoever writes.
pub(super) struct Todo {
    jobs: Receiver<Job>,
    waiting: Arc<Waiting>,
}

/// A queue in which nothing waits.
pub(super) fn queue() -> (Queue, Todo) {
    let (give, take) = channel();
    let waiting = Arc::new(Waiting::default());
    let queue = Queue {
        jobs: give,
        waiting: Arc::clone(&waiting),
        most: most_bytes(),
    };
    let todo = Todo {
        jobs: take,
        waiting,
    };
    (queue, todo)
}

impl Queue {
    /// Gives a job; never waits.
    ///
    /// # Errors
    ///
    /// The job, when too much waits already or nobody takes any.
    pub(super) fn offer(&self, job: Job) -> Result<(), Job> {
        if self.waiting[kind(&job)].load(Ordering::Relaxed) >= self.most {
            return Err(job);
        }
        self.push(job)
    }

    /// Gives a job however much waits.
    ///
    /// # Errors
    ///
    /// The job, when nobody takes any.
    pub(super) fn push(&self, job: Job) -> Result<(), Job> {
        self.waiting[kind(&job)].fetch_add(job.bytes(), Ordering::Relaxed);
        // Where nobody takes any, nobody counts.
        self.jobs.send(job).map_err(|unsent| unsent.0)
    }
}

impl Todo {
    /// Waits for the next job.
    ///
    /// # Errors
    ///
    /// When there will be none.
    pub(super) fn take(&self) -> Result<Job, RecvError> {
        self.jobs.recv().inspect(|job| self.taken(job))
    }

    /// Waits for the next job, but no longer than that.
    ///
    /// # Errors
    ///
    /// When there was none in that time, or there will be none.
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

/// Tests have less room than anybody needs.
fn most_bytes() -> usize {
    let told = std::env::var("PROCVIZ_TEST_QUEUE_BYTES").ok();
    told.and_then(|told| told.parse().ok())
        .unwrap_or(MOST_BYTES)
}
