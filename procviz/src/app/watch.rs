//! Samples at absolute deadlines on a thread of its own, so that drawing
//! never delays a sample; hands them over through a bounded channel.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval_at},
};

use super::config::Schedule;
use crate::{
    model::Sample,
    source::{Sampler, SamplerError},
};

/// Samples that wait to be merged; beyond these they are added to the newest.
const QUEUE: usize = 4;

/// Events that one sample holds when nobody takes it; beyond these they are
/// lost and counted.
const MOST_EVENTS: usize = 300_000;

/// What the sampling thread says.
pub(super) enum Said {
    /// A sample; `is_last` when no other will come.
    Sample { sample: Box<Sample>, is_last: bool },
    /// Sampling failed.
    Failed(SamplerError),
}

/// The sampling thread.
pub(super) struct Watch {
    said: Receiver<Said>,
    empty: SyncSender<Box<Sample>>,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts it; the opening census comes at once. Signals are passed on to
    /// `child`, whose end is told through [`Watch::stopper`].
    ///
    /// # Errors
    ///
    /// When no thread can be had.
    pub(super) fn start(
        sampler: Sampler,
        schedule: &Schedule,
        child: Option<u32>,
    ) -> std::io::Result<Self> {
        let (say, said) = sync_channel(QUEUE);
        let (empty, reuse) = sync_channel(QUEUE + 2);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let schedule = *schedule;
        let stop = Arc::new(Notify::new());
        let mut ticker = Ticker {
            sampler,
            say,
            reuse,
            late: 0,
            skipped: 0,
            dropped: 0,
            stop: Arc::clone(&stop),
            child,
        };
        let body = move || {
            let outcome = runtime.block_on(ticker.run(&schedule));
            if let Err(error) = outcome {
                // Nobody listens any more: then nobody misses it.
                _ = ticker.say.send(Said::Failed(error));
            }
        };
        let thread = std::thread::Builder::new()
            .name("procviz-sampler".to_owned())
            .spawn(body)?;
        Ok(Self {
            said,
            empty,
            stop,
            thread: Some(thread),
        })
    }

    /// What ends the run with one last sample.
    pub(super) fn stopper(&self) -> Arc<Notify> {
        Arc::clone(&self.stop)
    }

    /// The next thing said; `None` when all is said.
    pub(super) fn next(&self) -> Option<Said> {
        self.said.recv().ok()
    }

    /// Gives a sample's room back.
    pub(super) fn give_back(&self, sample: Box<Sample>) {
        // A full channel means there is room enough.
        _ = self.empty.try_send(sample);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Without a receiver the thread ends at its next tick; nobody waits for it.
        drop(self.thread.take());
    }
}

struct Ticker {
    sampler: Sampler,
    say: SyncSender<Said>,
    reuse: Receiver<Box<Sample>>,
    late: u64,
    skipped: u64,
    /// Events thrown away, as nobody took the samples.
    dropped: u64,
    stop: Arc<Notify>,
    child: Option<u32>,
}

impl Ticker {
    async fn run(&mut self, schedule: &Schedule) -> Result<(), SamplerError> {
        let interval = schedule.interval;
        let mut signals = [
            (Signal::SIGINT, SignalKind::interrupt()),
            (Signal::SIGTERM, SignalKind::terminate()),
            (Signal::SIGHUP, SignalKind::hangup()),
        ]
        .map(|(name, kind)| (name, signal(kind).ok()));
        let mut sample = Box::new(Sample::new(self.sampler.sources()));
        self.sampler.sample(&mut sample)?;
        let start = Instant::now();
        let mut is_open = self.hand_over(&mut sample, false);
        let mut ticks = interval_at(start + interval, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut done = 0;
        while is_open {
            let stop = tokio::select! {
                due = ticks.tick() => { self.count_lateness(due, interval); false }
                () = self.stop.notified() => true,
                signal = first_of(&mut signals) => {
                    if self.is_the_childs(signal) {
                        continue;
                    }
                    true
                }
            };
            done += 1;
            let is_last = stop || schedule.is_over(done, start.elapsed());
            self.sampler.sample(&mut sample)?;
            sample.losses.late_ticks = self.late;
            sample.losses.skipped_ticks = self.skipped;
            sample.losses.other += self.dropped;
            is_open = self.hand_over(&mut sample, is_last) && !is_last;
        }
        Ok(())
    }

    /// Whether a signal is for the command, which decides what to make of it
    /// and whose end will end the run. Ctrl-C has come to it from the terminal.
    fn is_the_childs(&self, signal: Signal) -> bool {
        let Some(pid) = self.child.and_then(|pid| i32::try_from(pid).ok()) else {
            return false;
        };
        if signal == Signal::SIGINT {
            return true;
        }
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).is_ok()
    }

    fn count_lateness(&mut self, due: Instant, interval: Duration) {
        let late = due.elapsed();
        self.late += u64::from(late > interval / 2);
        self.skipped += (late.as_secs_f64() / interval.as_secs_f64()) as u64;
    }

    /// Gives the sample away. If nobody has taken the earlier ones, it is kept
    /// and the next tick adds to it: late, counted, but not lost. False when
    /// the receiver is gone.
    fn hand_over(&mut self, sample: &mut Box<Sample>, is_last: bool) -> bool {
        let next = self
            .reuse
            .try_recv()
            .unwrap_or_else(|_| Box::new(Sample::new(self.sampler.sources())));
        let full = std::mem::replace(sample, next);
        let stamp = full.stamp;
        let said = Said::Sample {
            sample: full,
            is_last,
        };
        let outcome = if is_last {
            self.say
                .send(said)
                .map_err(|error| TrySendError::Disconnected(error.0))
        } else {
            self.say.try_send(said)
        };
        match outcome {
            Ok(()) => {
                self.sampler.handed_over(stamp);
                sample.clear();
                sample.machine.deaths = None;
                true
            }
            Err(TrySendError::Full(Said::Sample { sample: kept, .. })) => {
                self.late += 1;
                *sample = kept;
                let dropped = sample.merge(MOST_EVENTS);
                if dropped > 0 {
                    self.dropped += dropped;
                    self.sampler.look_at_all_again();
                }
                true
            }
            Err(_) => false,
        }
    }
}

/// Waits for one of some signals; for ever for those that cannot be had.
async fn first_of(signals: &mut [(Signal, Option<tokio::signal::unix::Signal>); 3]) -> Signal {
    let [one, two, three] = signals;
    tokio::select! {
        () = received(&mut one.1) => one.0,
        () = received(&mut two.1) => two.0,
        () = received(&mut three.1) => three.0,
    }
}

/// Waits for a signal, for ever where it cannot be had.
async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => _ = signal.recv().await,
        None => std::future::pending().await,
    }
}
